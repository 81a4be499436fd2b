"""`make screenshots`: every state of the element in every look at three widths, to be looked at.

Left in the folder that CASEBOOK_SCREENSHOTS names, as ``{state}-{look}-{width}.png``.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Page

pytestmark = pytest.mark.long

ASK = "/api/v1/ask"
LOOKS = {"light": "", "dark": 'theme="dark"', "elder": 'size="elder"'}
WIDTHS = [360, 768, 1440]
STATES = [
    "idle",
    "suggestions",
    "filters",
    "loading",
    "streaming",
    "answer",
    "results",
    "refusal",
    "error",
    "rate-limited",
    "offline",
    "origin-not-allowed",
    "feedback",
]
TROUBLE = {"error": 500, "rate-limited": 429}
WAITED_FOR = {
    "loading": "loading",
    "streaming": "streaming",
    "refusal": "refused",
    **dict.fromkeys(("error", "rate-limited", "offline", "origin-not-allowed"), "error"),
}


@pytest.fixture
def reach(
    portal: Any, stage: Any, answers: Any, gate: Any, complaints: Any
) -> Callable[[str, str], Page]:
    """Bring an element into a state."""
    whole = answers.whole()
    meta, citations, first, *_ = answers.events(whole)
    replies = {
        "loading": answers.as_stream(gate),
        "streaming": answers.as_stream(meta, citations, first, gate),
        "refusal": answers.streamed(answers.refusal()),
        "error": answers.as_json({}, 500),
        "rate-limited": answers.as_json({}, 429, retry_after="30"),
    }
    facets = {
        "district": [{"value": "静安区", "count": 2}],
        "collection": [{"value": "某市2023年优秀案例", "count": 3}],
        "year": [{"value": 2023, "count": 3}],
    }
    new = answers.passage(None, case_id="c0000000003", title="开办企业一天办结")
    stage.answer("/api/v1/search", answers.as_json({"passages": [new]}))
    stage.answer("/api/v1/facets", answers.as_json(facets))
    stage.answer(
        "/api/v1/suggest",
        answers.suggestions("退税几天到账？", "退税要不要跑窗口？", cases=["退税一键到账"]),
    )

    def asked(state: str, attributes: str) -> Page:
        stage.answer(ASK, replies.get(state, answers.streamed()))
        elsewhere = stage.url.replace("intranet.test", "127.0.0.1")
        denied = state == "origin-not-allowed"
        if denied:  # for what lies on another origin, the service itself decides
            del stage.replies[ASK]
        page: Page = portal.open(
            f'{attributes} api="{elsewhere}"' if denied else attributes,
            **({"content_security_policy": ""} if denied else {}),
        )
        page.context.set_offline(state == "offline")
        portal.ask("退税几天到账？", WAITED_FOR.get(state, "answered"))
        page.context.set_offline(False)
        if state in TROUBLE or denied or state == "offline":
            page.wait_for_timeout(100)
            complaints.errors.clear()
        return page

    def reach(state: str, attributes: str) -> Page:
        page: Page
        if state == "idle":
            page = portal.open(attributes)
        elif state == "suggestions":
            page = portal.open(attributes)
            page.locator("#question").focus()
            page.keyboard.insert_text("退税")
            page.locator("#list [role=option]").first.wait_for()
            page.keyboard.press("ArrowDown")
        elif state == "filters":
            page = portal.open(attributes)
            page.locator(".scope").click()
            page.locator("option").nth(4).wait_for(state="attached")
        else:
            page = asked(state, attributes)
        if state == "results":
            page.get_by_role("button", name="更多相关段落").click()
            page.get_by_role("heading", name="找到 1 段").wait_for()
        if state == "feedback":
            page.get_by_role("button", name="没有用").click()
        return page

    return reach


@pytest.mark.parametrize("width", WIDTHS)
@pytest.mark.parametrize("look", LOOKS)
@pytest.mark.parametrize("state", STATES)
def test_every_state_fits_and_can_be_looked_at(
    reach: Any, page: Page, screenshots: Path | None, state: str, look: str, width: int
) -> None:
    page.set_viewport_size({"width": width, "height": 640})
    reach(state, LOOKS[look])
    assert page.evaluate("document.documentElement.scrollWidth") == width
    if screenshots is not None:
        page.screenshot(path=screenshots / f"{state}-{look}-{width}.png", full_page=True)
