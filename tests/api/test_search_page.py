"""The search page: its form, all cases to browse, and results for browsers without scripts."""

from __future__ import annotations

from dataclasses import replace

import pytest
from starlette.testclient import TestClient

from api.app import create_app
from api.browse import Choice, Shelf
from api.case_schemas import Facets
from api.search_page import search_page
from rag.ask import Asker
from rag.assistant import Assistant
from rag.retrieve import Retriever
from rag.types import Case, District, Span


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
