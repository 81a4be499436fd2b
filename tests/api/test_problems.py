"""What is refused or fails: its status, its problem document, and what it does not tell."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator

import pytest
from starlette.testclient import TestClient

from api.admission import Turnstile, Turnstiles
from api.app import create_app
from rag.ask import Asker
from rag.assistant import Assistant
from rag.errors import (
    CasebookError,
    EncoderUnavailableError,
    IndexDamagedError,
    IndexMismatchError,
    IndexMissingError,
    ModelError,
)
from rag.types import Case
from tests.api.retrievers import Waiting

SEARCH = "/api/v1/search"


def refused_field(client: TestClient, body: object) -> tuple[str, str]:
    response = client.post(SEARCH, json=body)
    problem = response.json()
    assert response.status_code == 422
    assert response.headers["content-type"] == "application/problem+json"
    assert set(problem) == {"type", "title", "status", "detail", "errors"}
    assert problem["type"] == "/problems/invalid-field"
    assert problem["status"] == 422
    (error,) = problem["errors"]
    assert problem["detail"] == f"{error['field']}：{error['message']}。请改正后重试。"
    return error["field"], error["message"]


@pytest.mark.parametrize(
    ("body", "field", "message"),
    [
        ({}, "query", "缺少这一项"),
        ({"query": ""}, "query", "是空的，请填写内容"),
        ({"query": " \u3000\t\x1c"}, "query", "是空的，请填写内容"),
        ({"query": "税" * 501}, "query", "最多 500 个字，现有 501 个"),
        ({"query": 5}, "query", "应为字符串"),
        ({"query": None}, "query", "应为字符串"),
        ({"query": "税", "top_k": 0}, "top_k", "不能小于 1"),
        ({"query": "税", "top_k": 51}, "top_k", "不能大于 50"),
        ({"query": "税", "top_k": "5"}, "top_k", "应为整数"),
        ({"query": "税", "top_k": True}, "top_k", "应为整数"),
        ({"query": "税", "top_k": 1.5}, "top_k", "应为整数"),
        ({"query": "税", "explain": 1}, "explain", "应为 true 或 false"),
        ({"query": "税", "topk": 5}, "topk", "没有这个字段，请检查拼写"),
        ({"query": "税", "filters": []}, "filters", "应为 JSON 对象"),
        ({"query": "税", "filters": {"区": []}}, "filters.区", "没有这个字段，请检查拼写"),
        ({"query": "税", "filters": {"district": "静安"}}, "filters.district", "应为列表"),
        ({"query": "税", "filters": {"year": ["2022"]}}, "filters.year[0]", "应为整数"),
        (
            {"query": "税", "filters": {"district": ["静安", " "]}},
            "filters.district[1]",
            "是空的，请填写内容",
        ),
        ({"query": "税", "filters": {"year": [2022] * 51}}, "filters.year", "最多 50 项"),
        ([], "body", "应为 JSON 对象"),
    ],
)
def test_a_bad_field_is_named_with_what_it_should_be(
    client: TestClient, body: object, field: str, message: str
) -> None:
    assert refused_field(client, body) == (field, message)


@pytest.mark.parametrize(
    ("body", "field"),
    [
        (rb'{"query": "\ud800"}', "query"),
        (rb'{"query": "a", "filters": {"district": ["\udfff"]}}', "filters.district[0]"),
        (rb'{"query": "a", "\ud800": 1}', "body"),
    ],
)
def test_half_a_surrogate_pair_is_no_text(client: TestClient, body: bytes, field: str) -> None:
    response = client.post(SEARCH, content=body, headers={"Content-Type": "application/json"})

    assert response.status_code == 422
    assert response.json()["errors"] == [
        {"field": field, "message": "含有不成对的代理码位（如 \\ud800），不是合法的文字"}
    ]


def test_several_bad_fields_are_all_listed(client: TestClient) -> None:
    response = client.post(SEARCH, json={"query": "", "top_k": 0, "explain": "yes"})

    assert [error["field"] for error in response.json()["errors"]] == ["query", "top_k", "explain"]
    assert response.json()["detail"] == "query：是空的，请填写内容等 3 处。请改正后重试。"


def test_no_more_than_twenty_bad_fields_are_listed(client: TestClient) -> None:
    response = client.post(SEARCH, json={"query": "税", **{f"字段{i}": 1 for i in range(500)}})

    assert len(response.json()["errors"]) == 20


def test_a_field_name_is_not_echoed_without_end(client: TestClient) -> None:
    response = client.post(SEARCH, json={"query": "税", "长" * 9000: 1})

    assert response.json()["errors"][0]["field"] == "长" * 80


@pytest.mark.parametrize(
    ("body", "message"),
    [
        (b'{"query": "a",}', "第 15 个字符处不合 JSON 语法"),
        ('{"query": 退税}'.encode(), "第 11 个字符处不合 JSON 语法"),
        ("{'query'}".encode("utf-16")[:-1], "不是 UTF-8 编码的 JSON，或者嵌套过深"),
        ('{"query": "退税"}'.encode("gb18030"), "不是 UTF-8 编码的 JSON，或者嵌套过深"),
        (b"[" * 60_000, "不是 UTF-8 编码的 JSON，或者嵌套过深"),
    ],
)
def test_what_is_not_json_is_told_where(client: TestClient, body: bytes, message: str) -> None:
    response = client.post(SEARCH, content=body, headers={"Content-Type": "application/json"})

    problem = response.json()
    assert (response.status_code, problem["type"]) == (422, "/problems/invalid-json")
    assert problem["errors"] == [{"field": "body", "message": message}]


@pytest.mark.parametrize("media_type", ["text/plain", "application/x-www-form-urlencoded", None])
def test_another_media_type_is_refused(client: TestClient, media_type: str | None) -> None:
    headers = {"Content-Type": media_type} if media_type else {}
    response = client.post(SEARCH, content=b'{"query": "a"}', headers=headers)

    assert response.status_code == 415
    assert response.json() == {
        "type": "/problems/unsupported-media-type",
        "title": "请求体不是 JSON 类型",
        "status": 415,
        "detail": "请以 JSON 发送请求体，并注明 Content-Type: application/json。",
    }


def test_a_media_type_may_carry_its_charset(client: TestClient) -> None:
    headers = {"Content-Type": "Application/JSON; charset=utf-8"}

    assert client.post(SEARCH, content=b'{"query": "a"}', headers=headers).status_code == 200


def test_a_body_of_64_kib_is_read_and_one_byte_more_is_not(client: TestClient) -> None:
    def body(size: int) -> bytes:
        start = b'{"query": "a"'
        return start + b" " * (size - len(start) - 1) + b"}"

    def post(content: bytes | Iterator[bytes]) -> int:
        headers = {"Content-Type": "application/json"}
        response = client.post(SEARCH, content=content, headers=headers)
        if response.status_code == 413:
            assert response.headers["content-type"] == "application/problem+json"
            assert response.json()["detail"] == ("请求体最多 64 KiB。请缩短内容，或分几次发送。")
        return response.status_code

    assert post(body(64 * 1024)) == 200
    assert post(body(64 * 1024 + 1)) == 413
    assert post(iter([body(64 * 1024), b" "])) == 413  # chunked: no length is declared


def test_an_unknown_case_is_a_problem_of_its_own(client: TestClient) -> None:
    response = client.get("/api/v1/cases/c0")

    assert response.status_code == 404
    assert response.json() == {
        "type": "/problems/case-not-found",
        "title": "没有这个案例",
        "status": 404,
        "detail": "请检查案例编号；全部案例见 /api/v1/cases。",
    }


def test_an_unknown_address_is_a_problem(client: TestClient) -> None:
    for path in ("/api/v1/nothing", "/api/v1/cases/", "/docs", "/redoc", "/static/../app.py"):
        response = client.get(path)
        assert (response.status_code, response.json()["type"]) == (404, "/problems/not-found")


def test_a_person_who_follows_a_dead_link_gets_a_page(client: TestClient) -> None:
    for path in ("/cases/c0", "/nothing"):
        response = client.get(path, headers={"Accept": "text/html,*/*"})
        assert response.status_code == 404
        assert response.headers["content-type"] == "text/html; charset=utf-8"
        assert '<a href="/">返回检索</a>' in response.text
    api = client.get("/api/v1/cases/c0", headers={"Accept": "text/html"})
    assert api.headers["content-type"] == "application/problem+json"


@pytest.mark.parametrize(
    ("method", "path", "allowed"),
    [
        ("GET", SEARCH, "POST"),
        ("DELETE", "/api/v1/facets", "GET, HEAD"),
        ("OPTIONS", SEARCH, "POST"),
        ("POST", "/", "GET, HEAD"),
    ],
)
def test_a_method_that_is_not_allowed_is_told_which_is(
    client: TestClient, method: str, path: str, allowed: str
) -> None:
    response = client.request(method, path)

    assert response.status_code == 405
    assert response.headers["allow"] == allowed
    assert response.json()["type"] == "/problems/method-not-allowed"
    assert response.json()["detail"] == f"请改用 {allowed}。"


def test_a_bad_query_parameter_is_named(client: TestClient) -> None:
    response = client.get("/api/v1/cases?year=latest")
    assert response.json()["errors"] == [{"field": "year[0]", "message": "应为整数"}]

    response = client.get("/api/v1/cases?区=静安")
    assert response.json()["errors"] == [{"field": "区", "message": "没有这个字段，请检查拼写"}]


@pytest.mark.parametrize(
    ("error", "status", "slug", "retry_after"),
    [
        (EncoderUnavailableError("http://10.0.0.7"), 503, "encoder-unavailable", "5"),
        (IndexMissingError("/srv/secret"), 503, "index-unusable", "60"),
        (IndexDamagedError("/srv/secret"), 503, "index-unusable", "60"),
        (IndexMismatchError("/srv/secret"), 503, "index-unusable", "60"),
        (ModelError("/srv/secret"), 500, "internal", None),
        (CasebookError("/srv/secret"), 500, "internal", None),
        (KeyError("/srv/secret"), 500, "internal", None),
    ],
)
def test_a_failure_inside_has_one_status_and_tells_nothing_of_this_machine(
    failing_client, error: Exception, status: int, slug: str, retry_after: str | None
) -> None:
    response = failing_client(error).post(SEARCH, json={"query": "税"})

    assert response.status_code == status
    assert response.json()["type"] == f"/problems/{slug}"
    assert response.headers.get("retry-after") == retry_after
    assert "secret" not in response.text
    assert "10.0.0.7" not in response.text


def test_one_search_too_many_is_turned_away_at_once_and_told_when_to_come_back(
    cases: tuple[Case, ...],
) -> None:
    retriever = Waiting()
    app = create_app(
        Asker(Assistant(cases, retriever, "v1")),
        passages=0,
        encoder="none",
        turnstiles=Turnstiles(*[Turnstile(1)] * 3),
    )
    with TestClient(app) as client:
        first = threading.Thread(
            target=client.post, args=(SEARCH,), kwargs={"json": {"query": "税"}}
        )
        first.start()
        assert retriever.busy.wait(30)
        turned_away = client.post(SEARCH, json={"query": "税"})
        assert client.get("/livez").status_code == 200
        retriever.stop.set()
        first.join()
        served = client.post(SEARCH, json={"query": "税"})

    assert turned_away.status_code == 503
    assert turned_away.headers["retry-after"] in {"1", "2", "3", "4", "5"}
    assert turned_away.json()["type"] == "/problems/overloaded"
    assert served.status_code == 200


EVENTS = {"/api/v1/ask": {"text/event-stream"}}
"""What else a route may answer with."""


def test_every_problem_that_a_route_documents_is_a_problem_document(client: TestClient) -> None:
    document = client.get("/openapi.json").json()

    assert set(document["components"]["schemas"]["Problem"]["required"]) == {
        "type",
        "title",
        "status",
        "detail",
    }
    assert "HTTPValidationError" not in json.dumps(document)
    for path, methods in document["paths"].items():
        for operation in methods.values():
            assert "\u4e00" <= operation["summary"][0] <= "\u9fff", path
            for status, response in operation["responses"].items():
                assert "Successful" not in response["description"], path
                kinds = set(response.get("content", ())) - EVENTS.get(path, set())
                usual = {"200": {"application/json"}, "204": set()}
                assert kinds == usual.get(status, {"application/problem+json"})
