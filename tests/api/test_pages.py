"""The pages a person reads: a case with every character of its text, and the search page."""

from __future__ import annotations

import re
from dataclasses import replace
from html.parser import HTMLParser
from importlib.resources import files
from pathlib import Path

import pytest
from starlette.testclient import TestClient

from api.app import create_app
from api.browse import Choice, Shelf
from api.case_page import Surroundings, case_page
from api.case_schemas import Facets
from api.search_page import search_page
from rag.ask import Asker
from rag.assistant import Assistant
from rag.cases import read_cases
from rag.retrieve import Retriever
from rag.types import Case, District, Source, Span

PAGES = {path.name: path.read_text(encoding="utf-8") for path in (files("api") / "pages").iterdir()}


class Lines(HTMLParser):
    """Collects the text of every element that carries its place in the source."""

    def __init__(self) -> None:
        super().__init__()
        self.lines: dict[int, str] = {}
        self.ids: list[str] = []
        self._start: int | None = None

    def handle_starttag(self, _tag: str, attrs: list[tuple[str, str | None]]) -> None:
        values = dict(attrs)
        self.ids += [values["id"] or ""] if "id" in values else []
        if values.get("data-start"):
            self._start = int(values["data-start"] or 0)
            self.lines[self._start] = ""

    def handle_data(self, data: str) -> None:
        if self._start is not None:
            self.lines[self._start] += data

    def handle_endtag(self, _tag: str) -> None:
        self._start = None


@pytest.mark.parametrize("case_id", ["c33adef876c", "c2f29831262", "c9ae695db15"])
def test_a_case_page_holds_every_line_of_the_body_at_its_place(
    client: TestClient, source: Source, case_id: str
) -> None:
    case = client.get(f"/api/v1/cases/{case_id}").json()
    page = Lines()
    page.feed(client.get(case["url"]).text)

    for start, line in page.lines.items():
        assert source.text[start : start + len(line)] == line
    body = source.text[case["sections"]["heading"][0] : case["source"]["end"]]
    shown = "".join(page.lines[start] for start in sorted(page.lines))
    assert shown == re.sub(r"\s", "", body)
    assert len(page.ids) == len(set(page.ids))


def test_no_character_of_the_bundled_corpus_is_lost_on_its_page() -> None:
    corpus = Path(__file__).parents[2] / "data" / "shanghai-2022-business-environment-cases.txt"
    text = corpus.read_bytes().decode()
    cases = read_cases([Source(corpus.name, "", "utf-8", text)])

    assert len(cases) == 22
    for case in cases:
        page = Lines()
        page.feed(case_page(case, Surroundings()))
        shown = "".join(page.lines[start] for start in sorted(page.lines))
        assert "".join(shown.split()) == "".join(case.body.span.of(text).split())
        for start, line in page.lines.items():
            assert text[start : start + len(line)] == line


def test_headings_have_ids_and_stand_in_the_contents(client: TestClient) -> None:
    page = client.get("/cases/c33adef876c").text

    assert '<h2 id="s-35"><span data-start="35">一、基本情况</span></h2>' in page
    assert '<p data-start="69" id="s-69">1、企业不用跑腿。' in page  # a heading run into its text
    # Open without a script, which folds it where there is no room beside the text.
    assert (
        '<nav class="contents" aria-label="目录">\n<details id="contents" open>\n'
        '<summary>目录</summary>\n<ul>\n<li class="level-1"><a href="#s-35">基本情况</a></li>\n'
    ) in page
    assert '<li class="level-2"><a href="#s-69">企业不用跑腿</a></li>' in page


def test_a_case_without_headings_has_no_contents(client: TestClient) -> None:
    assert 'aria-label="目录"' not in client.get("/cases/c2f29831262").text


def test_what_is_known_of_a_case_leads_to_the_cases_that_share_it(client: TestClient) -> None:
    page = client.get("/cases/c33adef876c").text

    assert (
        "<div><dt>区</dt><dd>"
        '<a href="../?district=%E9%9D%99%E5%AE%89%E5%8C%BA#cases">静安区</a></dd></div>'
    ) in page
    assert "<div><dt>排名</dt><dd>1</dd></div>\n<div><dt>年份</dt><dd>2022</dd></div>" in page


