"""Typing: what an input method composes is left alone, and suggestions are chosen by key or pointer."""

from __future__ import annotations

from typing import Any

import pytest
from playwright.sync_api import Page, expect

from tests.browser.stage import Reply

SUGGEST, ASK = "/api/v1/suggest", "/api/v1/ask"
SETTLED_MS = 500  # longer than every pause before a look-up


@pytest.fixture
def suggesting(portal: Any) -> Page:
    page: Page = portal.open()
    page.locator("#question").focus()
    return page


def suggested(page: Page) -> Any:
    return page.locator("#list [role=option]")  # a menu of districts has options, too


def typed(page: Page, text: str = "退税") -> None:
    page.keyboard.insert_text(text)
    suggested(page).first.wait_for()


def prevented(page: Page) -> None:
    """Note for every key whether the element has taken it from the browser."""
    page.evaluate(
        "() => { window.taken = []; const note = (event) => taken.push("
        "`${event.key}${event.defaultPrevented ? ' taken' : ''}`);"
        "document.addEventListener('keydown', note); }"
    )


# Input methods


def test_pinyin_on_its_way_looks_nothing_up(suggesting: Page, stage: Any, ime: Any) -> None:
    ime.compose("t", "tu", "tui", "tui'sh", "tui'shui")
    suggesting.wait_for_timeout(SETTLED_MS)
    assert stage.asked_of(SUGGEST) == []
    assert suggesting.locator("#question").input_value() == "tui'shui"


def test_what_is_committed_is_looked_up_once(suggesting: Page, stage: Any, ime: Any) -> None:
    ime.compose("t", "tui", "tui'shui")
    ime.commit("退税")
    suggested(suggesting).first.wait_for()
    suggesting.wait_for_timeout(SETTLED_MS)
    assert [it.query for it in stage.asked_of(SUGGEST)] == ["limit=8&q=%E9%80%80%E7%A8%8E"]


@pytest.mark.parametrize("windows", [False, True], ids=["as typed", "as Windows reports it"])
@pytest.mark.parametrize(
    ("key", "code"),
    [
        ("Enter", 13),
        ("Escape", 27),
        ("ArrowDown", 40),
        ("ArrowUp", 38),
        ("Home", 36),
        ("End", 35),
        ("Tab", 9),
    ],
)
def test_keys_of_an_input_method_are_left_alone(
    suggesting: Page, stage: Any, ime: Any, key: str, code: int, *, windows: bool
) -> None:
    typed(suggesting)
    prevented(suggesting)
    ime.compose("b", "ban")
    ime.key(key, code, windows=windows)
    if (
        key not in {"Escape", "Tab"} or windows
    ):  # these two end a composition without an input method
        assert suggesting.locator("#question").input_value() == "退税ban"
    assert "taken" not in "".join(suggesting.evaluate("taken"))
    assert stage.asked_of(ASK) == []
    assert suggesting.locator("[aria-selected=true]").count() == 0


def test_the_key_before_a_composition_is_left_alone(suggesting: Page, stage: Any, ime: Any) -> None:
    typed(suggesting)
    suggesting.keyboard.press("ArrowDown")
    ime.key("Enter", 13, windows=True)  # 229, and no composition yet
    suggesting.wait_for_timeout(100)
    assert stage.asked_of(ASK) == []
    assert suggested(suggesting).count() == 3


def test_an_enter_after_the_composition_asks(suggesting: Page, stage: Any, ime: Any) -> None:
    ime.compose("tui'shui")
    ime.commit("退税")
    suggesting.keyboard.press("Enter")
    suggesting.locator("[data-state=answered]").wait_for()
    assert [it.body["query"] for it in stage.asked_of(ASK)] == ["退税"]


def test_a_composition_calls_off_what_was_to_be_looked_up(
    suggesting: Page, stage: Any, ime: Any
) -> None:
    suggesting.keyboard.insert_text("退税")
    ime.compose("b", "ban")
    suggesting.wait_for_timeout(SETTLED_MS)
    assert stage.asked_of(SUGGEST) == []


def test_suggestions_that_come_during_a_composition_are_not_shown(
    suggesting: Page, stage: Any, ime: Any, answers: Any, gate: Any
) -> None:
    late = answers.suggestions("退税几天到账")
    stage.answer(SUGGEST, Reply([gate, *late.pieces], headers=late.headers))
    suggesting.keyboard.insert_text("退税")
    with suggesting.expect_request("**/suggest*"):
        pass
    ime.compose("b")
    gate.open()
    suggesting.wait_for_timeout(200)
    expect(suggested(suggesting)).to_have_count(0)


def test_the_field_is_not_touched_while_text_is_composed(suggesting: Page, ime: Any) -> None:
    suggesting.evaluate(
        "() => { const input = document.querySelector('casebook-search').shadowRoot"
        ".querySelector('input'); window.changed = [];"
        "new MutationObserver((all) => changed.push(...all.map((it) => it.attributeName)))"
        ".observe(input, { attributes: true }); }"
    )
    ime.compose("t", "tui", "tui'shui")
    assert suggesting.evaluate("changed") == []


