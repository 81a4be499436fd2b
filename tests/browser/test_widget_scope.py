"""Where to search: districts, collections and years to choose from."""

from __future__ import annotations

import json
from typing import Any

from playwright.sync_api import expect

ASK = "/api/v1/ask"


def test_facets_are_asked_for_when_they_are_wanted(portal: Any, stage: Any, answers: Any) -> None:
    counted = {
        "district": [{"value": "静安区", "count": 2}, {"value": None, "count": 1}],
        "collection": [{"value": "优秀案例", "count": 3}],
        "year": [{"value": 2023, "count": 3}],
    }
    stage.answer("/api/v1/facets", answers.as_json(counted))
    page = portal.open()
    assert stage.asked_of("/api/v1/facets") == []
    page.get_by_text("检索范围：全部").click()
    page.get_by_label("区").select_option("静安区（2）")
    page.get_by_label("案例集").select_option("优秀案例")
    page.get_by_label("年份").select_option("2023")
    expect(page.locator(".scope")).to_have_text("检索范围：静安区 · 优秀案例 · 2023")
    expect(page.get_by_label("区").locator("option")).to_have_text(["全部", "静安区（2）"])
    portal.ask()
    assert stage.asked_of(ASK)[0].body["filters"] == {
        "district": ["静安区"],
        "collection": ["优秀案例"],
        "year": [2023],
    }


def test_a_district_of_the_page_stays_chosen(portal: Any, stage: Any, answers: Any) -> None:
    counted = {"district": [{"value": "静安区", "count": 2}], "collection": [], "year": []}
    stage.answer("/api/v1/facets", answers.as_json(counted))
    page = portal.open('district="静安区"')
    page.get_by_text("检索范围：静安区").click()
    expect(page.get_by_label("区")).to_have_value("静安区")
    expect(page.get_by_label("区").locator("option")).to_have_text(["全部", "静安区"])


def test_facets_that_fail_are_asked_for_again(
    portal: Any, stage: Any, answers: Any, complaints: Any
) -> None:
    counted = {"district": [{"value": "静安区", "count": 2}], "collection": [], "year": []}
    stage.answer("/api/v1/facets", answers.as_json({}, 503), answers.as_json(counted))
    page = portal.open()
    summary = page.locator(".scope")
    summary.click()
    expect(page.locator(".filters + .note")).to_have_text("现在提问的人较多，请 5 秒后重试。")
    summary.click()
    summary.click()
    expect(page.get_by_label("区").locator("option")).to_have_count(2)
    expect(page.locator(".filters + .note")).to_have_text("")
    complaints.expect("503")


def test_the_real_service_is_understood(portal: Any) -> None:
    page = portal.open()
    page.locator("#question").fill("企业退税")
    page.keyboard.press("Enter")
    page.locator("[data-state=answered], [data-state=refused]").wait_for()
    expect(page.get_by_role("article").first).to_be_visible()
    link = page.get_by_role("link").first.get_attribute("href")
    assert page.evaluate("async (url) => (await fetch(url)).status", link) == 200
    assert json.dumps(page.locator(".text").first.text_content())
