"""All that stands before the application, on real ports, as `casebook serve` puts it together."""

from __future__ import annotations

import http.client
import json
from collections.abc import Callable, Mapping
from typing import Any

import pytest
from fastapi import FastAPI
from starlette.responses import JSONResponse
from starlette.testclient import TestClient
from starlette.types import ASGIApp, Receive, Scope, Send

from api.addresses import trusted_proxies
from api.admission import Turnstile, Turnstiles
from api.app import create_app
from api.edge import SECURITY_HEADERS
from api.hosts import HostNames
from api.key_file import LiveKeys
from api.keys import configured_key
from api.quota import Limits
from api.safeguards import Safeguards
from rag.ask import Asker
from rag.assistant import Assistant

PORTAL = "https://portal.example"
KEYS = LiveKeys(configured=configured_key("s3cret"))
ASKED = {"Origin": PORTAL, "Content-Type": "application/json"}


def client_of(app: ASGIApp, **chosen: Any) -> TestClient:
    safeguards = Safeguards(**{"keys": KEYS, "origins": frozenset({PORTAL}), **chosen})
    return TestClient(
        safeguards.around(app),
        base_url="http://localhost",
        client=("10.1.2.3", 1),
        raise_server_exceptions=False,
    )


def readable(headers: Mapping[str, str]) -> bool:
    return headers.get("access-control-allow-origin") == PORTAL and "Origin" in headers["vary"]


def test_a_page_can_read_every_refusal(app: FastAPI) -> None:
    locked = client_of(app, require_key=True)
    few = client_of(app, limits=Limits(per_address=1))
    question = json.dumps({"query": "退税"})
    found = {
        "key": locked.post("/api/v1/search", content=question, headers=ASKED),
        "media": few.post("/api/v1/search", content="x", headers={"Origin": PORTAL}),
        "quota": few.post("/api/v1/search", content=question, headers=ASKED),
        "body": client_of(app).post("/api/v1/ask", content=b" " * 600_000, headers=ASKED),
        "field": client_of(app).post("/api/v1/search", content="{}", headers=ASKED),
        "method": client_of(app).put("/api/v1/search", headers=ASKED),
    }

    assert {name: response.status_code for name, response in found.items()} == {
        "key": 401,
        "media": 415,
        "quota": 429,
        "body": 413,
        "field": 422,
        "method": 405,
    }
    assert [name for name, response in found.items() if not readable(response.headers)] == []
    assert found["quota"].headers["access-control-expose-headers"] == "Retry-After"


def test_a_page_can_read_that_the_service_is_overloaded_or_broken(
    failing_client: Callable[[Exception], TestClient], assistant: Assistant
) -> None:
    full = create_app(
        Asker(assistant), passages=6, encoder="-", turnstiles=Turnstiles(*[Turnstile(0)] * 3)
    )
    for inside, status in ((failing_client(RuntimeError("x")).app, 500), (full, 503)):
        response = client_of(inside).post("/api/v1/search", json={"query": "退税"}, headers=ASKED)

        assert (response.status_code, readable(response.headers)) == (status, True)


def test_a_preflight_needs_no_key_and_costs_nothing(app: FastAPI) -> None:
    client = client_of(app, require_key=True, limits=Limits(per_address=1))
    asked = {"Origin": PORTAL, "Access-Control-Request-Method": "POST"}

    for _ in range(5):
        assert client.options("/api/v1/ask", headers=asked).status_code == 204


@pytest.mark.parametrize(
    "origin",
    [
        "null",
        "https://portal.example.evil.example",
        "https://evilportal.example",
        "https://portal.example:8443",
        "http://portal.example",
        "https://PORTAL.example",
        "https://portal.example.",
        "https://portal.example https://evil.example",
        "*",
    ],
)
def test_no_other_origin_reads_a_refusal_either(app: FastAPI, origin: str) -> None:
    client = client_of(app, require_key=True)

    response = client.post("/api/v1/search", json={}, headers={"Origin": origin})

    assert response.status_code == 401
    assert [name for name in response.headers if name.startswith("access-control-")] == []


def test_an_origin_is_not_a_key(app: FastAPI) -> None:
    client = client_of(app, require_key=True)

    assert client.post("/api/v1/search", json={}, headers={"Origin": PORTAL}).status_code == 401


def test_a_rebound_name_reads_nothing_even_with_a_listed_origin(app: FastAPI) -> None:
    for path in ("/", "/api/v1/facets", "/livez", "/openapi.json", "/widget/v1/casebook.js"):
        response = client_of(app).get(path, headers={"Host": "evil.example", "Origin": PORTAL})

        assert response.status_code == 421
        assert "access-control-allow-origin" not in response.headers


