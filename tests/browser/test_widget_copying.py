"""Copying: a citation as documents write it, an answer with its sources."""

from __future__ import annotations

from typing import Any

import pytest
from playwright.sync_api import Page, expect

pytestmark = pytest.mark.usefixtures("written")

ASK = "/api/v1/ask"


def pasted(page: Page) -> str:
    """What was copied, as a text field of the page would get it."""
    page.evaluate(
        "() => { const it = document.createElement('textarea'); document.body.append(it); it.focus(); }"
    )
    page.keyboard.press("Control+V")
    text: str = page.evaluate("document.activeElement.value")
    return text


def test_a_citation_is_copied_as_documents_write_it(portal: Any, stage: Any) -> None:
    portal.open()
    page = portal.ask()
    copy = page.get_by_role("button", name="复制引文").first
    copy.click()
    expect(copy).to_have_text("复制引文：已复制")
    expect(copy).to_be_focused()
    assert pasted(page) == (
        "“𠮷祥大厦推行智能退税，三日到账。企业不跑窗口。”（静安区《智能退税》，载《某市2023年优秀案例》，"
        f"排名第5，“主要做法—一键退税”）。\n原文：{stage.url}/cases/c0000000001?v=1#p=100-120"
    )


def test_a_passage_that_no_sentence_is_from_is_copied_whole(portal: Any, stage: Any) -> None:
    portal.open()
    page = portal.ask()
    page.get_by_role("button", name="复制引文").last.click()
    assert pasted(page) == (
        "“帮办员上门，企业不跑窗口。”（嘉定区《帮办代办》，载《某市优秀案例》，2023年）。\n"
        f"原文：{stage.url}/cases/c0000000002#p=1-9"
    )


def test_an_answer_is_copied_with_its_sources(portal: Any) -> None:
    portal.open()
    page = portal.ask()
    page.get_by_role("button", name="复制回答和出处").click()
    lines = pasted(page).split("\n")
    assert lines[:2] == ["三日到账。[1]", ""]
    assert lines[2].startswith("[1] “𠮷祥大厦")
    assert lines[4].startswith("[2] “帮办员")


def test_a_browser_that_does_not_copy_is_told_of(portal: Any, page: Page) -> None:
    page.add_init_script("document.execCommand = () => false;")
    portal.open()
    portal.ask()
    page.get_by_role("button", name="复制引文").first.click()
    expect(page.get_by_role("button", name="复制引文：请手动复制")).to_be_visible()
