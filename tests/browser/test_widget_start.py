"""What the element does to a page that nobody searches on: as little as can be seen."""

from __future__ import annotations

from typing import Any

import pytest
from playwright.sync_api import Page, expect

from api.widget_bundle import readable_script
from api.widget_names import OF_THE_PAGE, renamed

ASK = "/api/v1/ask"
WITHIN = "document.querySelector('casebook-search').shadowRoot"
TURNS = {
    "mouse": f"{WITHIN}.querySelector('.primary').dispatchEvent(new MouseEvent('mouseover'))",
    "focus": f"{WITHIN}.querySelector('input').focus()",
    "click": f"{WITHIN}.querySelector('.scope').click()",
    "key": f"{WITHIN}.querySelector('input').dispatchEvent(new KeyboardEvent('keydown', {{ key: 'a' }}))",
    "input": f"{WITHIN}.querySelector('input').dispatchEvent(new InputEvent('input'))",
    "composition": f"{WITHIN}.querySelector('input').dispatchEvent(new CompositionEvent('compositionstart'))",
}


def made(page: Page) -> list[int]:
    """How many sheets, boxes of suggestions and fields to choose in there are."""
    counted: list[int] = page.evaluate(
        f"[{WITHIN}.adoptedStyleSheets.length, {WITHIN}.querySelectorAll('#list').length,"
        f" {WITHIN}.querySelectorAll('select').length]"
    )
    return counted


@pytest.mark.parametrize("turn", TURNS)
def test_the_rest_is_made_once_somebody_turns_to_it(portal: Any, turn: str) -> None:
    page = portal.open()
    assert made(page) == [1, 0, 0]
    page.evaluate(TURNS[turn])
    assert made(page) == [2, 1, 3]
    page.locator("#question").focus()
    assert made(page) == [2, 1, 3]


def test_what_is_made_by_a_script_stands_there_at_once(portal: Any) -> None:
    page = portal.open()
    made_there = page.evaluate(
        """() => {
          const element = document.createElement("casebook-search");
          const before = element.shadowRoot;
          document.body.append(element);
          return [before, element.shadowRoot.querySelectorAll("input").length];
        }"""
    )
    assert made_there == [None, 1]


def test_its_label_is_that_of_the_question_wherever_it_stands(portal: Any) -> None:
    page = portal.open(
        inside='<form><label for="d">区</label><input id="d" name="district">'
        '<label for="q">要问什么</label><input id="q" name="q"></form>'
    )
    expect(page.locator("label[for=question]")).to_have_text("要问什么")


def test_what_the_server_asks_is_asked_where_no_frames_are_seen(
    page: Page, portal: Any, stage: Any
) -> None:
    page.add_init_script(
        "Object.defineProperty(document, 'hidden', { value: true }); window.requestAnimationFrame = () => 0"
    )
    portal.open(inside='<form><input name="q" value="退税几天到账"></form>')
    page.locator("[data-state=answered]").wait_for()
    assert [it.body["query"] for it in stage.asked_of(ASK)] == ["退税几天到账"]


def test_what_is_asked_before_it_is_in_the_page_is_asked_once(portal: Any, stage: Any) -> None:
    page = portal.open()
    page.evaluate(
        """() => {
          const element = document.createElement("casebook-search");
          element.ask("退税几天到账");
          document.body.replaceChildren(element);
          element.focus();
        }"""
    )
    page.locator("[data-state=answered]").wait_for()
    assert [it.body["query"] for it in stage.asked_of(ASK)] == ["退税几天到账"]
    assert page.evaluate(f"{WITHIN}.activeElement.id") == "question"


def test_the_key_that_wakes_it_is_heard(portal: Any, stage: Any) -> None:
    page = portal.open()
    page.evaluate(f"{WITHIN}.querySelector('input').value = '退税几天到账'")
    page.evaluate(f"{WITHIN}.querySelector('form').requestSubmit()")
    page.locator("[data-state=answered]").wait_for()
    assert page.url.endswith("/portal")  # the browser sent no form
    assert [it.body["query"] for it in stage.asked_of(ASK)] == ["退税几天到账"]


def test_the_click_that_wakes_it_is_heard(portal: Any, stage: Any) -> None:
    page = portal.open(inside='<a href="/?q=x">怎样退税？</a>')
    page.evaluate(f"{WITHIN}.querySelector('.examples button').click()")
    page.locator("[data-state=answered]").wait_for()
    assert [it.body["query"] for it in stage.asked_of(ASK)] == ["怎样退税？"]


def test_where_to_search_opens_and_closes(portal: Any, stage: Any, answers: Any) -> None:
    counted: dict[str, list[Any]] = {"district": [], "collection": [], "year": []}
    stage.answer("/api/v1/facets", answers.as_json(counted))
    page = portal.open('district="静安区" collection="优秀案例" year="2023"')
    scope = page.get_by_role("button", name="检索范围：静安区 · 优秀案例 · 2023")
    expect(scope).to_have_attribute("aria-expanded", "false")
    scope.click()
    expect(scope).to_have_attribute("aria-expanded", "true")
    expect(page.get_by_label("案例集")).to_have_value("优秀案例")
    scope.press("Enter")
    expect(page.get_by_label("案例集")).to_be_hidden()
    assert len(stage.asked_of("/api/v1/facets")) == 1


def test_no_name_that_is_shortened_means_something_of_the_page(page: Page) -> None:
    names = [*renamed(readable_script())]
    assert page.evaluate("(names) => names.filter((name) => name in window)", names) == []
    assert OF_THE_PAGE.isdisjoint(names)
