"""Values -> HTML pages. Everything that comes from a source or a user is escaped here.

The pages' fixed parts are the ``.html`` files beside the scripts, filled by `string.Template`.
Nothing is ever written into a script, a style or an attribute without quotes.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache
from html import escape
from importlib.resources import files
from string import Template
from typing import Literal
from urllib.parse import urlencode

from api.case_schemas import Facets
from api.citation_schemas import CitationOut
from api.fields import MAX_QUESTION
from api.schemas import PassageOut, SearchResponse
from rag.lines import lines_of
from rag.permalink import LinkedVersion, url_of
from rag.types import Case, Section, Span

_EXAMPLES = (
    "开公司能不能自己选经营范围？",
    "老年人不会上网办事，有人帮忙吗？",
    "企业退税能不能自动到账？",
    "小微企业贷款，政府能担保吗？",
)
"""Questions of this genre, whatever its city and year. A collection without an answer says so."""

_TOP_HEADING = 2
_LOWEST_HEADING = 6
"""h1 is the case's title; HTML ends at h6."""
_CONTENTS_LEVELS = 2
"""Levels of headings in a case page's table of contents; deeper ones run into their paragraphs."""
_OTHER = "（其他区）"
"""Behind the districts of a case that is of none of those the question names."""
_INSIDE = " \u203a "
"""Between a heading and the one below it."""


def search_page(
    facets: Facets, question: str, district: str, outcome: SearchResponse | str | None
) -> str:
    """Render the search page.

    Args:
        facets: What the district menu offers.
        question: Stands in the field already; may be empty.
        district: Chosen already; empty for all.
        outcome: What a browser without scripts searched for: results, or what is wrong with what
            was asked. None where a script does the searching.
    """
    options = [
        f'<option value="{escape(facet.value)}"{" selected" if facet.value == district else ""}>'
        f"{escape(facet.value)}（{facet.count}）</option>"
        for facet in facets.district
        if facet.value is not None
    ]
    examples = [
        f'<li><a href="/?{escape(urlencode({"q": example}))}">{escape(example)}</a></li>'
        for example in _EXAMPLES
    ]
    return _template("search.html").substitute(
        question=escape(question[:MAX_QUESTION]),
        districts="\n".join(options),
        examples="\n".join(examples),
        hide_examples=" hidden" if outcome is not None else "",
        results=_results(outcome),
    )


def case_page(
    case: Case, original: Case | None, linked: LinkedVersion | Literal["unreadable"] | None = None
) -> str:
    """Render a case whole, every line marked with its place in the source.

    Args:
        case: The case.
        original: The case it repeats, or None.
        linked: What the case was when the link that led here was made; None where the link does
            not say.
    """
    facts = [("区", "、".join(d.name for d in case.districts) or "原文未写明")]
    facts.append(("案例集", case.collection))
    if case.rank is not None:
        facts.append(("排名", str(case.rank)))
    if case.year is not None:
        facts.append(("年份", str(case.year)))
    repeats = ""
    if original is not None:
        link = f'<a href="{escape(url_of(original.case_id))}">{escape(original.title)}</a>'
        repeats = f'<p class="note">本篇与 {link} 全文相同，检索时只列出前者。</p>'
    return _template("case.html").substitute(
        title=escape(case.title),
        facts="\n".join(f"<div><dt>{k}</dt><dd>{escape(v)}</dd></div>" for k, v in facts),
        evidence="\n".join(_evidence(case, "" if linked is None else url_of(case.case_id))),
        repeats=repeats,
        contents="\n".join(_contents(case.body)),
        changed=_changed(case, linked),
        since=_since(case, linked),
        text="\n".join(_case_text(case)),
        source=escape(case.source.name),
        sha256=escape(case.source.sha256),
        start=case.span.start,
        end=case.span.end,
    )


def error_page(title: str, detail: str) -> str:
    """Render what went wrong, for people."""
    return _template("error.html").substitute(title=escape(title), detail=escape(detail))


@cache
def _template(name: str) -> Template:
    """Read a page's fixed parts; they ship with the package and never change while it runs."""
    return Template((files("api") / "pages" / name).read_text(encoding="utf-8"))


def _results(outcome: SearchResponse | str | None) -> str:
    """Render results for a browser without scripts: the same order, without highlights."""
    if outcome is None:
        return ""
    if isinstance(outcome, str):
        return f'<p class="notice error">{escape(outcome)}</p>'
    notice = ""
    if not outcome.passages:
        notice = '<p class="notice">未找到相关段落。请换个说法，或放宽区的范围。</p>'
    elif outcome.abstained:
        notice = '<p class="notice">未找到直接答案，以下为最接近的段落</p>'
    items = "\n".join(_result(passage) for passage in outcome.passages)
    return f'{notice}<ol class="results">{items}</ol>'


