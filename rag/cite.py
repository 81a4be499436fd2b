"""Passage -> `Citation`: where a reader finds these exact characters.

One citation object, built once; every surface (HTTP, command line, widget) serialises this one.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from rag.permalink import permalink
from rag.types import Case, Passage, Span


@dataclass(frozen=True, slots=True)
class Citation:
    """The place that a passage was taken from.

    Attributes:
        label: One line for people: district, title, collection, rank.
        case_id: The case; ``/api/v1/cases/{case_id}`` returns it whole.
        title: The case's title.
        district: Its main district; None where the text names none.
        districts: All districts that share the case, the main one first.
        collection: The collection it stands in.
        case_rank: Its place there; None where the collection is not ranked.
        year: The collection's year, if known.
        section: Headings above the passage, outermost first.
        file: The source file's name.
        sha256: Hex digest of that file's bytes.
        start: First code point of the passage in the file's text.
        end: One past the last.
        url: Path of the case viewer, with the passage as fragment and what the case was when it was
            cited; see `rag.permalink`.
    """

    label: str
    case_id: str
    title: str
    district: str | None
    districts: tuple[str, ...]
    collection: str
    case_rank: int | None
    year: int | None
    section: tuple[str, ...]
    file: str
    sha256: str
    start: int
    end: int
    url: str

    def to_json(self) -> dict[str, Any]:
        """The citation as every surface shows it, ready for ``json.dumps``."""
        # Written out: `asdict` copies every value, .38 ms for ten citations against .01.
        return {
            "label": self.label,
            "case_id": self.case_id,
            "title": self.title,
            "district": self.district,
            "districts": list(self.districts),
            "collection": self.collection,
            "case_rank": self.case_rank,
            "year": self.year,
            "section": list(self.section),
            "url": self.url,
            "source": {
                "file": self.file,
                "sha256": self.sha256,
                "start": self.start,
                "end": self.end,
            },
        }


def cite(case: Case, passage: Passage) -> Citation:
    """Cite a passage of a case.

    Raises:
        ValueError: If the passage is not from this case, or is not what stands at its place: a
            citation that cannot be checked is never made.
    """
    if passage.case_id != case.case_id:
        message = f"passage {passage.passage_id} is not from case {case.case_id}"
        raise ValueError(message)
    if passage.span.of(case.source.text) != passage.text:
        message = f"passage {passage.passage_id} is not the text at its place in {case.source.name}"
        raise ValueError(message)
    return _citation(case, passage.span, passage.section)


def cite_span(case: Case, span: Span) -> Citation:
    """Cite a run of a case; its section is the innermost one that holds all of it.

    Raises:
        ValueError: If the run is empty or reaches beyond the case.
    """
    if not span or not case.span.start <= span.start <= span.end <= case.span.end:
        message = f"{span.start}..{span.end} is no run of case {case.case_id}"
        raise ValueError(message)
    section: tuple[str, ...] = ()
    for path, part in case.body.walk():
        if part.span.start <= span.start and span.end <= part.span.end:
            section = path
    return _citation(case, span, section)


def _citation(case: Case, span: Span, section: tuple[str, ...]) -> Citation:
    return Citation(
        label=label_of(case),
        case_id=case.case_id,
        title=case.title,
        district=case.district,
        districts=tuple(district.name for district in case.districts),
        collection=case.collection,
        case_rank=case.rank,
        year=case.year,
        section=section,
        file=case.source.name,
        sha256=case.source.sha256,
        start=span.start,
        end=span.end,
        url=permalink(case, span),
    )


def label_of(case: Case) -> str:
    """Name a case in one line: ``静安区《智能退税……》（上海市2022年度……，排名5）``."""
    districts = "、".join(district.name for district in case.districts) or "未写明区"
    rank = f"，排名{case.rank}" if case.rank is not None else ""
    return f"{districts}《{case.title}》（{case.collection}{rank}）"
