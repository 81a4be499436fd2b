"""Asking: evidence before prose, sentences and passages linked, and what happens when it goes wrong."""

from __future__ import annotations

import json
import re
from itertools import pairwise
from typing import Any

import pytest
from playwright.sync_api import Page, expect

ASK = "/api/v1/ask"


def state_of(page: Page) -> str | None:
    return page.locator("[data-state]").get_attribute("data-state")


def heard(page: Page) -> None:
    """Keep what the live regions say, in order."""
    page.evaluate(
        "() => { window.said = []; const root = document.querySelector('casebook-search').shadowRoot;"
        "for (const region of root.querySelectorAll('[role=status]'))"
        " new MutationObserver(() => region.textContent && said.push(region.textContent))"
        ".observe(region, { childList: true }); }"
    )


def told(page: Page) -> None:
    """Keep the element's events as the page sees them."""
    page.evaluate(
        "() => { window.events = []; for (const name of ['ask', 'answer', 'error', 'feedback'])"
        " document.addEventListener(`casebook:${name}`, ({ type, detail, composed }) =>"
        " events.push({ type, detail, composed })); }"
    )


# An answer


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


# Copying


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
        "“𠮷祥大厦推行智能退税，三日到账。……企业不跑窗口。”（静安区《智能退税》，载《某市2023年优秀案例》，"
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
    expect(
        page.get_by_role("button", name="复制引文：浏览器不允许复制，请手动复制")
    ).to_be_visible()


