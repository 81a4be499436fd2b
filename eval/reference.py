"""What the answer to a question is held against: evidence, districts, facts."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal, TypeAlias

from eval.evidence import Evidence, Holders
from eval.facts import Facts, facts_of
from eval.perturbations import to_simplified
from eval.questions import Question
from rag.named_districts import district_names
from rag.types import Case

Need: TypeAlias = Literal["one", "any", "all"]
"""What it takes to answer: the only quote, any of several, or all of several."""


@dataclass(frozen=True, slots=True)
class Reference:
    """A question, and what is known of its answer.

    Attributes:
        question: The question.
        evidence: Its quotes, located; none for a question that nothing answers.
        holders: For each, the passages that hold it.
        named: Official names of the districts that the question names; often none.
        districts: Those of the cases that hold evidence; empty where any of them is unknown.
        facts: Of the reference answer; none for a question that nothing answers.
    """

    question: Question
    evidence: tuple[Evidence, ...]
    holders: tuple[Holders, ...]
    named: tuple[str, ...]
    districts: frozenset[str]
    facts: Facts

    @property
    def answerable(self) -> bool:
        """Whether something answers the question."""
        return bool(self.evidence)

    @property
    def need(self) -> Need | None:
        """What it takes to answer; None where nothing does."""
        if not self.evidence:
            return None
        return "one" if len(self.evidence) == 1 else self.question.mode

    def share_of(self, held: Iterable[bool]) -> float | None:
        """Share of what it takes to answer, in [0, 1].

        Args:
            held: Whether each quote is there, in their order.

        Returns:
            Where any quote answers, 1 if one is there; None where nothing answers.
        """
        values = list(held)
        if self.need is None:
            return None
        return float(any(values)) if self.need == "any" else sum(values) / len(values)


def references_of(
    questions: Iterable[Question],
    located: Sequence[tuple[Evidence, Holders]],
    cases: Mapping[str, Case],
) -> tuple[Reference, ...]:
    """Gather what is known of the answers to some questions.

    Args:
        questions: In the order of the answer.
        located: Evidence of all of them, and of others, in the order of their quotes.
        cases: Of the index, by id.
    """
    own = frozenset(d.name for case in cases.values() for d in case.districts)
    names = district_names(sorted(own))
    by_question: dict[str, list[tuple[Evidence, Holders]]] = {}
    for piece, held in located:
        by_question.setdefault(piece.question_id, []).append((piece, held))

    def reference(question: Question) -> Reference:
        pieces = by_question.get(question.question_id, [])
        holders = tuple(held for _, held in pieces)
        return Reference(
            question=question,
            evidence=tuple(piece for piece, _ in pieces),
            holders=holders,
            named=names.read(to_simplified(question.text)).districts,
            districts=_districts(holders, cases),
            facts=facts_of(question.answer if pieces else "", names, own),
        )

    return tuple(map(reference, questions))


def _districts(holders: Iterable[Holders], cases: Mapping[str, Case]) -> frozenset[str]:
    known = list(_each(holders, cases))
    return frozenset[str]().union(*known) if all(known) else frozenset()


def _each(holders: Iterable[Holders], cases: Mapping[str, Case]) -> Iterator[frozenset[str]]:
    for held in holders:
        for case_id in held.cases:
            yield frozenset(district.name for district in cases[case_id].districts)
