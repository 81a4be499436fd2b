"""The page that webmasters copy from, in a browser, over plain HTTP."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from playwright.sync_api import Page


def test_the_preview_runs_under_the_pages_own_policy_and_integrity(page: Page, stage: Any) -> None:
    page.goto(f"{stage.url}/embed")

    page.wait_for_function("document.querySelector('casebook-search').shadowRoot !== null")


@pytest.mark.parametrize("sample", ["command", "pinned", "newest", "policy", "proxy", "proxied"])
def test_every_sample_is_copied_as_it_is_shown(page: Page, stage: Any, sample: str) -> None:
    page.goto(f"{stage.url}/embed")
    page.evaluate("addEventListener('copy', () => { window.copied = getSelection().toString(); })")
    shown = page.locator(f"#{sample}").text_content()

    page.click(f"[data-copies={sample}]")

    assert page.evaluate("copied").strip() == shown
    assert page.text_content("#copied") == "已复制。"


def test_where_copying_is_refused_the_text_is_selected_and_the_keys_are_named(
    page: Page, stage: Any
) -> None:
    page.goto(f"{stage.url}/embed")
    page.evaluate("() => { document.execCommand = () => { throw new Error('refused'); }; }")

    page.click("[data-copies=policy]")

    assert page.evaluate("getSelection().toString()") == page.text_content("#policy")
    assert page.text_content("#copied") == "浏览器不让复制；文字已经选中，请按 Ctrl+C。"


@pytest.mark.parametrize("width", [320, 1440])
def test_it_is_accessible_and_fits(
    page: Page, stage: Any, violations: Callable[[Page], list[str]], width: int
) -> None:
    page.set_viewport_size({"width": width, "height": 800})
    page.goto(f"{stage.url}/embed")
    page.wait_for_function("document.querySelector('casebook-search').shadowRoot !== null")

    assert violations(page) == []
    assert page.evaluate("document.documentElement.scrollWidth") <= width
