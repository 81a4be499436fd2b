"""The address of the protocol among the others: who is let in, and what the edge does to it."""

from __future__ import annotations

import http.client
import json
import socket
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping

import anyio
import httpx2
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from mcp.client.client import Client
from mcp.client.streamable_http import streamable_http_client
from starlette.types import ASGIApp

from api.app import create_app
from api.hosts import HostNames
from api.protocols import Protocols
from rag.ask import Asker
from rag.assistant import Assistant

PING = json.dumps({"jsonrpc": "2.0", "id": 1, "method": "ping"})
ACCEPT = {"Content-Type": "application/json", "Accept": "application/json, text/event-stream"}


@pytest.fixture(scope="module")
def guarded(
    assistant: Assistant,
    serve: Callable[[ASGIApp], str],
    behind_key: Callable[[ASGIApp, str], ASGIApp],
) -> int:
    """The port of a service with a key and a name of its own."""
    protocols = Protocols(hosts=HostNames.of(["cases.example", "x:81"]))
    app = create_app(Asker(assistant), passages=1, encoder="none", protocols=protocols)
    return int(serve(behind_key(app, "k-1")).rpartition(":")[2])


class Reply:
    """A response, read whole."""

    def __init__(self, response: http.client.HTTPResponse) -> None:
        self.status = response.status
        self.headers = response.headers
        self.body = response.read()

    @property
    def problem(self) -> tuple[str, str]:
        assert self.headers["content-type"] == "application/problem+json"
        document = json.loads(self.body)
        assert document["status"] == self.status
        return document["type"], document["detail"]


def send(
    port: int,
    body: str | bytes | None = PING,
    headers: Mapping[str, str] | None = None,
    *,
    method: str = "POST",
    path: str = "/mcp",
) -> Reply:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=30)
    try:
        connection.request(method, path, body, {**ACCEPT, **(headers or {})})
        return Reply(connection.getresponse())
    finally:
        connection.close()


def test_a_request_is_answered_in_json_with_the_security_headers(port: int) -> None:
    reply = send(port)

    assert (reply.status, json.loads(reply.body)) == (
        200,
        {"jsonrpc": "2.0", "id": 1, "result": {}},
    )
    assert reply.headers["content-type"] == "application/json"
    assert reply.headers["x-content-type-options"] == "nosniff"
    assert "mcp-session-id" not in reply.headers


@pytest.mark.parametrize("method", ["GET", "HEAD", "DELETE", "PUT"])
def test_what_needs_a_session_is_not_offered(port: int, method: str) -> None:
    reply = send(port, None, method=method)

    assert reply.status == 405
    assert reply.headers["allow"] == "POST"


def test_a_slash_at_the_end_is_another_address_and_no_redirect(port: int) -> None:
    assert send(port, path="/mcp/").problem[0] == "/problems/not-found"


@pytest.mark.parametrize("length", [64 * 1024 + 1, 5_000_000])
def test_a_body_that_is_too_large_is_a_problem(port: int, length: int) -> None:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=30)
    connection.putrequest("POST", "/mcp")
    for name, value in {**ACCEPT, "Content-Length": str(length)}.items():
        connection.putheader(name, value)
    connection.endheaders()
    reply = Reply(connection.getresponse())
    connection.close()

    assert reply.status == 413
    assert reply.problem[0] == "/problems/body-too-large"


def test_a_body_of_undeclared_length_is_stopped_as_well(port: int) -> None:
    def chunks() -> Iterator[bytes]:
        yield b" " * 40_000
        yield b" " * 40_000

    with httpx2.Client(trust_env=False) as client:
        response = client.post(f"http://127.0.0.1:{port}/mcp", content=chunks(), headers=ACCEPT)

    assert response.status_code == 413
    assert response.json()["type"] == "/problems/body-too-large"


@pytest.mark.parametrize(
    ("body", "code"),
    [
        ("{", -32700),
        ("[]", -32602),
        (b'"\xff"', -32700),
        ('{"jsonrpc": "2.0", "id": 1, "method": "no/such"}', -32601),
    ],
)
def test_a_message_that_is_none_is_an_error_of_the_protocol(
    port: int, body: str | bytes, code: int
) -> None:
    assert json.loads(send(port, body).body)["error"]["code"] == code


def test_text_that_no_file_can_hold_is_refused_in_words(port: int) -> None:
    call = {
        "jsonrpc": "2.0",
        "id": 1,
        "method": "tools/call",
        "params": {
            "name": "search_cases",
            "arguments": {"query": "\ud800"},
            "_meta": {
                "io.modelcontextprotocol/protocolVersion": "2026-07-28",
                "io.modelcontextprotocol/clientCapabilities": {},
            },
        },
    }
    headers = {
        "MCP-Protocol-Version": "2026-07-28",
        "Mcp-Method": "tools/call",
        "Mcp-Name": "search_cases",
    }
    result = json.loads(send(port, json.dumps(call), headers).body)["result"]

    assert result["isError"] is True
    assert result["content"][0]["text"].startswith("字段不符合要求：query：含有不成对的代理码位")


NOT_ALLOWED = (
    "/problems/host-not-allowed",
    (
        "请用 http://127.0.0.1 或 http://localhost 连接；要用别的域名或地址，"
        "请管理员以 casebook serve --allow-host 域名 启动。"
    ),
)


