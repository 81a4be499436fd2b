"""Where an answer leaves out what stands between two sentences of the source, it says so."""

from __future__ import annotations

from typing import Any

import pytest
from playwright.sync_api import Page, expect

ASK = "/api/v1/ask"
TEXT = "静安区：三日到账。[1]一键批。[1]……不跑窗口。[1]\n嘉定区：上门帮办。[2]"
PIECES = ["静安区：三日到账。[1]", "一键批。[1]", "……不跑窗口。[1]", "\n嘉定区：上门帮办。[2]"]
LINES = ["静安区：三日到账。1一键批。1……不跑窗口。1", "嘉定区：上门帮办。2"]


@pytest.fixture
def whole(answers: Any) -> Any:
    sentences = [
        answers.sentence("三日到账。", 1, place=(100, 105), lead="静安区"),
        answers.sentence("一键批。", 1, place=(105, 109)),
        answers.sentence("不跑窗口。", 1, place=(113, 118)),
        answers.sentence("上门帮办。", 2, place=(10, 15), lead="嘉定区"),
    ]
    one = answers.passage(1, text="三日到账。一键批。\n就是：不跑窗口。", highlights=[])
    citations = [one, answers.whole()["citations"][1]]
    return answers.whole(answer={"text": TEXT, "sentences": sentences}, citations=citations)


def answered_in_pieces(stage: Any, answers: Any, whole: Any) -> None:
    sentences = whole["answer"]["sentences"]
    deltas = [
        answers.event("delta", {"text": text, "sentence": sentence})
        for text, sentence in zip(PIECES, sentences, strict=True)
    ]
    first, *_, last = answers.events(whole)
    stage.answer(ASK, answers.as_stream(first, answers.event("citations", whole), *deltas, last))


def test_a_gap_in_an_answer_that_comes_in_pieces(
    portal: Any, stage: Any, answers: Any, whole: Any
) -> None:
    answered_in_pieces(stage, answers, whole)
    portal.open()
    expect(portal.ask().locator(".prose p")).to_have_text(LINES)


def test_a_gap_in_an_answer_that_comes_whole(
    portal: Any, stage: Any, answers: Any, whole: Any
) -> None:
    stage.answer(ASK, answers.as_json(whole))
    portal.open()
    expect(portal.ask().locator(".prose p")).to_have_text(LINES)


def test_a_sentence_that_begins_with_a_gap_of_its_own_gets_no_second(
    portal: Any, stage: Any, answers: Any
) -> None:
    said = [answers.sentence("三日到账。", 1), answers.sentence("……不跑窗口。", 1)]
    answer = {"text": "三日到账。[1]……不跑窗口。[1]", "sentences": said}
    stage.answer(ASK, answers.streamed(answers.whole(answer=answer)))
    portal.open()
    expect(portal.ask().locator(".prose")).to_have_text("三日到账。1……不跑窗口。1")


def test_a_quotation_has_a_gap_where_something_is_left_out_and_nowhere_else(
    portal: Any, stage: Any, answers: Any, whole: Any
) -> None:
    answered_in_pieces(stage, answers, whole)
    page: Page = portal.open()
    portal.ask()
    page.get_by_role("button", name="复制引文").first.click()
    page.evaluate(
        "() => { const it = document.createElement('textarea'); document.body.append(it); it.focus(); }"
    )
    page.keyboard.press("Control+V")
    pasted = page.evaluate("document.activeElement.value")
    assert pasted.startswith("“三日到账。一键批。……不跑窗口。”（静安区《智能退税》")
