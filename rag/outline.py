"""Headings: a run of text -> the tree of its sections.

Headings in this genre are irregular. Numbering styles are ranked by custom (章 above 一、 above （一）
above 1、 above 一是), not by order of appearance, so a level that a writer skips does no harm. Three
things are decided here, all for the sake of what can be cited later:

* A heading on a line of its own is context, not text.
* A heading that runs into its paragraph (``1、推出快闪办。针对……``) opens a section, but its words
  stay in the section's text, because they are part of a sentence.
* A heading line that heads nothing (the items of a list) is text.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace

from rag.lines import Line, folded, lines_of
from rag.types import Section, Span

# Patterns are matched against folded lines: ASCII digits, brackets, full stops and spaces alone.
_CN = r"[一二三四五六七八九十百零〇]{1,4}"
_AR = r"[0-9]{1,2}"
_STYLES: tuple[tuple[int, re.Pattern[str]], ...] = tuple(
    (rank, re.compile(pattern))
    for rank, pattern in (
        (10, rf"第 *(?:{_CN}|{_AR}) *(?:[编篇]|部分)[:、]?"),
        (11, rf"第 *(?:{_CN}|{_AR}) *章"),
        (12, rf"第 *(?:{_CN}|{_AR}) *节"),
        (20, rf"{_CN} *[、.]"),
        (25, rf"第 *(?:{_CN}|[0-9]{{1,3}}) *条(?![例款件])"),
        (30, rf"\( *{_CN} *\)[、.]?"),
        (40, rf"{_AR} *(?:、|\.(?![0-9]))"),
        (50, rf"\( *{_AR} *\)[、.]?|{_AR} *\)"),
        (60, r"[①-⑳]"),
        (70, rf"{_CN}是(?!否)|第{_CN},"),
    )
)
_ARTICLE = 25
_CLAUSE = 70
_MARKDOWN = re.compile(r"(#{1,6}) +|(#{2,6})(?=[^# ])")
_BRACKETS = re.compile(r"【([^【】]{1,30})】")
_BRACKETS_RANK = 18
"""Above 一、: where a writer uses both, 【做法】 is the part and 一、 its item."""
_BARE_RANK = 20
_BARE = re.compile(
    r"(?:案例|工作|改革|试点|基本|项目|实施|政策|总体|出台|事项)?(?:背景(?:情况|意义)?|情况|概况|简介|起因)"
    r"|(?:主要|具体|创新|改革|典型|工作|实践|特色|基本|经验)?(?:做法|举措|措施|内容|亮点|任务)"
    r"|(?:工作|改革|取得|实施|具体|主要|实践|相关|特色|实际|初步|创新)?(?:成效|成果|实效)"
    r"|(?:工作|主要|案例|典型)?(?:经验|启示|经验启示|总结|小结|思考)(?:与启示)?"
    r"|下一步(?:工作)?(?:打算|计划|安排|举措)?"
)
"""Headings that stand without a number; matched against the whole line."""

_MAX_HEADING = 60
"""Code points of a heading on its own line. The longest in the bundled corpus has 50."""
_MAX_LEAD = 50
"""Code points before the first full stop of a run-in heading. The longest there has 37."""
_LEAD = re.compile(rf"[^。:!?;]{{2,{_MAX_LEAD}}}(?=[。:])")


@dataclass(frozen=True, slots=True)
class _Heading:
    """A heading found in a line, before its place in the tree is known."""

    rank: int
    title: str
    span: Span
    line: Line


def is_heading(line: Line) -> bool:
    """Whether a line opens a section, as a heading of its own or a run-in one."""
    return _heading_of(line) is not None


def outline(text: str, within: Span) -> Section:
    """Build the section tree of a run of text.

    Args:
        text: The whole source.
        within: The part to read, such as a case without its title.

    Returns:
        The root section. ``root.span == within``; headings, bodies and children tile it.
        Text without any heading is a root without children.
    """
    candidates = [h for line in lines_of(text, within) if (h := _heading_of(line))]
    headings = _with_something_below(candidates, text, within)
    starts = [heading.line.span.start for heading in headings]
    first, *later = [*starts, within.end]
    root = Section("", 0, Span(within.start, within.start), Span(within.start, first))
    flat = [
        (h.rank, Section(h.title, 0, Span(start, h.span.end), Span(h.span.end, end)))
        for h, start, end in zip(headings, starts, later, strict=True)
    ]
    return replace(root, children=_nest(flat, level=1))


def _nest(flat: Sequence[tuple[int, Section]], level: int) -> tuple[Section, ...]:
    """Turn a flat list into siblings; whatever ranks below a sibling becomes its children.

    Each call goes down by a rank, so it is at most as deep as there are ranks.
    """
    siblings: list[Section] = []
    index = 0
    while index < len(flat):
        rank, section = flat[index]
        stop = index + 1
        while stop < len(flat) and flat[stop][0] > rank:
            stop += 1
        children = _nest(flat[index + 1 : stop], level + 1)
        siblings.append(replace(section, level=level, children=children))
        index = stop
    return tuple(siblings)


def _with_something_below(
    candidates: Sequence[_Heading], text: str, within: Span
) -> list[_Heading]:
    """Keep the headings with text or a lower heading right below them; the others are text."""
    kept: list[_Heading] = []
    for heading, below in zip(candidates, [*candidates, None][1:], strict=True):
        end = below.line.span.start if below else within.end
        if (below and below.rank > heading.rank) or folded(text[heading.span.end : end]).strip(" "):
            kept.append(heading)
    return kept


def _heading_of(line: Line) -> _Heading | None:
    """Find the heading at the start of a line, if there is one."""
    if markdown := _MARKDOWN.match(line.folded):
        title = _unnumbered(line.after(markdown.end()))
        rank = len(markdown.group().strip(" "))
        return _Heading(rank, title, line.span, line) if title else None
    if brackets := _BRACKETS.match(line.folded):
        title = _plain(line.text[brackets.start(1) : brackets.end(1)])
        rest = line.after(brackets.end())
        span = Span(line.inner.start, rest.inner.start) if rest else line.span
        return _Heading(_BRACKETS_RANK, title, span, line) if title else None
    marks = len(line.folded) - len(line.folded.lstrip("*_"))
    words = line.folded[marks:]
    if _BARE.fullmatch(words.rstrip("*_: ")):
        return _Heading(_BARE_RANK, _plain(line.text[marks:]), line.span, line)
    for rank, style in _STYLES:
        if number := style.match(words):
            return _numbered(line, rank, line.text[marks:], number.end())
    return None


def _numbered(line: Line, rank: int, text: str, number_end: int) -> _Heading | None:
    """Read a numbered line as a heading of its own, a run-in heading or plain text (None)."""
    number, words = text[:number_end], text[number_end:]
    run_in = Span(line.span.start, line.span.start)
    if len(words) <= _MAX_HEADING and not line.is_prose:
        title = _plain(f"{number} {words}" if rank == _ARTICLE else words)
        # 一是 and its like open sentences; alone on a line they are still not headings.
        if title and rank != _CLAUSE and not words.endswith(("，", ",")):
            return _Heading(rank, title, line.span, line)
        return None
    if rank == _ARTICLE:
        return _Heading(rank, _plain(number), run_in, line)
    lead = _LEAD.match(folded(words))
    return _Heading(rank, _plain(words[: lead.end()]), run_in, line) if lead else None


def _unnumbered(words: Line | None) -> str:
    """Take the number off a Markdown heading, unless it is all there is or names an article."""
    if words is None:
        return ""
    number = next(
        (m for rank, s in _STYLES if (m := s.match(words.folded)) and rank != _ARTICLE), None
    )
    text = words.text.rstrip("# \t")
    return (_plain(text[number.end() :]) if number else "") or _plain(text)


def _plain(title: str) -> str:
    """Fold white space, drop Markdown marks and a closing colon."""
    return re.sub(r"\s+", " ", title).strip("*_：: \u200b\ufeff")
