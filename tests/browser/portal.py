"""A page of somebody else's with the element in it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from playwright.sync_api import Page

from tests.browser.stage import Stage

STRICT = (
    "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; img-src 'self'; "
    "font-src 'self'; form-action 'self'; base-uri 'none'; "
    "require-trusted-types-for 'script'; trusted-types 'none'"
)
"""The strictest policy that a portal may have: no inline style, no data:, no HTML from strings."""

SCRIPT = '<script src="/widget/v1/casebook.js" defer></script>'


@dataclass(frozen=True)
class Portal:
    """Opens pages with the element in them, by default under the strictest policy."""

    page: Page
    stage: Stage

    def open(self, attributes: str = "", inside: str = "", **headers: str) -> Page:
        """Open a page whose body is the element, and wait until it stands there."""
        self.open_html(
            '<!doctype html><html lang="zh-CN"><meta charset="utf-8"><title>门户</title>'
            '<meta name="viewport" content="width=device-width, initial-scale=1">'
            f"{SCRIPT}<main><h1>门户</h1>"
            f"<casebook-search {attributes}>{inside}</casebook-search></main>",
            **headers,
        )
        self.page.locator("[part=root]").wait_for(state="attached")
        return self.page

    def open_html(self, html: str | bytes, **headers: str) -> Page:
        """Open a page."""
        self.page.goto(self.stage.page(html, **{"content_security_policy": STRICT, **headers}))
        return self.page

    def ask(self, question: str = "退税几天到账", state: str = "answered") -> Page:
        """Ask, and wait for a state."""
        self.page.locator("#question").fill(question)
        self.page.keyboard.press("Enter")
        self.page.locator(f"[data-state={state}]").wait_for()
        return self.page

    @property
    def state(self) -> str | None:
        """The element's state."""
        return self.page.locator("[data-state]").get_attribute("data-state")

    def hear(self) -> None:
        """Keep what the live regions say from now on."""
        self.page.evaluate(
            "() => { window.said = [];"
            "const root = document.querySelector('casebook-search').shadowRoot;"
            "new MutationObserver((changes) => {"
            " for (const { target } of changes)"
            "  if (target.role === 'status' && target.textContent) said.push(target.textContent);"
            "}).observe(root, { childList: true, subtree: true }); }"
        )

    @property
    def said(self) -> list[str]:
        """What the live regions said, in order."""
        said: list[str] = self.page.evaluate("said")
        return said

    def watch(self) -> None:
        """Keep the element's events from now on, as the page sees them."""
        self.page.evaluate(
            "() => { window.events = []; for (const name of ['ask', 'answer', 'error', 'feedback'])"
            " document.addEventListener(`casebook:${name}`, ({ type, detail, composed }) =>"
            " events.push({ type, detail, composed })); }"
        )

    @property
    def events(self) -> list[dict[str, Any]]:
        """The element's events, in order."""
        events: list[dict[str, Any]] = self.page.evaluate("events")
        return events
