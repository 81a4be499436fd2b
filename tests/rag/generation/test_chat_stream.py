"""What a language model says, heard while it speaks, against a real HTTP server."""

from __future__ import annotations

import pytest

from rag.chat import ChatClient, Deadline, Message
from rag.errors import ChatCutOffError, ChatTimeoutError, ChatUnavailableError

ASKED = [Message("user", "退税几天？")]
PATIENT = Deadline(30.0, 30.0)
DONE = b"data: [DONE]\n\n"
REMEDY = "请检查语言模型服务是否在运行，以及地址、模型名和密钥"


def test_pieces_come_as_they_are_said(chat, model) -> None:
    model.steps = ["三天", "到账", DONE]
    assert "".join(chat.stream(ASKED, deadline=PATIENT)) == "三天到账"
    model.steps = ["三天", 30.0]
    assert next(chat.stream(ASKED, deadline=PATIENT)) == "三天"


def test_a_conversation_without_messages_is_a_mistake(chat) -> None:
    with pytest.raises(ValueError, match="a conversation needs at least one message"):
        chat.stream([], deadline=PATIENT)


@pytest.mark.parametrize(
    ("steps", "deadline", "why"),
    [
        ([30.0], Deadline(30.0, 0.2), "在 0.2 秒内没有开始回答"),
        ([b": alive\n\n", 0.05] * 1000, Deadline(30.0, 0.2), "在 0.2 秒内没有开始回答"),
        (["三", 30.0], Deadline(0.3, 0.3), "在 0.3 秒内没有写完回答"),
        (["三", 0.05] * 1000, Deadline(0.3, 0.3), "在 0.3 秒内没有写完回答"),
        (["三"] * 1_000_000, Deadline(0.3, 0.3), "在 0.3 秒内没有写完回答"),
        ([30.0], Deadline(0.2, 30.0), "在 0.2 秒内没有开始回答"),
    ],
)
def test_no_deadline_is_outlasted(
    chat, model, steps: list[str | bytes | float], deadline: Deadline, why: str
) -> None:
    model.steps = steps
    with pytest.raises(ChatTimeoutError) as caught:
        list(chat.stream(ASKED, deadline=deadline))
    assert str(caught.value) == f"{model.url}/chat/completions（模型 qwen）{why}；{REMEDY}"


@pytest.mark.parametrize(
    ("steps", "length", "why"),
    [
        (["三天"], None, "的回答中断了"),
        (
            ["三", b'data: {"choices": [{"delta": {}, "finish_reason": "length"}]}\n\n', DONE],
            None,
            "的回答超过了允许的长度",
        ),
    ],
)
def test_a_reply_without_its_end_says_so(
    chat, model, steps: list[str | bytes | float], length: int | None, why: str
) -> None:
    model.steps, model.length = steps, length
    heard = []
    with pytest.raises(ChatCutOffError) as caught:
        heard.extend(chat.stream(ASKED, deadline=PATIENT))
    assert str(caught.value) == f"{model.url}/chat/completions（模型 qwen）{why}；{REMEDY}"


def test_a_broken_connection_says_so(chat, model) -> None:
    model.steps, model.length = ["三天"], 10_000
    with pytest.raises(ChatCutOffError, match="连接出错（RemoteProtocolError"):
        list(chat.stream(ASKED, deadline=PATIENT))


@pytest.mark.parametrize(
    ("status", "steps", "why"),
    [
        (
            401,
            [b'{"error": "wrong key secret"}'],
            """返回 HTTP 401，内容是 '{"error": "wrong key ***"}'""",
        ),
        (503, [b"x" * 100_000], f"返回 HTTP 503，内容是 '{'x' * 200}'"),
        (200, [b"<html>502</html>"], "返回的内容里读不出回答"),
        (200, [b'data: {"error": "secret"}\n\n'], """返回的是错误：'{"error": "***"}'；"""),
        (302, [b""], "返回 HTTP 302，内容是 ''"),
    ],
)
def test_what_is_no_reply_is_an_error_without_the_key(
    chat, model, status: int, steps: list[str | bytes | float], why: str
) -> None:
    model.status, model.steps = status, steps
    with pytest.raises(ChatUnavailableError) as caught:
        list(chat.stream(ASKED, deadline=PATIENT))
    assert f"（模型 qwen）{why}" in str(caught.value)
    assert "secret" not in str(caught.value)
    assert len(model.asked) == 1


def test_nothing_is_asked_before_the_first_piece_is_wanted(chat: ChatClient, model) -> None:
    chat.stream(ASKED, deadline=PATIENT).close()
    assert model.asked == []


def test_closing_the_pieces_closes_the_connection(chat, model) -> None:
    model.steps = ["三", 0.01] * 3000
    pieces = chat.stream(ASKED, deadline=PATIENT)
    next(pieces)
    pieces.close()
    assert model.gone.wait(10)
