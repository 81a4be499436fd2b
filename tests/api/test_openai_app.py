"""What all of `/v1` shares: the key, the shape of errors, limits and failures."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable

import httpx
import numpy as np
import openai
import pytest
from numpy.typing import NDArray
from openai import OpenAI

from rag.errors import EncoderUnavailableError, ModelError
from tests.api.lengths import Lengths, of_encoder


@pytest.mark.parametrize(("key", "code"), [("wrong", "invalid_api_key"), (" ", "missing_api_key")])
def test_without_the_key_nothing_below_v1_answers(locked: str, key: str, code: str) -> None:
    with OpenAI(base_url=f"{locked}/v1", api_key="x", max_retries=0) as client:
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


def test_our_own_pages_and_protocol_need_no_key(locked: str) -> None:
    assert httpx.get(f"{locked}/livez").status_code == 200
    assert httpx.post(f"{locked}/api/v1/search", json={"query": "退税"}).status_code == 200


def test_a_wrong_address_or_method_has_the_same_shape(ai: OpenAI) -> None:
    with pytest.raises(openai.NotFoundError) as raised:
        ai.post("/completions", body={}, cast_to=object)
    assert raised.value.type == "invalid_request_error"
    with pytest.raises(openai.APIStatusError) as other:
        ai.get("/embeddings", cast_to=object)
    assert (other.value.status_code, other.value.type) == (405, "invalid_request_error")
    assert other.value.response.headers["allow"] == "POST"


def test_what_is_not_json_is_told_where(locked: str) -> None:
    for body, code in [(b'{"input": "a",}', "invalid_json"), ("税".encode("gbk"), "invalid_json")]:
        response = httpx.post(
            f"{locked}/v1/embeddings",
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


def test_a_larger_limit_is_that_of_one_address_alone(locked: str) -> None:
    response = httpx.post(f"{locked}/api/v1/search", json={"query": "税", "x": "x" * 70_000})

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

    assert raised.value.response.headers["retry-after"] in set("12345")
    assert (raised.value.type, raised.value.code) == ("rate_limit_error", "rate_limit_exceeded")
