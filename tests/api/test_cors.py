"""Pages of other sites: who may, what they may, and that nobody else is told anything."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from fastapi import FastAPI
from hypothesis import given
from hypothesis import strategies as st
from starlette.testclient import TestClient

from api.cross_origin import CrossOrigin, OriginError, allowed_origins

PORTAL = "https://portal.example"
LAN = "http://10.1.2.3:8080"
OFFERED = [
    ("GET", "/api/v1/suggest?q=税", 200),
    ("GET", "/api/v1/facets", 200),
    ("POST", "/api/v1/search", 200),
    ("POST", "/api/v1/ask", 200),
    ("POST", "/api/v1/feedback", 422),
    ("GET", "/widget/v1/casebook.js", 200),
    ("GET", "/widget/v1/manifest.json", 200),
    ("GET", "/widget/v1.0000000000/casebook.js", 404),
    ("GET", "/api/v1/suggest?limit=0", 422),
    ("PUT", "/api/v1/search", 405),
]
KEPT = [
    ("GET", "/", 200),
    ("GET", "/embed", 200),
    ("GET", "/cases/c33adef876c", 200),
    ("GET", "/api/v1/cases", 200),
    ("POST", "/api/v1/verify", 422),
    ("GET", "/v1/models", 200),
    ("GET", "/mcp", 405),
    ("POST", "/dify/retrieval", 400),
    ("GET", "/openapi.json", 200),
    ("GET", "/livez", 200),
    ("GET", "/api/v1/search/more", 404),
    ("GET", "/widgets", 404),
]


@pytest.fixture(scope="module")
def portal(app: FastAPI) -> TestClient:
    """The service as `casebook serve --allow-origin` puts it together."""
    origins = allowed_origins([PORTAL, LAN])
    return TestClient(CrossOrigin(app, origins), raise_server_exceptions=False)


def send(
    client: TestClient, method: str, path: str, origin: str | None
) -> tuple[int, dict[str, str]]:
    headers = {} if origin is None else {"Origin": origin}
    body = {"json": {"query": "退税"}} if method == "POST" else {}
    response = client.request(method, path, headers=headers, **body)  # type: ignore[arg-type]
    return response.status_code, dict(response.headers)


def cors(headers: dict[str, str]) -> dict[str, str]:
    return {name: value for name, value in headers.items() if name.startswith("access-control-")}


def varied(headers: dict[str, str]) -> list[str]:
    return [name.strip() for name in headers.get("vary", "").split(",") if name.strip()]


@pytest.mark.parametrize("origin", [PORTAL, LAN])
@pytest.mark.parametrize(("method", "path", "status"), OFFERED)
def test_a_listed_origin_reads_what_the_widget_needs_errors_included(
    portal: TestClient, method: str, path: str, status: int, origin: str
) -> None:
    found, headers = send(portal, method, path, origin)

    assert found == status
    assert cors(headers) == {
        "access-control-allow-origin": origin,
        "access-control-expose-headers": "Retry-After",
    }
    assert "Origin" in varied(headers)


@pytest.mark.parametrize(
    "origin",
    [
        "https://evil.example",
        "http://portal.example",
        "https://portal.example:444",
        "https://portal.example.evil.example",
        "https://sub.portal.example",
        "HTTPS://PORTAL.EXAMPLE",
        "https://portal.example/",
        "null",
        "*",
        "",
        None,
    ],
)
@pytest.mark.parametrize(("method", "path", "status"), OFFERED)
def test_any_other_origin_is_told_nothing_and_no_cache_mixes_them_up(
    portal: TestClient, method: str, path: str, status: int, origin: str | None
) -> None:
    found, headers = send(portal, method, path, origin)

    assert found == status
    assert cors(headers) == {}
    assert "Origin" in varied(headers)


@pytest.mark.parametrize(("method", "path", "status"), KEPT)
def test_the_rest_of_the_service_is_offered_to_no_origin(
    portal: TestClient, method: str, path: str, status: int
) -> None:
    found, headers = send(portal, method, path, PORTAL)

    assert found == status
    assert cors(headers) == {}
    assert "Origin" not in varied(headers)


PREFLIGHT = {
    "Access-Control-Request-Method": "POST",
    "Access-Control-Request-Headers": "content-type",
}


@pytest.mark.parametrize("path", ["/api/v1/ask", "/api/v1/search", "/api/v1/feedback"])
def test_a_preflight_of_a_listed_origin_is_answered_once_in_two_hours(
    portal: TestClient, path: str
) -> None:
    response = portal.options(path, headers={"Origin": PORTAL, **PREFLIGHT})

    assert (response.status_code, response.content) == (204, b"")
    assert dict(response.headers) == {
        "access-control-allow-origin": PORTAL,
        "access-control-allow-methods": "GET, POST",
        "access-control-allow-headers": "Content-Type",
        "access-control-max-age": "7200",
        "vary": "Origin",
    }


@pytest.mark.parametrize(
    ("path", "origin"),
    [("/api/v1/ask", "https://evil.example"), ("/v1/models", PORTAL), ("/api/v1/verify", PORTAL)],
)
def test_any_other_preflight_is_no_request_that_this_service_knows(
    portal: TestClient, path: str, origin: str
) -> None:
    response = portal.options(path, headers={"Origin": origin, **PREFLIGHT})

    assert response.status_code == 405
    assert cors(dict(response.headers)) == {}


def test_credentials_are_never_allowed(portal: TestClient) -> None:
    for method, path, _ in OFFERED:
        assert "access-control-allow-credentials" not in send(portal, method, path, PORTAL)[1]


def test_an_error_that_nobody_foresaw_can_be_read_too(
    failing_client: Callable[[Exception], TestClient],
) -> None:
    inside = failing_client(RuntimeError("税")).app
    client = TestClient(CrossOrigin(inside, frozenset({PORTAL})), raise_server_exceptions=False)

    status, headers = send(client, "POST", "/api/v1/search", PORTAL)

    assert status == 500
    assert headers["access-control-allow-origin"] == PORTAL


def test_a_stream_of_events_can_be_read(portal: TestClient) -> None:
    response = portal.post(
        "/api/v1/ask",
        json={"query": "退税"},
        headers={"Origin": PORTAL, "Accept": "text/event-stream"},
    )

    assert response.headers["access-control-allow-origin"] == PORTAL
    assert response.text.startswith("event: meta")


def test_without_a_list_no_origin_is_let_in(app: FastAPI) -> None:
    client = TestClient(CrossOrigin(app))

    status, headers = send(client, "GET", "/api/v1/facets", PORTAL)

    assert (status, cors(headers)) == (200, {})
    assert client.options("/api/v1/ask", headers={"Origin": PORTAL, **PREFLIGHT}).status_code == 405


@pytest.mark.parametrize(
    ("written", "sent"),
    [
        ("https://portal.example", "https://portal.example"),
        ("https://portal.example/", "https://portal.example"),
        ("HTTPS://Portal.Example:443", "https://portal.example"),
        ("http://10.1.2.3:80", "http://10.1.2.3"),
        ("http://10.1.2.3:8080", "http://10.1.2.3:8080"),
        ("https://[2001:DB8::1]:8443", "https://[2001:db8::1]:8443"),
        ("https://政务.example", "https://xn--zfr164b.example"),
    ],
)
def test_origins_are_written_as_browsers_send_them(written: str, sent: str) -> None:
    assert allowed_origins([written]) == {sent}


@pytest.mark.parametrize(
    "written",
    [
        *(
            "*",
            "null",
            "",
            "portal.example",
            "https://",
            "ftp://portal.example",
            "https://*.example",
        ),
        *("https://portal.example/path", "https://portal.example?q", "https://portal.example#a"),
        *("https://user@portal.example", "https://portal.example:port", "https://a b.example"),
        *(
            "https://a.example,https://b.example",
            "//portal.example",
            "https://portal.example:99999",
        ),
        *("https://[::1", "https://a..example"),
    ],
)
def test_what_is_no_origin_is_refused_with_words(written: str) -> None:
    with pytest.raises(OriginError) as refusal:
        allowed_origins([PORTAL, written])

    assert str(refusal.value) == (
        f"{written!r} 不是网站的源；应写协议和主机，有端口再写端口，如 https://portal.example 或 "
        "http://10.1.2.3:8080，不写路径，也不能用 * 或 null。"
        "请改正 --allow-origin 或环境变量 CASEBOOK_ALLOWED_ORIGINS"
    )


@given(st.text(max_size=40))
def test_whatever_is_written_it_is_refused_or_becomes_an_origin(written: str) -> None:
    try:
        (origin,) = allowed_origins([written])
    except OriginError:
        return
    assert origin.startswith(("http://", "https://"))
    assert allowed_origins([origin]) == {origin}
    assert origin.isascii()
    assert not set(origin) & set(" *,\r\n\"'<>")
