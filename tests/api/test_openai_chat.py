"""`/v1/chat/completions`, by OpenAI's own client over a real socket."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Generator, Iterator, Sequence
from typing import Any

import httpx
import openai
import pytest
from openai import OpenAI

from api.app import create_app
from api.links import Links, PublicUrlError
from api.protocols import Protocols
from rag.answer import Answer, AnswerSentence
from rag.ask import Asker
from rag.assistant import Assistant
from rag.conversation import Turn
from rag.errors import EncoderUnavailableError

LABEL = "静安区《智能退税一键到账》（上海市2022年度各区优化营商环境优秀案例，排名1）"
SENTENCE = "静安区𠮷祥大厦推行智能退税，三天到账。"
ASKED: list[Any] = [{"role": "user", "content": "智能退税"}]
ONE = {"casebook": {"top_k": 1}}


@pytest.fixture(scope="module")
def address(assistant: Assistant, serve: Callable[..., str], behind_key: Callable[..., Any]) -> str:
    return serve(behind_key(create_app(Asker(assistant), passages=6, encoder="-"), "s3cret"))


@pytest.fixture(scope="module")
def ai(address: str) -> Iterator[OpenAI]:
    with OpenAI(base_url=f"{address}/v1", api_key="s3cret", max_retries=0) as client:
        yield client


def test_a_completion_has_the_answer_and_a_link_for_every_mark(ai: OpenAI, address: str) -> None:
    completion = ai.chat.completions.create(model="casebook", messages=ASKED, extra_body=ONE)

    (choice,) = completion.choices
    assert choice.message.content == f"{SENTENCE}[1]"
    assert choice.message.role == "assistant"
    assert (choice.index, choice.finish_reason) == (0, "stop")
    assert choice.message.annotations is not None
    (annotation,) = choice.message.annotations
    assert annotation.type == "url_citation"
    link = annotation.url_citation
    assert choice.message.content[link.start_index : link.end_index + 1] == "[1]"
    assert link.title == LABEL
    assert link.url.startswith(f"{address}/cases/c33adef876c")
    assert link.url.endswith("#p=42-61")
    assert httpx.get(link.url).status_code == 200


def test_ids_times_and_usage_are_those_of_one_completion(ai: OpenAI) -> None:
    first, second = (
        ai.chat.completions.create(model="casebook", messages=ASKED, extra_body=ONE)
        for _ in range(2)
    )
    assert re.fullmatch(r"chatcmpl-[0-9a-f]{32}", first.id)
    assert first.id != second.id
    assert first.created > 1_700_000_000
    assert (first.object, first.model) == ("chat.completion", "casebook")
    assert first.system_fingerprint == "v000007"
    assert first.usage is not None
    # Without an encoder at hand a character counts as a token.
    assert first.usage.prompt_tokens == len("智能退税")
    assert first.usage.completion_tokens == len(f"{SENTENCE}[1]")
    assert first.usage.total_tokens == len("智能退税") + len(f"{SENTENCE}[1]")


def test_a_stream_makes_the_same_content_and_has_its_links_before_it_ends(ai: OpenAI) -> None:
    whole = ai.chat.completions.create(model="casebook", messages=ASKED)
    chunks = list(
        ai.chat.completions.create(
            model="casebook",
            messages=ASKED,
            stream=True,
            stream_options={"include_usage": True},
        )
    )
    *pieces, last, usage = chunks

    assert {chunk.id for chunk in chunks} == {chunks[0].id}
    assert {chunk.object for chunk in chunks} == {"chat.completion.chunk"}
    assert chunks[0].choices[0].delta.role == "assistant"
    assert all(chunk.choices[0].finish_reason is None for chunk in pieces)
    content = "".join(chunk.choices[0].delta.content or "" for chunk in pieces)
    assert content == whole.choices[0].message.content
    extra = pieces[-1].choices[0].delta.model_extra
    assert extra is not None
    said = whole.choices[0].message.annotations
    assert said is not None
    assert extra["annotations"] == [annotation.model_dump() for annotation in said]
    assert last.choices[0].finish_reason == "stop"
    assert last.choices[0].delta.model_dump(exclude_none=True) == {}
    assert (usage.choices, usage.usage) == ([], whole.usage)


def test_the_lines_of_a_stream_are_those_of_the_protocol(address: str) -> None:
    response = httpx.post(
        f"{address}/v1/chat/completions",
        json={"model": "casebook", "messages": ASKED, "stream": True, **ONE},
        headers={"Authorization": "Bearer s3cret"},
    )
    lines = [line for line in response.text.split("\n\n") if line]
    assert response.headers["content-type"].startswith("text/event-stream")
    assert all(line.startswith("data: ") for line in lines)
    assert lines[-1] == "data: [DONE]"
    first, *_, ended = (json.loads(line.removeprefix("data: ")) for line in lines[:-1])
    common = {key: first[key] for key in ("id", "created", "system_fingerprint")}
    assert first == {
        **common,
        "object": "chat.completion.chunk",
        "model": "casebook",
        "choices": [
            {
                "index": 0,
                "delta": {"role": "assistant", "content": ""},
                "logprobs": None,
                "finish_reason": None,
            }
        ],
    }
    assert ended["choices"] == [
        {"index": 0, "delta": {}, "logprobs": None, "finish_reason": "stop"}
    ]


@pytest.mark.parametrize("stream", [False, True])
def test_a_refusal_is_a_content_without_links(ai: OpenAI, *, stream: bool) -> None:
    messages: list[Any] = [{"role": "user", "content": "qwerty"}]
    said: Any = ai.chat.completions.create(model="casebook", messages=messages, stream=stream)
    if stream:
        chunks = list(said)
        content = "".join(chunk.choices[0].delta.content or "" for chunk in chunks)
        assert all("annotations" not in chunk.choices[0].delta.model_extra for chunk in chunks)
    else:
        content = said.choices[0].message.content
        assert said.choices[0].message.annotations == []
    assert content.startswith("案例集里没有与这个问题有关的内容。最接近的是：")


@pytest.mark.parametrize("stream", [False, True])
def test_a_model_lists_its_sources_below_the_answer(
    ai: OpenAI, address: str, *, stream: bool
) -> None:
    said: Any = ai.chat.completions.create(
        model="casebook-sources", messages=ASKED, stream=stream, extra_body=ONE
    )
    if stream:
        content = "".join(chunk.choices[0].delta.content or "" for chunk in said)
    else:
        content = said.choices[0].message.content
    answer, sources = content.split("\n\n**出处**\n\n")
    assert answer == f"{SENTENCE}[1]"
    assert sources.startswith(f"1. [{LABEL}]({address}/cases/c33adef876c")


def test_open_webui_is_sent_the_passages_before_the_prose(address: str) -> None:
    response = httpx.post(
        f"{address}/v1/chat/completions",
        json={"model": "casebook-openwebui", "messages": ASKED, "stream": True, **ONE},
        headers={"Authorization": "Bearer s3cret"},
    )
    lines = [line.removeprefix("data: ") for line in response.text.split("\n\n") if line]
    records = [json.loads(line) for line in lines[:-1]]
    assert ["event" in record for record in records[:3]] == [False, True, False]
    event = records[1]["event"]
    url = event["data"]["metadata"][0].pop("source_url")
    assert url.startswith(f"{address}/cases/c33adef876c")
    name = f"[1] {LABEL}"
    assert event == {
        "type": "source",
        "data": {
            "source": {"id": "c33adef876c:42-61", "name": name},
            "document": [SENTENCE],
            "metadata": [
                {
                    "source": "c33adef876c:42-61",
                    "name": name,
                    "passage_id": "c33adef876c:42-61",
                    "number": 1,
                }
            ],
            "distances": [1.0],
        },
    }


def test_only_open_webui_is_sent_events(address: str) -> None:
    response = httpx.post(
        f"{address}/v1/chat/completions",
        json={"model": "casebook", "messages": ASKED, "stream": True},
        headers={"Authorization": "Bearer s3cret"},
    )
    assert '"event"' not in response.text


def test_the_last_message_of_the_user_is_what_is_asked(ai: OpenAI) -> None:
    completion = ai.chat.completions.create(
        model="casebook",
        messages=[
            {"role": "system", "content": "只用英文回答。"},
            {"role": "user", "content": "律师下楼"},
            {"role": "assistant", "content": "律师下楼为商户解答合同问题。"},
            {"role": "user", "content": [{"type": "text", "text": "智能退税"}]},
        ],
        extra_body=ONE,
        temperature=0.3,
        max_tokens=10,
    )
    assert completion.choices[0].message.content == f"{SENTENCE}[1]"


class Echo:
    """Words nothing, and remembers what a follow-up question followed."""

    def __init__(self) -> None:
        self.turns: list[Turn] = []

    def standalone(self, turns: Sequence[Turn], message: str, districts: Sequence[str]) -> str:
        self.turns = list(turns)
        return "智能退税"

    def write(
        self, extracted: Answer, left: object = None
    ) -> Generator[AnswerSentence | Answer, None, None]:
        yield extracted


def test_a_conversation_is_told_to_the_writer_as_questions_and_answers(
    assistant: Assistant, serve: Callable[..., str]
) -> None:
    echo = Echo()
    address = serve(create_app(Asker(assistant, echo), passages=6, encoder="-"))
    with OpenAI(base_url=f"{address}/v1", api_key="-", max_retries=0) as client:
        completion = client.chat.completions.create(
            model="casebook",
            messages=[
                {"role": "system", "content": "简短回答"},
                {"role": "user", "content": "智能退税是什么"},
                {"role": "assistant", "content": "静安区的办法。[1]"},
                {"role": "user", "content": "没有人回答的"},
                {"role": "user", "content": "几天到账"},
            ],
            extra_body=ONE,
        )
    assert echo.turns == [Turn("智能退税是什么", "静安区的办法。[1]")]
    assert completion.choices[0].message.content == f"{SENTENCE}[1]"


def test_filters_narrow_what_is_answered_from(ai: OpenAI) -> None:
    completion = ai.chat.completions.create(
        model="casebook",
        messages=[{"role": "user", "content": "营业执照"}],
        extra_body={"casebook": {"filters": {"district": ["浦东"]}, "top_k": 2}},
    )
    content = completion.choices[0].message.content
    assert content is not None
    assert "浦东新区开办企业一天办结" in content


@pytest.mark.parametrize(
    ("change", "message", "param", "code"),
    [
        (
            {"model": "gpt-4"},
            "没有模型 'gpt-4'；可用的模型见 GET /v1/models。",
            "model",
            "model_not_found",
        ),
        ({"n": 2}, "n：只有一个回答，应为 1。", "n", None),
        (
            {"messages": [{"role": "system", "content": "你好"}]},
            "messages：没有用户的提问；请加上 role 为 user 的消息。",
            "messages",
            None,
        ),
        (
            {"messages": [{"role": "user", "content": "税" * 501}]},
            "messages：提问最多 500 个字，现有 501 个。",
            "messages",
            "context_length_exceeded",
        ),
    ],
)
def test_what_cannot_be_answered_is_refused_as_openai_would(
    ai: OpenAI, change: dict[str, Any], message: str, param: str, code: str | None
) -> None:
    with pytest.raises(openai.APIStatusError) as raised:
        ai.chat.completions.create(**{"model": "casebook", "messages": ASKED, **change})
    assert raised.value.status_code == (404 if param == "model" else 400)
    assert raised.value.body == {
        "message": message,
        "type": "invalid_request_error",
        "param": param,
        "code": code,
    }


@pytest.mark.parametrize(
    "change",
    [
        {"messages": []},
        {"messages": [{"role": "wizard", "content": "退税"}]},
        {"messages": [{"role": "user", "content": [{"type": "image_url", "image_url": {}}]}]},
        {"messages": [{"role": "user", "content": "\ud800"}]},
        {"casebook": {"top_k": 0}},
        {"casebook": {"magic": True}},
    ],
)
def test_a_bad_field_is_named(address: str, change: dict[str, Any]) -> None:
    response = httpx.post(
        f"{address}/v1/chat/completions",
        content=json.dumps({"model": "casebook", "messages": ASKED, **change}),
        headers={"Authorization": "Bearer s3cret", "Content-Type": "application/json"},
    )
    assert response.status_code == 400
    assert response.json()["error"]["param"].startswith(next(iter(change)))


def test_a_language_model_that_is_not_there_is_said(ai: OpenAI) -> None:
    with pytest.raises(openai.APIStatusError) as raised:
        ai.chat.completions.create(
            model="casebook", messages=ASKED, extra_body={"casebook": {"mode": "llm"}}
        )
    assert "请把 mode 改为 extractive 或 auto" in str(raised.value)


def test_without_the_key_nothing_is_answered(address: str) -> None:
    with (
        OpenAI(base_url=f"{address}/v1", api_key="guess", max_retries=0) as stranger,
        pytest.raises(openai.AuthenticationError) as raised,
    ):
        stranger.chat.completions.create(model="casebook", messages=ASKED)
    assert raised.value.code == "invalid_api_key"


class Faltering:
    """Words one sentence and fails."""

    def standalone(self, turns: Sequence[Turn], message: str, districts: Sequence[str]) -> str:
        return message

    def write(
        self, extracted: Answer, left: object = None
    ) -> Generator[AnswerSentence | Answer, None, None]:
        yield AnswerSentence("退税三天到账。", (1,), None)
        message = "no"
        raise EncoderUnavailableError(message)


def test_a_stream_that_breaks_off_says_so(assistant: Assistant, serve: Callable[..., str]) -> None:
    address = serve(create_app(Asker(assistant, Faltering()), passages=6, encoder="-"))
    with OpenAI(base_url=f"{address}/v1", api_key="-", max_retries=0) as client:
        said = client.chat.completions.create(model="casebook", messages=ASKED, stream=True)
        with pytest.raises(openai.APIError) as raised:
            list(said)
    assert raised.value.message == "请稍后重试；若持续出现，请联系管理员。"


def test_links_begin_with_the_address_that_readers_use(
    assistant: Assistant, serve: Callable[..., str]
) -> None:
    protocols = Protocols(links=Links("https://portal.example/casebook/"))
    address = serve(create_app(Asker(assistant), passages=6, encoder="-", protocols=protocols))
    with OpenAI(base_url=f"{address}/v1", api_key="-", max_retries=0) as client:
        completion = client.chat.completions.create(model="casebook", messages=ASKED)
    annotations = completion.choices[0].message.annotations
    assert annotations is not None
    assert annotations[0].url_citation.url.startswith("https://portal.example/casebook/cases/")


@pytest.mark.parametrize(
    "address", ["portal.example", "ftp://portal.example", "https://", "http://a/?q"]
)
def test_an_address_that_no_browser_could_open_is_refused(address: str) -> None:
    with pytest.raises(PublicUrlError, match="不能作为对外的地址"):
        Links(address)
