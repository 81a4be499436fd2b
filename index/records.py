"""Cases as JSON lines and passages as a table, and back.

Texts are not repeated: a case and a passage are spans of their source, which the index keeps whole.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from index.arrays import Data, array_bytes, array_of
from rag.passages import Passages
from rag.types import Case, District, Section, Source, Span

_SECTIONS = "sections.json"
_COLUMNS = ("owners", "headings", "spans", "starts", "sentences", "id_order")


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


def cases_from_lines(data: Data, sources: Mapping[str, Source]) -> tuple[Case, ...]:
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


def passages_to_files(passages: Passages) -> dict[str, bytes]:
    """Write passages as the columns of their table."""
    files = {_SECTIONS: json.dumps(passages.sections, ensure_ascii=False).encode()}
    for name in _COLUMNS:
        files[f"{name}.npy"] = array_bytes(getattr(passages, name))
    return files


def passages_from_files(files: Mapping[str, Data], cases: Sequence[Case]) -> Passages:
    """Read what `passages_to_files` wrote; texts are cut from the cases' sources when asked for."""
    sections = [tuple(section) for section in json.loads(bytes(files[_SECTIONS]))]
    columns = {name: array_of(files[f"{name}.npy"]) for name in _COLUMNS}
    return Passages(cases, sections, **columns)


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


def _records(data: Data) -> Iterator[dict[str, Any]]:
    # Not splitlines: a source may hold U+2028, which is a line end there but not in JSON lines.
    return (json.loads(line) for line in bytes(data).split(b"\n") if line)
