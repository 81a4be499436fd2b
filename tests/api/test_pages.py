"""The pages a person reads: a case with every character of its text, and the search page."""

from __future__ import annotations

import re
from dataclasses import replace
from html.parser import HTMLParser
from importlib.resources import files
from pathlib import Path

import pytest
from starlette.testclient import TestClient

from api import render
from api.app import create_app
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
        page.feed(render.case_page(case, None))
        shown = "".join(page.lines[start] for start in sorted(page.lines))
        assert "".join(shown.split()) == "".join(case.body.span.of(text).split())
        for start, line in page.lines.items():
            assert text[start : start + len(line)] == line


def test_headings_have_ids_and_stand_in_the_contents(client: TestClient) -> None:
    page = client.get("/cases/c33adef876c").text

    assert '<h2 id="s-35"><span data-start="35">一、基本情况</span></h2>' in page
    assert '<p data-start="69" id="s-69">1、企业不用跑腿。' in page  # a heading run into its text
    assert '<a href="#s-35">基本情况</a>' in page
    assert '<a href="#s-69">企业不用跑腿</a>' in page


def test_the_evidence_for_a_district_is_a_link_to_its_place(client: TestClient) -> None:
    page = client.get("/cases/c33adef876c").text

    assert '<li>静安区：原文件位置 42-45，<a href="#p=42-45">“静安区”</a></li>' in page


def test_markup_in_a_source_is_shown_not_obeyed(client: TestClient) -> None:
    page = client.get("/cases/c33adef876c").text

    assert "税务人员上门&lt;b&gt;帮办&lt;/b&gt;&amp;“代办”。" in page


def test_a_duplicate_points_at_its_original(client: TestClient) -> None:
    assert '本篇与 <a href="/cases/c33adef876c">智能退税一键到账</a> 全文相同' in (
        client.get("/cases/c02a6bd6f72").text
    )


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
    assert '<a href="/cases/c33adef876c#p=42-45">“静安区”</a>' in changed


@pytest.mark.parametrize(
    "version", ["x", "8873297aee", "8873297aee.22", '8873297aee.22."><b>', "0" * 5000, "٣" * 10]
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
    assert '<option value="静安区" selected>静安区（1）</option>' in page
    assert '<option value="浦东新区">浦东新区（1）</option>' in page
    assert "<ol" not in page  # the script searches


def test_without_scripts_the_page_itself_has_the_results(client: TestClient) -> None:
    page = client.get("/search?q=智能退税&district=静安区").text

    assert '<ol class="results"><li class="result">' in page
    assert (
        '<a href="/cases/c33adef876c?v=8873297aee.22.4cd8061c#p=42-61"'
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
    assert 'element("span", "other-district", "（其他区）")' in PAGES["search.js"]


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
    with TestClient(create_app(assistant, passages=4, encoder="none")) as client:
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
        "case.html",
        "case.js",
        "casebook.css",
        "error.html",
        "search.html",
        "search.js",
    ]
    for name, text in PAGES.items():
        assert not re.search(r"https?:|//[a-z]+\.|@import|url\(", text), name
        if name.endswith(".html"):
            assert not re.search(r"<style|\sstyle=|\son[a-z]+=|javascript:", text), name
            assert all("src=" in tag for tag in re.findall(r"<script[^>]*>", text)), name
            assert 'lang="zh-CN"' in text
        if name.endswith(".js"):
            forbidden = r"innerHTML|outerHTML|insertAdjacentHTML|document\.write|eval\(|DOMParser"
            assert not re.search(forbidden, text), name
            assert '"use strict"' in text


def test_every_field_of_the_search_form_has_a_label() -> None:
    page = PAGES["search.html"]
    fields = re.findall(r'<(?:input|select) id="([a-z]+)"', page)

    assert fields == ["question", "district"]
    assert re.findall(r'<label for="([a-z]+)">', page) == fields


@pytest.mark.parametrize(
    ("name", "media_type"),
    [
        ("casebook.css", "text/css; charset=utf-8"),
        ("search.js", "text/javascript; charset=utf-8"),
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
