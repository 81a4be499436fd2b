"""`/v1/models` and `/v1/embeddings`, by OpenAI's own client over a real socket."""

from __future__ import annotations

import base64
import json
import threading
from collections.abc import Callable, Iterator, Sequence

import httpx
import numpy as np
import openai
import pytest
from numpy.typing import NDArray
from openai import OpenAI
from starlette.testclient import TestClient
from starlette.types import ASGIApp

from api.access import AccessKey
from api.admission import Turnstile
from api.app import create_app
from api.openai_app import openai_app
from api.openai_embeddings import EmbeddingRequest, embed
from api.openai_errors import OpenAIError
from api.openai_models import CHAT_MODELS
from api.protocols import Protocols
from index.store import open_index
from rag.ask import Asker
from rag.assistant import Assistant
from rag.encoder import Encoder, EncoderIdentity
from rag.errors import EncoderUnavailableError, ModelError
from rag.retrieve import Retrieval


class Lengths:
    """A passage's vector tells its length, a question's the same the other way round.

    A token a character; the prompt of passages takes two, that of questions three.
    """

    def __init__(self, name: str = "lengths", error: Exception | None = None) -> None:
        self.identity = EncoderIdentity(name, "1", "0" * 64, 2, 40, "问问：", "文：", "", True)  # noqa: FBT003
        self.error = error

    def encode_query(self, question: str) -> NDArray[np.float32]:
        if self.error is not None:
            raise self.error
        return np.array([1, len(question)], dtype=np.float32) / np.float32(3)

    def encode_passages(self, texts: Sequence[str], **_: object) -> NDArray[np.float32]:
        rows = [self.encode_query(text)[::-1] for text in texts]
        return np.array(rows, dtype=np.float32)

    def count_tokens(self, text: str) -> int:
        return len(text) + 2

    def count_query_tokens(self, question: str) -> int:
        return len(question) + 3


class Nothing:
    """Finds nothing."""

    def retrieve(self, question: str, **_: object) -> Retrieval:
        return Retrieval((), 0.0, "not_in_collection")


def of_encoder(encoder: Encoder) -> ASGIApp:
    """What is served of one encoder, without a collection."""
    return openai_app(Asker(Assistant((), Nothing(), "v1")), Turnstile(), Protocols(None, encoder))


@pytest.fixture(scope="module")
def address(assistant: Assistant, serve: Callable[..., str]) -> str:
    key = AccessKey("s3cret")
    protocols = Protocols(key, Lengths())
    return serve(create_app(Asker(assistant), passages=6, encoder="-", protocols=protocols))


@pytest.fixture(scope="module")
def ai(address: str) -> Iterator[OpenAI]:
    with OpenAI(base_url=f"{address}/v1", api_key="s3cret", max_retries=0) as client:
        yield client


def test_the_models_are_the_assistant_and_two_of_the_encoder(ai: OpenAI) -> None:
    models = ai.models.list().data

    assert [model.id for model in models] == [*CHAT_MODELS, "lengths", "lengths:query"]
    assert {(model.object, model.owned_by) for model in models} == {("model", "casebook")}
    assert all(isinstance(model.created, int) and model.created > 1_700_000_000 for model in models)


def test_a_model_is_looked_up_by_its_id(ai: OpenAI) -> None:
    assert ai.models.retrieve("lengths:query").id == "lengths:query"
    with pytest.raises(openai.NotFoundError) as raised:
        ai.models.retrieve("gpt-4")

    assert raised.value.body == {
        "message": "没有模型 'gpt-4'；可用的模型见 GET /v1/models。",
        "type": "invalid_request_error",
        "param": "model",
        "code": "model_not_found",
    }


def test_a_name_with_a_slash_is_found_and_a_remote_ones_address_is_not_told() -> None:
    for name, id_ in [
        ("BAAI/bge-small-zh-v1.5", "BAAI/bge-small-zh-v1.5"),
        ("openai:bge-m3@http://10.0.0.7/v1", "bge-m3"),
    ]:
        client = TestClient(of_encoder(Lengths(name)))
        ids = [model["id"] for model in client.get("/models").json()["data"]]
        assert ids == [*CHAT_MODELS, id_, f"{id_}:query"]
        assert client.get(f"/models/{id_.replace('/', '%2F')}").json()["id"] == id_


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