@pytest.mark.parametrize(
    ("path", "headers", "status"),
    [
        ("/livez", {}, 200),
        ("/v1/models", {}, 401),
        ("/dify/retrieval", {}, 403),
        ("/livez", {"Host": "evil.example"}, 421),
        ("/nothing", {"Authorization": "Bearer s3cret"}, 404),
    ],
)
def test_every_answer_has_the_security_headers(
    app: FastAPI, path: str, headers: dict[str, str], status: int
) -> None:
    expected = {name.lower(): value for name, value in SECURITY_HEADERS.items()}
    plain = client_of(app).get(path, headers=headers)
    over_tls = client_of(app, over_tls=True).get(path, headers=headers)

    assert plain.status_code == status
    assert expected.items() <= dict(plain.headers).items()
    assert "strict-transport-security" not in plain.headers
    assert "cross-origin-opener-policy" not in plain.headers
    assert over_tls.headers["strict-transport-security"] == "max-age=31536000"
    assert over_tls.headers["cross-origin-opener-policy"] == "same-origin"


async def whose(scope: Scope, receive: Receive, send: Send) -> None:
    """Tells what the application takes for the client and for the scheme."""
    await JSONResponse([scope["client"][0], scope["scheme"]])(scope, receive, send)


Ask = Callable[..., tuple[int, Any]]


@pytest.fixture(scope="module")
def ask(serve: Callable[[ASGIApp], str]) -> Callable[..., Ask]:
    """Ask a service that believes some proxies; every connection comes from 127.0.0.1."""

    def of(proxies: list[str], **chosen: Any) -> Ask:
        chosen.setdefault("hosts", HostNames())
        safeguards = Safeguards(proxies=trusted_proxies(proxies), **chosen)
        port = int(serve(safeguards.around(whose)).rpartition(":")[2])

        def ask(*headers: tuple[str, str], path: str = "/search") -> tuple[int, Any]:
            connection = http.client.HTTPConnection("127.0.0.1", port, timeout=30)
            connection.putrequest("GET", path)
            for name, value in headers:
                connection.putheader(name, value)
            connection.endheaders()
            response = connection.getresponse()
            answer = response.status, json.loads(response.read())
            connection.close()
            return answer

        return ask

    return of


FOR, PROTO = "X-Forwarded-For", "X-Forwarded-Proto"


def test_nobody_is_believed_who_was_not_named(ask: Callable[..., Ask]) -> None:
    for proxies in ([], ["10.0.0.0/8"]):
        said = ask(proxies)((FOR, "8.8.8.8"), (PROTO, "https"), ("Forwarded", "for=8.8.8.8"))

        assert said == (200, ["127.0.0.1", "http"])


@pytest.mark.parametrize(
    ("headers", "client"),
    [
        ([(FOR, "8.8.8.8")], "8.8.8.8"),
        ([(FOR, "1.1.1.1, 8.8.8.8")], "8.8.8.8"),  # the first was written by the client itself
        ([(FOR, "1.1.1.1"), (FOR, "8.8.8.8")], "8.8.8.8"),
        ([(FOR, "8.8.8.8, 10.0.0.7")], "8.8.8.8"),  # a second proxy of ours
        ([(FOR, "127.0.0.1, 8.8.8.8")], "8.8.8.8"),
        ([(FOR, "8.8.8.8:5000")], "8.8.8.8"),
        ([(FOR, "[2001:db8::1]:5000")], "2001:db8::1"),
        ([(FOR, "")], "127.0.0.1"),
        ([("Forwarded", "for=8.8.8.8"), ("X-Real-IP", "8.8.8.8")], "127.0.0.1"),
    ],
)
def test_of_a_named_proxy_the_last_client_that_is_no_proxy_counts(
    ask: Callable[..., Ask], headers: list[tuple[str, str]], client: str
) -> None:
    service = ask(["127.0.0.1", "10.0.0.0/8"])

    assert service(*headers) == (200, [client, "http"])
    assert service(*headers, (PROTO, "https")) == (200, [client, "https"])


def test_a_quota_cannot_be_dodged_by_making_up_clients(ask: Callable[..., Ask]) -> None:
    service = ask(["127.0.0.1"], limits=Limits(per_address=1))

    statuses = [service((FOR, f"1.1.1.{i}, 8.8.8.8"))[0] for i in range(3)]
    assert statuses == [200, 429, 429]
    assert service((FOR, "1.1.1.1, 8.8.4.4"))[0] == 200


def test_a_client_cannot_make_itself_the_machine_which_has_no_quota(
    ask: Callable[..., Ask],
) -> None:
    service = ask(["127.0.0.1"], limits=Limits(per_address=1))

    assert [service((FOR, "127.0.0.1, 8.8.8.8"))[0] for _ in range(2)] == [200, 429]
