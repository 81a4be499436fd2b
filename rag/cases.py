"""`Entry` -> `Case`: what each entry is called, whose it is, of which year and collection."""

from __future__ import annotations

import hashlib
import re
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from pathlib import PurePosixPath

from rag.districts import read_districts
from rag.entries import Entry, entries_of
from rag.lines import Line, folded
from rag.outline import is_heading, outline
from rag.script import simplified
from rag.types import Case, Source, Span

_YEAR = r"(?<![0-9])((?:19|20)[0-9]{2})"
_STATED_YEAR = re.compile(_YEAR + r"(?= *年)")
_BARE_YEAR = re.compile(_YEAR + r"(?![0-9])")
_YEAR_IN_HAN = re.compile(r"((?:一九|二[〇零○])[〇零○一二三四五六七八九]{2})年")
_HAN_DIGITS = str.maketrans("〇零○一二三四五六七八九", "000123456789")
_FORM_FIELD = re.compile(
    r"[一-鿿]{0,6}(?:单位|部门|地区|时间|日期|名称|类别|类型|编号|关键词|来源|作者|联系人|电话):"
)
_STOP = re.compile(r"[，,。：:；;！!？?\s]")
_MAX_TITLE = 45
"""Code points of one title line; the longest in the bundled corpus has 21."""
_TITLE_LINES = 2


def read_cases(sources: Iterable[Source]) -> tuple[Case, ...]:
    """Read all cases of some files.

    Args:
        sources: In the order in which the first of several equal cases is the original.

    Returns:
        The cases in reading order, at least one a file (a text without entry marks is one case).
        Within a file their spans do not overlap. Ids are unique, and every case with the same
        text as an earlier one points at it.
    """
    return _with_duplicates_linked(
        _with_unique_ids([case for source in sources for case in _parse(source)])
    )


def _parse(source: Source) -> list[Case]:
    entries = entries_of(source)
    plain = simplified(source.text)  # as long as the text: places stay
    return [_case(source, entry, plain, alone=len(entries) == 1) for entry in entries]


def _with_unique_ids(cases: Sequence[Case]) -> list[Case]:
    """Number cases that share collection and title: ``c12…``, ``c12…-2``."""
    seen: Counter[str] = Counter()
    unique: list[Case] = []
    for case in cases:
        seen[case.case_id] += 1
        count = seen[case.case_id]
        case_id = case.case_id if count == 1 else f"{case.case_id}-{count}"
        unique.append(replace(case, case_id=case_id))
    return unique


def _with_duplicates_linked(cases: Iterable[Case]) -> tuple[Case, ...]:
    """Point every repeated case at the first with the same title and text, white space aside."""
    originals: dict[str, str] = {}
    linked: list[Case] = []
    for case in cases:
        words = "".join(f"{case.title}\n{case.body.span.of(case.source.text)}".split())
        original = originals.setdefault(words, case.case_id)
        linked.append(replace(case, duplicate_of=None if original == case.case_id else original))
    return tuple(linked)


def _case(source: Source, entry: Entry, plain: str, *, alone: bool) -> Case:
    title, body_start = _title(source, entry)
    stated = _words(entry.collection.of(source.text)).strip("《》") if entry.collection else ""
    path = PurePosixPath(source.name)
    folder = path.parent.name if alone and entry.rank is None else ""
    collection = stated or folder or path.stem
    identity = hashlib.sha256(f"{collection}\n{''.join(title.split())}".encode()).hexdigest()
    return Case(
        case_id=f"c{identity[:10]}",
        source=source,
        span=entry.span,
        collection=collection,
        year=_year(stated, title, path),
        rank=entry.rank,
        title=title,
        districts=read_districts(
            plain, entry.span, Span(entry.span.start, body_start), entry.collection
        ),
        body=outline(source.text, Span(body_start, entry.span.end)),
    )


def _title(source: Source, entry: Entry) -> tuple[str, int]:
    """Join the title lines; tell where the body starts.

    An entry that opens with a sentence is titled by the words before its first stop and keeps
    them in its body; one that opens with a heading, by its mark or else its file's name.
    """
    unnamed = _words(entry.mark) or PurePosixPath(source.name).stem
    start = next((i for i, line in enumerate(entry.lines) if _has_words(line.text)), None)
    if start is None:
        return unnamed, entry.span.end
    lines = list(_title_lines(entry.lines[start : start + _TITLE_LINES]))
    if lines:
        words = " ".join(_words(line.text) for line in lines)
        return re.sub(r" (?=——)", "", words), min(lines[-1].span.end, entry.span.end)
    first = entry.lines[start]
    opening = _words(next(filter(_has_words, _STOP.split(first.text))))[:_MAX_TITLE]
    return unnamed if _is_label(first) else opening, max(first.span.start, entry.span.start)


def _title_lines(lines: Iterable[Line]) -> Iterator[Line]:
    """Yield the leading lines that read as a title: short, no heading, no sentence."""
    for index, line in enumerate(lines):
        markdown = index == 0 and line.folded.startswith("#")
        if len(line.text) > _MAX_TITLE or line.is_prose or line.folded.endswith((",", ":")):
            return
        if not _has_words(line.text):
            return
        if _is_label(line) and not markdown:
            return
        if index and line.folded.startswith("(") and line.folded.endswith(")"):
            return  # a note on the title, such as when a regulation was passed
        yield line


def _is_label(line: Line) -> bool:
    """Whether a line says what comes below it, as a heading or a form's field (``单位：``) does."""
    return is_heading(line) or bool(_FORM_FIELD.match(line.folded))


def _has_words(text: str) -> bool:
    """Whether there is more than a rule (``***``) or other marks."""
    return any(character.isalnum() for character in text)


def _words(text: str) -> str:
    """Fold white space; drop the marks of Markdown around a title."""
    return re.sub(r"\s+", " ", text).strip("# *")


def _year(collection: str, title: str, path: PurePosixPath) -> int | None:
    """Find the year a case is about.

    The collection's title counts first, then the file's name and its folders, inmost first, then
    the case's own title, where a bare number may be anything (``服务2000家企业``).
    """
    for text in (collection, *path.parts[::-1]):
        if year := _year_in(text, _STATED_YEAR) or _year_in(text, _BARE_YEAR):
            return year
    return _year_in(title, _STATED_YEAR)


def _year_in(text: str, pattern: re.Pattern[str]) -> int | None:
    if match := _YEAR_IN_HAN.search(text) or pattern.search(folded(text)):
        return int(match.group(1).translate(_HAN_DIGITS))
    return None
