"""Answers that a model words: what is shown of them, whatever the model does."""

from __future__ import annotations

import re

import pytest

from rag.answer import Answer, Checking
from rag.chat import ChatClient, ChatConfig, Deadline
from rag.extract import extract, own_findings
from rag.generate import GenerationConfig, generate
from rag.types import Span

JINGAN = (
    "为破解退税难题，静安区税务局推出智能退税，三日到账。企业不再跑窗口，全年退税1.5亿元。"
    "退税企业2000余户，但未按期申报的除外。热线“12366”全天接听。"
)
JIADING = "嘉定区设立帮办站，帮办员现场服务。全年帮办6538次，群众少跑腿。"
QUICK = GenerationConfig(deadline=Deadline(total_s=0.6, first_s=0.3))
DONE = b"data: [DONE]\n\n"

FIRST = "为破解退税难题，静安区税务局推出智能退税，三日到账。"
SECOND = "企业不再跑窗口，全年退税1.5亿元。"


def test_a_sentence_that_its_source_holds_is_shown_as_written(ask, findings, model) -> None:
    model.says("静安区税务局推出智能退税，3日到账。[1]帮办员现场服务[2]。")
    shown, answer = ask(findings())
    assert [(one.lead, one.text, one.citations, one.place) for one in shown] == [
        ("静安区", "静安区税务局推出智能退税，3日到账。", (1,), None),
        ("嘉定区", "嘉定区设立帮办站，帮办员现场服务。", (2,), Span(0, 17)),
    ]
    assert (answer.mode, answer.checking) == ("llm", Checking(kept=1, replaced=1))
    assert answer.text == (
        "静安区：静安区税务局推出智能退税，3日到账。[1]\n"
        "嘉定区：嘉定区设立帮办站，帮办员现场服务。[2]"
    )
    assert answer.evidence == own_findings(findings())


def test_a_sentence_in_the_sources_own_words_has_its_place(
    ask, findings, make_finding, model
) -> None:
    model.says("全年帮办6538次，群众少跑腿。[1]")
    shown, _ = ask(findings(make_finding(JIADING, "嘉定区", "帮办代办")))
    assert [(one.text, one.place, one.lead) for one in shown] == [
        ("全年帮办6538次，群众少跑腿。", Span(17, 33), "")
    ]


@pytest.mark.parametrize(
    ("said", "shown"),
    [
        ("全年退税1.5亿元。", SECOND),  # cites nothing
        ("企业不再跑窗口，全年退税1.5亿元。[7]", SECOND),
        ("企业不再跑窗口，全年退税1.5亿元。[2]", SECOND),
        ("企业不再跑窗口，全年退税2.5亿元。[1]", SECOND),
        ("企业不再跑窗口，全年退税1.5万元。[1]", SECOND),
        ("企业再跑窗口，全年退税1.5亿元。[1]", SECOND),
        ("嘉定区税务局推出智能退税，三日到账。[1]", FIRST),
        ("静安区税务局推出智能退税，三个月到账。[1]", FIRST),
        ("静安区税务局推出智能退税，三日到账，群众少跑腿。[1]", FIRST),
        ("企业不再跑窗口，全年帮办6538次。[1]", "企业不再跑窗口，全年退税1.5亿元。"),
        ("热线“12345”全天接听。[1]", "热线“12366”全天接听。"),
        ("退税企业2000余户。[1]", "退税企业2000余户，但未按期申报的除外。"),
        ("**企业不再跑窗口**，全年退税1.5亿元。[1]", SECOND),
        ("<b>企业不再跑窗口</b>，全年退税1.5亿元。[1]", SECOND),
    ],
)
def test_what_its_source_does_not_hold_is_shown_in_the_sources_words(
    ask, findings, model, said: str, shown: str
) -> None:
    model.says(said)
    sentences, answer = ask(findings())
    assert [(one.text, one.citations) for one in sentences] == [(shown, (1,))]
    assert answer.checking == Checking(replaced=1)
    assert [one.place.of(JINGAN) for one in sentences if one.place] == [shown]


