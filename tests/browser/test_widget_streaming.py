"""An answer as it comes: evidence before prose, cut and broken streams, stopping."""

from __future__ import annotations

import re
from itertools import pairwise
from typing import Any

import pytest
from playwright.sync_api import Page, expect

pytestmark = pytest.mark.usefixtures("written")

ASK = "/api/v1/ask"


def test_evidence_stands_there_before_the_prose(
    portal: Any, stage: Any, answers: Any, gate: Any
) -> None:
    meta, citations, *rest = answers.events(answers.whole())
    stage.answer(ASK, answers.as_stream(meta, citations, gate, *rest))
    portal.open()
    page = portal.ask(state="streaming")
    expect(page.locator(".passage")).to_have_count(2)
    expect(page.locator(".sentence")).to_have_count(0)
    expect(page.locator("section[data-state]")).to_have_attribute("aria-busy", "true")
    gate.open()
    page.locator("[data-state=answered]").wait_for()
    expect(page.locator(".sentence")).to_have_count(2)


def test_a_character_cut_by_a_chunk_is_whole_again(portal: Any, stage: Any, answers: Any) -> None:
    stream = b"".join(answers.events(answers.whole()))
    cuts = [it.start() + 2 for it in re.finditer("𠮷".encode(), stream)] + [5, len(stream) - 1]
    edges = [0, *sorted(cuts), len(stream)]
    pieces = [stream[start:end] for start, end in pairwise(edges)]
    stage.answer(ASK, answers.as_stream(*pieces))
    portal.open()
    page = portal.ask()
    expect(page.locator(".sentence").first).to_have_text("𠮷祥大厦推行智能退税，三日到账。1")


def test_other_line_ends_comments_and_unknown_events_do_no_harm(
    portal: Any, stage: Any, answers: Any
) -> None:
    stream = b"".join(
        [b": ping\n\n", answers.event("novelty", {"a": 1}), *answers.events(answers.whole())]
    )
    stage.answer(ASK, answers.as_stream(stream.replace(b"\n", b"\r\n")))
    portal.open()
    page = portal.ask()
    expect(page.locator(".sentence")).to_have_count(2)


def test_an_answer_in_one_piece_is_shown_as_well(portal: Any, stage: Any, answers: Any) -> None:
    stage.answer(ASK, answers.as_json(answers.whole()))
    portal.open()
    page = portal.ask()
    expect(page.locator(".sentence")).to_have_count(2)
    expect(page.locator(".passage")).to_have_count(2)


def test_a_browser_without_streams_asks_for_one_piece(
    portal: Any, page: Page, stage: Any, answers: Any
) -> None:
    page.add_init_script("delete window.ReadableStream;")
    stage.answer(ASK, answers.as_json(answers.whole()))
    portal.open()
    portal.ask()
    assert stage.asked_of(ASK)[0].headers["accept"] == "application/json"


def test_stopping_keeps_what_has_come_and_lets_the_service_go(
    portal: Any, stage: Any, answers: Any, gate: Any
) -> None:
    meta, citations, first, *_ = answers.events(answers.whole())
    stage.answer(ASK, answers.as_stream(meta, citations, first, gate))
    portal.open()
    page = portal.ask(state="streaming")
    page.locator(".sentence").wait_for()
    page.get_by_role("button", name="停止").click()
    page.locator("[data-state=stopped]").wait_for()
    expect(page.locator(".sentence")).to_have_count(1)
    expect(page.locator(".answer")).to_contain_text("已停止，没有完成。")
    expect(page.get_by_role("button", name="重试")).to_be_visible()
    expect(page.locator("section[data-state]")).to_be_focused()  # where the button was
    assert stage.asked_of(ASK)[0].left.wait(5)


def test_a_later_question_has_the_page_to_itself(
    portal: Any, stage: Any, answers: Any, gate: Any
) -> None:
    meta, citations, *rest = answers.events(answers.whole())
    second = answers.sentence("第二个回答。", 1)
    newer = answers.whole(answer={"text": "", "sentences": [second]})
    stage.answer(ASK, answers.as_stream(meta, citations, gate, *rest), answers.streamed(newer))
    page = portal.open()
    portal.watch()
    portal.ask("第一个问题", state="streaming")
    portal.ask("第二个问题")
    gate.open()
    page.wait_for_timeout(200)
    expect(page.locator(".sentence")).to_have_text(["第二个回答。1"])
    assert portal.state == "answered"
    assert [it["type"] for it in portal.events] == [
        "casebook:ask",
        "casebook:ask",
        "casebook:answer",
    ]


def test_a_stream_that_breaks_off_keeps_its_text_and_says_so(
    portal: Any, stage: Any, answers: Any
) -> None:
    meta, citations, first, *_ = answers.events(answers.whole())
    stage.answer(ASK, answers.as_stream(meta, citations, first), answers.streamed())
    portal.open()
    page = portal.ask(state="partial")
    expect(page.locator(".sentence")).to_have_count(1)
    expect(page.locator(".answer")).to_contain_text("连接中断，没有完成。")
    page.get_by_role("button", name="重试").click()
    page.locator("[data-state=answered]").wait_for()


def test_an_error_within_a_stream_is_one(portal: Any, stage: Any, answers: Any) -> None:
    meta, citations, *_ = answers.events(answers.whole())
    problem = answers.event("error", {"type": "/problems/internal", "detail": "请稍后重试。"})
    stage.answer(ASK, answers.as_stream(meta, citations, problem))
    portal.open()
    portal.watch()
    portal.ask(state="partial")
    assert portal.events[1] == {
        "type": "casebook:error",
        "detail": {"query": "退税几天到账", "kind": "broken", "detail": "请稍后重试。"},
        "composed": True,
    }
