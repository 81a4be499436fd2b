"""Where there is no answer: refusals, errors of the service, and no service at all."""

from __future__ import annotations

from typing import Any

import pytest
from playwright.sync_api import Page, expect

from tests.browser.stage import Reply

pytestmark = pytest.mark.usefixtures("written")

ASK = "/api/v1/ask"


@pytest.mark.parametrize(
    ("reason", "words"),
    [
        ("not_in_collection", "案例集里没有相关内容，请换个说法。"),
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
        ((403, {}), "本页面未获准使用检索服务，请管理员把本页域名加入允许名单。"),
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


def test_a_proxy_s_error_page_is_no_riddle(portal: Any, stage: Any, complaints: Any) -> None:
    stage.answer(ASK, Reply([b"<html>Bad Gateway"], 502))
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
    expect(page.get_by_role("alert")).to_contain_text("本页面未获准使用检索服务")
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
    assert portal.state == "loading"
    page.clock.run_for(2_000)
    page.locator("[data-state=error]").wait_for()
    expect(page.get_by_role("alert")).to_contain_text("检索服务没有应答")
