"""Vectors from a service: how it is asked, how long it is waited for, what nonsense it may answer."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from rag.encoders import load_encoder
from rag.errors import EncoderUnavailableError, ModelError
from rag.remote import RemoteEncoder, RemoteOptions

REMEDY = "请检查向量服务是否在运行，以及地址、模型名和密钥"


@pytest.fixture
def waits() -> list[float]:
    return []


@pytest.fixture
def remote(vector_service, waits: list[float]) -> Iterator[RemoteEncoder]:
    options = RemoteOptions(
        dimension=3, query_prompt="问：", batch_items=2, batch_chars=10, timeout_s=0.5
    )
    encoder = RemoteEncoder(
        vector_service.url, "bge-m3", api_key="secret", options=options, sleep=waits.append
    )
    yield encoder
    encoder.close()


def unit(length: int) -> list[float]:
    return list(np.array([length, 1.0, 0.0]) / np.hypot(length, 1.0))


def test_a_question_is_asked_in_the_openai_format(remote: RemoteEncoder, vector_service) -> None:
    vector = remote.encode_query("补缴社保")
    np.testing.assert_allclose(vector, unit(6), rtol=1e-6)
    assert vector.dtype == np.float32
    assert vector_service.asked == [
        {"model": "bge-m3", "input": ["问：补缴社保"], "encoding_format": "float"}
    ]
    assert vector_service.keys == ["Bearer secret"]


def test_passages_are_split_by_items_and_characters_and_keep_their_order(
    remote: RemoteEncoder, vector_service
) -> None:
    texts = ["一", "二二", "三三三", "四" * 9, "五" * 30, "六"]
    done: list[int] = []
    vectors = remote.encode_passages(texts, on_progress=done.append)
    np.testing.assert_allclose(vectors, [unit(len(text)) for text in texts], rtol=1e-6)
    assert [asked["input"] for asked in vector_service.asked] == [
        texts[:2],
        texts[2:3],
        texts[3:4],
        texts[4:5],
        texts[5:],
    ]
    assert done == [2, 3, 4, 5, 6]
    assert remote.encode_passages([]).shape == (0, 3)


def test_the_identity_names_model_and_address_but_no_key(
    remote: RemoteEncoder, vector_service
) -> None:
    assert remote.identity.name == f"openai:bge-m3@{vector_service.url}"
    assert remote.identity.weights_sha256 == ""
    assert "secret" not in repr(remote.identity)


def test_the_dimension_is_learnt_by_one_request(vector_service) -> None:
    encoder = RemoteEncoder(vector_service.url, "bge-m3")
    assert encoder.identity.dimension == 3
    assert len(vector_service.asked) == 1
    assert vector_service.keys == [None]
    encoder.close()


def test_tokens_are_bounded_by_code_points(remote: RemoteEncoder) -> None:
    assert remote.count_tokens("补缴社保") == 6


def test_tokens_of_a_question_are_bounded_with_its_prompt(vector_service) -> None:
    encoder = RemoteEncoder(vector_service.url, "m", options=RemoteOptions(query_prompt="问："))
    assert (encoder.count_query_tokens("补缴社保"), encoder.count_tokens("补缴社保")) == (8, 6)
    encoder.close()


def test_while_building_429_is_waited_out_for_as_long_as_the_service_asks(
    remote: RemoteEncoder, vector_service, waits: list[float]
) -> None:
    vector_service.answers = [429, 503]
    vector_service.headers = {"Retry-After": "7"}
    np.testing.assert_allclose(remote.encode_passages(["社保"]), [unit(2)], rtol=1e-6)
    assert waits == [7.0, 7.0]


def test_while_building_no_single_wait_passes_a_minute(
    remote: RemoteEncoder, vector_service, waits: list[float]
) -> None:
    vector_service.answers = [503] * 2
    vector_service.headers = {"Retry-After": "600"}
    remote.encode_passages(["社保"])
    assert waits == [60.0, 60.0]


def test_a_question_is_not_kept_waiting_for_as_long_as_the_service_asks(
    remote: RemoteEncoder, vector_service, waits: list[float]
) -> None:
    vector_service.answers = [503]
    vector_service.headers = {"Retry-After": "600"}
    with pytest.raises(EncoderUnavailableError) as raised:
        remote.encode_query("社保")
    assert str(raised.value) == (
        f"{vector_service.url}/embeddings（模型 bge-m3）返回 HTTP 503，内容是 '503'，"
        "已尝试 1 次（最多 4 次），已用 0.0 秒，再试须等 600.0 秒，而一个问题最多等 5 秒；"
        f"{REMEDY}"
    )
    assert waits == []


def test_all_waits_for_a_question_together_are_short(
    remote: RemoteEncoder, vector_service, waits: list[float]
) -> None:
    vector_service.answers = [503] * 9
    vector_service.headers = {"Retry-After": "2"}
    with pytest.raises(
        EncoderUnavailableError, match=r"，已尝试 3 次.*，已用 4\.0 秒，再试须等 2\.0 秒，"
    ):
        remote.encode_query("社保")
    assert waits == [2.0, 2.0]


def test_an_attempt_that_took_long_leaves_a_question_no_time_for_another(
    remote: RemoteEncoder,
    vector_service,
    waits: list[float],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("rag.remote._QUESTION_PATIENCE_S", 0.2)
    vector_service.answers = [503]
    vector_service.delay_s = 0.3
    with pytest.raises(
        EncoderUnavailableError, match=r"，已尝试 1 次（最多 4 次），已用 0\.[3-9] 秒，再试须等 "
    ):
        remote.encode_query("社保")
    assert waits == []


@pytest.mark.parametrize("variable", ["HTTP_PROXY", "http_proxy", "ALL_PROXY"])
def test_this_machine_is_never_asked_through_a_proxy(
    vector_service, monkeypatch: pytest.MonkeyPatch, variable: str
) -> None:
    for name in ("NO_PROXY", "no_proxy"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv(variable, "http://127.0.0.1:1")  # where nobody listens
    for host in ("127.0.0.1", "localhost"):
        url = vector_service.url.replace("127.0.0.1", host)
        encoder = RemoteEncoder(url, "bge-m3", options=RemoteOptions(retries=0))
        assert encoder.identity.dimension == 3
        encoder.close()


def test_another_machine_is_asked_through_the_proxy(
    vector_service, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("NO_PROXY", "no_proxy"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("HTTP_PROXY", vector_service.url.removesuffix("/v1"))
    monkeypatch.setenv("http_proxy", vector_service.url.removesuffix("/v1"))
    encoder = RemoteEncoder("http://vectors.invalid/v1", "bge-m3")
    assert encoder.identity.dimension == 3
    encoder.close()


def test_a_service_that_stays_down_is_given_up_after_waiting_ever_longer(
    remote: RemoteEncoder, vector_service, waits: list[float]
) -> None:
    vector_service.answers = [500] * 9
    with pytest.raises(EncoderUnavailableError) as raised:
        remote.encode_query("社保")
    assert str(raised.value) == (
        f"{vector_service.url}/embeddings（模型 bge-m3）返回 HTTP 500，内容是 '500'，"
        f"已尝试 4 次（最多 4 次）；{REMEDY}"
    )
    assert len(vector_service.asked) == 4
    for wait, middle in zip(waits, (0.25, 0.5, 1.0), strict=True):
        assert middle / 2 <= wait <= middle * 1.5


def test_a_refusal_is_not_repeated(
    remote: RemoteEncoder, vector_service, waits: list[float]
) -> None:
    vector_service.answers = [401]
    with pytest.raises(
        EncoderUnavailableError, match="返回 HTTP 401，内容是 '401'，已尝试 1 次（最多 4 次）；"
    ):
        remote.encode_query("社保")
    assert waits == []


def test_a_service_that_is_too_slow_is_not_asked_again(
    remote: RemoteEncoder, vector_service
) -> None:
    vector_service.delay_s = 1.0
    with pytest.raises(
        EncoderUnavailableError, match=r"超时（ReadTimeout: .*），已尝试 1 次（最多 4 次）；"
    ):
        remote.encode_query("社保")


def test_an_address_where_nobody_listens_is_tried_again(waits: list[float]) -> None:
    options = RemoteOptions(dimension=3, retries=2)
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{free.getsockname()[1]}/v1"
    encoder = RemoteEncoder(url, "bge-m3", options=options, sleep=waits.append)
    with pytest.raises(
        EncoderUnavailableError, match=r"连接出错（ConnectError: .*），已尝试 3 次（最多 3 次）；"
    ):
        encoder.encode_query("社保")
    assert len(waits) == 2
    encoder.close()


@pytest.mark.parametrize(
    ("answer", "complaint"),
    [
        ("<html>", "返回的内容里读不出 1 个向量：'<html>'"),
        ({"error": "no"}, """返回的内容里读不出 1 个向量：'{"error": "no"}'"""),
        ({"data": []}, """返回的内容里读不出 1 个向量：'{"data": []}'"""),
        (
            {"data": [{"index": 0, "embedding": "AAAA"}]},
            """返回的内容里读不出 1 个向量：'{"data": [{"index": 0, "embedding": "AAAA"}]}'""",
        ),
        (
            {"data": [{"index": i, "embedding": [1, 2, 3]} for i in (0, 1)]},
            "返回 2 个形状为 (3,) 的向量，应为 1 个一维数组",
        ),
        (
            {"data": [{"index": 0, "embedding": [1, 2]}]},
            "返回的向量是 2 维，应为 3 维",
        ),
        (
            {"data": [{"index": 0, "embedding": [1, float("nan"), 3]}]},
            "返回了零向量或非数值的向量",
        ),
        (
            {"data": [{"index": 0, "embedding": [0, 0, 0]}]},
            "返回了零向量或非数值的向量",
        ),
    ],
)
def test_nonsense_is_an_error_that_says_what_came_back(
    remote: RemoteEncoder, vector_service, answer: object, complaint: str
) -> None:
    vector_service.answers = [answer]
    with pytest.raises(EncoderUnavailableError) as raised:
        remote.encode_query("社保")
    assert (
        str(raised.value) == f"{vector_service.url}/embeddings（模型 bge-m3）{complaint}；{REMEDY}"
    )


@pytest.mark.parametrize("url", ["http://user:pass@127.0.0.1/v1", "127.0.0.1/v1", "ftp://a/v1"])
def test_an_address_with_a_password_or_without_a_host_is_refused(url: str) -> None:
    with pytest.raises(ModelError, match="不带用户名和密码") as raised:
        RemoteEncoder(url, "bge-m3")
    assert "pass@" not in str(raised.value)


def prompts_of(name: str, **asked: str) -> tuple[str, str]:
    """Load a remote encoder by name; give the prompts of its identity."""
    identity = load_encoder(name, Path("none"), **asked).identity
    return identity.query_prompt, identity.passage_prompt


def test_a_remote_model_is_given_the_prompts_that_it_needs(vector_service) -> None:
    e5 = load_encoder(
        f"openai:e5@{vector_service.url}",
        Path("none"),
        query_prompt="query: ",
        passage_prompt="passage: ",
    )
    e5.encode_query("社保")
    e5.encode_passages(["社保"])
    assert [asked["input"] for asked in vector_service.asked[1:]] == [
        ["query: 社保"],
        ["passage: 社保"],
    ]


def test_a_remote_model_has_no_prompts_unless_its_page_says_otherwise(vector_service) -> None:
    assert prompts_of(f"openai:bge-m3@{vector_service.url}") == ("", "")
    bge = f"openai:BAAI/bge-large-zh-v1.5@{vector_service.url}"
    assert prompts_of(bge) == ("为这个句子生成表示以用于检索相关文章：", "")
    assert prompts_of(bge, query_prompt="", passage_prompt="文：") == ("", "文：")


def test_a_question_waits_for_a_silent_service_no_longer_than_a_person_does(
    vector_service, waits: list[float], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("rag.remote._QUESTION_SILENCE_S", 0.2)
    vector_service.delay_s = 2.0  # within the 30 seconds that passages may take
    encoder = RemoteEncoder(
        vector_service.url, "bge-m3", options=RemoteOptions(dimension=3), sleep=waits.append
    )
    with pytest.raises(EncoderUnavailableError, match="超时"):
        encoder.encode_query("补缴社保")
    assert waits == []
    assert encoder.encode_passages(["补缴社保"]).shape == (1, 3)
    encoder.close()
