"""Whom the element tells: the service of feedback, the page of events, readers who listen."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import expect

from api.feedback_store import read_feedback

pytestmark = pytest.mark.usefixtures("written")

ASK = "/api/v1/ask"


def test_feedback_goes_to_the_service_and_nowhere_else(
    portal: Any, stage: Any, feedback_folder: Path
) -> None:
    page = portal.open()
    portal.ask()
    portal.watch()
    page.get_by_role("button", name="有用", exact=True).click()
    expect(
        page.get_by_role("group", name="").filter(has_text="谢谢，您的意见已收到。")
    ).to_be_focused()
    (asked,) = stage.asked_of("/api/v1/feedback")
    assert asked.body == {
        "query": "退税几天到账",
        "verdict": "useful",
        "reasons": [],
        "index_version": "v000001",
        "passage_ids": ["c0000000001:100-120", "c0000000002:200-120"],
        "mode": "extractive",
    }
    assert read_feedback(feedback_folder)[-1].feedback.query == "退税几天到账"
    assert page.evaluate("events.map((it) => [it.type, it.detail.verdict])") == [
        ["casebook:feedback", "useful"]
    ]


def test_reasons_can_be_given_with_the_keyboard(portal: Any, stage: Any) -> None:
    page = portal.open()
    portal.ask()
    page.get_by_role("button", name="没有用").press("Enter")
    expect(page.get_by_role("checkbox", name="答非所问")).to_be_focused()
    page.keyboard.press("Space")
    page.get_by_role("checkbox", name="出处不对").check()
    page.get_by_role("button", name="提交").press("Enter")
    expect(page.get_by_text("谢谢，您的意见已收到。").first).to_be_visible()
    (asked,) = stage.asked_of("/api/v1/feedback")
    assert asked.body["verdict"] == "not_useful"
    assert asked.body["reasons"] == ["off_topic", "wrong_place"]


def test_feedback_that_does_not_arrive_is_said(
    portal: Any, stage: Any, answers: Any, complaints: Any
) -> None:
    stage.answer("/api/v1/feedback", answers.as_json({}, 503))
    page = portal.open()
    portal.ask()
    page.get_by_role("button", name="有用", exact=True).click()
    expect(page.locator("#verdict")).to_have_text("没有送达，请稍后再试。")
    complaints.expect("503")


def test_the_page_is_told_what_was_asked_and_answered(portal: Any) -> None:
    portal.open('district="静安区"')
    portal.watch()
    portal.ask()
    asked, answered = portal.events
    assert asked == {
        "type": "casebook:ask",
        "detail": {"query": "退税几天到账", "filters": {"district": ["静安区"]}},
        "composed": True,
    }
    assert answered["type"] == "casebook:answer"
    assert answered["detail"]["response"]["confidence"] == 0.9


def test_milestones_are_announced_and_words_are_not(portal: Any) -> None:
    page = portal.open()
    portal.hear()
    portal.ask()
    page.wait_for_timeout(700)
    assert portal.said == ["回答完成，引用 2 处"]  # all came within one pause


def test_announcements_take_turns_between_two_regions(
    portal: Any, stage: Any, answers: Any, gate: Any
) -> None:
    meta, citations, *rest = answers.events(answers.whole())
    stage.answer(ASK, answers.as_stream(meta, citations, gate, *rest))
    page = portal.open()
    portal.hear()
    portal.ask(state="streaming")
    page.wait_for_timeout(700)
    gate.open()
    page.wait_for_timeout(700)
    assert portal.said == ["正在生成回答", "回答完成，引用 2 处"]
    expect(page.get_by_role("status")).to_have_count(2)
    assert sorted(page.get_by_role("status").all_text_contents()) == ["", "回答完成，引用 2 处"]


def test_a_refusal_is_announced_with_what_is_nearest(portal: Any, stage: Any, answers: Any) -> None:
    stage.answer(ASK, answers.streamed(answers.refusal()))
    page = portal.open()
    portal.hear()
    portal.ask(state="refused")
    page.wait_for_timeout(700)
    assert portal.said == ["没有找到依据。找到 2 段，来自 2 个案例"]


def test_the_focus_stays_where_the_reader_is(portal: Any) -> None:
    portal.open()
    page = portal.ask()
    expect(page.locator("#question")).to_be_focused()
