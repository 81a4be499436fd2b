"""What speaks for a passage as the answer, and what against it: the inputs of its confidence.

Scores say whether a passage is about what was asked. Two others say what scores cannot: that it
lacks the kind of value asked for, and that it is about another district than the one named. All are
read off the question and the first passage; more were tried, see docs/decisions/0008-confidence.md.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, fields, replace

from rag.asked import unsaid
from rag.named_districts import elsewhere


@dataclass(frozen=True, slots=True)
class Signals:
    """What is known of the first passage of a question; also a weight for each of these.

    Attributes:
        dense: Its score by vector, text and expansions together, in [0, 1]; 0 at the noise floor,
            and where it shares no term with the question: what encoders make of strings without
            words is near anything.
        lexical: Its score by term, likewise.
        unsaid: Share of the kinds of value asked for of which it holds none, in [0, 1].
        elsewhere: 1 if the question names districts and its case is of others, else 0; a case whose
            district is unknown may be of any.
        known: 1 if questions are known that it answers, else 0: these lift the scores of what it
            does answer, so that the same scores say less.
    """

    dense: float
    lexical: float
    unsaid: float = 0.0
    elsewhere: float = 0.0
    known: float = 0.0

    @property
    def values(self) -> tuple[float, ...]:
        """The signals in the order of `SIGNALS`."""
        return self.dense, self.lexical, self.unsaid, self.elsewhere, self.known

    def dot(self, weights: Signals) -> float:
        """Sum up the signals, each times its weight.

        >>> Signals(0.5, 0.2, 1.0).dot(Signals(10.0, 5.0, -2.0, -3.0))
        4.0
        """
        return sum(a * b for a, b in zip(self.values, weights.values, strict=True))

    def of_topic(self) -> Signals:
        """Forget what does not concern the topic: what is unsaid, and said elsewhere."""
        return replace(self, unsaid=0.0, elsewhere=0.0)


SIGNALS = tuple(field.name for field in fields(Signals))
"""Their names, in the order of the fields."""
FALLING = frozenset({"unsaid", "elsewhere", "known"})
"""Signals with which confidence falls; it rises with the others."""


@dataclass(frozen=True, slots=True)
class First:
    """The passage that comes first.

    Attributes:
        text: Its text.
        districts: Official names of its case's districts; none if they are unknown.
        dense: Its score by vector.
        lexical: Its score by term.
        known: Whether questions are known that it answers.
    """

    text: str
    districts: tuple[str, ...]
    dense: float
    lexical: float
    known: bool


def signals_of(question: str, named: Collection[str], first: First) -> Signals:
    """Read the signals off a question and its first passage.

    Args:
        question: As typed.
        named: Official names of the districts that the question names.
        first: What comes first.

    >>> first = First("静安区的退税三日到账", ("静安区",), 0.5, 0.25, known=False)
    >>> signals_of("嘉定退税几天到账？", ("嘉定区",), first)
    Signals(dense=0.5, lexical=0.25, unsaid=0.0, elsewhere=1.0, known=0.0)
    """
    return Signals(
        first.dense,
        first.lexical,
        unsaid(question, first.text),
        float(elsewhere(named, first.districts)),
        float(first.known),
    )