class TestAndroid:
    """Keyboards there compose all the time: what is being composed counts, after a pause."""

    @pytest.fixture
    def context_options(self) -> dict[str, Any]:
        return {"user_agent": "Mozilla/5.0 (Linux; Android 10) Chrome/90.0.4430.91 Mobile"}

    def test_a_word_that_is_never_committed_is_looked_up(
        self, suggesting: Page, stage: Any, ime: Any
    ) -> None:
        ime.compose("退", "退税")
        suggesting.wait_for_timeout(SETTLED_MS)
        assert len(stage.asked_of(SUGGEST)) == 1


def test_safari_tells_of_the_key_after_the_composition(portal: Any, page: Page, stage: Any) -> None:
    page.add_init_script(
        "Object.defineProperty(navigator, 'vendor', { get: () => 'Apple Computer, Inc.' })"
    )
    portal.open()
    # The second key looks something up; it ends here, and not within the next test.
    with page.expect_request_finished(lambda request: SUGGEST in request.url):
        asked = page.evaluate(
            "async () => { const host = document.querySelector('casebook-search');"
            "const input = host.shadowRoot.querySelector('input'); input.value = '退税';"
            "const seen = []; host.addEventListener('casebook:ask', () => seen.push('asked'));"
            "const key = () => { const event = new KeyboardEvent('keydown', "
            "{ key: 'ArrowDown', bubbles: true, cancelable: true, composed: true });"
            "return input.dispatchEvent(event) ? 'left alone' : 'taken'; };"
            "input.dispatchEvent(new CompositionEvent('compositionstart'));"
            "input.dispatchEvent(new CompositionEvent('compositionend'));"
            "seen.push(key());"
            "await new Promise((done) => setTimeout(done, 150)); seen.push(key()); return seen; }"
        )
    assert asked == ["left alone", "taken"]
    assert stage.asked_of(ASK) == []


# Suggestions


def test_typing_fast_looks_up_the_last_word_alone(suggesting: Page, stage: Any) -> None:
    # In one go: between keys sent from here more time may pass than a word waits.
    suggesting.evaluate(
        "() => { const input = document.querySelector('casebook-search').shadowRoot"
        ".querySelector('input'); for (const text of ['退', '退税', '退税几', '退税几天'])"
        " { input.value = text; input.dispatchEvent(new InputEvent('input')); } }"
    )
    suggested(suggesting).first.wait_for()
    (asked,) = stage.asked_of(SUGGEST)
    assert asked.query == "limit=8&q=%E9%80%80%E7%A8%8E%E5%87%A0%E5%A4%A9"


def test_a_single_character_is_not_looked_up(suggesting: Page, stage: Any) -> None:
    suggesting.keyboard.insert_text("𠮷")
    suggesting.wait_for_timeout(SETTLED_MS)
    assert stage.asked_of(SUGGEST) == []


def test_a_look_up_needs_no_preflight(suggesting: Page, stage: Any) -> None:
    typed(suggesting)
    (asked,) = stage.asked_of(SUGGEST)
    assert asked.headers.get("content-type") is None
    assert asked.headers["accept"] == "*/*"


def test_suggestions_that_come_late_do_not_replace_newer_ones(
    portal: Any, stage: Any, answers: Any, gate: Any
) -> None:
    old = answers.suggestions("旧的建议")
    stage.answer(
        SUGGEST,
        Reply([gate, *old.pieces], headers=old.headers),
        answers.suggestions("新的建议"),
    )
    page = portal.open()
    page.locator("#question").focus()
    page.keyboard.insert_text("退税")
    with page.expect_request("**/suggest*"):
        pass
    page.keyboard.insert_text("几天")
    expect(suggested(page)).to_have_text(["新的建议"])
    gate.open()
    page.wait_for_timeout(200)
    expect(suggested(page)).to_have_text(["新的建议"])


def test_nothing_is_selected_until_an_arrow_key_is_pressed(suggesting: Page) -> None:
    typed(suggesting)
    field = suggesting.get_by_role("combobox", name="请输入您的问题")
    assert field.get_attribute("aria-expanded") == "true"
    assert field.get_attribute("aria-activedescendant") is None
    suggesting.keyboard.press("ArrowDown")
    assert field.get_attribute("aria-activedescendant") == "option-0"
    expect(suggesting.locator("[aria-selected=true]")).to_have_text("退税几天到账")


def test_the_arrows_go_round_through_the_field(suggesting: Page) -> None:
    typed(suggesting)
    seen = []
    for key in ["ArrowDown"] * 4 + ["ArrowUp"]:
        suggesting.keyboard.press(key)
        seen.append(suggesting.locator("#question").get_attribute("aria-activedescendant"))
    assert seen == ["option-0", "option-1", "option-2", None, "option-2"]


