"""The service as a whole: headers, methods, liveness, readiness and its list of addresses."""

from __future__ import annotations

import pytest
from starlette.testclient import TestClient

HEADERS = {
    "content-security-policy": (
        "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; "
        "img-src 'self' data:; base-uri 'none'; form-action 'self'; frame-ancestors 'none'; "
        "require-trusted-types-for 'script'; trusted-types 'none'"
    ),
    "x-content-type-options": "nosniff",
    "referrer-policy": "no-referrer",
    "permissions-policy": "camera=(), geolocation=(), microphone=(), payment=(), usb=()",
}


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("GET", "/", 200),
        ("GET", "/cases/c33adef876c", 200),
        ("GET", "/static/search.js", 200),
        ("GET", "/api/v1/facets", 200),
        ("GET", "/livez", 200),
        ("GET", "/openapi.json", 200),
        ("GET", "/cases/c0", 404),
        ("GET", "/nothing", 404),
        ("PUT", "/", 405),
        ("POST", "/api/v1/search", 415),
    ],
)
def test_every_response_carries_the_security_headers(
    client: TestClient, method: str, path: str, status: int
) -> None:
    response = client.request(method, path)

    assert response.status_code == status
    assert HEADERS.items() <= dict(response.headers).items()


def test_even_an_unforeseen_error_carries_them(failing_client) -> None:
    response = failing_client(RuntimeError("税")).post("/api/v1/search", json={"query": "税"})

    assert response.status_code == 500
    assert HEADERS.items() <= dict(response.headers).items()


@pytest.mark.parametrize("path", ["/", "/livez", "/api/v1/cases", "/static/casebook.css", "/nope"])
def test_head_answers_like_get_without_a_body(client: TestClient, path: str) -> None:
    head, get = client.head(path), client.get(path)

    assert head.content == b""
    assert head.status_code == get.status_code
    assert head.headers == get.headers


def test_liveness_says_nothing_but_that(client: TestClient) -> None:
    assert client.get("/livez").json() == {"status": "alive"}


def test_readiness_names_what_is_being_served(client: TestClient) -> None:
    assert client.get("/readyz").json() == {
        "status": "ready",
        "index_version": "v000007",
        "cases": 4,
        "passages": 6,
        "encoder": "shared-characters",
        "degraded": None,
    }


def test_nobody_is_redirected_to_an_address_of_their_own_making(client: TestClient) -> None:
    response = client.get("/livez/", headers={"Host": "evil.example"}, follow_redirects=False)

    assert response.status_code == 404


def test_the_service_offers_these_addresses_and_no_others(client: TestClient) -> None:
    paths = client.get("/openapi.json").json()["paths"]

    assert {(path, *methods) for path, methods in paths.items()} == {
        ("/api/v1/ask", "post"),
        ("/api/v1/feedback", "post"),
        ("/api/v1/search", "post"),
        ("/api/v1/suggest", "get"),
        ("/api/v1/verify", "post"),
        ("/api/v1/cases", "get"),
        ("/api/v1/cases/{case_id}", "get"),
        ("/api/v1/facets", "get"),
        ("/livez", "get"),
        ("/readyz", "get"),
    }
