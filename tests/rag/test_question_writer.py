"""What a language model is asked for a passage, and which answers are good enough."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rag.cases import read_cases
from rag.chat import ChatClient, ChatConfig, Message
from rag.chunk import passages_of
from rag.errors import ChatUnavailableError
from rag.question_writer import (
    UnusableAnswerError,
    key_of,
    prompt_of,
    questions_in,
    write_questions,
)
from rag.source import decode

GOOD = ["几天到账", "钱多久退", "找谁退税", "哪里办", "谁能退", "退税快吗"]
PROMPT = (Message("system", "写"), Message("user", "段落"))


def text_of(questions: object) -> str:
    return json.dumps(questions, ensure_ascii=False)


@pytest.fixture
def chat(chat_service) -> Iterator[ChatClient]:
    client = ChatClient(ChatConfig(chat_service.url, "qwen"))
    yield client
    client.close()


def test_a_passage_is_shown_below_its_district_title_and_headings() -> None:
    text = "静安区退税快办\n一、主要做法\n静安区税务局推出智能退税，三日到账。企业不再跑窗口。\n"
    (case,) = read_cases([decode("静安.txt", text.encode())])
    (passage,) = passages_of(case, len)
    system, user = prompt_of(case, passage)
    assert (system.role, user.role) == ("system", "user")
    assert "写 6 到 12 个问题" in system.content
    assert "每个不超过 60 个字" in system.content
    assert user.content == (
        f"所属区：静安区\n案例：{case.title}\n小标题：主要做法\n段落：\n<<<\n"
        "静安区税务局推出智能退税，三日到账。企业不再跑窗口。\n>>>"
    )
    bare = prompt_of(replace(case, districts=()), replace(passage, section=()))[1]
    assert bare.content.startswith(f"所属区：未写明\n案例：{case.title}\n段落：\n")


def test_the_key_changes_with_everything_that_decides_an_answer() -> None:
    prompts = [PROMPT, PROMPT[:1], (PROMPT[0], Message("user", "段")), (PROMPT[1], PROMPT[0])]
    keys = {key_of(model, prompt) for model in ("a", "b") for prompt in prompts}
    assert len(keys) == 8
    assert key_of("a", PROMPT) == key_of("a", list(PROMPT))
    assert {len(key) for key in keys} == {64}


@pytest.mark.parametrize(
    "text",
    [
        text_of(GOOD),
        f"```json\n{text_of(GOOD)}\n```",
        f"```\n{text_of(GOOD)}\n```\n",
        f"<think>\n先想[一想]\n</think>\n\n{text_of(GOOD)}",
        f"<think>想</think>```json\n{text_of(GOOD)}\n```",
        text_of([f"\n {question} " for question in GOOD]),
    ],
)
def test_a_list_is_read_in_the_wrappings_that_models_give_it(text: str) -> None:
    assert questions_in(text) == tuple(GOOD)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (
            "好的，以下是问题：\n1. 几天",
            "不是字符串的 JSON 列表，开头是“好的，以下是问题： 1. 几天”",
        ),
        ("[" * 100_000, f"不是字符串的 JSON 列表，开头是“{'[' * 40}”"),
        ('["几天", ', '不是字符串的 JSON 列表，开头是“["几天",”'),
        (text_of({"questions": GOOD}), '不是字符串的 JSON 列表，开头是“{"questions": '),
        (text_of([*GOOD, 7]), "不是字符串的 JSON 列表，"),
        (text_of(GOOD[:5]), "有 5 个问题，应为 6 到 20 个"),
        (text_of([f"问{n}" for n in range(21)]), "有 21 个问题，应为 6 到 20 个"),
        (text_of([*GOOD, " "]), "有一项没有文字，是 ''"),
        (text_of([*GOOD, "？？"]), "有一项没有文字，是 '？？'"),
        ('["a","b","c","d","e","退\\ud83d"]', "有一项没有文字，是 '退\\ud83d'"),
        (text_of([*GOOD, "长" * 61]), f"“{'长' * 40}……”有 61 字，最多 60 字"),
        (text_of([*GOOD, "几天，到账？"]), "“几天，到账？”与“几天到账”重复"),
        (text_of([*GOOD, "几天到账"]), "“几天到账”与“几天到账”重复"),
    ],
)
def test_an_answer_that_cannot_be_used_is_refused_with_the_reason(text: str, said: str) -> None:
    with pytest.raises(UnusableAnswerError) as raised:
        questions_in(text)
    assert str(raised.value).startswith(said)


@given(st.lists(st.text(max_size=70), max_size=25))
def test_whatever_is_accepted_can_be_an_expansion(questions: list[str]) -> None:
    try:
        read = questions_in(text_of(questions))
    except UnusableAnswerError:
        return
    assert 6 <= len(read) == len(questions) == len(set(read))
    assert all(0 < len(question) <= 60 for question in read)


def test_after_an_answer_that_cannot_be_used_the_model_is_told_why(chat, chat_service) -> None:
    answers = iter(["<think>嗯</think>不会", text_of(GOOD)])
    chat_service.say = lambda _: next(answers)
    assert write_questions(chat, PROMPT) == tuple(GOOD)
    first, second = (asked["messages"] for asked in chat_service.asked)
    assert second[: len(first)] == first
    assert second[len(first) :] == [
        {"role": "assistant", "content": "不会"},
        {
            "role": "user",
            "content": "这个回答不能用：不是字符串的 JSON 列表，开头是“不会”。请重写，只输出一个 JSON 列表。",
        },
    ]


def test_three_answers_that_cannot_be_used_are_enough(chat, chat_service) -> None:
    chat_service.say = lambda _: text_of(GOOD[:2])
    with pytest.raises(UnusableAnswerError) as raised:
        write_questions(chat, PROMPT)
    assert str(raised.value) == "3 次回答都不能用，最后一次：有 2 个问题，应为 6 到 20 个"
    assert [len(asked["messages"]) for asked in chat_service.asked] == [2, 4, 4]


def test_an_answer_that_was_cut_off_is_refused_with_that_reason(chat, chat_service) -> None:
    cut = {"choices": [{"message": {"content": '["几天'}, "finish_reason": "length"}]}
    chat_service.answers = [cut] * 3
    with pytest.raises(UnusableAnswerError, match=r'开头是“\["几天”（没有写完）$'):
        write_questions(chat, PROMPT)


def test_a_model_that_does_not_answer_is_not_an_answer(chat, chat_service) -> None:
    chat_service.answers = [400]
    with pytest.raises(ChatUnavailableError, match="返回 HTTP 400"):
        write_questions(chat, PROMPT)
