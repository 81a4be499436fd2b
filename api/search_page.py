"""What can be listed, and what was found -> the search page.

Everything that comes from a source or a user is escaped here.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from html import escape
from itertools import groupby
from urllib.parse import urlencode

from api.browse import UNSTATED, Choice, Shelf
from api.case_schemas import NameCount
from api.fields import MAX_QUESTION
from api.places import Place, Region
from api.results import results
from api.schemas import SearchResponse
from api.templates import href, template
from rag.permalink import url_of
from rag.types import Case

_ROOT = "./"
"""The service, as this page sees it."""

_LISTED = 300
"""Cases listed at once: 75 KB of page. Who needs more of them chooses first."""

_EXAMPLES = (
    "开公司能不能自己选经营范围？",
    "老年人不会上网办事，有人帮忙吗？",
    "企业退税能不能自动到账？",
    "小微企业贷款，政府能担保吗？",
)
"""Questions of this genre, whatever its city and year. A collection without an answer says so."""


def search_page(
    shelf: Shelf, question: str, choice: Choice, outcome: SearchResponse | str | None
) -> str:
    """Render the search page.

    Args:
        shelf: All that can be listed.
        question: Stands in the field already; may be empty.
        choice: Which cases to list and to search; its district is chosen in the form, too.
        outcome: What a browser without scripts searched for: results, or what is wrong with what
            was asked. None where a script does the searching.
    """
    cases = shelf.chosen(choice)
    return template("search.html").substitute(
        question=escape(question[:MAX_QUESTION]),
        asked=escape(f"{question[:MAX_QUESTION]} · ") if question else "",
        within=_within(shelf, choice),
        results_address=escape("search?" + urlencode({"q": question, **choice.fields})),
        hide_results_link="" if question and outcome is None else " hidden",
        districts="\n".join(_options(shelf.facets.district, choice.district)),
        examples="\n".join(_examples()),
        hide_examples=" hidden" if outcome is not None else "",
        results=results(outcome),
        holdings=escape(_holdings(shelf)),
        regions="\n".join(_region(region, choice) for region in shelf.places.regions),
        elsewhere=_elsewhere(shelf, choice),
        collections="\n".join(_collections(shelf, choice)),
        years=_years(shelf, choice),
        chosen=_chosen(choice, cases),
        cases="\n".join(
            _collection(title, list(of)) for title, of in _by_collection(cases[:_LISTED])
        ),
    )


def _within(shelf: Shelf, choice: Choice) -> str:
    """Have the widget search what is chosen, as far as there are such cases."""
    facets = shelf.facets
    offered: dict[str, list[str | None]] = {
        "district": [it.value for it in facets.district],
        "collection": [it.value for it in facets.collection],
        "year": [str(it.value) for it in facets.year if it.value is not None],
    }
    return "".join(
        f' {name}="{escape(value)}"'
        for name, value in choice.fields.items()
        if value in offered[name]
    )


def _options(districts: Sequence[NameCount], chosen: str) -> Iterator[str]:
    for facet in districts:
        if facet.value is not None:
            selected = " selected" if facet.value == chosen else ""
            name = escape(facet.value)
            yield f'<option value="{name}"{selected}>{name}（{facet.count}）</option>'


def _examples() -> Iterator[str]:
    for example in _EXAMPLES:
        address = escape(f"./?{urlencode({'q': example})}")
        yield f'<li><a href="{address}">{escape(example)}</a></li>'


def _holdings(shelf: Shelf) -> str:
    """Say in one line what there is."""
    repeated = sum(case.duplicate_of is not None for case in shelf.cases)
    districts = sum(facet.value is not None for facet in shelf.facets.district)
    parts = [f"收录 {len(shelf.cases)} 篇案例" + (f"（{repeated} 篇重复）" if repeated else "")]
    parts.append(f"{len(shelf.facets.collection)} 个案例集")
    parts.append(f"{districts} 个区县")
    return "，".join(parts)


def _region(region: Region, choice: Choice) -> str:
    places = "\n".join(_tile(place, choice) for place in region.places)
    return (
        f'<h3>{escape(region.name)} <span class="count">共 {len(region.places)} 个，'
        f"{region.covered} 个有案例</span></h3>\n"
        f'<ul class="tiles">\n{places}\n</ul>'
    )


def _tile(place: Place, choice: Choice) -> str:
    """A district: a link to its cases, or the word that there are none."""
    name = f'<span class="name">{escape(place.name)}</span>'
    if not place.cases:
        return f'<li><span class="tile none">{name} <span class="count">暂无案例</span></span></li>'
    current = ' aria-current="true"' if place.name == choice.district else ""
    address = href(_ROOT, choice.of_district(place.name).address)
    return (
        f'<li><a class="tile" href="{address}"{current}>{name} '
        f'<span class="count">{place.cases} 篇</span></a></li>'
    )


def _elsewhere(shelf: Shelf, choice: Choice) -> str:
    """The districts of other cities, and the cases of no stated one."""
    places = list(shelf.places.elsewhere)
    if shelf.places.unstated:
        places.append(Place(UNSTATED, shelf.places.unstated))
    if not places:
        return ""
    tiles = "\n".join(_tile(place, choice) for place in places)
    return f'<h3>其他</h3>\n<ul class="tiles">\n{tiles}\n</ul>'


def _collections(shelf: Shelf, choice: Choice) -> Iterator[str]:
    for facet in shelf.facets.collection:
        title = facet.value or ""
        yield _facet(title, facet.count, choice.of_collection(title), title == choice.collection)


def _years(shelf: Shelf, choice: Choice) -> str:
    """Links by year; a single year is no choice."""
    if len(shelf.facets.year) < 2:  # noqa: PLR2004 - two are the least one can choose from
        return ""
    years = "\n".join(
        _facet(
            f"{it.value} 年", it.count, choice.of_year(str(it.value)), str(it.value) == choice.year
        )
        for it in shelf.facets.year
        if it.value is not None
    )
    return f'<h2>按年份浏览</h2>\n<ul class="facets">\n{years}\n</ul>'


def _facet(words: str, count: int, choice: Choice, current: bool) -> str:  # noqa: FBT001 - a state of the link
    mark = ' aria-current="true"' if current else ""
    return (
        f'<li><a href="{href(_ROOT, choice.address)}"{mark}>{escape(words)}</a> '
        f'<span class="count">{count} 篇</span></li>'
    )


def _chosen(choice: Choice, cases: Sequence[Case]) -> str:
    """Say what is listed, how to see all again, and what to do where that is too much."""
    rest = f'<p class="chosen">只列出前 {_LISTED} 篇，共 {len(cases)} 篇，请先选择区、案例集或年份。</p>'
    rest = rest if len(cases) > _LISTED else ""
    if not choice.named:
        return rest
    words = escape(" · ".join(choice.named))
    found = f"{len(cases)} 篇" if cases else "没有这样的案例"
    return (
        f'<p class="chosen">只列出：<strong>{words}</strong>，{found}。'
        f'<a href="{href(_ROOT, Choice().address)}">列出全部</a></p>{rest}'
    )


def _by_collection(cases: Sequence[Case]) -> Iterator[tuple[str, Iterator[Case]]]:
    return groupby(cases, key=lambda case: case.collection)


def _collection(title: str, cases: Sequence[Case]) -> str:
    entries = "\n".join(_entry(case) for case in cases)
    return f'<h3>{escape(title)}</h3>\n<ul class="entries">\n{entries}\n</ul>'


def _entry(case: Case) -> str:
    rank = "" if case.rank is None else f'<span class="rank">排名 {case.rank}</span> '
    whose = "、".join(district.name for district in case.districts) or UNSTATED
    repeat = "" if case.duplicate_of is None else ' <span class="count">（与另一篇全文相同）</span>'
    return (
        f'<li>{rank}<span class="whose">{escape(whose)}</span> '
        f'<span class="what"><a href="{href(_ROOT, url_of(case.case_id))}">{escape(case.title)}</a>'
        f"{repeat}</span></li>"
    )
