"""A case -> its page: the whole text, every line marked with its place in the source.

Everything that comes from a source or a user is escaped here.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from html import escape
from typing import Literal, Self

from api.browse import UNSTATED, Choice
from api.templates import href, template
from rag.lines import lines_of
from rag.permalink import LinkedVersion, case_permalink, url_of, version_of
from rag.types import Case, Section, Span

_ROOT = "../"
"""The service, as this page sees it."""

_TOP_HEADING = 2
_LOWEST_HEADING = 6
"""h1 is the case's title; HTML ends at h6."""
_CONTENTS_LEVELS = 2
"""Levels of headings in the table of contents; deeper ones run into their paragraphs."""


@dataclass(frozen=True, slots=True)
class Surroundings:
    """The cases that a case's page leads to.

    Attributes:
        before: The one before it in its collection; None for the first.
        after: The one after it; None for the last.
        original: The case that it repeats; None if it repeats none.
        repeats: The cases that repeat it.
    """

    before: Case | None = None
    after: Case | None = None
    original: Case | None = None
    repeats: tuple[Case, ...] = ()

    @classmethod
    def of(cls, case: Case, cases: Sequence[Case]) -> Self:
        """Look around in all cases, in the order of their sources."""
        shelf = [other for other in cases if other.collection == case.collection]
        place = shelf.index(case)
        return cls(
            before=shelf[place - 1] if place else None,
            after=shelf[place + 1] if place + 1 < len(shelf) else None,
            original=next((it for it in cases if it.case_id == case.duplicate_of), None),
            repeats=tuple(it for it in cases if it.duplicate_of == case.case_id),
        )


def case_page(
    case: Case,
    surroundings: Surroundings,
    linked: LinkedVersion | Literal["unreadable"] | None = None,
) -> str:
    """Render a case whole.

    Args:
        case: The case.
        surroundings: The cases that its page leads to.
        linked: What the case was when the link that led here was made; None where the link does
            not say.
    """
    contents = "\n".join(_contents(case.body))
    return template("case.html").substitute(
        title=escape(case.title),
        facts="\n".join(
            f"<div><dt>{name}</dt><dd>{value}</dd></div>" for name, value in _facts(case)
        ),
        repeats=_repeats(surroundings),
        changed=_changed(case, linked),
        contents=_folding(contents) if contents else "",
        since=_since(case, linked),
        text="\n".join(_case_text(case)),
        name=escape(_name_of(case)),
        version=escape(version_of(case)),
        address=escape(case_permalink(case)),
        source=escape(case.source.name),
        sha256=escape(case.source.sha256),
        start=case.span.start,
        end=case.span.end,
        evidence=_evidence(case, "" if linked is None else href(_ROOT, url_of(case.case_id))),
        neighbours=_neighbours(surroundings),
    )


def _facts(case: Case) -> Iterator[tuple[str, str]]:
    """What is known of a case, as labels and markup; each leads to the cases that share it."""
    districts = [_choice(Choice(district=d.name), d.name) for d in case.districts]
    yield "区", "、".join(districts) or "原文未写明"
    yield "案例集", _choice(Choice(collection=case.collection), case.collection)
    if case.rank is not None:
        yield "排名", str(case.rank)
    if case.year is not None:
        yield "年份", str(case.year)


def _choice(choice: Choice, words: str) -> str:
    return f'<a href="{href(_ROOT, choice.address)}">{escape(words)}</a>'


def _name_of(case: Case) -> str:
    """Name a case as an official document does: ``静安区《智能退税》，载《……案例》，排名第5``."""
    year = f"，{case.year}年" if case.year and str(case.year) not in case.collection else ""
    rank = f"，排名第{case.rank}" if case.rank is not None else ""
    districts = "、".join(district.name for district in case.districts)
    return f"{districts}《{case.title}》，载《{case.collection}》{year}{rank}"


def _repeats(surroundings: Surroundings) -> str:
    """Say that a case stands twice, on the pages of both."""
    notes = []
    if surroundings.original is not None:
        notes.append(f"本篇与 {_link(surroundings.original)} 全文相同，检索时只列出前者。")
    notes += [f"{_link(it)} 与本篇全文相同，检索时只列出本篇。" for it in surroundings.repeats]
    return "\n".join(f'<p class="notice">{note}</p>' for note in notes)


def _link(case: Case) -> str:
    return f'<a href="{href(_ROOT, url_of(case.case_id))}">{escape(case.title)}</a>'


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


def _evidence(case: Case, page: str) -> str:
    """For each district, the words that say so; a link where they stand in the case itself.

    The link is to ``page``: below an address with a version, a place would be taken for an old one.
    """
    items = []
    for district in case.districts:
        place = district.evidence
        quote = f"“{escape(place.of(case.source.text))}”"
        if case.body.span.start <= place.start and place.end <= case.body.span.end:
            quote = f'<a href="{page}#p={place.start}-{place.end}">{quote}</a>'
        items.append(
            f"<li>{escape(district.name)}：原文件位置 {place.start}-{place.end}，{quote}</li>"
        )
    return f"<ul>{''.join(items)}</ul>" if items else "<p>原文没有写明是哪个区的案例。</p>"


def _folding(contents: str) -> str:
    return (
        '<nav class="contents" aria-label="目录">\n<details id="contents" open>\n'
        f"<summary>目录</summary>\n<ul>\n{contents}\n</ul>\n</details>\n</nav>"
    )


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


def _neighbours(surroundings: Surroundings) -> str:
    """Lead to the cases before and after, as far as there are any."""
    links = [
        _neighbour("上一篇", "prev", surroundings.before),
        _neighbour("下一篇", "next", surroundings.after),
    ]
    inner = "\n".join(filter(None, links))
    return f'<nav class="neighbours" aria-label="同一案例集">\n{inner}\n</nav>' if inner else ""


def _neighbour(words: str, direction: str, case: Case | None) -> str:
    if case is None:
        return ""
    return (
        f'<a class="{direction}" rel="{direction}" href="{href(_ROOT, url_of(case.case_id))}">'
        f'<span class="direction">{words}</span> '
        f'<span class="whose">{escape(case.district or UNSTATED)}</span> '
        f"{escape(case.title)}</a>"
    )