def test_enter_takes_what_is_selected(suggesting: Page, stage: Any) -> None:
    typed(suggesting)
    suggesting.keyboard.press("ArrowDown")
    suggesting.keyboard.press("ArrowDown")
    suggesting.keyboard.press("Enter")
    suggesting.locator("[data-state=answered]").wait_for()
    assert [it.body["query"] for it in stage.asked_of(ASK)] == ["退税要什么材料"]
    assert suggesting.locator("#question").input_value() == "退税要什么材料"
    expect(suggested(suggesting)).to_have_count(0)


def test_enter_with_nothing_selected_asks_what_is_typed(suggesting: Page, stage: Any) -> None:
    typed(suggesting)
    suggesting.keyboard.press("Enter")
    suggesting.locator("[data-state=answered]").wait_for()
    assert [it.body["query"] for it in stage.asked_of(ASK)] == ["退税"]


def test_escape_closes_the_list_first_and_clears_the_field_second(suggesting: Page) -> None:
    typed(suggesting)
    prevented(suggesting)
    suggesting.keyboard.press("Escape")
    expect(suggested(suggesting)).to_have_count(0)
    assert suggesting.locator("#question").input_value() == "退税"
    suggesting.keyboard.press("Escape")
    assert suggesting.locator("#question").input_value() == ""
    suggesting.keyboard.press("Escape")
    assert suggesting.evaluate("taken") == ["Escape"]  # the third is the page's: a dialog may close


def test_alt_and_an_arrow_open_and_close_without_moving(suggesting: Page) -> None:
    typed(suggesting)
    suggesting.keyboard.press("Alt+ArrowUp")
    expect(suggested(suggesting)).to_have_count(0)
    suggesting.keyboard.press("Alt+ArrowDown")
    suggested(suggesting).first.wait_for()
    expect(suggesting.locator("[aria-selected=true]")).to_have_count(0)


def test_tab_closes_the_list_and_takes_nothing(suggesting: Page, stage: Any) -> None:
    typed(suggesting)
    suggesting.keyboard.press("ArrowDown")
    suggesting.keyboard.press("Tab")
    expect(suggested(suggesting)).to_have_count(0)
    expect(suggesting.get_by_role("button", name="提问")).to_be_focused()
    assert stage.asked_of(ASK) == []


def test_moving_the_caret_gives_up_the_selection(suggesting: Page) -> None:
    typed(suggesting)
    suggesting.keyboard.press("ArrowDown")
    suggesting.keyboard.press("Home")
    expect(suggesting.locator("[aria-selected=true]")).to_have_count(0)
    assert (
        suggesting.evaluate(
            "document.querySelector('casebook-search').shadowRoot.activeElement.selectionStart"
        )
        == 0
    )


def test_a_click_takes_a_suggestion(suggesting: Page, stage: Any) -> None:
    typed(suggesting)
    suggested(suggesting).nth(1).click()
    suggesting.locator("[data-state=answered]").wait_for()
    assert [it.body["query"] for it in stage.asked_of(ASK)] == ["退税要什么材料"]


def test_a_suggested_case_opens_its_page(suggesting: Page, stage: Any) -> None:
    typed(suggesting)
    with suggesting.expect_popup() as opened:
        suggesting.get_by_role("group", name="打开案例").get_by_role("option").click()
    assert opened.value.url.startswith(f"{stage.url}/cases/c")
    expect(opened.value.locator("h1")).to_have_text("智能退税一键到账")
    assert stage.asked_of(ASK) == []


@pytest.mark.usefixtures("written")
def test_an_empty_field_offers_what_was_asked_before_and_keeps_it_nowhere(
    portal: Any, page: Page
) -> None:
    portal.open()
    portal.ask("第一个问题")
    portal.ask("第二个问题")
    portal.ask("第一个问题")
    page.locator("#question").fill("")
    page.keyboard.press("ArrowDown")
    expect(suggested(page)).to_have_text(["第一个问题", "第二个问题"])
    assert page.evaluate("[localStorage.length, sessionStorage.length, document.cookie]") == [
        0,
        0,
        "",
    ]


def test_suggestions_that_fail_are_no_reason_not_to_ask(
    portal: Any, stage: Any, answers: Any, complaints: Any
) -> None:
    stage.answer(SUGGEST, answers.as_json({}, 503))
    page = portal.open()
    page.locator("#question").focus()
    page.keyboard.insert_text("退税")
    page.wait_for_timeout(SETTLED_MS)
    expect(suggested(page)).to_have_count(0)
    portal.ask()
    complaints.expect("503")


def test_a_blank_question_is_not_asked(suggesting: Page, stage: Any) -> None:
    suggesting.keyboard.insert_text("  ")
    suggesting.get_by_role("button", name="提问").click()
    expect(suggesting.locator("#question")).to_be_focused()
    assert stage.asked_of(ASK) == []
