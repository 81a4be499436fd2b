"""The case page in a real browser: exactly what is cited is marked, also after the source was edited."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from playwright.sync_api import Browser, Page, expect

from api.case_page import Surroundings, case_page
from api.case_schemas import CaseDetail
from api.edge import SECURITY_HEADERS
from rag.cases import read_cases
from rag.permalink import linked_version, permalink
from rag.source import decode
from rag.types import Case, Span

TEXT = (
    "某市2023年优化营商环境优秀案例\n\n排名1\n帮办代办进楼宇\n嘉定区设立帮办站。\n\n排名2\n智能退税一键到账\n"
    "一、主要做法\n静安区𠮷祥大厦推出智能退税，三日到账。企业不再跑窗口。\n"
    "（一）数据多跑路\n税务局以数据核对申请，三日到账。\n二、成效\n"
    + "".join(f"静安区第{i}季度退税提速，企业反映良好。\n" for i in "一二三四五六七八")
    + "平均退税，三日到账。\n"
)

WIDTHS = pytest.mark.parametrize("width", [360, 1440])
SCHEMES = pytest.mark.parametrize("scheme", ["light", "dark"])


def case_of(text: str) -> Case:
    return read_cases([decode("案例.txt", text.encode())])[1]


def span_of(words: str, case: Case, *, last: bool = False) -> Span:
    text = case.source.text
    start = text.rindex(words) if last else text.index(words, case.body.span.start)
    return Span(start, start + len(words))


CASE = case_of(TEXT)


@pytest.fixture
def show(page: Page, stage: Any) -> Callable[..., None]:
    """Open a link to a case as it is now."""

    def show(link: str, case: Case = CASE) -> None:
        path = link.partition("#")[0].partition("?")[0]
        version = link.partition("?v=")[2].partition("#")[0]
        around = Surroundings(before=read_cases([case.source])[0])
        html = case_page(case, around, linked_version(version))
        policy = SECURITY_HEADERS["Content-Security-Policy"]
        stage.page(html, path=path, content_security_policy=policy)
        whole = CaseDetail.from_case(case).model_dump_json()
        stage.page(whole, path=f"/api/v1{path}", content_type="application/json")
        page.goto(stage.url + link)

    return show


def marked(page: Page) -> list[str]:
    return page.locator("mark").all_text_contents()


def notice(page: Page) -> str:
    return page.locator("#cited").text_content() or ""


@pytest.mark.parametrize(
    "words",
    ["智能退税，三日到账。", "静安区𠮷祥大厦", "𠮷", "一、主要做法", "平均退税，三日到账。"],
)
def test_exactly_what_is_cited_is_marked(page: Page, show: Callable[..., None], words: str) -> None:
    span = span_of(words, CASE)
    show(permalink(CASE, span))

    assert marked(page) == [words]
    assert notice(page) == f"已标出所引的段落：原文件位置 {span.start}-{span.end}。"


def test_what_is_cited_across_lines_is_marked_in_each(
    page: Page, show: Callable[..., None]
) -> None:
    show(permalink(CASE, span_of("跑窗口。\n（一）数据多跑路\n税务局", CASE)))

    assert marked(page) == ["跑窗口。", "（一）数据多跑路", "税务局"]


def test_what_is_cited_is_scrolled_to_and_has_the_focus(
    page: Page, show: Callable[..., None]
) -> None:
    page.set_viewport_size({"width": 768, "height": 300})
    show(permalink(CASE, span_of("平均退税", CASE)))

    expect(page.locator("mark")).to_be_in_viewport()
    expect(page.locator("mark")).to_be_focused()
    assert page.evaluate("scrollY") > 0


def test_several_places_are_marked_and_the_first_is_shown(
    page: Page, show: Callable[..., None]
) -> None:
    first, second, last = (span_of(it, CASE) for it in ("智能退税", "不再跑", "平均"))
    show(f"{permalink(CASE, first)},{second.start}-{second.end},{last.start}-{last.end},9998-9999")

    assert marked(page) == ["智能退税", "不再跑", "平均"]
    expect(page.locator("mark").first).to_be_focused()
    where = "、".join(f"{it.start}-{it.end}" for it in (first, second, last))
    assert notice(page) == f"已标出所引的段落：原文件位置 {where}。另有 1 处不在本篇中。"


def test_places_that_meet_are_one(page: Page, show: Callable[..., None]) -> None:
    span = span_of("推出智能退税", CASE)
    middle = span.start + 4
    show(f"{permalink(CASE, Span(middle, span.end))},{span.start}-{middle}")

    assert marked(page) == ["推出智能退税"]


def test_another_place_of_the_same_page_takes_the_mark(
    page: Page, show: Callable[..., None]
) -> None:
    show(permalink(CASE, span_of("智能退税", CASE)))
    after = span_of("平均退税", CASE)
    page.evaluate(f"location.hash = '#p={after.start}-{after.end}'")

    expect(page.locator("mark")).to_have_text("平均退税")
    text = page.locator("#text").text_content() or ""
    assert "".join(text.split()) == "".join(CASE.body.span.of(TEXT).split())


def test_a_place_that_is_not_in_the_case_is_told(page: Page, show: Callable[..., None]) -> None:
    show(f"/cases/{CASE.case_id}#p=0-5")

    assert marked(page) == []
    assert notice(page) == "本篇中没有所引的位置，链接可能来自旧的索引。"


def test_an_edit_before_the_case_moves_the_mark_along(
    page: Page, show: Callable[..., None]
) -> None:
    link = permalink(CASE, span_of("智能退税", CASE))
    now = case_of(TEXT.replace("嘉定区设立", "嘉定区在𠮷祥楼宇设立"))
    show(link, now)

    assert marked(page) == ["智能退税"]
    span = span_of("智能退税", now)
    assert notice(page) == (
        "本篇在文件中的位置有移动，文字没有改动；已标出所引的段落："
        f"原文件位置 {span.start}-{span.end}。"
    )


@pytest.mark.parametrize("last", [False, True])
def test_an_edit_elsewhere_in_the_case_leaves_the_words_to_be_found_where_they_were(
    page: Page, show: Callable[..., None], *, last: bool
) -> None:
    link = permalink(CASE, span_of("三日到账", CASE, last=last))
    now = case_of(TEXT.replace("二、成效\n", "二、成效\n𠮷日起，").replace("嘉定", "静安"))
    show(link, now)

    expect(page.locator("#changed")).to_be_visible()
    expect(page.locator("mark")).to_have_text("三日到账")
    span = span_of("三日到账", now, last=last)
    assert notice(page) == f"所引的段落没有改动，已标出：原文件位置 {span.start}-{span.end}。"


def test_words_that_were_edited_are_not_marked(page: Page, show: Callable[..., None]) -> None:
    link = permalink(CASE, span_of("智能退税，三日到账", CASE))
    show(link, case_of(TEXT.replace("智能退税，三日", "智能退税，五日")))

    expect(page.locator("#cited")).to_have_text("所引的段落已改动或删去，没有标出位置。")
    assert marked(page) == []


def test_after_an_edit_only_the_place_that_can_be_checked_is_marked(
    page: Page, show: Callable[..., None]
) -> None:
    second = span_of("平均", CASE)
    link = f"{permalink(CASE, span_of('智能退税', CASE))},{second.start}-{second.end}"
    now = case_of(TEXT.replace("反映良好", "反映很好"))
    show(link, now)

    expect(page.locator("mark")).to_have_text("智能退税")
    span = span_of("智能退税", now)
    expect(page.locator("#cited")).to_have_text(
        f"所引的段落没有改动，已标出：原文件位置 {span.start}-{span.end}。"
        "另有 1 处无法核对，没有标出。"
    )


def test_a_text_that_cannot_be_fetched_is_told(
    page: Page, show: Callable[..., None], complaints: Any
) -> None:
    page.route("**/api/v1/cases/*", lambda route: route.abort())
    show(permalink(CASE, span_of("智能退税", CASE)), case_of(TEXT.replace("良好", "很好")))

    expect(page.locator("#cited")).to_have_text(
        "无法取得全文，不能确定所引的段落现在何处，没有标出位置。"
    )
    complaints.expect("net::ERR_FAILED")


def copied(page: Page) -> str:
    """What a reader can paste now."""
    page.evaluate("document.querySelector('h1').replaceWith(document.createElement('textarea'))")
    page.focus("textarea")
    page.keyboard.press("Control+V")
    return page.input_value("textarea")


def test_a_citation_is_copied_without_a_secure_context(
    page: Page, show: Callable[..., None], stage: Any
) -> None:
    link = permalink(CASE, span_of("智能退税，三日到账。", CASE))
    show(link)
    assert page.evaluate("isSecureContext") is False
    page.click("#copy")

    expect(page.locator("#copied")).to_have_text("已复制。")
    expect(page.locator("#copy")).to_be_focused()
    assert copied(page) == (
        "“智能退税，三日到账。”（静安区《智能退税一键到账》，载《某市2023年优化营商环境优秀案例》，"
        "排名第2）。\n"
        f"原文件：案例.txt，位置 {link.partition('#p=')[2]}，SHA-256：{CASE.source.sha256}。\n"
        f"网址：{stage.url}{link}"
    )


def test_a_citation_of_the_whole_case_is_copied_where_nothing_is_marked(
    page: Page, show: Callable[..., None], stage: Any
) -> None:
    show(f"/cases/{CASE.case_id}")
    page.click("#copy")

    address = permalink(CASE, CASE.span).partition("#")[0]
    assert copied(page) == (
        "静安区《智能退税一键到账》，载《某市2023年优化营商环境优秀案例》，排名第2。\n"
        f"原文件：案例.txt，位置 {CASE.span.start}-{CASE.span.end}，"
        f"SHA-256：{CASE.source.sha256}。\n"
        f"网址：{stage.url}{address}"
    )


def test_the_address_of_a_citation_is_of_the_case_as_it_is_now(
    page: Page, show: Callable[..., None], stage: Any
) -> None:
    old = permalink(CASE, span_of("智能退税", CASE))
    now = case_of(TEXT.replace("良好", "很好").replace("嘉定区设立", "嘉定区现已设立"))
    show(old, now)
    expect(page.locator("mark")).to_have_text("智能退税")

    address = stage.url + permalink(now, span_of("智能退税", now))
    expect(page.locator("#citation-address")).to_have_text(address)


def test_the_words_of_several_places_are_cited_with_what_lies_between_left_out(
    page: Page, show: Callable[..., None]
) -> None:
    second = span_of("平均", CASE)
    link = f"{permalink(CASE, span_of('智能退税', CASE))},{second.start}-{second.end}"
    show(link)

    expect(page.locator("#citation")).to_contain_text("“智能退税……平均”（静安区《")
    assert (page.locator("#citation-address").text_content() or "").endswith(link)


def test_where_copying_is_forbidden_the_citation_is_selected(
    page: Page, show: Callable[..., None]
) -> None:
    show(f"/cases/{CASE.case_id}")
    page.evaluate("document.execCommand = () => false")
    page.click("#copy")

    expect(page.locator("#copied")).to_have_text("浏览器不允许复制。已选中引用，请按 Ctrl+C。")
    assert page.evaluate("getSelection().toString()").startswith("静安区《智能退税一键到账》")


def test_the_contents_stay_beside_the_text_where_there_is_room(
    page: Page, show: Callable[..., None]
) -> None:
    page.set_viewport_size({"width": 1440, "height": 500})
    show(permalink(CASE, span_of("平均", CASE)))

    expect(page.get_by_role("link", name="主要做法")).to_be_in_viewport()
    page.get_by_role("link", name="数据多跑路").click()
    expect(page.get_by_role("heading", name="（一）数据多跑路")).to_be_in_viewport()


def test_the_contents_are_folded_where_there_is_none(page: Page, show: Callable[..., None]) -> None:
    page.set_viewport_size({"width": 360, "height": 640})
    show(f"/cases/{CASE.case_id}")

    expect(page.get_by_role("link", name="主要做法")).to_be_hidden()
    page.get_by_text("目录", exact=True).click()
    expect(page.get_by_role("link", name="主要做法")).to_be_visible()


def test_without_scripts_the_case_is_whole_and_says_what_is_missing(
    chromium: Browser, stage: Any
) -> None:
    stage.page(case_page(CASE, Surroundings()), path=f"/cases/{CASE.case_id}")
    context = chromium.new_context(
        java_script_enabled=False, viewport={"width": 360, "height": 640}
    )
    page = context.new_page()
    page.goto(f"{stage.url}/cases/{CASE.case_id}#p=60-70")

    expect(page.locator("noscript .notice")).to_be_visible()
    expect(page.get_by_role("link", name="主要做法")).to_be_visible()
    expect(page.locator("#copy")).to_be_hidden()
    expect(page.get_by_text("平均退税，三日到账。")).to_be_visible()
    context.close()


@WIDTHS
@SCHEMES
def test_a_case_page_is_accessible(
    page: Page,
    show: Callable[..., None],
    violations: Callable[[Page], list[str]],
    width: int,
    scheme: Any,
) -> None:
    page.set_viewport_size({"width": width, "height": 800})
    page.emulate_media(color_scheme=scheme)
    show(permalink(CASE, span_of("智能退税", CASE)), case_of(TEXT.replace("良好", "很好")))
    expect(page.locator("mark")).to_have_text("智能退税")

    assert violations(page) == []


def test_headings_descend_one_level_at_a_time(page: Page, show: Callable[..., None]) -> None:
    show(f"/cases/{CASE.case_id}")

    levels = [
        int(tag[1])
        for tag in page.evaluate(
            "Array.from(document.querySelectorAll('h1,h2,h3,h4,h5,h6'), (it) => it.tagName)"
        )
    ]
    assert levels == [1, 2, 3, 2, 2, 3, 3]


def test_at_320_pixels_nothing_scrolls_sideways(page: Page, show: Callable[..., None]) -> None:
    page.set_viewport_size({"width": 320, "height": 640})
    show(permalink(CASE, span_of("智能退税", CASE)))

    assert page.evaluate("document.documentElement.scrollWidth") == 320


def test_the_skip_link_is_first_and_leads_to_the_text(
    page: Page, show: Callable[..., None]
) -> None:
    show(f"/cases/{CASE.case_id}")
    page.keyboard.press("Tab")

    expect(page.get_by_role("link", name="跳到正文")).to_be_focused()
    expect(page.get_by_role("link", name="跳到正文")).to_be_in_viewport()
    page.keyboard.press("Enter")
    expect(page.locator("main")).to_be_focused()


@SCHEMES
def test_on_paper_there_is_the_text_and_its_citation_and_nothing_to_click(
    page: Page, show: Callable[..., None], stage: Any, scheme: Any
) -> None:
    link = permalink(CASE, span_of("智能退税", CASE))
    show(link)
    page.emulate_media(media="print", color_scheme=scheme)

    for hidden in (".skip", ".masthead", ".contents", "#copy", ".neighbours", ".foot"):
        expect(page.locator(hidden)).to_be_hidden()
    for shown in ("h1", "#text", "#citation"):
        expect(page.locator(shown)).to_be_visible()
    expect(page.locator("#citation-address")).to_have_text(stage.url + link)
    colours = "(it) => [getComputedStyle(it).color, getComputedStyle(it).backgroundColor]"
    assert page.locator("#citation").evaluate(colours) == ["rgb(0, 0, 0)", "rgb(255, 255, 255)"]
    underlined = page.locator("mark").evaluate("(it) => getComputedStyle(it).textDecorationLine")
    assert underlined == "underline"


def test_a_mark_is_seen_where_the_system_chooses_the_colours(
    page: Page, show: Callable[..., None]
) -> None:
    show(permalink(CASE, span_of("智能退税", CASE)))
    page.emulate_media(forced_colors="active")

    background = "(it) => getComputedStyle(it).backgroundColor"
    mark, ground = (page.locator(it).evaluate(background) for it in ("mark", "body"))
    assert mark != ground
