"""Cases and passages as JSON lines, and back.

Texts are not repeated: a case and a passage are spans of their source, which the index keeps whole.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from rag.types import Case, District, Passage, Section, Source, Span


def cases_to_lines(cases: Iterable[Case]) -> bytes:
    """Write cases, one a line."""
    return _lines(
        {
            "case_id": case.case_id,
            "source": case.source.name,
            "span": _pair(case.span),
            "collection": case.collection,
            "year": case.year,
            "rank": case.rank,
            "title": case.title,
            "districts": [[d.name, *_pair(d.evidence)] for d in case.districts],
            "body": _section_to_json(case.body),
            "duplicate_of": case.duplicate_of,
        }
        for case in cases
    )


def cases_from_lines(data: bytes, sources: Mapping[str, Source]) -> tuple[Case, ...]:
    """Read what `cases_to_lines` wrote, given the sources by name."""
    return tuple(
        Case(
            case_id=record["case_id"],
            source=sources[record["source"]],
            span=Span(*record["span"]),
            collection=record["collection"],
            year=record["year"],
            rank=record["rank"],
            title=record["title"],
            districts=tuple(District(n, Span(s, e)) for n, s, e in record["districts"]),
            body=_section_from_json(record["body"]),
            duplicate_of=record["duplicate_of"],
        )
        for record in _records(data)
    )


def passages_to_lines(passages: Iterable[Passage]) -> bytes:
    """Write passages, one a line, in row order."""
    return _lines(
        {
            "case_id": passage.case_id,
            "section": passage.section,
            "span": _pair(passage.span),
            "sentences": [_pair(sentence) for sentence in passage.sentences],
        }
        for passage in passages
    )


def passages_from_lines(data: bytes, cases: Sequence[Case]) -> tuple[Passage, ...]:
    """Read what `passages_to_lines` wrote; texts are cut from the cases' sources."""
    by_id = {case.case_id: case for case in cases}
    return tuple(
        Passage(
            case_id=record["case_id"],
            section=tuple(record["section"]),
            span=(span := Span(*record["span"])),
            text=span.of(by_id[record["case_id"]].source.text),
            sentences=tuple(Span(*pair) for pair in record["sentences"]),
        )
        for record in _records(data)
    )


def _pair(span: Span) -> list[int]:
    return [span.start, span.end]


def _section_to_json(section: Section) -> list[Any]:
    """A section as ``[title, level, heading, body, children]``."""
    children = [_section_to_json(child) for child in section.children]
    return [section.title, section.level, _pair(section.heading), _pair(section.body), children]


def _section_from_json(record: list[Any]) -> Section:
    title, level, heading, body, children = record
    below = tuple(_section_from_json(child) for child in children)
    return Section(title, level, Span(*heading), Span(*body), below)


def _lines(records: Iterable[Mapping[str, Any]]) -> bytes:
    return b"".join(
        json.dumps(record, ensure_ascii=False, separators=(",", ":")).encode() + b"\n"
        for record in records
    )


def _records(data: bytes) -> Iterator[dict[str, Any]]:
    # Not splitlines: a source may hold U+2028, which is a line end there but not in JSON lines.
    return (json.loads(line) for line in data.split(b"\n") if line)