def test_a_case_can_be_cited_as_official_documents_do(client: TestClient, source: Source) -> None:
    page = client.get("/cases/c33adef876c").text
    name = "静安区《智能退税一键到账》，载《上海市2022年度各区优化营商环境优秀案例》，排名第1"

    assert f'data-name="{name}" data-version="8873297aee.22">{name}。\n' in page
    assert (
        '原文件：<span class="file">cases.txt</span>，位置 <span id="citation-place">22-99</span>，'
        f"SHA-256：{source.sha256}。\n网址：<span "
        'id="citation-address">/cases/c33adef876c?v=8873297aee.22.'
    ) in page
    assert '<button id="copy" type="button" hidden>' in page  # copying takes a script


def test_a_citation_says_the_year_that_the_collection_does_not(
    cases: tuple[Case, ...],
) -> None:
    case = replace(cases[1], collection="某市<案例>", rank=None, districts=())

    assert ('data-name="《快办营业执照》，载《某市&lt;案例&gt;》，2022年"') in case_page(
        case, Surroundings()
    )


def test_the_cases_before_and_after_in_the_collection_are_a_step_away(client: TestClient) -> None:
    second = client.get("/cases/c2f29831262").text

    assert (
        '<nav class="neighbours" aria-label="同一案例集">\n'
        '<a class="prev" rel="prev" href="../cases/c33adef876c"><span class="direction">上一篇</span> '
        '<span class="whose">静安区</span> 智能退税一键到账</a>\n</nav>'
    ) in second
    assert 'rel="prev"' not in client.get("/cases/c33adef876c").text


def test_the_evidence_for_a_district_is_a_link_to_its_place(client: TestClient) -> None:
    page = client.get("/cases/c33adef876c").text

    assert '<li>静安区：原文件位置 42-45，<a href="#p=42-45">“静安区”</a></li>' in page


def test_markup_in_a_source_is_shown_not_obeyed(client: TestClient) -> None:
    page = client.get("/cases/c33adef876c").text

    assert "税务人员上门&lt;b&gt;帮办&lt;/b&gt;&amp;“代办”。" in page


def test_a_duplicate_and_its_original_point_at_each_other(client: TestClient) -> None:
    assert (
        '<p class="notice">本篇与 <a href="../cases/c33adef876c">智能退税一键到账</a> 全文相同，'
        "检索时只列出前者。</p>"
    ) in client.get("/cases/c02a6bd6f72").text
    assert (
        '<p class="notice"><a href="../cases/c02a6bd6f72">智能退税一键到账</a> 与本篇全文相同，'
        "检索时只列出本篇。</p>"
    ) in client.get("/cases/c33adef876c").text


def linked(client: TestClient, version: str, case_id: str = "c33adef876c") -> str:
    return client.get(f"/cases/{case_id}", params={"v": version}).text


def test_a_page_without_a_version_or_with_the_same_one_says_nothing(client: TestClient) -> None:
    assert '<div id="text" class="case-text">' in client.get("/cases/c33adef876c").text
    same = linked(client, "8873297aee.22.4cd8061c")
    assert '<div id="text" class="case-text" data-shift="0">' in same
    assert 'id="changed"' not in same


def test_a_case_that_has_moved_says_how_far(client: TestClient) -> None:
    moved = linked(client, "8873297aee.2.4cd8061c")
    assert '<div id="text" class="case-text" data-shift="20">' in moved
    assert 'id="changed"' not in moved


def test_a_case_that_has_changed_says_so_and_gives_the_words_to_look_for(
    client: TestClient,
) -> None:
    changed = linked(client, "0000000000.30.4cd8061c")
    assert '<div id="text" class="case-text" data-shift="-8" data-words="4cd8061c">' in changed
    assert (
        '<p id="changed" class="notice error">引用之后，本篇原文有改动。'
        "以下是现在的原文，请核对后再引用。</p>"
    ) in changed
    # Below an address with a version, a place alone would be taken for one of that version.
    assert '<a href="../cases/c33adef876c#p=42-45">“静安区”</a>' in changed


