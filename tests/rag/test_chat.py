"""The client of a language model, against a real HTTP server."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from rag.chat import ChatClient, ChatConfig, Completion, Message, config_of
from rag.errors import ChatUnavailableError, ModelError

REMEDY = "请检查语言模型服务是否在运行，以及地址、模型名和密钥"
ASKED = [Message("system", "答"), Message("user", "退税几天？")]


@pytest.fixture
def waits() -> list[float]:
    return []


@pytest.fixture
def chat(chat_service, waits: list[float]) -> Iterator[ChatClient]:
    config = ChatConfig(chat_service.url, "qwen", api_key="secret", timeout_s=5)
    client = ChatClient(config, sleep=waits.append)
    yield client
    client.close()


def test_a_conversation_is_asked_in_the_openai_format(chat, chat_service) -> None:
    chat_service.say = lambda _: " 三天 "
    assert chat.complete(ASKED) == Completion(" 三天 ", cut_off=False)
    chat.complete(ASKED, temperature=0.5, max_tokens=9)
    usual = {
        "model": "qwen",
        "messages": [
            {"role": "system", "content": "答"},
            {"role": "user", "content": "退税几天？"},
        ],
        "temperature": 0.0,
        "stream": False,
    }
    assert chat_service.asked == [usual, usual | {"temperature": 0.5, "max_tokens": 9}]
    assert chat_service.paths == ["/v1/chat/completions"] * 2
    assert chat_service.keys == ["Bearer secret"] * 2


def test_without_a_key_none_is_sent(chat_service) -> None:
    client = ChatClient(ChatConfig(chat_service.url, "qwen"))
    client.complete(ASKED)
    assert chat_service.keys == [None]
    client.close()


def test_the_key_is_not_in_what_is_printed_of_a_configuration() -> None:
    assert "secret" not in repr(ChatConfig("http://a/v1", "qwen", api_key="secret"))


def test_a_line_end_behind_the_key_is_not_part_of_it(chat_service) -> None:
    client = ChatClient(ChatConfig(chat_service.url, "qwen", api_key="secret\n"))
    client.complete(ASKED)
    assert chat_service.keys == ["Bearer secret"]
    client.close()


@pytest.mark.parametrize("key", ["a\nb", "密钥"])
def test_a_key_that_cannot_be_sent_is_refused_without_showing_it(key: str) -> None:
    with pytest.raises(ModelError) as raised:
        ChatClient(ChatConfig("http://a/v1", "qwen", api_key=key))
    assert str(raised.value) == "环境变量 CASEBOOK_LLM_KEY 里的密钥含有不能发送的字符；请重新设置"


def test_a_service_that_repeats_the_key_does_not_get_it_into_the_message(
    chat, chat_service
) -> None:
    chat_service.answers = ["no such key: secret"]
    with pytest.raises(ChatUnavailableError, match=r"'no such key: \*\*\*'"):
        chat.complete(ASKED)


def test_an_answer_that_was_cut_off_says_so(chat, chat_service) -> None:
    choice = {"message": {"content": "三"}, "finish_reason": "length"}
    chat_service.answers = [{"choices": [choice]}]
    assert chat.complete(ASKED) == Completion("三", cut_off=True)


def test_half_a_character_becomes_a_question_mark(chat, chat_service) -> None:
    chat_service.say = lambda _: "退\ud83d"
    assert chat.complete(ASKED).text == "退?"


def test_a_service_that_is_busy_is_asked_again_after_as_long_as_it_says(
    chat, chat_service, waits: list[float]
) -> None:
    chat_service.answers = [429, 503]
    chat_service.headers = {"Retry-After": "7"}
    chat.complete(ASKED)
    assert (len(chat_service.asked), waits) == (3, [7.0, 7.0])


def test_patience_bounds_the_waiting(chat, chat_service, waits: list[float]) -> None:
    chat_service.answers = [503]
    chat_service.headers = {"Retry-After": "7"}
    with pytest.raises(ChatUnavailableError, match=r"再试须等 7\.0 秒，而一个问题最多等 5 秒"):
        chat.complete(ASKED, patience_s=5)
    assert waits == []


def test_a_refusal_is_not_repeated(chat, chat_service, waits: list[float]) -> None:
    chat_service.answers = [401]
    with pytest.raises(ChatUnavailableError) as raised:
        chat.complete(ASKED)
    assert str(raised.value) == (
        f"{chat_service.url}/chat/completions（模型 qwen）返回 HTTP 401，内容是 '401'，"
        f"已尝试 1 次（最多 4 次）；{REMEDY}"
    )
    assert waits == []


def test_a_redirect_is_not_followed(chat, chat_service) -> None:
    chat_service.answers = [307]
    chat_service.headers = {"Location": f"{chat_service.url}/elsewhere"}
    with pytest.raises(ChatUnavailableError, match="返回 HTTP 307"):
        chat.complete(ASKED)
    assert chat_service.paths == ["/v1/chat/completions"]


@pytest.mark.parametrize(
    ("body", "complaint"),
    [
        ("<html>", "返回的内容里读不出回答：'<html>'"),
        ("[" * 100_000, "返回的内容里读不出回答：'[[["),
        ({"choices": []}, """返回的内容里读不出回答：'{"choices": []}'"""),
        ([], "返回的内容里读不出回答：'[]'"),
        ({"choices": ["a"]}, "返回的内容里读不出回答："),
        ({"choices": [{"message": None}]}, "返回的内容里读不出回答："),
        ({"choices": [{"message": {"content": None}}]}, "返回的回答是空的："),
        ({"choices": [{"message": {"content": " \n"}}]}, "返回的回答是空的："),
        ({"choices": [{"message": {"content": ["a"]}}]}, "返回的回答是空的："),
    ],
)
def test_nonsense_is_an_error_that_says_what_came_back(
    chat, chat_service, body: object, complaint: str
) -> None:
    chat_service.answers = [body]
    with pytest.raises(ChatUnavailableError) as raised:
        chat.complete(ASKED)
    begins = f"{chat_service.url}/chat/completions（模型 qwen）{complaint}"
    assert str(raised.value).startswith(begins)
    assert str(raised.value).endswith(f"；{REMEDY}")


def test_an_empty_conversation_is_a_mistake_of_the_program(chat) -> None:
    with pytest.raises(ValueError, match="at least one message"):
        chat.complete([])


def test_a_model_is_named_as_an_encoder_is_with_its_key_from_the_environment(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("CASEBOOK_LLM_KEY", "secret")
    assert config_of("openai:qwen@2.5@http://a/v1") == ChatConfig(
        "http://a/v1", "qwen@2.5", api_key="secret"
    )
    monkeypatch.delenv("CASEBOOK_LLM_KEY")
    assert config_of("openai:qwen@http://a/v1").api_key is None


@pytest.mark.parametrize("name", ["qwen", "openai:qwen", "openai:@http://a/v1", ""])
def test_a_name_of_another_form_is_refused(name: str) -> None:
    with pytest.raises(ModelError) as raised:
        config_of(name)
    assert str(raised.value) == (
        f"语言模型应写作 openai:模型名@http://主机/v1，现在是“{name}”；"
        "请改正后重试（密钥放在环境变量 CASEBOOK_LLM_KEY）"
    )


@pytest.mark.parametrize("url", ["http://user:pass@127.0.0.1/v1", "http://", "http://a:b/v1"])
def test_an_address_that_cannot_be_asked_is_refused(url: str) -> None:
    with pytest.raises(ModelError, match="服务的地址应形如 http://主机/v1") as raised:
        ChatClient(ChatConfig(url, "qwen"))
    assert "pass@" not in str(raised.value)
