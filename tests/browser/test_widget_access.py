"""For everybody: WCAG 2.2 AA in every state, sizes for older readers, narrow, dark and forced colours."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Page, expect

ASK = "/api/v1/ask"
LOOKS = [
    "",
    'theme="dark"',
    'size="elder"',
    'lang="en"',
]
STATES = [
    "idle",
    "suggesting",
    "filters",
    "loading",
    "streaming",
    "answered",
    "reasons",
    "stopped",
    "partial",
    "refused",
    "error",
]


@pytest.fixture
def reach(portal: Any, stage: Any, answers: Any, gate: Any, complaints: Any) -> Callable[..., Page]:
    """Bring an element with some attributes into a state."""
    whole = answers.whole()
    meta, citations, first, *_ = answers.events(whole)
    replies = {
        "loading": answers.as_stream(gate),
        "streaming": answers.as_stream(meta, citations, first, gate),
        "stopped": answers.as_stream(meta, citations, first, gate),
        "partial": answers.as_stream(meta, citations, first),
        "refused": answers.streamed(answers.refusal()),
        "error": answers.as_json({}, 429, retry_after="30"),
    }

    def reach(state: str, attributes: str = "") -> Page:
        page: Page = portal.open(attributes)
        if state == "suggesting":
            page.locator("#question").focus()
            page.keyboard.insert_text("退税")
            page.locator("#list [role=option]").first.wait_for()
            page.keyboard.press("ArrowDown")
        elif state == "filters":
            page.locator(".scope").click()
        elif state != "idle":
            stage.answer(ASK, replies.get(state, answers.streamed()))
            before = {"stopped": "streaming", "reasons": "answered"}.get(state, state)
            portal.ask(state=before)
        if state == "stopped":
            page.locator(".answer .actions > button").click()
            page.locator("[data-state=stopped]").wait_for()
        if state == "reasons":
            page.locator(".feedback > button").last.click()
        if state == "error":
            complaints.expect("429")
        return page

    return reach


@pytest.mark.parametrize("look", LOOKS)
@pytest.mark.parametrize("state", STATES)
def test_no_state_violates_wcag(
    reach: Any, violations: Any, screenshots: Path | None, state: str, look: str
) -> None:
    page = reach(state, look)
    assert violations(page) == []
    if screenshots is not None:
        name = look.replace('"', "").replace("=", "-") or "light"
        page.screenshot(path=screenshots / f"{state}-{name}.png", full_page=True)


@pytest.mark.parametrize(("look", "least"), [("", 44), ('size="elder"', 60)])
@pytest.mark.parametrize("state", ["idle", "suggesting", "filters", "reasons", "refused", "error"])
def test_targets_are_large_enough(reach: Any, state: str, look: str, least: int) -> None:
    page = reach(state, look)
    small = page.evaluate(
        "(least) => [...document.querySelector('casebook-search').shadowRoot.querySelectorAll("
        "'button:not(.ref), a, select, summary, label.reason, input:not([type=checkbox]),"
        " [role=option]')]"
        ".filter((it) => it.getClientRects().length && it.getBoundingClientRect().height < least - .5)"
        ".map((it) => `${it.outerHTML.slice(0, 60)} ${it.getBoundingClientRect().height}`)",
        least,
    )
    assert small == []


@pytest.mark.parametrize(("look", "reach_px"), [("", 21), ('size="elder"', 29)])
def test_a_number_in_the_text_is_pressed_beyond_its_edges(
    reach: Any, look: str, reach_px: int
) -> None:
    page = reach("answered", look)
    number = page.locator(".ref").first
    hit = number.evaluate(
        "(it, far) => { it.scrollIntoView({ block: 'center' });"
        "const box = it.getBoundingClientRect(); const x = box.left + box.width / 2;"
        "const y = box.top + box.height / 2; const root = it.getRootNode();"
        "return [-far, far].map((by) => root.elementFromPoint(x, y + by) === it); }",
        reach_px,
    )
    assert hit == [True, True]


def test_sizes_for_older_readers(reach: Any) -> None:
    page = reach("answered", 'size="elder"')
    sizes = page.locator(".prose, .text, .note").evaluate_all(
        "(all) => all.map((it) => getComputedStyle(it)).map((it) => `${it.fontSize}/${it.lineHeight}`)"
    )
    assert set(sizes) == {"20px/35px", "18px/31.5px"}


def test_nothing_lies_over_the_page(reach: Any) -> None:
    page = reach("suggesting", 'size="elder"')
    assert page.locator("#list").evaluate("(it) => getComputedStyle(it).position") == "static"


class TestNarrow:
    """320 px, which is 1280 px at 400 %."""

    @pytest.fixture
    def context_options(self) -> dict[str, Any]:
        return {"viewport": {"width": 320, "height": 640}, "locale": "zh-CN"}

    @pytest.mark.parametrize("look", ["", 'size="elder"'])
    @pytest.mark.parametrize("state", ["idle", "suggesting", "filters", "reasons", "error"])
    def test_nothing_is_wider_than_the_page(
        self, reach: Any, violations: Any, state: str, look: str
    ) -> None:
        page = reach(state, look)
        assert page.evaluate("document.documentElement.scrollWidth") == 320
        assert violations(page) == []


class TestForcedColours:
    @pytest.fixture
    def context_options(self) -> dict[str, Any]:
        return {"forced_colors": "active", "viewport": {"width": 768, "height": 1024}}

    def test_what_is_selected_is_told_by_more_than_a_colour(self, reach: Any) -> None:
        page = reach("suggesting")
        borders = page.locator("#list [role=option]").evaluate_all(
            "(all) => all.map((it) => getComputedStyle(it).borderTopWidth)"
        )
        assert borders == ["3px", "0px", "0px"]


class TestDarkSystem:
    @pytest.fixture
    def context_options(self) -> dict[str, Any]:
        return {"color_scheme": "dark", "viewport": {"width": 768, "height": 1024}}

    @pytest.mark.parametrize(
        ("look", "ground"),
        [
            ("", "rgb(255, 255, 255)"),
            ('theme="auto"', "rgb(23, 28, 34)"),
            ('theme="light"', "rgb(255, 255, 255)"),
        ],
    )
    def test_the_system_decides_where_it_is_asked(self, reach: Any, look: str, ground: str) -> None:
        page = reach("idle", look)
        colour = page.locator(".root").evaluate("(it) => getComputedStyle(it).backgroundColor")
        assert colour == ground


class TestMotion:
    def test_nothing_moves(self, reach: Any) -> None:
        page = reach("answered")
        assert page.evaluate("document.getAnimations({ subtree: true }).length") == 0
        moving = page.locator("casebook-search *").evaluate_all(
            "(all) => all.filter((it) => parseFloat(getComputedStyle(it).transitionDuration)).length"
        )
        assert moving == 0


def test_spacing_of_text_can_be_changed(reach: Any) -> None:
    page = reach("answered")
    page.locator(".root").evaluate(
        "(it) => { it.style.lineHeight = 2; it.style.letterSpacing = '.12em';"
        " it.style.wordSpacing = '.16em'; }"
    )
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")


def test_everything_is_reached_by_tab_in_the_order_it_is_read(reach: Any) -> None:
    page = reach("answered")
    names = []
    for _ in range(14):
        page.keyboard.press("Tab")
        names.append(
            page.evaluate(
                "(() => { const it = document.querySelector('casebook-search').shadowRoot"
                ".activeElement; return it ? it.textContent : ''; })()"
            )
        )
    assert names[:13] == [
        "提问",
        "检索范围：全部",
        "1",
        "1",
        "2",
        "复制回答和出处",
        "查看原文",
        "复制引文",
        "见回答第 1 句",
        "见回答第 2 句",
        "查看原文",
        "复制引文",
        "见回答第 2 句",
    ]


def test_the_landmarks_have_names(reach: Any) -> None:
    page = reach("answered")
    expect(page.get_by_role("search")).to_have_count(1)
    expect(page.get_by_role("region", name="回答")).to_have_count(1)
    expect(page.get_by_role("heading", level=3)).to_have_text(["依据"])
    expect(page.get_by_role("heading", level=4)).to_have_count(2)