@pytest.mark.parametrize(
    "version", ["x", "1873297aee", "1873297aee.22", '8873297aee.22."><b>', "0" * 5000, "٣" * 10]
)
def test_a_version_that_cannot_be_read_is_told_and_never_echoed(
    client: TestClient, version: str
) -> None:
    page = linked(client, version)
    assert "链接里的版本标记无法识别，不能判断引用之后原文有没有改动。" in page
    assert '<div id="text" class="case-text">' in page
    assert version not in page or version == "x"


def test_a_case_that_is_gone_says_that_it_was_there(client: TestClient) -> None:
    page = client.get("/cases/c0?v=8873297aee.22.4cd8061c", headers={"Accept": "text/html"})
    assert page.status_code == 404
    assert "引用时有这个案例，现在的案例集里没有了" in page.text
    plain = client.get("/cases/c0", headers={"Accept": "text/html"})
    assert "引用时有这个案例" not in plain.text


def test_the_page_hashes_words_as_permalinks_do() -> None:
    assert "const BASE = 0x01000193;" in PAGES["case.js"]


def test_the_search_page_offers_the_districts_and_keeps_what_was_asked(client: TestClient) -> None:
    page = client.get("/", params={"q": '"><script>退税', "district": "静安区"}).text

    assert 'value="&quot;&gt;&lt;script&gt;退税"' in page
    assert '<casebook-search id="search" theme="auto" district="静安区">' in page
    assert "<title>&quot;&gt;&lt;script&gt;退税 · 营商环境案例检索</title>" in page
    assert '<option value="静安区" selected>静安区（1）</option>' in page
    assert '<option value="浦东新区">浦东新区（1）</option>' in page
    assert "<ol" not in page  # the script searches; without one a link leads to the results
    assert (
        '<p><a href="search?q=%22%3E%3Cscript%3E%E9%80%80%E7%A8%8E'
        '&amp;district=%E9%9D%99%E5%AE%89%E5%8C%BA">查看这个问题的检索结果</a></p>'
    ) in page
    assert '<p hidden><a href="search?' in client.get("/").text


def test_a_district_that_is_none_is_not_handed_to_the_widget(client: TestClient) -> None:
    page = client.get("/", params={"district": '"><b>'}).text

    assert '<casebook-search id="search" theme="auto">' in page
    assert "<b>" not in page


def test_every_district_of_the_city_is_shown_and_those_without_cases_say_so(
    client: TestClient,
) -> None:
    page = client.get("/").text

    assert '<h3>上海市 <span class="count">共 16 个，2 个有案例</span></h3>' in page
    assert page.count('<span class="count">暂无案例</span>') == 14
    assert (
        '<li><a class="tile" href="./?district=%E9%9D%99%E5%AE%89%E5%8C%BA#cases">'
        '<span class="name">静安区</span> <span class="count">1 篇</span></a></li>'
    ) in page
    assert (
        '<li><span class="tile none"><span class="name">松江区</span> '
        '<span class="count">暂无案例</span></span></li>'
    ) in page
    assert '<h3>其他</h3>\n<ul class="tiles">\n<li><a class="tile" href="./?district=' in page
    assert '<span class="name">未写明区</span> <span class="count">1 篇</span>' in page


def test_all_cases_are_listed_with_rank_district_and_title(client: TestClient) -> None:
    page = client.get("/").text

    assert "收录 4 篇案例（1 篇重复），2 个案例集，2 个区县。" in page
    assert page.count('<li><span class="rank">') == 4
    assert (
        "<h3>上海市2022年度各区优化营商环境优秀案例</h3>\n"
        '<ul class="entries">\n<li><span class="rank">排名 1</span> '
        '<span class="whose">静安区</span> <span class="what">'
        '<a href="./cases/c33adef876c">智能退税一键到账</a></span></li>'
    ) in page
    assert (
        '<a href="./cases/c02a6bd6f72">智能退税一键到账</a> '
        '<span class="count">（与另一篇全文相同）</span>'
    ) in page


