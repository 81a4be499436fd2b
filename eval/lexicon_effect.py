"""What a lexicon would change: the questions it speaks to, and their answers before and after.

A candidate is tried in place of the lexicon in use, on the product's own systems, with and without
question expansions, before anybody is served by it.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from eval.dataset import Dataset
from eval.result import Result
from eval.rows import compared, first_of, measures_of, ranks_of
from eval.run import run
from eval.statistics import Comparison, holm
from eval.systems import System
from eval.workbench import Workbench
from rag.lexicon import Lexicon


@dataclass(frozen=True, slots=True)
class Use:
    """A key that stands in questions.

    Attributes:
        key: As the lexicon is searched by it.
        terms: What it brings; none if its terms all contain it.
        questions: How many questions it was found in.
    """

    key: str
    terms: tuple[str, ...]
    questions: int


@dataclass(frozen=True, slots=True)
class Move:
    """A question whose first answer changed place.

    Attributes:
        question_id: The question.
        text: As asked.
        keys: The candidate's that were found in it; none where the lexicon in use had some.
        before: Rank of the first passage that answers, from 1; None if none does.
        after: The same with the candidate.
    """

    question_id: str
    text: str
    keys: tuple[str, ...]
    before: int | None
    after: int | None


@dataclass(frozen=True, slots=True)
class Effect:
    """What a candidate changes about one system on one dataset.

    Attributes:
        dataset: Its name.
        system: The system's name.
        comparisons: The candidate against the lexicon in use, a primary measure each, the headline
            first; only the headline's p is corrected, over all effects that were asked for.
        refused: Questions refused, with the lexicon in use and with the candidate.
        moves: What became worse first, then what became better, each in the dataset's order.
    """

    dataset: str
    system: str
    comparisons: tuple[Comparison, ...]
    refused: tuple[int, int]
    moves: tuple[Move, ...]

    @property
    def worse(self) -> bool:
        """Whether the headline is measurably worse."""
        return self.comparisons[0].verdict == "worse"


def uses_of(lexicon: Lexicon, questions: Iterable[str]) -> tuple[Use, ...]:
    """Count the questions that each key is found in.

    Returns:
        The keys that are found at all, the most frequent first, equals by key.
    """
    counts: dict[str, int] = {}
    brought: dict[str, tuple[str, ...]] = {}
    for question in questions:
        found = {one.key: one.terms for one in lexicon.found(question)}
        brought.update(found)
        for key in found:
            counts[key] = counts.get(key, 0) + 1
    uses = [Use(key, brought[key], count) for key, count in counts.items()]
    return tuple(sorted(uses, key=lambda use: (-use.questions, use.key)))


def effects_of(
    bench: Workbench,
    systems: Sequence[System],
    *,
    used: Path | None,
    candidate: Path,
    lexicon: Lexicon,
) -> Iterator[Effect]:
    """Ask a dataset's questions with the lexicon in use and with a candidate.

    Args:
        bench: The dataset's.
        systems: Which to try; their own lexicons do not count.
        used: The lexicon in use; None if there is none.
        candidate: The file to try.
        lexicon: What it says.

    Returns:
        An effect a system, in order, each as soon as it is known; p uncorrected (see `corrected`).
    """
    for system in systems:
        before, after = (
            run(bench, bench.build(replace(system, lexicon=str(file) if file else "")))
            for file in (used, candidate)
        )
        yield Effect(
            dataset=bench.dataset.name,
            system=system.name,
            comparisons=_headline_first(before, after),
            refused=(_refused(before), _refused(after)),
            moves=moves_of(before, after, lexicon),
        )


def corrected(effects: Sequence[Effect]) -> tuple[Effect, ...]:
    """Correct the p of the headlines, over all effects (Holm)."""
    headlines = holm([effect.comparisons[0] for effect in effects])
    return tuple(
        replace(effect, comparisons=(headline, *effect.comparisons[1:]))
        for effect, headline in zip(effects, headlines, strict=True)
    )


def systems_for(dataset: Dataset, systems: Sequence[System]) -> tuple[System, ...]:
    """Leave out systems with expansions where a dataset has none: they would be the plain ones."""
    return tuple(s for s in systems if dataset.expansions or not s.expansions)


def moves_of(before: Result, after: Result, lexicon: Lexicon) -> tuple[Move, ...]:
    """Tell the answerable questions whose first answer has another rank; worse ones first."""
    moves = [
        Move(
            question_id=question.question_id,
            text=question.text,
            keys=tuple(dict.fromkeys(one.key for one in lexicon.found(question.text))),
            before=first_of(ranks_of(before, old)),
            after=first_of(ranks_of(after, new)),
        )
        for question, old, new in zip(after.questions, before.outcomes, after.outcomes, strict=True)
    ]
    moved = [move for move in moves if move.before != move.after]
    return tuple(sorted(moved, key=lambda move: _place(move.after) < _place(move.before)))


def _place(rank: int | None) -> float:
    return float("inf") if rank is None else rank


def _refused(result: Result) -> int:
    return sum(outcome.reason is not None for outcome in result.outcomes)


def _headline_first(before: Result, after: Result) -> tuple[Comparison, ...]:
    headline = measures_of(after)[0]
    comparisons = compared(before, after)
    return tuple(sorted(comparisons, key=lambda pair: pair.measure != headline))
