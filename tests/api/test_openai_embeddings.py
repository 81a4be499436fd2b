"""`/v1/embeddings`, by OpenAI's own client over a real socket."""

from __future__ import annotations

import base64
import json
from collections.abc import Callable

import httpx
import numpy as np
import openai
import pytest
from openai import OpenAI

from api.openai_embeddings import EmbeddingRequest, embed
from api.openai_errors import OpenAIError
from index.store import open_index
from tests.api.lengths import Lengths, of_encoder


def test_passages_and_questions_are_two_models(ai: OpenAI) -> None:
    passages = ai.embeddings.create(model="lengths", input=["退税", "退税快办"])
    questions = ai.embeddings.create(model="lengths:query", input="退税快办")

    third = float(np.float32(1) / np.float32(3))
    assert [item.index for item in passages.data] == [0, 1]
    assert passages.data[0].embedding == pytest.approx([2 * third, third])
    assert passages.data[1].embedding == pytest.approx([4 * third, third])
    assert questions.data[0].embedding == pytest.approx([third, 4 * third])
    assert (passages.model, questions.model) == ("lengths", "lengths:query")
    assert (passages.object, passages.data[0].object) == ("list", "embedding")
    assert (passages.usage.prompt_tokens, passages.usage.total_tokens) == (4 + 6, 4 + 6)
    assert questions.usage.prompt_tokens == 4 + 3


def test_base64_which_the_client_asks_for_and_numbers_are_the_same_float32(ai: OpenAI) -> None:
    decoded = ai.embeddings.create(model="lengths", input="退税").data[0].embedding
    numbers = ai.embeddings.create(model="lengths", input="退税", encoding_format="float")
    raw = ai.embeddings.with_raw_response.create(
        model="lengths", input="退税", encoding_format="base64"
    )

    assert raw.headers["content-type"] == "application/json"
    text = json.loads(raw.text)["data"][0]["embedding"]
    vector = np.frombuffer(base64.b64decode(text), dtype="<f4")
    assert vector.tolist() == decoded == numbers.data[0].embedding
    assert vector.tolist() == Lengths().encode_passages(["退税"])[0].tolist()


def test_fields_that_do_nothing_here_are_let_through(ai: OpenAI) -> None:
    answer = ai.embeddings.create(
        model="lengths",
        input="退税",
        dimensions=2,
        user="someone",
        extra_body={"truncate_prompt_tokens": 5, "encoding_format": None},
    )

    assert len(answer.data) == 1


LONG = "退" * 39


@pytest.mark.parametrize(
    ("fields", "param", "code", "message"),
    [
        ({"input": ""}, "input", None, "input：第 1 项是空的。请改正后重试。"),
        ({"input": []}, "input", None, "input：列表是空的。请改正后重试。"),
        ({"input": ["税", ""]}, "input", None, "input：第 2 项是空的。请改正后重试。"),
        ({"input": ["税", 5.0]}, "input", None, "input：第 2 项应为文字。请改正后重试。"),
        ({"input": {"a": 1}}, "input", None, "input：第 1 项应为文字。请改正后重试。"),
        ({"input": None}, "input", None, "input：第 1 项应为文字。请改正后重试。"),
        (
            {"input": ["税"] * 2049},
            "input",
            None,
            "input：最多 2048 项，现有 2049 项。请改正后重试。",
        ),
        (
            {"input": ["税", LONG]},
            "input",
            "context_length_exceeded",
            "input：第 2 项有 41 个词元，这个模型最多 40 个；请截短。",
        ),
        (
            {"model": "lengths:query", "input": "退" * 38},
            "input",
            "context_length_exceeded",
            "input：第 1 项有 41 个词元，这个模型最多 40 个；请截短。",
        ),
        (
            {"dimensions": 256},
            "dimensions",
            None,
            "dimensions：这个模型的向量只有 2 维；请去掉这一项。",
        ),
        (
            {"encoding_format": "int8"},
            "encoding_format",
            None,
            "encoding_format：应为 'float' 或 'base64'。请改正后重试。",
        ),
        ({"model": 3}, "model", None, "model：应为字符串。请改正后重试。"),
    ],
)
def test_a_bad_field_is_named(
    ai: OpenAI, fields: dict[str, object], param: str, code: str | None, message: str
) -> None:
    body = {"model": "lengths", "input": "税", **fields}
    with pytest.raises(openai.BadRequestError) as raised:
        ai.post("/embeddings", body=body, cast_to=object)

    assert raised.value.body == {
        "message": message,
        "type": "invalid_request_error",
        "param": param,
        "code": code,
    }


@pytest.mark.parametrize("tokens", [[100257, 7], [[100257], [7]]])
def test_the_token_ids_of_another_tokenizer_are_refused_with_what_to_do(
    ai: OpenAI, tokens: list[int] | list[list[int]]
) -> None:
    with pytest.raises(openai.BadRequestError) as raised:
        ai.embeddings.create(model="lengths", input=tokens)

    assert raised.value.param == "input"
    assert "是词元编号，而这里的模型用自己的分词" in raised.value.message
    assert "check_embedding_ctx_length=False" in raised.value.message


def test_half_a_surrogate_pair_is_no_text(locked: str) -> None:
    response = httpx.post(
        f"{locked}/v1/embeddings",
        content=rb'{"model": "lengths", "input": "\ud800"}',
        headers={"Authorization": "Bearer s3cret", "Content-Type": "application/json"},
    )

    assert response.status_code == 400
    assert "第 1 项含有不成对的代理码位" in response.json()["error"]["message"]


def test_all_tokens_of_a_request_are_bounded_together() -> None:
    encoder = Lengths()
    encoder.count_tokens = lambda _: 40  # type: ignore[method-assign]
    with pytest.raises(OpenAIError) as raised:
        embed(encoder, EmbeddingRequest(model="lengths", input=["税"] * 2048), most_tokens=81_919)

    assert raised.value.code == "max_tokens_per_request"
    assert raised.value.message == "input：共有 81920 个词元，一次最多 81919 个；请分几次发送。"


def test_an_unknown_model_is_not_found(ai: OpenAI) -> None:
    with pytest.raises(openai.NotFoundError) as raised:
        ai.embeddings.create(model="text-embedding-3-small", input="税")

    assert (raised.value.code, raised.value.param) == ("model_not_found", "model")


@pytest.mark.model
def test_the_vectors_are_those_of_the_index(
    real_index,
    models,
    serve: Callable[..., str],
) -> None:
    opened = open_index(real_index, models)
    address = serve(of_encoder(opened.encoder))
    texts = ["企业所得税智能退税三日到账", "帮办"]
    with OpenAI(base_url=address, api_key="-") as client:
        name = opened.encoder.identity.name
        passages = client.embeddings.create(model=name, input=texts)
        question = client.embeddings.create(model=f"{name}:query", input="退税几天到账")

    np.testing.assert_array_equal(
        [item.embedding for item in passages.data], opened.encoder.encode_passages(texts)
    )
    np.testing.assert_array_equal(
        question.data[0].embedding, opened.encoder.encode_query("退税几天到账")
    )
    assert passages.usage.prompt_tokens == sum(map(opened.encoder.count_tokens, texts))