def extracted(found) -> list[str]:
    return [one.text for one in extract(found).sentences]


@pytest.mark.parametrize(
    ("steps", "trouble"),
    [
        ([DONE], "unusable"),
        (["今天天气不错，适合出门走走。[1]", DONE], "unusable"),
        (["证据中没有提到，无法回答。", DONE], "refused"),
        (["<think>静安区税务局推出智能退税，三日到账。[1]", DONE], "unusable"),
        ([b"<html>502</html>"], "unavailable"),
        ([b'data: {"error": {"message": "overloaded"}}\n\n'], "unavailable"),
        ([b"data: {]\n\n"], "unavailable"),
        ([5.0, "三日到账。[1]", DONE], "timeout"),
        (["好", 5.0, DONE], "timeout"),
        ([b": alive\n\n", 0.1] * 50, "timeout"),
        (
            [b'data: {"choices": [{"delta": {"content": "a"}, "finish_reason": "length"}]}\n\n'],
            "cut_off",
        ),
        (["哈哈。" * 30, DONE], "cut_off"),
    ],
)
def test_a_model_that_says_nothing_useful_leaves_the_extractive_answer(
    ask, findings, model, steps: list[str | bytes | float], trouble: str
) -> None:
    model.steps = steps
    found = findings()
    _, answer = ask(found, QUICK)
    assert answer.text == extract(found).text
    assert (answer.mode, answer.checking.trouble) == ("extractive", trouble)
    assert (answer.checking.kept, answer.checking.replaced) == (0, 0)


def test_without_a_model_at_the_address_the_extractive_answer_is_shown(findings) -> None:
    chat = ChatClient(ChatConfig("http://127.0.0.1:9/v1", "qwen"))
    *sentences, answer = generate(extract(findings()), chat, QUICK)
    assert [one.text for one in sentences] == extracted(findings())
    assert answer.checking == Checking(trouble="unavailable")
    chat.close()


@pytest.mark.parametrize("status", [401, 404, 429, 500])
def test_a_refused_request_leaves_the_extractive_answer(ask, findings, model, status: int) -> None:
    model.status = status
    model.steps = [b'{"error": "no"}']
    _, answer = ask(findings())
    assert (answer.mode, answer.checking) == ("extractive", Checking(trouble="unavailable"))
    assert len(model.asked) == 1


@pytest.mark.parametrize(
    ("steps", "length", "trouble"),
    [
        (["企业不再跑窗口，全年退税1.5亿元。[1]静安", 5.0], None, "timeout"),
        (["企业不再跑窗口，全年退税1.5亿元。[1]静安"], None, "cut_off"),
        (["企业不再跑窗口，全年退税1.5亿元。[1]静安"], 10_000, "cut_off"),
        (["企业不再跑窗口，全年退税1.5亿元。[1]\n" * 40, DONE], None, "cut_off"),
    ],
)
def test_what_a_model_left_unsaid_follows_in_the_sources_words(
    ask, findings, model, steps: list[str | bytes | float], length: int | None, trouble: str
) -> None:
    model.steps, model.length = steps, length
    found = findings()
    sentences, answer = ask(found, QUICK)
    assert sentences[0].text == SECOND
    assert sorted(one.text for one in sentences) == sorted({SECOND, *extracted(found)})
    assert (answer.mode, answer.checking.trouble) == ("llm", trouble)
    assert answer.checking.kept == 1


def test_half_a_sentence_is_checked_like_any_other(ask, findings, model) -> None:
    model.steps = ["企业不再跑窗口，全年退税1"]
    sentences, answer = ask(findings(), QUICK)
    assert sentences[0].text == SECOND
    assert answer.checking == Checking(replaced=1, trouble="cut_off")


