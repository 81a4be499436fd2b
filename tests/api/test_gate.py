"""Who gets in where: the table against the routes there are, and what is done to everybody else."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from fastapi import FastAPI
from fastapi.routing import APIRoute
from starlette.responses import JSONResponse
from starlette.routing import Mount, Route
from starlette.testclient import TestClient
from starlette.types import Receive, Scope, Send

from api.app import create_app
from api.entrances import ADDRESSES, FOLDERS, Needs, entrance_of
from api.gate import Gate
from api.key_file import KeyFile, LiveKeys
from api.keys import Key, configured_key
from api.keys import Scope as KeyScope
from api.protocols import Protocols
from api.quota import Limits
from rag.ask import Asker
from rag.assistant import Assistant

NOW = datetime(2026, 11, 22, tzinfo=UTC)
DOCUMENT = Path(__file__).parents[2] / "docs" / "security.md"


def addresses(routes: Any, before: str = "") -> Iterator[tuple[str, str]]:
    """Every method and path that an application answers to."""
    for route in routes:
        if isinstance(route, Mount):
            yield from addresses(route.app.routes, before + route.path)  # type: ignore[attr-defined]
        elif isinstance(route, (APIRoute, Route)):
            for method in sorted((route.methods or set()) - {"HEAD"}):
                yield method, before + route.path
        else:  # a router that FastAPI has taken in
            yield from addresses(route.original_router.routes, before)


@pytest.fixture(scope="module")
def whole(assistant: Assistant, make_encoder: type[Any]) -> FastAPI:
    """The service with everything that it can offer."""
    protocols = Protocols(make_encoder())
    return create_app(Asker(assistant), passages=6, encoder="-", protocols=protocols)


def concrete(path: str) -> str:
    return path.replace("{case_id}", "c1").replace("{name}", "a.css").replace("{digest}", "0")


def test_every_route_is_in_the_table_and_the_table_in_the_document(whole: FastAPI) -> None:
    found = sorted(set(addresses(whole.routes)), key=lambda it: (it[1], it[0]))
    placed = [path for _, path in found if path in ADDRESSES or path.startswith(tuple(FOLDERS))]
    rows = []
    for method, path in found:
        entrance = entrance_of(concrete(path))
        cost = f"{entrance.cost:g}" if entrance.cost else "不计"
        rows.append(f"| `{method} {path}` | {entrance.needs.value} | {cost} |")

    assert len(found) > 25
    assert placed == [path for _, path in found]
    written = [line for line in DOCUMENT.read_text().splitlines() if line.startswith("| `")]
    assert [line for line in written if line.count("|") == 4] == rows


def test_whatever_nobody_placed_is_closed() -> None:
    for path in ("/new", "/api/v2/search", "/livez/", "/v1", "/dify", "//", "", "/MCP", "/widget"):
        assert entrance_of(path).needs is Needs.ASK


@pytest.fixture
def file(tmp_path: Path) -> KeyFile:
    return KeyFile(tmp_path)


@pytest.fixture
def knock(file: KeyFile) -> Callable[..., TestClient]:
    """A client of a gate with four keys, before an application that tells who was let in."""
    ask = Key.of("ask", "dify", [KeyScope.ASK], NOW)
    file.add(ask)
    file.add(Key.of("admin", "ops", [KeyScope.ADMIN], NOW))
    file.add(replace(Key.of("late", "late", [KeyScope.ASK], NOW), expires=NOW))
    file.add(replace(Key.of("slow", "slow", [KeyScope.ASK], NOW), per_minute=1))

    async def inside(scope: Scope, receive: Receive, send: Send) -> None:
        client = scope.get("casebook.client")
        await JSONResponse({"client": client})(scope, receive, send)

    def make(address: str = "10.1.2.3", **more: Any) -> TestClient:
        gate = Gate(inside, LiveKeys(file), now=lambda: NOW, **more)
        return TestClient(gate, client=(address, 1), headers={})

    return make


def bearer(secret: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {secret}"}


SITE = ["/", "/search", "/embed", "/openapi.json", "/cases/c1", "/api/v1/ask", "/api/v1/suggest"]
PROTOCOL = ["/v1/models", "/dify/retrieval", "/mcp", "/nothing"]
FREE = ["/livez", "/readyz", "/static/search.js", "/widget/v1/casebook.js"]


@pytest.mark.parametrize("path", [*SITE, *FREE])
def test_pages_and_our_own_interface_ask_for_no_key(
    knock: Callable[..., TestClient], path: str
) -> None:
    for headers in ({}, bearer("wrong"), {"Authorization": "Basic eDp5"}):
        assert knock().get(path, headers=headers).json() == {"client": None}


@pytest.mark.parametrize("path", SITE)
def test_asked_to_they_do(knock: Callable[..., TestClient], path: str) -> None:
    client = knock(require_key=True)

    assert client.get(path).status_code == 401
    assert client.get(path, headers=bearer("wrong")).status_code == 401
    assert client.get(path, headers=bearer("admin")).status_code == 403
    assert client.get(path, headers=bearer("ask")).status_code == 200


@pytest.mark.parametrize("path", FREE)
def test_health_and_files_never_ask(knock: Callable[..., TestClient], path: str) -> None:
    assert knock(require_key=True).get(path).json() == {"client": None}


@pytest.mark.parametrize("path", PROTOCOL)
@pytest.mark.parametrize("method", ["GET", "POST", "HEAD", "OPTIONS", "DELETE"])
def test_the_protocols_of_others_ask_for_a_key_whatever_the_method(
    knock: Callable[..., TestClient], path: str, method: str
) -> None:
    client = knock()
    denied = 403 if path.startswith("/dify/") else 401

    assert client.request(method, path).status_code == denied
    assert client.request(method, path, headers=bearer("late")).status_code == denied
    assert client.request(method, path, headers=bearer("admin")).status_code == 403
    assert client.request(method, path, headers=bearer("ask")).status_code == 200


def test_numbers_about_the_service_are_for_admin_keys(knock: Callable[..., TestClient]) -> None:
    client = knock()

    assert [
        client.get("/metrics", headers=headers).status_code
        for headers in ({}, bearer("ask"), bearer("admin"))
    ] == [401, 403, 200]


def test_whoever_logs_is_told_whose_key_it_was(
    knock: Callable[..., TestClient], file: KeyFile
) -> None:
    dify = file.read()[0].id
    for path in ("/mcp", "/api/v1/search"):
        assert knock().post(path, headers=bearer("ask")).json() == {"client": f"dify/{dify}"}


def test_a_key_that_is_revoked_is_refused_by_the_next_request(
    knock: Callable[..., TestClient], file: KeyFile
) -> None:
    client = knock()
    assert client.get("/mcp", headers=bearer("ask")).status_code == 200

    file.revoke(file.read()[0].id, NOW + timedelta(seconds=1))

    refused = client.get("/mcp", headers=bearer("ask"))
    assert (refused.status_code, refused.json()["detail"]) == (
        401,
        "密钥已停用；请向管理员索取新的。",
    )


def test_where_there_never_was_a_key_none_is_asked_for(tmp_path: Path) -> None:
    async def inside(scope: Scope, receive: Receive, send: Send) -> None:
        await JSONResponse({})(scope, receive, send)

    client = TestClient(Gate(inside, LiveKeys(KeyFile(tmp_path))))

    assert {client.get(path).status_code for path in (*SITE, *PROTOCOL, "/metrics")} == {200}


def refusals(path: str, knock: Callable[..., TestClient]) -> dict[str, tuple[int, Any]]:
    client = knock()
    found = {
        name: client.post(path, headers=headers)
        for name, headers in {
            "none": {},
            "odd": {"Authorization": "s3cret"},
            "wrong": bearer("x"),
            "late": bearer("late"),
            "scope": bearer("admin"),
        }.items()
    }
    return {name: (response.status_code, response.json()) for name, response in found.items()}


def test_dify_reads_codes_of_its_own(knock: Callable[..., TestClient]) -> None:
    found = refusals("/dify/retrieval", knock)

    assert {name: (status, body["error_code"]) for name, (status, body) in found.items()} == {
        "none": (403, 1001),
        "odd": (403, 1001),
        "wrong": (403, 1002),
        "late": (403, 1002),
        "scope": (403, 1002),
    }
    assert found["late"][1]["error_msg"] == "密钥已过期；请向管理员索取新的。"


def test_clients_of_openai_read_codes_of_theirs(knock: Callable[..., TestClient]) -> None:
    found = refusals("/v1/chat/completions", knock)

    assert {name: (status, body["error"]["code"]) for name, (status, body) in found.items()} == {
        "none": (401, "missing_api_key"),
        "odd": (401, "missing_api_key"),
        "wrong": (401, "invalid_api_key"),
        "late": (401, "invalid_api_key"),
        "scope": (403, "insufficient_permissions"),
    }


def test_a_person_reads_a_page(knock: Callable[..., TestClient]) -> None:
    page = knock(require_key=True).get("/", headers={"Accept": "text/html"})

    assert page.status_code == 401
    assert page.headers["content-type"].startswith("text/html")
    assert "请求没有带密钥" in page.text


FEW = Limits(per_address=4, per_key=4)


@pytest.mark.parametrize(
    ("path", "code"),
    [
        ("/api/v1/search", lambda body: body["type"]),
        ("/mcp", lambda body: body["type"]),
        ("/dify/retrieval", lambda body: body["error_code"]),
        ("/v1/embeddings", lambda body: (body["error"]["type"], body["error"]["code"])),
    ],
)
def test_what_is_too_much_is_told_in_words_of_the_protocol_and_when_to_come_again(
    knock: Callable[..., TestClient], path: str, code: Callable[[Any], object]
) -> None:
    client = knock(limits=FEW)
    # One in fifteen seconds, and one ahead of time.
    first, second, third = (client.post(path, headers=bearer("ask")) for _ in range(3))

    assert (first.status_code, second.status_code, third.status_code) == (200, 200, 429)
    assert 14 <= int(third.headers["retry-after"]) <= 15
    assert code(third.json()) == {
        "/dify/retrieval": 429,
        "/v1/embeddings": ("rate_limit_error", "rate_limit_exceeded"),
    }.get(path, "/problems/too-many-requests")


def statuses(client: TestClient, path: str, times: int, headers: Any = None) -> list[int]:
    return [client.get(path, headers=headers).status_code for _ in range(times)]


def test_an_address_has_a_quota_and_so_has_each_key(knock: Callable[..., TestClient]) -> None:
    client = knock(limits=FEW)

    assert statuses(client, "/search", 3) == [200, 200, 429]
    assert statuses(client, "/search", 3, bearer("ask")) == [200, 200, 429]
    assert statuses(client, "/mcp", 2, bearer("slow")) == [200, 429]
    assert statuses(client, "/livez", 50) == [200] * 50


def test_guessing_at_keys_is_counted_too(knock: Callable[..., TestClient]) -> None:
    client = knock(limits=FEW)

    assert statuses(client, "/mcp", 3, bearer("guess")) == [401, 401, 429]
    assert statuses(client, "/mcp", 1, bearer("ask")) == [200]  # nobody is locked out by it


@pytest.mark.parametrize("address", ["127.0.0.1", "::1", "::ffff:127.0.0.1"])
def test_the_machine_itself_has_no_quota(knock: Callable[..., TestClient], address: str) -> None:
    assert statuses(knock(address, limits=FEW), "/search", 20) == [200] * 20


def test_limits_can_be_turned_off(knock: Callable[..., TestClient]) -> None:
    client = knock(limits=Limits(0, 0))

    assert statuses(client, "/search", 400) == [200] * 400
    assert statuses(client, "/search", 400, bearer("ask")) == [200] * 400


def test_the_document_of_the_interface_can_be_taken_away(knock: Callable[..., TestClient]) -> None:
    client = knock(closed=frozenset({"/openapi.json"}))

    refused = client.get("/openapi.json", headers=bearer("ask"))
    assert (refused.status_code, refused.json()["detail"]) == (404, "本服务没有公开这个地址。")
    assert client.head("/openapi.json").status_code == 404


def test_the_key_of_the_environment_is_one_that_may_ask() -> None:
    async def inside(scope: Scope, receive: Receive, send: Send) -> None:
        await JSONResponse({"client": scope["casebook.client"]})(scope, receive, send)

    client = TestClient(Gate(inside, LiveKeys(configured=configured_key("k-1"))))

    assert client.get("/mcp", headers=bearer("k-1")).json() == {
        "client": "CASEBOOK_API_KEY/7c35c5a1"
    }
    assert client.get("/metrics", headers=bearer("k-1")).status_code == 403
