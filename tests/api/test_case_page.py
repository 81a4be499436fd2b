"""The page of a case: every character of its text, where it stands, and what changed since it was cited."""

from __future__ import annotations

import re
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path

import pytest
from starlette.testclient import TestClient

from api.case_page import Surroundings, case_page
from rag.cases import read_cases
from rag.types import Case, Source


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