@pytest.mark.parametrize(
    ("chosen", "said", "listed"),
    [
        ({"district": "静安区"}, "静安区</strong>，2 篇", 2),
        ({"district": "未写明区"}, "未写明区</strong>，1 篇", 1),
        ({"collection": "上海市2022年度各区优化营商环境良好实践"}, "良好实践</strong>，2 篇", 2),
        ({"district": "静安区", "year": "2021"}, "静安区 · 2021 年</strong>，没有这样的案例", 0),
        ({"year": "<b>"}, "&lt;b&gt; 年</strong>，没有这样的案例", 0),
    ],
)
def test_a_choice_lists_its_cases_and_leads_back_to_all(
    client: TestClient, chosen: dict[str, str], said: str, listed: int
) -> None:
    page = client.get("/", params=chosen).text

    assert f'{said}。<a href="./#cases">列出全部</a></p>' in page
    assert page.count('<li><span class="rank">') == listed


def test_what_is_chosen_is_marked_and_can_be_narrowed(client: TestClient) -> None:
    page = client.get("/", params={"district": "静安区", "year": "2022"}).text

    assert (
        '<a class="tile" href="./?district=%E9%9D%99%E5%AE%89%E5%8C%BA&amp;year=2022#cases" '
        'aria-current="true">'
    ) in page
    assert "&amp;collection=%E4%B8%8A%E6%B5%B7" in page


def test_a_list_that_is_too_long_says_so(cases: tuple[Case, ...]) -> None:
    many = [replace(cases[1], case_id=str(number)) for number in range(301)]
    shelf = Shelf.of(many, Facets.from_cases(many))

    page = search_page(shelf, "", Choice(), None)
    assert page.count('<span class="rank">') == 300
    assert "只列出前 300 篇，共 301 篇，请先选择区、案例集或年份。" in page
    assert "只列出前" not in search_page(shelf, "", Choice(district="静安区"), None)


def test_years_are_offered_where_there_are_several(
    cases: tuple[Case, ...], retriever: Retriever, client: TestClient
) -> None:
    assert "按年份浏览" not in client.get("/").text
    assistant = Assistant((replace(cases[0], year=2021), *cases[1:]), retriever, "v1")
    with TestClient(create_app(Asker(assistant), passages=4, encoder="none")) as other:
        page = other.get("/?year=2021").text

    assert (
        '<li><a href="./?year=2021#cases" aria-current="true">2021 年</a> '
        '<span class="count">1 篇</span></li>'
    ) in page


def test_without_scripts_the_page_itself_has_the_results(client: TestClient) -> None:
    page = client.get("/search?q=智能退税&district=静安区").text

    assert '<ol class="results"><li class="result">' in page
    assert (
        '<a href="./cases/c33adef876c?v=8873297aee.22.4cd8061c#p=42-61"'
        ' aria-label="查看原文：智能退税一键到账，第 1 条">查看原文</a>'
    ) in page
    assert "帮办&lt;/b&gt;" in page
    assert "未找到直接答案" in client.get("/search?q=火箭发射").text
    assert "未找到相关段落" in client.get("/search?q=税&district=虹口区").text
    assert "问题是空的，请填写内容。" in client.get("/search").text
    assert "问题最多 500 个字，现有 501 个。" in client.get(f"/search?q={'税' * 501}").text


def test_a_case_of_another_district_is_marked_in_words(client: TestClient) -> None:
    head = '<span class="badge">静安区</span> <span class="other-district">（其他区）</span> '

    assert client.get("/search?q=浦东智能退税").text.count(head) == 2
    assert "（其他区）" not in client.get("/search?q=静安浦东智能退税").text
    assert "（其他区）" not in client.get("/search?q=智能退税").text


@pytest.mark.parametrize(
    ("query", "complaint"),
    [
        ("q=退税&district=%20", "区是空的，请填写内容。"),
        (f"q=退税&district={'静' * 201}", "区最多 200 个字。"),
        ("q=%20&district=%20", "问题是空的，请填写内容；区是空的，请填写内容。"),
    ],
)
def test_without_scripts_the_field_that_is_wrong_is_named(
    client: TestClient, query: str, complaint: str
) -> None:
    page = client.get(f"/search?{query}").text

    assert f'<p class="notice error">{complaint}</p>' in page


