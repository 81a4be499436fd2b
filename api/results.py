"""What was found -> the results of a page for browsers without scripts."""

from __future__ import annotations

from html import escape

from api.browse import UNSTATED
from api.citation_schemas import CitationOut
from api.schemas import PassageOut, SearchResponse
from api.templates import href

_OTHER = "（其他区）"
"""Behind the districts of a case that is of none of those the question names."""
_INSIDE = " \u203a "
"""Between a heading and the one below it."""


def results(outcome: SearchResponse | str | None) -> str:
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
    """Render a passage with all that a citation says."""
    citation = passage.citation
    badges = "".join(
        f'<span class="badge">{escape(name)}</span> ' for name in citation.districts or [UNSTATED]
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
        f'<p class="result-foot"><a href="{href("./", citation.url)}" aria-label="{escape(link)}">'
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
