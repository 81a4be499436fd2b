"""Verbatim quotes -> places in the sources: judgments that score any cutting alike."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from eval.questions import Question, QuestionsError, squeeze
from rag.types import Case, Passage, Source, Span


@dataclass(frozen=True, slots=True)
class Occurrence:
    """Where a quote stands: a source's name and the run, white space inside included."""

    source: str
    span: Span


@dataclass(frozen=True, slots=True)
class Evidence:
    """One quote of a question, wherever it stands; at least one place.

    A quote that stands in several places, such as both copies of a repeated case, is found when
    any of them is.
    """

    question_id: str
    quote: str
    occurrences: tuple[Occurrence, ...]


def locate(
    questions: Iterable[Question], sources: Sequence[Source], file: Path | None = None
) -> tuple[Evidence, ...]:
    """Find every quote in the sources; white space counts in neither.

    Args:
        questions: In the order of the answer.
        sources: The texts.
        file: Where the questions were read, for the message.

    Returns:
        The evidence in the order of questions and quotes; its occurrences in that of the sources,
        overlapping ones included. Questions without quotes have none.

    Raises:
        QuestionsError: If a quote stands in no source, or is blank: nothing could ever find it,
            and it would count as a miss of every system.
    """
    quoted = [(question, quote) for question in questions for quote in question.quotes]
    if not quoted:  # a public set of a hundred thousand documents has no quotes to look for
        return ()
    squeezed = [_Squeezed(source) for source in sources]
    found: list[Evidence] = []
    for question, quote in quoted:
        places = tuple(place for text in squeezed for place in text.places(quote))
        if not places:
            where = f"{file}：" if file else ""
            if question.line is not None:
                where += f"第 {question.line} 行："
            message = (
                f"{where}问题 {question.question_id} 的引文“{quote}”不在原文中；"
                "请核对引文与所给的原文"
            )
            raise QuestionsError(message)
        found.append(Evidence(question.question_id, quote, places))
    return tuple(found)


@dataclass(frozen=True, slots=True)
class Holders:
    """Which passages hold a quote; those of repeated cases do not count, as none is ever retrieved.

    Attributes:
        ways: Each the ids of passages that together hold all of it, one where it stands whole.
            Empty if even all passages together lack a part, such as one that is a heading.
        partly: Whether any passage holds a part of it.
        cases: Cases that it stands in, headings and repeats included, in reading order.
    """

    ways: tuple[tuple[str, ...], ...]
    partly: bool
    cases: tuple[str, ...]

    @property
    def whole(self) -> bool:
        """Whether a single passage holds all of it."""
        return any(len(way) == 1 for way in self.ways)

    def rank(self, rank_of: Mapping[str, int]) -> int | None:
        """The rank by which all of it has been read: that of the last passage it needs.

        Args:
            rank_of: Rank, from 1, by id of the passages that were ranked.

        Returns:
            The best rank of all ways; None if no way has all its passages ranked.

        >>> held = Holders((("a",), ("b", "c")), partly=True, cases=("c1",))
        >>> held.rank({"b": 1, "c": 4, "a": 9})
        4
        """
        return min(
            (max(rank_of[each] for each in way) for way in self.ways if rank_of.keys() >= {*way}),
            default=None,
        )


def holders_of(
    evidence: Iterable[Evidence], passages: Sequence[Passage], cases: Mapping[str, Case]
) -> tuple[Holders, ...]:
    """Find, for each piece of evidence, the passages that hold it.

    Args:
        evidence: In the order of the answer.
        passages: All passages of an index, those of one source in reading order.
        cases: All its cases by id, in reading order.
    """
    by_source: dict[str, list[int]] = {}
    for row, passage in enumerate(passages):
        case = cases[passage.case_id]
        if case.duplicate_of is None:
            by_source.setdefault(case.source.name, []).append(row)
    cases_in: dict[str, list[Case]] = {}
    for case in cases.values():
        cases_in.setdefault(case.source.name, []).append(case)

    def holders(piece: Evidence) -> Holders:
        ways: list[tuple[str, ...]] = []
        partly = False
        inside: dict[str, None] = {}
        for place in piece.occurrences:
            near = by_source.get(place.source, [])
            parts = tuple(row for row in near if _overlap(passages[row].span, place.span))
            partly = partly or bool(parts)
            inside.update(
                (case.case_id, None)
                for case in cases_in.get(place.source, [])
                if _overlap(case.span, place.span)
            )
            held = "".join(_shared(passages[row], place.span) for row in parts)
            if squeeze(held) == squeeze(piece.quote):
                ways.append(tuple(passages[row].passage_id for row in parts))
        return Holders(tuple(ways), partly, tuple(inside))

    return tuple(holders(piece) for piece in evidence)


def read_by(holders: Iterable[Holders], units: Iterable[str]) -> tuple[int | None, ...]:
    """Rank of each quote in a ranking, see `Holders.rank`.

    Args:
        holders: One a quote.
        units: Passage ids, best first.
    """
    rank_of = {unit_id: rank for rank, unit_id in enumerate(units, start=1)}
    return tuple(held.rank(rank_of) for held in holders)


def case_is_right(holders: Iterable[Holders], units: Sequence[str]) -> bool:
    """Whether the first passage is of a case that holds evidence; a ranking of none has no such.

    A passage's id begins with that of its case and a colon.

    >>> case_is_right([Holders((), partly=True, cases=("c1",))], ["c1:0-9", "c2:0-9"])
    True
    """
    return bool(units) and any(units[0].partition(":")[0] in held.cases for held in holders)


class _Squeezed:
    """A source without white space, and where each of its characters stood."""

    def __init__(self, source: Source) -> None:
        self._source = source
        self._kept = [i for i, character in enumerate(source.text) if not character.isspace()]
        self._text = "".join(source.text[i] for i in self._kept)

    def places(self, quote: str) -> Iterable[Occurrence]:
        words = squeeze(quote)
        at = self._text.find(words) if words else -1
        while at >= 0:
            span = Span(self._kept[at], self._kept[at + len(words) - 1] + 1)
            yield Occurrence(self._source.name, span)
            at = self._text.find(words, at + 1)


def _overlap(one: Span, other: Span) -> bool:
    return one.start < other.end and other.start < one.end


def _shared(passage: Passage, span: Span) -> str:
    """The part of a passage that lies in a span of its source."""
    start = passage.span.start
    return passage.text[max(0, span.start - start) : span.end - start]