def test_without_scripts_a_result_says_all_that_the_script_would_say(
    cases: tuple[Case, ...], retriever: Retriever
) -> None:
    shared = replace(
        cases[0],
        collection="某市<优秀>案例",
        districts=(*cases[0].districts, District("浦东新区", Span(0, 1))),
    )
    unranked = replace(cases[1], rank=None, districts=())
    assistant = Assistant((shared, unranked, *cases[2:]), retriever, "v1")
    with TestClient(create_app(Asker(assistant), passages=4, encoder="none")) as client:
        first = client.get("/search?q=智能退税").text
        second = client.get("/search?q=营业执照").text

    assert (
        '<h2 class="result-head"><span class="badge">静安区</span> '
        '<span class="badge">浦东新区</span> '
        '<span class="result-title">智能退税一键到账</span></h2>'
        '<p class="result-origin">某市&lt;优秀&gt;案例 · 排名 1 · 2022 年</p>'
        '<p class="result-place">基本情况</p>'
    ) in first
    assert (
        '<h2 class="result-head"><span class="badge">未写明区</span> '
        '<span class="result-title">快办营业执照</span></h2>'
        '<p class="result-origin">上海市2022年度各区优化营商环境优秀案例</p>'
    ) in second


def test_pages_hold_no_inline_code_and_load_nothing_from_elsewhere() -> None:
    assert sorted(PAGES) == [
        "case.css",
        "case.html",
        "case.js",
        "casebook.css",
        "citation.js",
        "embed.css",
        "embed.html",
        "embed.js",
        "error.html",
        "search.css",
        "search.html",
        "search.js",
    ]
    for name, text in PAGES.items():
        shown = re.compile(r"<code>.*?</code>", re.DOTALL)  # samples: read, never loaded
        assert not re.search(r"https?:|//[a-z]+\.|@import|url\(", shown.sub("", text)), name
        if name.endswith(".html"):
            assert not re.search(r"<style|\sstyle=|\son[a-z]+=|javascript:", text), name
            assert all("src=" in tag for tag in re.findall(r"<script[^>]*>", text)), name
            assert 'lang="zh-CN"' in text
        if name.endswith(".js"):
            forbidden = r"innerHTML|outerHTML|insertAdjacentHTML|document\.write|eval\(|DOMParser"
            assert not re.search(forbidden, text), name
            assert '"use strict"' in text


def test_colours_are_named_in_one_sheet() -> None:
    for name, text in PAGES.items():
        screen = text.partition("@media print")[0]  # paper is white and ink is black
        if name.endswith(".css") and name != "casebook.css":
            assert not re.search(r"#[0-9a-f]{3,8}\b|rgba?\(|hsla?\(", screen), name
    light, dark = PAGES["casebook.css"].split("prefers-color-scheme: dark")
    names = re.compile(r"(--[a-z-]+): #")
    assert names.findall(light) == names.findall(dark)


def test_every_field_of_the_search_form_has_a_label() -> None:
    page = PAGES["search.html"]
    fields = re.findall(r'<(?:input|select) id="([a-z]+)"', page)

    assert fields == ["question", "district"]
    assert re.findall(r'<label for="([a-z]+)">', page) == fields


@pytest.mark.parametrize(
    ("name", "media_type"),
    [
        ("casebook.css", "text/css; charset=utf-8"),
        ("search.css", "text/css; charset=utf-8"),
        ("case.css", "text/css; charset=utf-8"),
        ("search.js", "text/javascript; charset=utf-8"),
        ("citation.js", "text/javascript; charset=utf-8"),
        ("case.js", "text/javascript; charset=utf-8"),
    ],
)
def test_an_asset_is_sent_once_and_then_only_confirmed(
    client: TestClient, name: str, media_type: str
) -> None:
    first = client.get(f"/static/{name}")
    assert first.text == PAGES[name]
    assert first.headers["content-type"] == media_type
    assert first.headers["cache-control"] == "no-cache"

    again = client.get(f"/static/{name}", headers={"If-None-Match": first.headers["etag"]})
    assert (again.status_code, again.content) == (304, b"")
    assert again.headers["etag"] == first.headers["etag"]


def test_templates_are_not_assets(client: TestClient) -> None:
    assert client.get("/static/search.html").status_code == 404


@pytest.mark.parametrize("path", ["/", "/search?q=智能退税", "/cases/c33adef876c"])
def test_pages_work_behind_a_proxy_that_has_them_in_a_folder(client: TestClient, path: str) -> None:
    links = re.findall(r'(?:href|src|action)="([^"]+)"', client.get(path).text)

    assert len(links) > 10
    assert [link for link in links if link.startswith("/")] == []
