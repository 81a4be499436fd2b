"""Which questions went wrong, in words a person can check: the texts behind the numbers."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from eval.questions import Question, squeeze
from eval.result import Excerpt, Miss, Outcome, Result
from eval.rows import answerable, first_of, ranks_of

_DEPTH = 10
"""Ranks that count as found; the depth of `Outcome.miss`."""
_EDGE = 6
"""Characters of a cut quote that are worth marking."""


@dataclass(frozen=True, slots=True)
class Piece:
    """A run of text, and whether it is evidence."""

    text: str
    evidence: bool


@dataclass(frozen=True, slots=True)
class Shown:
    """A unit as a report shows it.

    Attributes:
        unit_id: Passage or document.
        rank: Its rank, from 1.
        label: Whose it is; None if the result holds no excerpt of the unit.
        pieces: Its text, evidence marked; empty without an excerpt.
    """

    unit_id: str
    rank: int
    label: str | None
    pieces: tuple[Piece, ...]


@dataclass(frozen=True, slots=True)
class Story:
    """What became of one question.

    Attributes:
        question: The question.
        ranks: Of its quotes, from 1, or of the first judged unit; None for what is not ranked.
        miss: Diagnosis, where there is one.
        first: What came first; None if nothing was found.
        holder: The unit of the first of these ranks; None if it came first, or there is none.
        relevant: Labels of the judged units, for questions without quotes.
    """

    question: Question
    ranks: tuple[int | None, ...]
    miss: Miss | None
    first: Shown | None
    holder: Shown | None
    relevant: tuple[str, ...]

    @property
    def rank(self) -> int | None:
        """Rank of the first evidence; None if it is not ranked."""
        return first_of(self.ranks)

    @property
    def missed(self) -> bool:
        """Whether no evidence is in the top 10."""
        return self.rank is None or self.rank > _DEPTH


@dataclass(frozen=True, slots=True)
class Flip:
    """A question that one system finds and the other does not.

    Attributes:
        story: What became of it in the later system.
        before: The ranks in the system compared with.
        gained: Whether the later one finds it.
    """

    story: Story
    before: tuple[int | None, ...]
    gained: bool


def stories_of(result: Result) -> tuple[Story, ...]:
    """Tell every answerable question whose evidence is not first: missed ones first, then by rank.

    Equal ranks keep the order of the questions.
    """
    stories = [story for story in _stories(result).values() if story.rank != 1]
    return tuple(sorted(stories, key=lambda story: (not story.missed, story.rank or 0)))


def flips_of(above: Result, result: Result, k: int) -> tuple[Flip, ...]:
    """Tell the questions that left or entered the top k between two systems; lost ones first.

    Found is what `found_measure` says. Questions that one of the two has
    no value for are not compared.

    Raises:
        ValueError: If one of the two lacks the measure.
    """
    measure = found_measure(result, k)
    if measure not in above.values or measure not in result.values:
        message = f"{measure} is not among the values of {above.name} and {result.name}"
        raise ValueError(message)
    before, after = above.values[measure], result.values[measure]
    ranks = {outcome.question_id: ranks_of(above, outcome) for outcome in above.outcomes}
    flips = [
        Flip(story, ranks[name], gained=after[name] > before[name])
        for name, story in _stories(result).items()
        if name in before and name in after and before[name] != after[name]
    ]
    return tuple(sorted(flips, key=lambda flip: flip.gained))


def found_measure(result: Result, k: int) -> str:
    """Name the measure that says whether a question is answered within the top k."""
    return f"Success@{k}" if result.document_judged else f"hit@{k}"


def pieces_of(text: str, quotes: Sequence[str]) -> tuple[Piece, ...]:
    """Cut a text where quotes begin and end; white space inside a quote may differ.

    Of a quote that a boundary cuts, the part at the text's own edge is marked, if it is 6
    characters or longer: fewer may be there by chance. The pieces joined are the text.

    >>> [(piece.text, piece.evidence) for piece in pieces_of("当天办结，三 日到账。", ["三日到账"])]
    [('当天办结，', False), ('三 日到账', True), ('。', False)]
    >>> [piece.text for piece in pieces_of("退税提速。企业不再跑", ["企业不再跑窗口"]) if piece.evidence]
    []
    >>> [piece.text for piece in pieces_of("提速。企业不再跑窗", ["企业不再跑窗口"]) if piece.evidence]
    ['企业不再跑窗']
    """
    runs = [
        run for quote in quotes if squeeze(quote) for run in _runs(squeeze(text), squeeze(quote))
    ]
    if not runs:
        return (Piece(text, evidence=False),) if text else ()
    # The longest first: of two quotes that begin together, the whole one is to be marked.
    pattern = "|".join(_pattern(run) for run in sorted(runs, key=len, reverse=True))
    parts = re.split(f"({pattern})", text)
    return tuple(Piece(part, evidence=place % 2 == 1) for place, part in enumerate(parts) if part)


def _runs(text: str, quote: str) -> list[str]:
    """Which runs of a quote to mark in a text, both without white space."""
    if quote in text:
        return [quote]
    lengths = range(len(quote) - 1, _EDGE - 1, -1)
    head = next((quote[:length] for length in lengths if text.endswith(quote[:length])), "")
    tail = next((quote[-length:] for length in lengths if text.startswith(quote[-length:])), "")
    return [run for run in (head, tail) if run]


def _pattern(run: str) -> str:
    return r"\s*".join(map(re.escape, run))


def _stories(result: Result) -> Mapping[str, Story]:
    excerpts = {excerpt.unit_id: excerpt for excerpt in result.excerpts}
    outcomes = {outcome.question_id: outcome for outcome in result.outcomes}
    return {
        question.question_id: _story(result, question, outcomes[question.question_id], excerpts)
        for question in result.questions
        if answerable(result, question) and question.question_id in outcomes
    }


def _story(
    result: Result, question: Question, outcome: Outcome, excerpts: Mapping[str, Excerpt]
) -> Story:
    ranks = ranks_of(result, outcome)
    rank = first_of(ranks)
    late = rank is not None and 1 < rank <= len(outcome.ranking)
    grades = {} if question.quotes else result.qrels.get(question.question_id, {})
    judged = [unit for unit, grade in grades.items() if grade > 0]
    return Story(
        question=question,
        ranks=ranks,
        miss=outcome.miss,
        first=_shown(outcome, 1, question, excerpts) if outcome.ranking else None,
        holder=_shown(outcome, rank, question, excerpts) if rank is not None and late else None,
        relevant=tuple(excerpts[unit].label if unit in excerpts else unit for unit in judged),
    )


def _shown(
    outcome: Outcome, rank: int, question: Question, excerpts: Mapping[str, Excerpt]
) -> Shown:
    unit_id = outcome.ranking[rank - 1].unit_id
    excerpt = excerpts.get(unit_id)
    if excerpt is None:
        return Shown(unit_id, rank, None, ())
    return Shown(unit_id, rank, excerpt.label, pieces_of(excerpt.text, question.quotes))
