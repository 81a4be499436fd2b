"""The ground that browser tests stand on: what they watch for is noticed."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from playwright.sync_api import Page

STRICT = "default-src 'none'; require-trusted-types-for 'script'; trusted-types 'none'"


def test_the_browser_is_where_an_intranet_is(page: Page, stage: Any) -> None:
    page.goto(stage.page("<!doctype html><title>门户</title>"))
    assert page.evaluate("[isSecureContext, 'clipboard' in navigator]") == [False, False]
    assert page.evaluate("fetch('/api/v1/facets').then((it) => it.json())")["district"]


@pytest.mark.parametrize(
    ("breach", "directive"),
    [
        ("document.body.setAttribute('style', 'color: red')", "style-src-attr"),
        ("document.body.innerHTML = 'x'", "require-trusted-types-for"),
        ("new Image().src = 'data:,'", "img-src"),
    ],
)
def test_a_violation_of_the_policy_is_noticed(
    page: Page, stage: Any, complaints: Any, breach: str, directive: str
) -> None:
    page.goto(stage.page("<!doctype html><body>", content_security_policy=STRICT))
    page.evaluate(f"() => {{ try {{ {breach} }} catch (refused) {{ }} }}")
    page.wait_for_function("true")
    assert [it.partition(" ")[0] for it in complaints.violations] == [directive]
    complaints.violations.clear()
    complaints.errors.clear()


def test_an_inaccessible_page_is_noticed(
    page: Page, stage: Any, violations: Callable[[Page], list[str]]
) -> None:
    page.goto(stage.page("<!doctype html><html lang=zh><title>x</title><button></button>"))
    assert violations(page) == ["button-name: <button></button>"]


def test_an_input_method_composes_and_commits(page: Page, stage: Any, ime: Any) -> None:
    page.goto(stage.page("<!doctype html><title>x</title><input autofocus>"))
    page.evaluate(
        "() => { window.seen = []; const note = (event) => seen.push(`${event.type} ${event.data}`);"
        "for (const name of ['compositionstart', 'compositionend'])"
        " document.querySelector('input').addEventListener(name, note); }"
    )
    ime.compose("k", "kua")
    assert page.input_value("input") == "kua"
    ime.commit("跨")
    assert page.input_value("input") == "跨"
    assert page.evaluate("seen") == ["compositionstart ", "compositionend 跨"]
