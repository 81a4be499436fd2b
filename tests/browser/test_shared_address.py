"""An address of the search page holds the whole question: what was asked, and where it was looked for."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from playwright.sync_api import Browser, Page, Request, expect

from api.widget_bundle import widget_script

COLLECTION = "某市2023年优化营商环境优秀案例"
FILTERS = {"district": ["静安区"], "collection": [COLLECTION], "year": [2023]}
ASKED = "/?q=智能退税几日到账"
WHERE = f"&district=静安区&collection={COLLECTION}&year=2023"


@pytest.fixture(autouse=True)
def widget(stage: Any) -> None:
    stage.page(widget_script(), path="/widget/v1/casebook.js", content_type="text/javascript")


@pytest.fixture
def unscripted(chromium: Browser) -> Iterator[Page]:
    context = chromium.new_context(java_script_enabled=False)
    yield context.new_page()
    context.close()


def filters_of(request: Request) -> Any:
    asked: Any = request.post_data_json
    return asked["filters"]


def choose_all(page: Page) -> None:
    page.get_by_role("button", name="检索范围：全部").click()
    page.locator("#district").nth(-1).select_option("静安区")
    page.get_by_label("案例集", exact=True).select_option(COLLECTION)
    page.get_by_label("年份", exact=True).select_option("2023")


def test_where_it_was_looked_for_is_in_the_address(page: Page, stage: Any) -> None:
    page.goto(stage.url)
    choose_all(page)
    page.get_by_role("combobox", name="问题").fill("智能退税几日到账")
    page.keyboard.press("Enter")

    page.wait_for_url("**/?q=*")
    assert page.evaluate("Object.fromEntries(new URLSearchParams(location.search))") == {
        "q": "智能退税几日到账",
        "district": "静安区",
        "collection": COLLECTION,
        "year": "2023",
    }


def test_an_address_asks_again_where_it_was_looked_for(page: Page, stage: Any) -> None:
    with page.expect_request("**/api/v1/ask") as asked:
        page.goto(stage.url + ASKED + WHERE)

    assert filters_of(asked.value) == FILTERS
    scope = page.get_by_role("button", name="检索范围")
    expect(scope).to_have_text(f"检索范围：静安区 · {COLLECTION} · 2023")
    scope.click()
    expect(page.get_by_label("案例集", exact=True)).to_have_value(COLLECTION)
    expect(page.get_by_label("年份", exact=True)).to_have_value("2023")


def test_going_back_looks_where_it_was_looked_before(page: Page, stage: Any) -> None:
    page.goto(stage.url + ASKED + WHERE)
    page.locator("[data-state=answered], [data-state=refused]").wait_for()
    page.get_by_role("button", name="检索范围").click()
    page.get_by_label("案例集", exact=True).select_option("")
    page.get_by_label("年份", exact=True).select_option("")
    page.get_by_role("combobox", name="问题").press("Enter")
    page.wait_for_url(lambda url: "collection" not in url)
    with page.expect_request("**/api/v1/ask") as asked:
        page.go_back()

    assert filters_of(asked.value) == FILTERS


def test_what_is_not_among_the_cases_is_not_looked_for(page: Page, stage: Any) -> None:
    with page.expect_request("**/api/v1/ask") as asked:
        page.goto(f"{stage.url}{ASKED}&collection=没有&year=1999x")

    assert filters_of(asked.value) == {}


def test_without_scripts_the_results_are_from_there_as_well(unscripted: Page, stage: Any) -> None:
    unscripted.goto(stage.url + ASKED + WHERE)
    unscripted.get_by_role("link", name="查看这个问题的检索结果").click()

    expect(unscripted.locator(".chosen")).to_contain_text(f"静安区 · {COLLECTION} · 2023 年")
    expect(unscripted.locator(".result").first).to_contain_text("智能退税一键到账")


def test_without_scripts_a_year_that_is_none_is_said(unscripted: Page, stage: Any) -> None:
    unscripted.goto(f"{stage.url}/search?q=退税&year=去年")

    expect(unscripted.locator(".error")).to_contain_text("年份")