def test_half_a_surrogate_pair_is_no_text(address: str) -> None:
    response = httpx.post(
        f"{address}/v1/embeddings",
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


@pytest.mark.parametrize(("key", "code"), [("wrong", "invalid_api_key"), (" ", "missing_api_key")])
def test_without_the_key_nothing_below_v1_answers(address: str, key: str, code: str) -> None:
    with OpenAI(base_url=f"{address}/v1", api_key="x", max_retries=0) as client:
        if key == " ":
            headers: dict[str, object] = {"Authorization": openai.Omit()}
        else:
            headers = {"Authorization": f"Bearer {key}"}
        for call in (
            lambda: client.models.list(extra_headers=headers),
            lambda: client.embeddings.create(model="x", input="税", extra_headers=headers),
            lambda: client.get("/nothing", cast_to=object, options={"headers": headers}),
        ):
            with pytest.raises(openai.AuthenticationError) as raised:
                call()
            assert raised.value.code == code
            assert raised.value.response.headers["www-authenticate"] == "Bearer"


def test_our_own_pages_and_protocol_need_no_key(address: str) -> None:
    assert httpx.get(f"{address}/livez").status_code == 200
    assert httpx.post(f"{address}/api/v1/search", json={"query": "退税"}).status_code == 200


def test_a_wrong_address_or_method_has_the_same_shape(ai: OpenAI) -> None:
    with pytest.raises(openai.NotFoundError) as raised:
        ai.post("/completions", body={}, cast_to=object)
    assert raised.value.type == "invalid_request_error"
    with pytest.raises(openai.APIStatusError) as other:
        ai.get("/embeddings", cast_to=object)
    assert (other.value.status_code, other.value.type) == (405, "invalid_request_error")
    assert other.value.response.headers["allow"] == "POST"


def test_what_is_not_json_is_told_where(address: str) -> None:
    for body, code in [(b'{"input": "a",}', "invalid_json"), ("税".encode("gbk"), "invalid_json")]:
        response = httpx.post(
            f"{address}/v1/embeddings",
            content=body,
            headers={"Authorization": "Bearer s3cret", "Content-Type": "application/json"},
        )
        assert response.status_code == 400
        assert response.json()["error"]["code"] == code
        assert response.json()["error"]["type"] == "invalid_request_error"


def test_a_mebibyte_is_read_and_one_byte_more_is_not(ai: OpenAI) -> None:
    body = {"model": "nothing", "input": "税", "padding": ""}
    room = 1024 * 1024 - len(json.dumps(body, ensure_ascii=False, separators=(",", ":")).encode())
    with pytest.raises(openai.NotFoundError):  # it was read
        ai.post("/embeddings", body={**body, "padding": "x" * room}, cast_to=object)
    for size in (room + 1, 8 * room):
        with pytest.raises(openai.APIStatusError) as raised:
            ai.post("/embeddings", body={**body, "padding": "x" * size}, cast_to=object)
        assert (raised.value.status_code, raised.value.code) == (413, "request_too_large")
        assert raised.value.body["message"] == "请求体最多 1024 KiB。请缩短内容，或分几次发送。"


def test_a_larger_limit_is_that_of_one_address_alone(address: str) -> None:
    response = httpx.post(f"{address}/api/v1/search", json={"query": "税", "x": "x" * 70_000})

    assert response.status_code == 413
    assert response.json()["detail"] == "请求体最多 64 KiB。请缩短内容，或分几次发送。"


@pytest.mark.parametrize(
    ("error", "status", "retry_after"),
    [
        (EncoderUnavailableError("http://10.0.0.7"), 503, "5"),
        (ModelError("/srv/secret"), 500, None),
        (KeyError("/srv/secret"), 500, None),
    ],
)
def test_a_failure_inside_tells_nothing_of_this_machine(
    serve: Callable[..., str], error: Exception, status: int, retry_after: str | None
) -> None:
    address = serve(of_encoder(Lengths(error=error)))
    with (
        OpenAI(base_url=address, api_key="-", max_retries=0) as client,
        pytest.raises(openai.InternalServerError) as raised,
    ):
        client.embeddings.create(model="lengths", input="税")

    assert (raised.value.status_code, raised.value.type) == (status, "server_error")
    assert raised.value.response.headers.get("retry-after") == retry_after
    assert "secret" not in raised.value.response.text
    assert "10.0.0.7" not in raised.value.response.text


class Busy(Lengths):
    """An encoder that is busy until it is told to stop."""

    def __init__(self) -> None:
        super().__init__()
        self.busy = threading.Semaphore(0)
        self.stop = threading.Event()

    def encode_query(self, question: str) -> NDArray[np.float32]:
        self.busy.release()
        self.stop.wait(30)
        return super().encode_query(question)


def test_a_third_request_at_once_is_told_to_come_back_and_the_client_does(
    serve: Callable[..., str],
) -> None:
    encoder = Busy()
    address = serve(of_encoder(encoder))
    with OpenAI(base_url=address, api_key="-", max_retries=0) as client:

        def ask() -> int:
            return len(client.embeddings.create(model="lengths", input="税").data)

        threads = [threading.Thread(target=ask) for _ in range(2)]
        for thread in threads:
            thread.start()
            assert encoder.busy.acquire(timeout=30)
        with pytest.raises(openai.RateLimitError) as raised:
            ask()
        threading.Timer(0.2, encoder.stop.set).start()
        assert (
            len(
                client.with_options(max_retries=2)
                .embeddings.create(model="lengths", input="税")
                .data
            )
            == 1
        )
        for thread in threads:
            thread.join()

    assert raised.value.response.headers["retry-after"] == "2"
    assert (raised.value.type, raised.value.code) == ("rate_limit_error", "rate_limit_exceeded")


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
