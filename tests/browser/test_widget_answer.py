"""An answer: its sentences, the evidence, and the links between them."""

from __future__ import annotations

from typing import Any

import pytest
from playwright.sync_api import expect

pytestmark = pytest.mark.usefixtures("written")

ASK = "/api/v1/ask"


def test_the_request_is_what_the_element_says(portal: Any, stage: Any) -> None:
    portal.open('district="静安区" top-k="3"')
    portal.ask("  退税几天到账 ")
    (asked,) = stage.asked_of(ASK)
    assert asked.body == {"query": "退税几天到账", "filters": {"district": ["静安区"]}, "top_k": 3}
    assert asked.headers["accept"] == "text/event-stream, application/json"


def test_an_answer_has_its_sentences_and_says_whose_words_they_are(portal: Any) -> None:
    portal.open()
    page = portal.ask()
    expect(page.locator(".sentence")).to_have_text(
        ["𠮷祥大厦推行智能退税，三日到账。1", "企业不跑窗口。12"]
    )
    expect(page.get_by_role("heading", name="回答 原文摘录")).to_be_visible()
    expect(page.locator(".answer")).to_contain_text("以原文为准。")
    expect(page.locator("section[data-state]")).to_have_attribute("aria-busy", "false")


def test_words_of_a_language_model_are_marked_as_such(
    portal: Any, stage: Any, answers: Any
) -> None:
    stage.answer(ASK, answers.streamed(answers.whole(mode="llm")))
    portal.open()
    page = portal.ask()
    expect(page.get_by_role("heading", name="回答 AI 生成")).to_be_visible()
    expect(page.locator(".answer")).to_contain_text("以上由 AI 根据原文整理，以原文为准。")


def test_a_sentence_about_one_district_begins_a_line(portal: Any, stage: Any, answers: Any) -> None:
    said = [
        answers.sentence("三日到账。", 1, lead="静安区"),
        answers.sentence("一键批。", 1),
        answers.sentence("上门帮办。", 2, lead="嘉定区"),
    ]
    stage.answer(ASK, answers.streamed(answers.whole(answer={"text": "", "sentences": said})))
    portal.open()
    page = portal.ask()
    expect(page.locator(".prose p")).to_have_text(
        ["静安区：三日到账。1一键批。1", "嘉定区：上门帮办。2"]
    )


def test_passages_are_grouped_by_case_with_all_that_is_known_of_them(
    portal: Any, stage: Any, answers: Any
) -> None:
    whole = answers.whole()
    third = answers.passage(3, text="第三段。", section=["成效"])
    stage.answer(ASK, answers.streamed({**whole, "citations": [*whole["citations"], third]}))
    portal.open()
    page = portal.ask()
    cases = page.get_by_role("article")
    expect(cases).to_have_count(2)
    expect(cases.first.locator("h4")).to_have_text("静安区智能退税")
    expect(cases.first.locator(".note")).to_have_text("某市2023年优秀案例 · 排名 5")
    expect(cases.first.locator(".place")).to_have_text(["1主要做法 › 一键退税", "3成效"])
    expect(cases.last.locator("h4")).to_have_text("嘉定区其他区帮办代办")
    expect(cases.last.locator(".note")).to_have_text("某市优秀案例 · 2023")


def test_a_case_without_a_district_says_so(portal: Any, stage: Any, answers: Any) -> None:
    one = answers.passage(1, districts=[], district=None, year=None, case_rank=None)
    stage.answer(ASK, answers.streamed(answers.whole(citations=[one])))
    portal.open()
    page = portal.ask()
    expect(page.locator("h4")).to_have_text("未写明区智能退税")
    expect(page.locator(".case > .note")).to_have_text("某市2023年优秀案例")


def test_offsets_count_characters_that_javascript_counts_twice(portal: Any) -> None:
    portal.open()
    page = portal.ask()
    first = page.locator(".text").first
    expect(first.locator(".word")).to_have_text("退税")
    said = "".join(first.locator(".said").all_text_contents())
    assert said == "𠮷祥大厦推行智能退税，三日到账。企业不跑窗口。"
    expect(first).to_have_text("𠮷祥大厦推行智能退税，三日到账。企业不跑窗口。")
    expect(page.locator(".text").last.locator(".said")).to_have_count(0)  # of its second source


def test_the_link_leads_to_the_place_in_the_original(portal: Any, stage: Any) -> None:
    portal.open()
    page = portal.ask()
    link = page.get_by_role("link", name="查看原文：智能退税（在新窗口打开）")
    assert link.get_attribute("href") == f"{stage.url}/cases/c0000000001?v=1#p=100-120"
    assert (link.get_attribute("target"), link.get_attribute("rel")) == ("_blank", "noopener")


def test_a_number_leads_to_its_passage_and_back(portal: Any) -> None:
    portal.open()
    page = portal.ask()
    page.get_by_role("button", name="依据 2：帮办代办").click()
    expect(page.locator(".passage").last).to_be_focused()
    expect(page.locator(".sentence").last).to_have_class("sentence lit")
    page.locator(".passage").last.get_by_role("button", name="见回答第 2 句").click()
    expect(page.locator(".sentence").last).to_be_focused()


def test_sentence_and_passage_light_up_together(portal: Any) -> None:
    portal.open()
    page = portal.ask()
    page.locator(".sentence").first.hover()
    expect(page.locator(".passage.lit")).to_have_count(1)
    page.locator("#question").hover()
    expect(page.locator(".lit")).to_have_count(0)


def test_more_passages_come_on_request_and_none_twice(
    portal: Any, stage: Any, answers: Any
) -> None:
    known = {**answers.passage(None), "passage_id": answers.passage(1)["passage_id"]}
    new = answers.passage(None, case_id="c0000000003", title="开办企业", highlights=[[-3, 99]])
    stage.answer("/api/v1/search", answers.as_json({"passages": [known, new]}))
    portal.open()
    page = portal.ask()
    page.get_by_role("button", name="更多相关段落").click()
    expect(page.get_by_role("heading", name="找到 1 段，来自 1 个案例")).to_be_focused()
    expect(page.locator("h4").last).to_have_text("静安区开办企业")
    (asked,) = stage.asked_of("/api/v1/search")
    assert asked.body == {"query": "退税几天到账", "filters": {}, "top_k": 10}


def test_more_passages_that_fail_can_be_asked_for_again(
    portal: Any, stage: Any, answers: Any, complaints: Any
) -> None:
    stage.answer("/api/v1/search", answers.as_json({}, 503), answers.as_json({"passages": []}))
    portal.open()
    page = portal.ask()
    page.get_by_role("button", name="更多相关段落").click()
    page.get_by_role("button", name="现在提问的人较多，请 5 秒后重试。").click()
    expect(page.get_by_role("heading", name="找到 0 段，来自 0 个案例")).to_be_visible()
    complaints.expect("503")
