"""What somebody types -> what they may go on to ask: known questions and the titles of cases.

Nothing is encoded and nothing is computed but where the letters stand, so an answer is there before
the next key. All texts are written behind one another, the shorter first, and looked through from
the beginning: what is found first is what is offered first, and looking ends with the last that is
wanted. Measured: at most 0.14 ms over the 2,281 texts of the bundled collection; over 124,440 (2.0
million letters) 0.1 ms where much is found, 2.5 to 5 ms where next to nothing is. Indexes of
beginnings and of letter pairs would each answer one half of that faster, for several times the memory.
"""

from __future__ import annotations

import re
from array import array
from bisect import bisect_right
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import chain, islice
from typing import Literal, Self

from rag.divisions import stem_of
from rag.tokens import letters_of
from rag.types import Case, Span

_BETWEEN = "\n"
"""Stands between texts; no letter of any text is one."""
_ASKS = re.compile(r"[吗呢哪谁啥怎几]|什么|如何|多[少久]|能不能|是不是|有没有|可不可以|是否")
_SHORTEST_EXAMPLE = 8
"""Code points. Below that a question is a keyword; people are to see how freely they may ask."""


@dataclass(frozen=True, slots=True)
class KnownQuestion:
    """A question that somebody wrote down because a case answers it."""

    text: str
    case_id: str


@dataclass(frozen=True, slots=True)
class Suggestion:
    """A text that is offered.

    Attributes:
        text: As it was written.
        case_id: The case whose title it is; None of a question.
        highlights: Where it has what was typed, in code points of ``text``, in order.
    """

    text: str
    case_id: str | None
    highlights: tuple[Span, ...] = ()

    @property
    def kind(self) -> Literal["question", "case"]:
        """What it is."""
        return "question" if self.case_id is None else "case"


@dataclass(frozen=True, slots=True)
class Suggestions:
    """All that can be offered.

    Attributes:
        texts: Each once, the shorter first, then by code point.
        examples: For who has typed nothing.
    """

    texts: tuple[Suggestion, ...]
    examples: tuple[Suggestion, ...]
    _letters: str
    _starts: array[int]

    @classmethod
    def of(cls, cases: Sequence[Case], questions: Iterable[KnownQuestion]) -> Self:
        """Make ready what can be offered.

        Args:
            cases: Their titles; of a case and its duplicates the first. In the order of their sources.
            questions: What they are known to answer; may be empty.

        Returns:
            Texts of equal letters are one; the title of a case goes before a question.
        """
        questions = tuple(questions)
        distinct = [case for case in cases if case.duplicate_of is None]
        titles = (Suggestion(case.title, case.case_id) for case in distinct)
        asked = (Suggestion(question.text, None) for question in questions)
        by_letters: dict[str, Suggestion] = {}
        for one in chain(titles, asked):
            by_letters.setdefault(letters_of(one.text).text, one)
        by_letters.pop("", None)  # a title of marks alone
        kept = sorted(by_letters.items(), key=lambda item: (len(item[1].text), item[1].text))
        starts = array("L", [0])
        for letters, _ in kept:
            starts.append(starts[-1] + len(letters) + 1)
        return cls(
            texts=tuple(one for _, one in kept),
            examples=tuple(_examples(distinct, questions)),
            _letters=_BETWEEN + "".join(letters + _BETWEEN for letters, _ in kept),
            _starts=starts,
        )

    def matching(self, typed: str, limit: int) -> tuple[Suggestion, ...]:
        """Offer what begins with what was typed, then what holds it, the shorter first.

        Args:
            typed: As typed; width, case, script, marks and white space do not matter.
            limit: How many at most.

        Returns:
            The examples where nothing was typed. Nothing for marks alone or one Latin letter, which is
            the beginning of any pinyin; Latin letters are found where a word begins and not inside.

        Raises:
            ValueError: If ``limit`` is below 1.
        """
        if limit < 1:
            message = f"limit must be at least 1, not {limit}"
            raise ValueError(message)
        if not typed.strip():
            return self.examples[:limit]
        letters = letters_of(typed).text
        if not letters or (len(letters) == 1 and _latin(letters)):
            return ()
        rows = chain(self._rows(_BETWEEN + letters), self._rows(letters))
        found = islice(dict.fromkeys(islice(rows, 2 * limit)), limit)
        return tuple(_marked(self.texts[row], letters) for row in found)

    def _rows(self, wanted: str) -> Iterator[int]:
        """Find the texts that hold a run of letters, each once, in order."""
        at = self._letters.find(wanted)
        while at >= 0:
            if _inside_word(self._letters, at):
                at = self._letters.find(wanted, at + 1)
                continue
            row = bisect_right(self._starts, at) - 1
            yield row
            at = self._letters.find(wanted, self._starts[row + 1])


def _marked(one: Suggestion, letters: str) -> Suggestion:
    """Mark the letters wherever they stand in a text."""
    own = letters_of(one.text)
    spans: list[Span] = []
    at = own.text.find(letters)
    while at >= 0:
        end = at + len(letters)
        span = Span(own.origin[at], own.origin[end - 1] + 1)
        if not _inside_word(own.text, at) and not (spans and spans[-1].end > span.start):
            spans.append(span)  # the letters may stand in one sign twice: 1 in ⑪
        at = own.text.find(letters, end)
    return Suggestion(one.text, one.case_id, tuple(spans))


def _inside_word(text: str, at: int) -> bool:
    return at > 0 and _latin(text[at]) and _latin(text[at - 1])


def _latin(letter: str) -> bool:
    return letter.isascii() and letter.isalpha()


def _examples(cases: Iterable[Case], questions: Iterable[KnownQuestion]) -> Iterator[Suggestion]:
    """Choose a question for each case, or its title; one of every district, then the others."""
    of_case: dict[str, list[str]] = {}
    for question in questions:
        of_case.setdefault(question.case_id, []).append(question.text)
    turns: Counter[str | None] = Counter()
    ordered: list[tuple[int, Suggestion]] = []
    for case in cases:
        district = case.districts[0].name if case.districts else None
        known = of_case.get(case.case_id)
        example = (
            Suggestion(min(known, key=lambda text: _awkwardness(text, district)), None)
            if known
            else Suggestion(case.title, case.case_id)
        )
        ordered.append((turns[district], example))
        turns[district] += 1
    return (example for _, example in sorted(ordered, key=lambda item: item[0]))


def _awkwardness(question: str, district: str | None) -> tuple[bool, bool, bool, int, str]:
    """How little a question shows of what can be asked: it should ask, and say of which district."""
    return (
        _ASKS.search(question) is None,
        district is not None and stem_of(district) not in question,
        len(question) < _SHORTEST_EXAMPLE,
        len(question),
        question,
    )