@pytest.mark.parametrize(
    "headers",
    [
        {"Host": "evil.example"},
        {"Host": "evil.example:8000"},
        {"Host": "localhost.evil.example:8000"},
        {"Host": "127.0.0.1.evil.example"},
        {"Host": ""},
        {"Host": "cases.example"},  # another service's
        {"Host": "localhost:8000", "Origin": "https://evil.example"},
        {"Host": "localhost:8000", "Origin": "http://localhost.evil.example"},
        {"Host": "localhost:8000", "Origin": "null"},
    ],
)
@pytest.mark.parametrize("revision", [None, "2026-07-28"])
def test_a_name_that_a_page_of_the_web_made_up_is_refused(
    port: int, headers: dict[str, str], revision: str | None
) -> None:
    more = {} if revision is None else {"MCP-Protocol-Version": revision}

    reply = send(port, headers={**headers, **more})

    assert (reply.status, reply.problem) == (403, NOT_ALLOWED)


@pytest.mark.parametrize(
    "headers",
    [
        {"Host": "localhost"},
        {"Host": "localhost:8000"},
        {"Host": "127.0.0.1:1"},
        {"Host": "[::1]:8000"},
        {"Host": "localhost", "Origin": "http://127.0.0.1:3000"},
    ],
)
def test_the_loopback_names_are_let_in(port: int, headers: dict[str, str]) -> None:
    assert send(port, headers=headers).status == 200


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({"Host": "cases.example"}, 200),
        ({"Host": "cases.example:443", "Origin": "https://cases.example"}, 200),
        ({"Host": "x:81"}, 200),
        ({"Host": "x:82"}, 403),
        ({"Host": "sub.cases.example"}, 403),
    ],
)
def test_names_that_the_operator_allowed_are_let_in(
    guarded: int, headers: dict[str, str], status: int
) -> None:
    assert send(guarded, headers={"Authorization": "Bearer k-1", **headers}).status == status


@settings(deadline=None)  # the first request loads the protocol
@given(st.text(st.characters(min_codepoint=33, max_codepoint=126), min_size=1, max_size=30))
def test_no_other_name_gets_past(port: int, name: str) -> None:
    host = name.partition(":")[0]
    allowed = host in {"127.0.0.1", "localhost"} or name.startswith("[::1]")

    assert allowed or send(port, headers={"Host": name}).status != 200


@pytest.mark.parametrize(
    ("headers", "detail"),
    [
        ({}, "请求没有带密钥；请加上 Authorization: Bearer 密钥。"),
        ({"Authorization": "Bearer k-2"}, "密钥不对；请核对后重试，或向管理员索取。"),
    ],
)
def test_without_the_key_nobody_is_let_in(
    guarded: int, headers: dict[str, str], detail: str
) -> None:
    reply = send(guarded, "no JSON", headers)

    assert (reply.status, reply.problem) == (401, ("/problems/access-denied", detail))
    assert reply.headers["www-authenticate"] == "Bearer"


@pytest.mark.parametrize("mode", ["legacy", "auto"])
def test_a_client_with_the_key_is_served(guarded: int, mode: str) -> None:
    async def talk() -> int:
        headers = {"Authorization": "Bearer k-1"}
        async with httpx2.AsyncClient(headers=headers, trust_env=False) as http_client:
            transport = streamable_http_client(
                f"http://127.0.0.1:{guarded}/mcp", http_client=http_client
            )
            async with Client(transport, mode=mode) as client:
                return len((await client.list_tools()).tools)

    assert anyio.run(talk) == 5


def test_a_client_that_goes_away_leaves_the_service_as_it_was(
    port: int, capfd: pytest.CaptureFixture[str]
) -> None:
    body = json.dumps(
        {
            "jsonrpc": "2.0",
            "id": 1,
            "method": "tools/call",
            "params": {"name": "search_cases", "arguments": {"query": "退税"}},
        }
    ).encode()
    head = "".join(f"{name}: {value}\r\n" for name, value in ACCEPT.items())
    request = f"POST /mcp HTTP/1.1\r\nHost: localhost\r\n{head}Content-Length: {len(body)}\r\n\r\n"
    for sent in (len(body), len(body) // 2, 0):  # before the answer, amid the body, before it
        with socket.create_connection(("127.0.0.1", port)) as connection:
            connection.sendall(request.encode() + body[:sent])

    assert send(port).status == 200
    assert "Traceback" not in capfd.readouterr().err


def test_mcp_is_loaded_by_the_first_who_connects() -> None:
    program = """
import json, sys
from starlette.testclient import TestClient
from api.app import create_app
from api.protocols import Protocols
from rag.ask import Asker
from rag.assistant import Assistant
client = TestClient(create_app(Asker(Assistant((), None, "v000001")), passages=0, encoder="none"),
                    base_url="http://localhost")
seen = []
for body in (None, {"jsonrpc": "2.0", "id": 1, "method": "ping"}):
    if body:
        headers = {"Accept": "application/json, text/event-stream"}
        assert client.post("/mcp", json=body, headers=headers).status_code == 200
    else:
        assert client.get("/readyz").status_code == 200
    seen.append(sorted({"mcp", "mcp_types", "opentelemetry.sdk"} & set(sys.modules)))
print(json.dumps(seen))
"""
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, timeout=120, check=False
    )

    assert done.stderr == ""
    assert json.loads(done.stdout) == [[], ["mcp", "mcp_types"]]
