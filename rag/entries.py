"""`Source` -> `Entry`: where each entry of a collection starts and ends, and what it stands under.

An entry is opened by a line of its own: a rank (``排名3``, ``第三名``), a number (``案例三：……``) or,
in a collection by place, the place (``南京市：……``). Between entries stand the titles of collections.
A file without such lines is one entry. Nothing here knows a particular year or city.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from rag.divisions import gazetteer
from rag.lines import Line, lines_of
from rag.outline import is_heading
from rag.types import Source, Span

# Matched against folded lines. Marks of Markdown may stand before any of them.
_HAN_NUMBER = r"[一二三四五六七八九十百]{1,4}"
_REST = r"(?:\*{0,2}(?:[ :、.|—-]+|$)(?P<rest>.*))"
_RANKED = re.compile(
    r"[#* ]*(?:(?:排名|名次)[ :第]{0,5}"
    rf"(?P<number>[0-9] [0-9]$|[0-9]{{1,3}}|{_HAN_NUMBER})"
    rf"(?: *[名位])?|第 *(?P<place>[0-9]{{1,3}}|{_HAN_NUMBER}) *名){_REST}"
)
_NUMBERED = re.compile(
    r"[#* ]*【? *(?:典型|优秀|创新|示范|改革|实践|经典|最佳|十佳)*案例(?:之)? *"
    rf"\(?(?:[0-9]{{1,3}}|{_HAN_NUMBER})\)?(?: *】(?P<title>.*)|{_REST})"
)
_PLACED = re.compile(
    rf"(?:#{{1,6}} *|{_HAN_NUMBER}、 *|\( *{_HAN_NUMBER} *\) *|[0-9]{{1,2}}[、.] *)?"
    r"(?P<rest>(?P<place>[一-鿿]{2,15})(?:[ :|—-].*|$))"
)
_PAGE = re.compile(r"[.·…⋯]{2,} *[0-9]{1,4}$")
"""Dot leaders and a page number end a line of a table of contents."""
_MAX_PAGE = 20
"""Code points of a line's end that are looked at for them."""
_COLLECTION = re.compile(
    r"(?:案例|实践|做法|经验|汇编|选编|成果)(?:集锦|集|选|汇编|选编)?[”』」》]?(?: *\([^()]{1,20}\))?$"
)
_MAX_COLLECTION = 60
"""Code points; the longest in the bundled corpus has 21."""
_MIN_PLACES = 2
"""One line that opens with a place may open a paragraph; two places make a list of them."""
_HAN_DIGITS = {digit: value for value, digit in enumerate("〇一二三四五六七八九")}


@dataclass(frozen=True, slots=True)
class Entry:
    """A case before it is read.

    Attributes:
        span: From the line that opens it to its last character.
        mark: That line as it stands; empty for text that no such line opens.
        rank: Its place, where the collection is ranked.
        lines: Its lines; the first is what follows the number on the opening line, if anything.
        collection: Title of the collection it stands under, if the file states one.
    """

    span: Span
    mark: str
    rank: int | None
    lines: tuple[Line, ...]
    collection: Span | None


@dataclass(frozen=True, slots=True)
class _Mark:
    """A line that opens an entry: its index, and what else stands on it."""

    index: int
    rank: int | None
    rest: Line | None


def entries_of(source: Source) -> list[Entry]:
    """Cut a file into entries.

    Returns:
        Entries in reading order, at least one; their spans do not overlap. Prose before the first
        mark is an entry too, so that no text is lost; a cover and a table of contents are not.
    """
    lines = tuple(lines_of(source.text, Span(0, len(source.text))))
    marks = _marks(lines)
    if not marks:
        return [Entry(Span(lines[0].inner.start, lines[-1].inner.end), "", None, lines, None)]
    titles = {mark.index - 1 for mark in marks if _is_collection(lines, mark.index - 1)}
    front = range(marks[0].index)
    collection = next((lines[i].inner for i in front if _is_collection(lines, i)), None)
    entries = list(_front(lines[: marks[0].index], collection))
    for mark, stop in zip(marks, [*(m.index for m in marks[1:]), len(lines)], strict=True):
        if mark.index - 1 in titles:
            collection = lines[mark.index - 1].inner
        own = lines[mark.index + 1 : stop - 1 if stop - 1 in titles else stop]
        opening = lines[mark.index]
        span = Span(opening.inner.start, own[-1].inner.end if own else opening.inner.end)
        rest = (mark.rest,) if mark.rest else ()
        entries.append(Entry(span, opening.text, mark.rank, (*rest, *own), collection))
    return entries