def test_evidence_that_is_read_out_is_shown_as_far_as_it_may_answer(
    ask, findings, make_finding, model
) -> None:
    found = findings(
        make_finding(JINGAN, "静安区", "退税快办"),
        make_finding(JIADING, "嘉定区", "帮办代办", score=0.2),
        question="智能退税几日到账？",
    )
    model.says(f"证据 [2]\n所属区：嘉定区\n原文：\n{JIADING}\n{FIRST}")
    sentences, answer = ask(found)
    assert [one.text for one in sentences] == [FIRST]
    assert answer.checking == Checking(replaced=1, dropped=5)


def test_no_more_sentences_are_shown_than_wanted(ask, findings, model) -> None:
    model.says("企业不再跑窗口，全年退税1.5亿元。[1]帮办员现场服务。[2]热线“12366”全天接听。[1]")
    config = GenerationConfig(most_sentences=1)
    sentences, answer = ask(findings(), config)
    assert [one.text for one in sentences] == [SECOND]
    assert answer.checking == Checking(kept=1)
    assert "不超过 1 句" in model.asked[0]["messages"][0]["content"]


def test_a_sentence_is_shown_once(ask, findings, model) -> None:
    model.says("企业不再跑窗口，全年退税1.5亿元。[1]企业不再跑窗口。[1]全年退税1.5亿元。[1]")
    sentences, answer = ask(findings())
    assert [one.text for one in sentences] == [SECOND]
    assert answer.checking == Checking(kept=1, dropped=2)


def test_where_the_collection_does_not_answer_no_model_is_asked(ask, findings, model) -> None:
    model.says("静安区税务局推出智能退税，三日到账。[1]")
    sentences, answer = ask(findings(reason="low_confidence"))
    assert sentences == []
    assert (answer.abstained, answer.checking, model.asked) == (True, None, [])


def test_only_the_named_districts_cases_are_told_and_shown(ask, findings, model) -> None:
    model.says("静安区税务局推出智能退税，三日到账。[1]")
    sentences, answer = ask(findings(named=("嘉定区",), question="嘉定退税几天到账？"))
    assert "静安" not in model.asked[0]["messages"][1]["content"]
    assert {one.citation.district for one in answer.evidence} == {"嘉定区"}
    assert all(one.text in JIADING for one in sentences)
    assert answer.mode == "extractive"


def test_sentences_come_while_the_model_still_speaks(chat, findings, model) -> None:
    model.steps = ["企业不再跑窗口，全年退税1.5亿元。[1]\n", 30.0]
    answering = generate(extract(findings()), chat, GenerationConfig(Deadline(30.0, 30.0)))
    first = next(answering)
    assert not isinstance(first, Answer)
    assert first.text == SECOND
    answering.close()


def test_closing_an_answer_closes_the_connection(chat, findings, model) -> None:
    steps: list[str | bytes | float] = ["企业不再跑窗口，全年退税1.5亿元。[1]\n"]
    model.steps = steps + ["嗯", 0.01] * 2000
    answering = generate(extract(findings()), chat, GenerationConfig(Deadline(30.0, 30.0)))
    next(answering)
    answering.close()
    assert model.gone.wait(10)


def test_a_whole_body_in_place_of_a_stream_is_read(ask, findings, model) -> None:
    body = '{"choices": [{"message": {"content": "企业不再跑窗口。[1]"}, "finish_reason": "stop"}]}'
    model.steps = [body.encode()]
    sentences, answer = ask(findings())
    assert [one.text for one in sentences] == ["企业不再跑窗口。"]
    assert answer.checking == Checking(kept=1)


def test_the_model_is_asked_for_a_stream_and_nothing_else(ask, findings, model) -> None:
    model.says("企业不再跑窗口。[1]")
    ask(findings())
    (asked,) = model.asked
    assert (asked["stream"], asked["temperature"], asked["max_tokens"]) == (True, 0.0, 1024)
    assert [turn["role"] for turn in asked["messages"]] == ["system", "user"]
    assert set(asked) == {"stream", "temperature", "max_tokens", "messages", "model"}
    assert re.search(
        r"证据 \[1\]\n<<<[0-9a-f]{16}\n所属区：静安区", asked["messages"][1]["content"]
    )
