"""Who is let in by `/dify/retrieval`, and what every refusal looks like to Dify."""

from __future__ import annotations

import logging
from collections.abc import Callable

import httpx
import pytest
from starlette.testclient import TestClient
from starlette.types import ASGIApp

from api.admission import Turnstile
from api.app import create_app
from api.dify import dify_app
from rag.ask import Asker
from rag.assistant import Assistant
from rag.errors import EncoderUnavailableError, IndexDamagedError
from rag.types import Case
from tests.api.dify_client import SAMPLE, Dify, refused
from tests.api.retrievers import Failing


def test_dify_accepts_the_address_with_the_key_and_not_without(dify: Dify) -> None:
    dify.check_endpoint_and_api_key()
    Dify(f"{dify.endpoint}/").check_endpoint_and_api_key()
    with pytest.raises(ValueError, match="403"):
        Dify(dify.endpoint, api_key="wrong").check_endpoint_and_api_key()


def test_an_address_that_was_registered_with_a_slash_works(dify: Dify) -> None:
    assert len(Dify(f"{dify.endpoint}/").retrieve("智能退税")) == 2


@pytest.mark.parametrize(
    ("authorization", "code"),
    [(None, 1001), ("s3cret", 1001), ("Basic s3cret", 1001), ("Bearer wrong", 1002)],
)
def test_a_wrong_header_and_a_wrong_key_are_told_apart(
    locked: str, authorization: str | None, code: int
) -> None:
    headers = {"Authorization": authorization} if authorization else {}
    response = httpx.post(f"{locked}/dify/retrieval", json=SAMPLE, headers=headers)

    assert refused(response) == (403, code)


def test_without_a_configured_key_any_is_taken(
    assistant: Assistant, serve: Callable[..., str]
) -> None:
    address = serve(create_app(Asker(assistant), passages=6, encoder="-"))

    for key in ("", "anything"):
        assert len(Dify(f"{address}/dify", api_key=key).retrieve("智能退税")) == 2


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"query": ""}, "query：是空的，请填写内容。请改正后重试。"),
        ({"query": None}, "query：应为字符串。请改正后重试。"),
        ({"query": "税" * 501}, "query：最多 500 个字，现有 501 个。请改正后重试。"),
        ({"knowledge_id": None}, "knowledge_id：应为字符串。请改正后重试。"),
        (
            {"retrieval_setting": {"top_k": 0}},
            "retrieval_setting.top_k：不能小于 1。请改正后重试。",
        ),
        (
            {"retrieval_setting": {"score_threshold": "高"}},
            "retrieval_setting.score_threshold：应为数字。请改正后重试。",
        ),
        (
            {"metadata_condition": {"logical_operator": "xor"}},
            "metadata_condition.logical_operator：应为 'and' 或 'or'。请改正后重试。",
        ),
        (
            {"metadata_condition": {"conditions": [{"name": "year"}]}},
            "metadata_condition.conditions[0].comparison_operator：缺少这一项。请改正后重试。",
        ),
        (
            {
                "metadata_condition": {
                    "conditions": [{"name": "year", "comparison_operator": ">", "value": "去年"}]
                }
            },
            "metadata_condition.conditions[0]：> 之后应为数字。请改正后重试。",
        ),
        (
            {
                "metadata_condition": {
                    "conditions": [{"name": "year", "comparison_operator": "is", "value": {}}]
                }
            },
            (
                "metadata_condition.conditions[0].value：应为文字、数字，或由它们组成的列表。"
                "请改正后重试。"
            ),
        ),
        (
            {
                "metadata_condition": {
                    "conditions": [
                        {"name": "title", "comparison_operator": "in", "value": ["税"] * 201}
                    ]
                }
            },
            "metadata_condition.conditions[0].value：最多 200 项。请改正后重试。",
        ),
        (
            {
                "metadata_condition": {
                    "conditions": [
                        {"name": "title", "comparison_operator": "in", "value": "税" * 2001}
                    ]
                }
            },
            "metadata_condition.conditions[0].value：每个值最多 2000 个字。请改正后重试。",
        ),
        (
            {
                "metadata_condition": {
                    "conditions": [{"name": [], "comparison_operator": "is", "value": 1}]
                }
            },
            "metadata_condition.conditions[0].name：是空的。请改正后重试。",
        ),
    ],
)
def test_a_bad_field_is_named(locked: str, fields: dict[str, object], message: str) -> None:
    response = httpx.post(
        f"{locked}/dify/retrieval",
        json={**SAMPLE, **fields},
        headers={"Authorization": "Bearer s3cret"},
    )

    assert refused(response) == (400, 400)
    assert response.json()["error_msg"] == message


