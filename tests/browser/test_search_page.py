"""The search page in a real browser: with the widget, without scripts, and where the widget is blocked."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from itertools import pairwise
from typing import Any

import pytest
from playwright.sync_api import Browser, Page, expect

PLACES = ["/", "/?district=静安区&year=2023", "/search?q=智能退税怎么办"]


@pytest.fixture(autouse=True)
def no_widget(stage: Any) -> None:
    """A proxy may block a script that another page needs; the page is to be usable all the same."""
    stage.page("", path="/widget/v1/casebook.js", content_type="text/javascript")


@pytest.fixture
def widget(stage: Any, no_widget: None) -> None:  # noqa: ARG001  undone, so it comes first
    del stage.pages["/widget/v1/casebook.js"]


@pytest.fixture
def unscripted(chromium: Browser) -> Iterator[Page]:
    context = chromium.new_context(java_script_enabled=False)
    yield context.new_page()
    context.close()


def ask(page: Page, query: str, **filters: list[str]) -> None:
    """Tell the page what the widget tells when it is asked."""
    page.evaluate(
        "(detail) => document.querySelector('casebook-search').dispatchEvent("
        "new CustomEvent('casebook:ask', { bubbles: true, composed: true, detail }))",
        {"query": query, "filters": filters},
    )


def test_without_scripts_the_form_searches(unscripted: Page, stage: Any) -> None:
    unscripted.goto(stage.url)
    unscripted.get_by_label("问题").fill("静安智能退税")
    unscripted.get_by_label("区", exact=True).select_option("静安区")
    unscripted.get_by_role("button", name="检索").click()

    expect(unscripted.locator(".result").first).to_contain_text("智能退税一键到账")
    unscripted.get_by_role("link", name="查看原文：智能退税一键到账，第 1 条").click()
    expect(unscripted.locator("h1")).to_have_text("智能退税一键到账")


def test_without_scripts_a_shared_question_is_one_step_from_its_results(
    unscripted: Page, stage: Any
) -> None:
    unscripted.goto(f"{stage.url}/?q=静安智能退税")
    unscripted.get_by_role("link", name="查看这个问题的检索结果").click()

    expect(unscripted.locator(".result").first).to_be_visible()


def test_without_scripts_cases_are_browsed_by_district(unscripted: Page, stage: Any) -> None:
    unscripted.goto(stage.url)
    unscripted.get_by_role("link", name="静安区 1 篇").click()

    expect(unscripted.locator(".entries li")).to_have_count(1)
    unscripted.get_by_role("link", name="列出全部").click()
    expect(unscripted.locator(".entries li")).to_have_count(3)


def test_where_the_widget_is_blocked_the_form_still_searches(page: Page, stage: Any) -> None:
    page.goto(stage.url)
    page.get_by_label("问题").fill("静安智能退税")
    page.keyboard.press("Enter")

    expect(page.locator(".result").first).to_be_visible()


def test_the_address_follows_what_is_asked_and_going_back_leads_back(
    page: Page, stage: Any
) -> None:
    page.goto(stage.url)
    ask(page, "退税 & 帮办?", district=["静安区"])

    assert page.evaluate("location.search + location.hash") == (
        "?q=%E9%80%80%E7%A8%8E+%26+%E5%B8%AE%E5%8A%9E%3F&district=%E9%9D%99%E5%AE%89%E5%8C%BA"
    )
    expect(page).to_have_title("退税 & 帮办? · 营商环境案例检索")
    shared = page.url
    ask(page, "退税 & 帮办?", district=["静安区"])  # the same again is no step
    page.go_back()
    expect(page).to_have_title("营商环境案例检索")
    expect(page).to_have_url(f"{stage.url}/")

    page.goto(shared)
    assert page.input_value("#question") == "退税 & 帮办?"
    assert page.locator("casebook-search").get_attribute("district") == "静安区"


@pytest.mark.usefixtures("widget")
def test_a_shared_question_is_asked_at_once_in_its_district(page: Page, stage: Any) -> None:
    with page.expect_request("**/api/v1/ask") as asked:
        page.goto(f"{stage.url}/?q=智能退税几日到账&district=静安区")

    assert asked.value.post_data_json["query"] == "智能退税几日到账"
    assert asked.value.post_data_json["filters"] == {"district": ["静安区"]}
    expect(page).to_have_title("智能退税几日到账 · 营商环境案例检索")
    expect(page.locator("casebook-search")).to_contain_text("智能退税一键到账")
    expect(page.locator("form.search-form")).to_be_hidden()  # the widget's has taken its place


@pytest.mark.usefixtures("widget")
def test_what_is_asked_of_the_widget_is_in_the_address(page: Page, stage: Any) -> None:
    page.goto(stage.url)
    page.get_by_role("combobox", name="问题").fill("智能退税几日到账")
    page.keyboard.press("Enter")

    expect(page).to_have_url(
        f"{stage.url}/?q=%E6%99%BA%E8%83%BD%E9%80%80%E7%A8%8E%E5%87%A0%E6%97%A5%E5%88%B0%E8%B4%A6"
    )
    page.go_back()
    expect(page).to_have_url(f"{stage.url}/")
    expect(page.get_by_role("combobox", name="问题")).to_have_value("")


@pytest.mark.usefixtures("widget")
@pytest.mark.parametrize("width", [320, 1440])
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_with_the_widget_the_page_is_accessible_and_nothing_scrolls_sideways(
    page: Page,
    stage: Any,
    violations: Callable[[Page], list[str]],
    width: int,
    scheme: Any,
) -> None:
    page.set_viewport_size({"width": width, "height": 800})
    page.emulate_media(color_scheme=scheme)
    page.goto(f"{stage.url}/?q=智能退税几日到账")
    expect(page.locator("casebook-search")).to_contain_text("智能退税一键到账")

    assert violations(page) == []
    assert page.evaluate("document.documentElement.scrollWidth") == width


def test_the_page_for_browsers_without_scripts_is_no_step(page: Page, stage: Any) -> None:
    page.goto(stage.url)
    page.goto(f"{stage.url}/search?q=退税&district=")
    ask(page, "退税")

    assert page.evaluate("location.pathname + location.search") == "/?q=%E9%80%80%E7%A8%8E"
    page.go_back()
    expect(page).to_have_url(f"{stage.url}/")


def test_a_step_within_the_page_keeps_what_was_found(page: Page, stage: Any) -> None:
    page.goto(stage.url)
    page.evaluate("window.kept = true")
    page.get_by_role("link", name="关于本服务").click()
    expect(page.get_by_role("heading", name="关于本服务")).to_be_in_viewport()
    page.go_back()

    assert page.evaluate("window.kept") is True


@pytest.mark.parametrize("place", PLACES)
@pytest.mark.parametrize("width", [360, 1440])
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_the_search_page_is_accessible(
    page: Page,
    stage: Any,
    violations: Callable[[Page], list[str]],
    place: str,
    width: int,
    scheme: Any,
) -> None:
    page.set_viewport_size({"width": width, "height": 800})
    page.emulate_media(color_scheme=scheme)
    page.goto(stage.url + place)

    assert violations(page) == []


@pytest.mark.parametrize("place", PLACES)
def test_headings_descend_one_level_at_a_time(page: Page, stage: Any, place: str) -> None:
    page.goto(stage.url + place)
    levels = [
        int(tag[1])
        for tag in page.evaluate(
            "Array.from(document.querySelectorAll('h1,h2,h3,h4,h5,h6'), (it) => it.tagName)"
        )
    ]

    assert levels.count(1) == 1
    assert all(after <= before + 1 for before, after in pairwise(levels))


@pytest.mark.parametrize("place", PLACES)
def test_at_320_pixels_nothing_scrolls_sideways(page: Page, stage: Any, place: str) -> None:
    page.set_viewport_size({"width": 320, "height": 640})
    page.goto(stage.url + place)

    assert page.evaluate("document.documentElement.scrollWidth") == 320


def test_the_skip_link_is_first_and_leads_to_the_form(page: Page, stage: Any) -> None:
    page.goto(stage.url)
    page.keyboard.press("Tab")
    expect(page.get_by_role("link", name="跳到检索")).to_be_in_viewport()
    page.keyboard.press("Enter")
    page.keyboard.press("Tab")

    expect(page.get_by_label("问题")).to_be_focused()


@pytest.mark.parametrize("place", PLACES)
def test_what_is_touched_is_at_least_24_pixels_high(page: Page, stage: Any, place: str) -> None:
    page.goto(stage.url + place)
    low = page.evaluate(
        "Array.from(document.querySelectorAll('nav a, .tile, .examples a, .facets a, button, input'))"
        ".filter((it) => it.offsetParent && it.getBoundingClientRect().height < 24).map((it) => it.textContent)"
    )

    assert low == []


def test_the_chosen_district_is_seen_where_the_system_chooses_the_colours(
    page: Page, stage: Any
) -> None:
    page.goto(f"{stage.url}/?district=静安区")
    page.emulate_media(forced_colors="active")

    outlines = page.locator("a.tile").evaluate_all(
        "(tiles) => tiles.map((it) => getComputedStyle(it).outlineStyle)"
    )
    assert sorted(outlines) == ["none", "none", "solid"]