def _result(passage: PassageOut) -> str:
    """Render a passage as ``result`` of ``search.js`` does."""
    citation = passage.citation
    badges = "".join(
        f'<span class="badge">{escape(name)}</span> ' for name in citation.districts or ["未写明区"]
    )
    other = f'<span class="other-district">{_OTHER}</span> ' if passage.other_district else ""
    place = escape(_INSIDE.join(citation.section))
    link = f"查看原文：{citation.title}，第 {passage.rank} 条"
    return (
        '<li class="result">'
        f'<h2 class="result-head">{badges}{other}'
        f'<span class="result-title">{escape(citation.title)}</span></h2>'
        f'<p class="result-origin">{escape(_origin(citation))}</p>'
        + (f'<p class="result-place">{place}</p>' if place else "")
        + f'<blockquote class="result-text">{escape(passage.text)}</blockquote>'
        f'<p class="result-foot"><a href="{escape(citation.url)}" aria-label="{escape(link)}">'
        "查看原文</a></p>"
        "</li>"
    )


def _origin(citation: CitationOut) -> str:
    """Say which collection, which rank in it, and the year where its title does not say it."""
    parts = [citation.collection]
    if citation.case_rank is not None:
        parts.append(f"排名 {citation.case_rank}")
    if citation.year is not None and str(citation.year) not in citation.collection:
        parts.append(f"{citation.year} 年")
    return " · ".join(parts)


def _changed(case: Case, linked: LinkedVersion | Literal["unreadable"] | None) -> str:
    """Say that the text is no longer what was linked to."""
    if linked == "unreadable":
        words = "链接里的版本标记无法识别，不能判断引用之后原文有没有改动。"
    elif linked is not None and not linked.is_of(case):
        words = "引用之后，本篇原文有改动。以下是现在的原文，请核对后再引用。"
    else:
        return ""
    return f'<p id="changed" class="notice error">{words}</p>'


def _since(case: Case, linked: LinkedVersion | Literal["unreadable"] | None) -> str:
    """Tell the page's script how the place that is linked to has moved.

    ``data-shift`` is how far the case has; ``data-words`` the hash of the words, where the case has
    changed and they have to be looked for.
    """
    if linked is None or linked == "unreadable":
        return ""
    words = "" if linked.is_of(case) else f' data-words="{escape(linked.words)}"'
    return f' data-shift="{case.span.start - linked.start}"{words}'


def _evidence(case: Case, page: str) -> Iterator[str]:
    """For each district, the words that say so; a link where they stand in the case itself.

    The link is to ``page``: below an address with a version, a place would be taken for an old one.
    """
    for district in case.districts:
        place = district.evidence
        quote = f"“{escape(place.of(case.source.text))}”"
        if case.body.span.start <= place.start and place.end <= case.body.span.end:
            quote = f'<a href="{escape(page)}#p={place.start}-{place.end}">{quote}</a>'
        yield f"<li>{escape(district.name)}：原文件位置 {place.start}-{place.end}，{quote}</li>"


def _contents(root: Section) -> Iterator[str]:
    for _, section in root.walk():
        if section.title and section.level <= _CONTENTS_LEVELS:
            yield (
                f'<li class="level-{section.level}"><a href="#{_id_of(section)}">'
                f"{escape(section.title)}</a></li>"
            )


def _case_text(case: Case) -> Iterator[str]:
    """Render the sections; a case that is all title shows its title lines as text."""
    text = case.source.text
    if not case.body.span.of(text).strip():
        yield from _paragraphs(text, case.span)
    for _, section in case.body.walk():
        anchor = f' id="{_id_of(section)}"'
        if section.heading.of(text).strip():
            tag = f"h{min(_TOP_HEADING + section.level - 1, _LOWEST_HEADING)}"
            lines = "<br>".join(
                f'<span data-start="{line.inner.start}">{escape(line.inner.of(text))}</span>'
                for line in lines_of(text, section.heading)
            )
            yield f"<{tag}{anchor}>{lines}</{tag}>"
            anchor = ""
        yield from _paragraphs(text, section.body, anchor if section.title else "")


def _paragraphs(text: str, span: Span, anchor: str = "") -> Iterator[str]:
    """Render lines as paragraphs; the first carries the id of a heading that runs into it."""
    for line in lines_of(text, span):
        yield f'<p data-start="{line.inner.start}"{anchor}>{escape(line.inner.of(text))}</p>'
        anchor = ""


def _id_of(section: Section) -> str:
    return f"s-{section.span.start}"