def _marks(lines: Sequence[Line]) -> list[_Mark]:
    """Find the opening lines: ranks if there are any, else numbers, else places."""
    candidates = [(index, line) for index, line in enumerate(lines) if not _in_contents(line)]
    for marks in (
        [_mark(i, line, m) for i, line in candidates if (m := _RANKED.fullmatch(line.folded))],
        [_mark(i, line, m) for i, line in candidates if (m := _NUMBERED.fullmatch(line.folded))],
        list(_places(candidates)),
    ):
        if marks:
            return _without_contents(marks, lines)
    return []


def _mark(index: int, line: Line, match: re.Match[str]) -> _Mark:
    groups = match.groupdict()
    number = groups.get("number") or groups.get("place")
    group = "title" if groups.get("title") is not None else "rest"
    return _Mark(index, _integer(number) if number else None, line.after(match.start(group)))


def _places(candidates: Sequence[tuple[int, Line]]) -> Iterator[_Mark]:
    """Yield lines that open with a place, if there are several places.

    A line of nothing but a place needs its full name; before a colon, people shorten it.
    """
    names = gazetteer()
    found = [
        (match["place"], _Mark(index, None, line.after(match.start("rest"))))
        for index, line in candidates
        if not line.is_prose
        and (match := _PLACED.fullmatch(line.folded))
        and (
            match["place"] in names.by_name
            or (match["place"] in names.by_stem and match["place"] != match["rest"])
        )
    ]
    if len({place for place, _ in found}) >= _MIN_PLACES:
        yield from (mark for _, mark in found)


def _without_contents(marks: Sequence[_Mark], lines: Sequence[Line]) -> list[_Mark]:
    """Drop the lines of a table of contents: nothing below them, and the same line again later."""
    kept: list[_Mark] = []
    later: set[str] = set()
    below = len(lines)
    for mark in reversed(marks):
        words = mark.rest.folded if mark.rest else ""
        if mark.index + 1 < below or words not in later:
            kept.append(mark)
        if words:
            later.add(words)
        below = mark.index
    return kept[::-1]


def _front(lines: Sequence[Line], collection: Span | None) -> Iterator[Entry]:
    """Yield what stands before the first mark, if it is more than titles and contents."""
    start = max((index for index, line in enumerate(lines) if _in_contents(line)), default=-1) + 1
    own = tuple(line for line in lines[start:] if line.inner != collection)
    if any(line.is_prose for line in own):
        yield Entry(Span(own[0].inner.start, own[-1].inner.end), "", None, own, collection)


def _in_contents(line: Line) -> bool:
    return bool(_PAGE.search(line.folded[-_MAX_PAGE:]))


def _is_collection(lines: Sequence[Line], index: int) -> bool:
    if index < 0:
        return False
    line = lines[index]
    words = line.folded.strip("#* 《》")
    return (
        len(words) <= _MAX_COLLECTION
        and bool(_COLLECTION.search(words))
        and not line.is_prose
        and "，" not in line.text
        and (index == 0 or line.folded.startswith("#") or not is_heading(line))
    )


def _integer(digits: str) -> int:
    """Read 3, 三 or 二十一, white space ignored; up to 999.

    >>> _integer("二十一")
    21
    """
    plain = unicodedata.normalize("NFKC", digits).replace(" ", "")
    if plain.isdecimal():
        return int(plain)
    total, digit = 0, 0
    for character in plain:
        if character in "十百":
            total += (digit or 1) * (10 if character == "十" else 100)
            digit = 0
        else:
            digit = _HAN_DIGITS[character]
    return total + digit