# As it comes


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
    told(page)
    portal.ask("第一个问题", state="streaming")
    portal.ask("第二个问题")
    gate.open()
    page.wait_for_timeout(200)
    expect(page.locator(".sentence")).to_have_text(["第二个回答。1"])
    assert state_of(page) == "answered"
    assert [it["type"] for it in page.evaluate("events")] == [
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
    page = portal.open()
    told(page)
    portal.ask(state="partial")
    assert page.evaluate("events[1]") == {
        "type": "casebook:error",
        "detail": {"query": "退税几天到账", "kind": "broken", "detail": "请稍后重试。"},
        "composed": True,
    }


# No answer


@pytest.mark.parametrize(
    ("reason", "words"),
    [
        ("not_in_collection", "案例集里没有与这个问题有关的内容，请换个说法。"),
        ("not_in_district", "该区的案例里没有相关内容，请放宽检索范围。"),
        ("low_confidence", "案例集里没有能够回答的内容，请换个说法。"),
    ],
)
def test_a_refusal_says_why_and_shows_the_nearest_cases_as_such(
    portal: Any, stage: Any, answers: Any, reason: str, words: str
) -> None:
    stage.answer(ASK, answers.streamed(answers.refusal(reason)))
    portal.open()
    page = portal.ask(state="refused")
    expect(page.get_by_role("heading", name="没有找到依据")).to_be_visible()
    expect(page.locator(".prose")).to_have_text(words)
    expect(page.get_by_role("heading", name="最接近的案例（不是答案）")).to_be_visible()
    expect(page.locator(".passage")).to_have_count(2)
    expect(page.get_by_role("button", name="复制回答和出处")).to_have_count(0)


def test_a_refusal_without_any_case_has_no_empty_list(
    portal: Any, stage: Any, answers: Any
) -> None:
    stage.answer(ASK, answers.streamed(answers.refusal("not_in_district", citations=[])))
    portal.open()
    page = portal.ask(state="refused")
    expect(page.get_by_role("heading", name="最接近的案例")).to_have_count(0)


@pytest.mark.parametrize(
    ("reply", "words"),
    [
        ((429, {"retry_after": "30"}), "现在提问的人较多，请 30 秒后重试。"),
        ((503, {"retry_after": "2"}), "现在提问的人较多，请 2 秒后重试。"),
        ((503, {}), "现在提问的人较多，请 5 秒后重试。"),
        ((403, {}), "本页面尚未获准使用检索服务，请管理员把本页的域名加入允许名单。"),
        ((500, {}), "检索服务出错，请稍后重试或联系管理员。"),
        ((404, {}), "检索服务出错，请稍后重试或联系管理员。"),
    ],
)
def test_what_went_wrong_says_what_to_do(
    portal: Any, stage: Any, answers: Any, complaints: Any, reply: Any, words: str
) -> None:
    status, headers = reply
    broken = answers.as_json({"detail": "内部细节"}, status, **headers)
    stage.answer(ASK, broken, answers.streamed())
    portal.open()
    page = portal.ask(state="error")
    expect(page.get_by_role("alert")).to_have_text(f"暂时无法回答{words}")
    page.get_by_role("button", name="重试").click()
    page.locator("[data-state=answered]").wait_for()
    complaints.expect(str(status))


def test_a_question_that_is_refused_is_told_in_the_service_s_words(
    portal: Any, stage: Any, answers: Any, complaints: Any
) -> None:
    stage.answer(ASK, answers.as_json({"detail": "query 最多 500 个字，现有 501 个。"}, 422))
    portal.open()
    page = portal.ask(state="error")
    expect(page.get_by_role("alert")).to_contain_text("query 最多 500 个字，现有 501 个。")
    complaints.expect("422")


def test_a_proxy_s_error_page_is_no_riddle(
    portal: Any, stage: Any, answers: Any, complaints: Any
) -> None:
    page_of_proxy = answers.as_json({}, 502)
    stage.answer(ASK, type(page_of_proxy)([b"<html>Bad Gateway"], 502))
    portal.open()
    page = portal.ask(state="error")
    expect(page.get_by_role("alert")).to_contain_text("检索服务出错")
    complaints.expect("502")


def test_no_network_is_told_from_no_service(portal: Any, complaints: Any) -> None:
    page = portal.open()
    page.context.set_offline(True)
    portal.ask(state="error")
    expect(page.get_by_role("alert")).to_contain_text("网络已断开，请检查后重试。")
    complaints.expect("ERR_INTERNET_DISCONNECTED")


def test_a_service_that_is_gone_is_unreachable(portal: Any, complaints: Any) -> None:
    page = portal.open('api="http://intranet.test:9/"', content_security_policy="")
    portal.ask(state="error")
    expect(page.get_by_role("alert")).to_contain_text("检索服务没有应答，请稍后重试或联系管理员。")
    complaints.expect("ERR_")


def test_a_page_that_may_not_ask_is_told_so(portal: Any, stage: Any, complaints: Any) -> None:
    elsewhere = stage.url.replace(
        "intranet.test", "127.0.0.1"
    )  # another origin, that lets nobody in
    del stage.replies["/api/v1/ask"]
    page = portal.open(f'api="{elsewhere}"', content_security_policy="")
    portal.ask(state="error")
    expect(page.get_by_role("alert")).to_contain_text("本页面尚未获准使用检索服务")
    complaints.expect("CORS")
    complaints.errors.clear()


def test_silence_ends_after_a_minute(
    portal: Any, page: Page, stage: Any, answers: Any, gate: Any
) -> None:
    page.clock.install()
    stage.answer(ASK, answers.as_stream(gate))
    portal.open()
    portal.ask(state="loading")
    page.clock.run_for(59_000)
    assert state_of(page) == "loading"
    page.clock.run_for(2_000)
    page.locator("[data-state=error]").wait_for()
    expect(page.get_by_role("alert")).to_contain_text("检索服务没有应答")


# Feedback, events, announcements


def test_feedback_goes_to_the_service_and_nowhere_else(portal: Any, stage: Any) -> None:
    page = portal.open()
    portal.ask()
    told(page)
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
    page = portal.open('district="静安区"')
    told(page)
    portal.ask()
    asked, answered = page.evaluate("events")
    assert asked == {
        "type": "casebook:ask",
        "detail": {"query": "退税几天到账", "filters": {"district": ["静安区"]}},
        "composed": True,
    }
    assert answered["type"] == "casebook:answer"
    assert answered["detail"]["response"]["confidence"] == 0.9


def test_milestones_are_announced_and_words_are_not(portal: Any) -> None:
    page = portal.open()
    heard(page)
    portal.ask()
    page.wait_for_timeout(700)
    assert page.evaluate("said") == ["回答完成，引用 2 处"]  # all came within one pause


def test_announcements_take_turns_between_two_regions(
    portal: Any, stage: Any, answers: Any, gate: Any
) -> None:
    meta, citations, *rest = answers.events(answers.whole())
    stage.answer(ASK, answers.as_stream(meta, citations, gate, *rest))
    page = portal.open()
    heard(page)
    portal.ask(state="streaming")
    page.wait_for_timeout(700)
    gate.open()
    page.wait_for_timeout(700)
    assert page.evaluate("said") == ["正在生成回答", "回答完成，引用 2 处"]
    expect(page.get_by_role("status")).to_have_count(2)
    assert sorted(page.get_by_role("status").all_text_contents()) == ["", "回答完成，引用 2 处"]


def test_a_refusal_is_announced_with_what_is_nearest(portal: Any, stage: Any, answers: Any) -> None:
    stage.answer(ASK, answers.streamed(answers.refusal()))
    page = portal.open()
    heard(page)
    portal.ask(state="refused")
    page.wait_for_timeout(700)
    assert page.evaluate("said") == ["没有找到依据。找到 2 段，来自 2 个案例"]


def test_the_focus_stays_where_the_reader_is(portal: Any) -> None:
    portal.open()
    page = portal.ask()
    expect(page.locator("#question")).to_be_focused()


# Where to search


def test_facets_are_asked_for_when_they_are_wanted(portal: Any, stage: Any, answers: Any) -> None:
    counted = {
        "district": [{"value": "静安区", "count": 2}, {"value": None, "count": 1}],
        "collection": [{"value": "优秀案例", "count": 3}],
        "year": [{"value": 2023, "count": 3}],
    }
    stage.answer("/api/v1/facets", answers.as_json(counted))
    page = portal.open()
    assert stage.asked_of("/api/v1/facets") == []
    page.get_by_text("检索范围：全部").click()
    page.get_by_label("区").select_option("静安区（2）")
    page.get_by_label("案例集").select_option("优秀案例")
    page.get_by_label("年份").select_option("2023")
    expect(page.locator("summary")).to_have_text("检索范围：静安区 · 优秀案例 · 2023")
    expect(page.get_by_label("区").locator("option")).to_have_text(["全部", "静安区（2）"])
    portal.ask()
    assert stage.asked_of(ASK)[0].body["filters"] == {
        "district": ["静安区"],
        "collection": ["优秀案例"],
        "year": [2023],
    }


def test_a_district_of_the_page_stays_chosen(portal: Any, stage: Any, answers: Any) -> None:
    counted = {"district": [{"value": "静安区", "count": 2}], "collection": [], "year": []}
    stage.answer("/api/v1/facets", answers.as_json(counted))
    page = portal.open('district="静安区"')
    page.get_by_text("检索范围：静安区").click()
    expect(page.get_by_label("区")).to_have_value("静安区")
    expect(page.get_by_label("区").locator("option")).to_have_text(["全部", "静安区"])


def test_facets_that_fail_are_asked_for_again(
    portal: Any, stage: Any, answers: Any, complaints: Any
) -> None:
    counted = {"district": [{"value": "静安区", "count": 2}], "collection": [], "year": []}
    stage.answer("/api/v1/facets", answers.as_json({}, 503), answers.as_json(counted))
    page = portal.open()
    summary = page.locator("summary")
    summary.click()
    expect(page.locator(".scope .note")).to_have_text("现在提问的人较多，请 5 秒后重试。")
    summary.click()
    summary.click()
    expect(page.get_by_label("区").locator("option")).to_have_count(2)
    expect(page.locator(".scope .note")).to_have_text("")
    complaints.expect("503")


def test_the_real_service_is_understood(portal: Any, stage: Any) -> None:
    stage.replies.clear()
    page = portal.open()
    page.locator("#question").fill("企业退税")
    page.keyboard.press("Enter")
    page.locator("[data-state=answered], [data-state=refused]").wait_for()
    expect(page.get_by_role("article").first).to_be_visible()
    link = page.get_by_role("link").first.get_attribute("href")
    assert page.evaluate("async (url) => (await fetch(url)).status", link) == 200
    assert json.dumps(page.locator(".text").first.text_content())