@pytest.mark.parametrize(
    ("method", "path", "content", "media_type", "status"),
    [
        ("POST", "/retrieval", b'{"query": ', "application/json", 400),
        ("POST", "/retrieval", "税".encode("gbk"), "application/json", 400),
        ("POST", "/retrieval", b"[]", "application/json", 400),
        ("POST", "/retrieval", b"", None, 415),
        ("POST", "/retrieval", b"{}", "text/plain", 415),
        ("POST", "/retrieval", b" " * 65_537, "application/json", 413),
        ("GET", "/retrieval", b"", None, 405),
        ("POST", "/nothing", b"", None, 404),
    ],
)
def test_every_refusal_has_difys_shape(
    locked: str, method: str, path: str, content: bytes, media_type: str | None, status: int
) -> None:
    headers = {"Authorization": "Bearer s3cret"}
    headers |= {"Content-Type": media_type} if media_type else {}
    response = httpx.request(method, f"{locked}/dify{path}", content=content, headers=headers)

    assert refused(response) == (status, status)


@pytest.mark.parametrize(
    ("error", "status", "retry_after"),
    [
        (EncoderUnavailableError("/srv/secret"), 503, "5"),
        (IndexDamagedError("/srv/secret"), 503, "60"),
        (KeyError("/srv/secret"), 500, None),
    ],
)
def test_a_failure_inside_tells_nothing_of_this_machine(
    cases: tuple[Case, ...], error: Exception, status: int, retry_after: str | None
) -> None:
    assistant = Assistant(cases, Failing(error), "v1")
    app = dify_app(assistant, Turnstile())
    response = TestClient(app, raise_server_exceptions=False).post("/retrieval", json=SAMPLE)

    assert refused(response) == (status, status)
    assert response.headers.get("retry-after") == retry_after
    assert "secret" not in response.text


def test_one_search_too_many_is_turned_away(assistant: Assistant) -> None:
    client = TestClient(dify_app(assistant, Turnstile(0)))
    response = client.post("/retrieval", json=SAMPLE)

    assert refused(response) == (503, 503)
    assert 1 <= int(response.headers["retry-after"]) <= 5


def test_what_dify_swallows_is_in_the_log_without_the_question(
    assistant: Assistant, caplog: pytest.LogCaptureFixture, behind_key: Callable[..., ASGIApp]
) -> None:
    app = create_app(Asker(assistant), passages=6, encoder="-")
    client = TestClient(behind_key(app, "s3cret"))
    bearer = {"Authorization": "Bearer s3cret"}
    with caplog.at_level(logging.WARNING, "casebook.dify"):
        client.post("/dify/retrieval", json=SAMPLE)
        client.post("/dify/retrieval", json={**SAMPLE, "knowledge_id": "x\ny"}, headers=bearer)

    assert caplog.messages == [
        ("retrieval refused with 403 (1001): 请求没有带密钥；请加上 Authorization: Bearer 密钥。"),
        (
            "retrieval refused with 404 (2001): 没有知识库 'x\\ny'；"
            "外部知识库 ID 应为 all、district:区、collection:案例集或 year:年份，并且其中有案例。"
        ),
    ]
