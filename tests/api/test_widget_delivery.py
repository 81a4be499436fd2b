"""The widget's script as it is sent: addresses, caching, packing and the published hash."""

from __future__ import annotations

import base64
import gzip
import hashlib
import http.client

import pytest
from fastapi import FastAPI
from hypothesis import given
from hypothesis import strategies as st
from starlette.testclient import TestClient

from api.widget_bundle import widget_script
from api.widget_delivery import Widget, accepts_gzip, widget_routes

SCRIPT = widget_script()
SHA256 = hashlib.sha256(SCRIPT).hexdigest()
ALIAS = "/widget/v1/casebook.js"
PINNED = f"/widget/v1.{SHA256[:10]}/casebook.js"
PLAIN = {"Accept-Encoding": "identity"}


def raw(port: int, path: str, **headers: str) -> tuple[int, dict[str, str], bytes]:
    """Ask without a client that unpacks."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=30)
    connection.request("GET", path, headers={k.replace("_", "-"): v for k, v in headers.items()})
    response = connection.getresponse()
    body = response.read()
    connection.close()
    return response.status, {name.lower(): value for name, value in response.getheaders()}, body


@pytest.mark.parametrize(
    ("path", "kept"), [(ALIAS, "no-cache"), (PINNED, "public, max-age=31536000, immutable")]
)
def test_the_script_is_sent_with_exactly_these_headers(
    client: TestClient, path: str, kept: str
) -> None:
    response = client.get(path, headers=PLAIN)

    assert response.status_code == 200
    assert response.content == SCRIPT
    sent = dict(response.headers)
    assert sent.pop("content-security-policy").startswith("default-src 'none'")
    assert sent == {
        "content-type": "text/javascript; charset=utf-8",
        "content-length": str(len(SCRIPT)),
        "etag": f'"{SHA256[:16]}"',
        "cache-control": kept,
        "vary": "Accept-Encoding",
        "cross-origin-resource-policy": "cross-origin",
        "x-content-type-options": "nosniff",
        "referrer-policy": "no-referrer",
        "permissions-policy": "camera=(), geolocation=(), microphone=(), payment=(), usb=()",
    }


@pytest.mark.parametrize("path", [ALIAS, PINNED])
def test_packed_it_is_the_same_script_under_another_etag(port: int, path: str) -> None:
    status, headers, body = raw(port, path, Accept_Encoding="gzip, deflate")

    assert status == 200
    assert headers["content-encoding"] == "gzip"
    assert headers["content-type"] == "text/javascript; charset=utf-8"
    assert headers["etag"] == f'"{SHA256[:16]}-gzip"'
    assert headers["vary"] == "Accept-Encoding"
    assert body == gzip.compress(SCRIPT, 9, mtime=0)
    assert gzip.decompress(body) == SCRIPT
    assert headers["content-length"] == str(len(body))


@pytest.mark.parametrize("path", [ALIAS, PINNED])
@pytest.mark.parametrize(("encoding", "form"), [("identity", ""), ("gzip", "-gzip")])
def test_what_is_known_is_not_sent_again(
    client: TestClient, path: str, encoding: str, form: str
) -> None:
    etag = f'"{SHA256[:16]}{form}"'
    for known in (etag, f"W/{etag}", f'"other", {etag}', "*"):
        response = client.get(path, headers={"Accept-Encoding": encoding, "If-None-Match": known})

        assert (response.status_code, response.content) == (304, b"")
        assert response.headers["etag"] == etag
        assert response.headers["vary"] == "Accept-Encoding"
        assert "content-encoding" not in response.headers


def test_the_etag_of_one_form_is_not_that_of_the_other(client: TestClient) -> None:
    headers = {"Accept-Encoding": "identity", "If-None-Match": f'"{SHA256[:16]}-gzip"'}

    assert client.get(ALIAS, headers=headers).status_code == 200


def test_the_published_hash_is_that_of_the_script(client: TestClient) -> None:
    response = client.get("/widget/v1/manifest.json", headers=PLAIN)

    assert response.headers["content-type"] == "application/json"
    assert response.headers["cache-control"] == "no-cache"
    digest = base64.b64encode(hashlib.sha384(SCRIPT).digest()).decode()
    assert response.json() == {
        "alias": ALIAS,
        "pinned": PINNED,
        "integrity": f"sha384-{digest}",
        "bytes": len(SCRIPT),
        "gzip_bytes": len(gzip.compress(SCRIPT, 9, mtime=0)),
    }
    again = client.get(
        "/widget/v1/manifest.json", headers={**PLAIN, "If-None-Match": response.headers["etag"]}
    )
    assert again.status_code == 304


@pytest.mark.parametrize(
    "path", ["/widget/v1.0000000000/casebook.js", f"/widget/v1.{SHA256[:9]}/casebook.js"]
)
def test_a_script_of_another_release_is_gone_and_the_page_to_go_to_is_named(
    client: TestClient, path: str
) -> None:
    response = client.get(path)

    assert response.status_code == 404
    assert response.headers["cache-control"] == "no-store"
    assert response.json()["detail"].endswith("请到 /embed 取新的代码。")


@pytest.mark.parametrize(
    "path", ["/widget/v2/casebook.js", "/widget/v1/other.js", "/widget/v1./casebook.js", "/widget/"]
)
def test_there_is_nothing_else_below_widget(client: TestClient, path: str) -> None:
    assert client.get(path).status_code == 404


def test_head_tells_the_same_without_the_script(client: TestClient) -> None:
    head, get = client.head(ALIAS), client.get(ALIAS)

    assert (head.content, head.headers) == (b"", get.headers)


@pytest.mark.parametrize(
    ("accepted", "expected"),
    [
        ("gzip", True),
        ("gzip, deflate", True),
        ("GZIP;Q=0.001", True),
        ("br ; q=1.0 , gzip ; q=0.8", True),
        ("*", True),
        ("*;q=0.1", True),
        ("", False),
        ("identity", False),
        ("br, deflate, zstd", False),
        ("gzip;q=0", False),
        ("gzip;q=0.000, *", False),
        ("*;q=0", False),
        ("gzipped", False),
        ("gzip;level=9", True),
        ("gzip;q=nan", True),
    ],
)
def test_only_who_takes_gzip_gets_it(accepted: str, expected: object) -> None:
    assert accepts_gzip(accepted) is expected


@given(st.binary(max_size=2000))
def test_any_script_is_delivered_whole_and_pinned_by_its_own_hash(script: bytes) -> None:
    widget = Widget.of(script)

    assert gzip.decompress(widget.script.gzipped) == widget.script.plain == script
    assert widget == Widget.of(script)
    algorithm, _, digest = widget.manifest.integrity.partition("-")
    assert hashlib.new(algorithm, script).digest() == base64.b64decode(digest)


def test_another_script_has_another_address_and_another_etag() -> None:
    app = FastAPI()
    app.include_router(widget_routes(Widget.of(b"one();\n")))
    sent = TestClient(app).get(ALIAS, headers=PLAIN)

    assert sent.content == b"one();\n"
    digest = hashlib.sha256(sent.content).hexdigest()
    assert sent.headers["etag"] == f'"{digest[:16]}"'
    assert Widget.of(b"one();\n").manifest.pinned != Widget.of(b"two();\n").manifest.pinned


def test_a_wrapped_service_varies_by_both(client: TestClient) -> None:
    from api.cross_origin import CrossOrigin

    wrapped = TestClient(CrossOrigin(client.app, frozenset({"https://portal.example"})))
    response = wrapped.get(ALIAS, headers={"Origin": "https://portal.example"})

    assert response.headers["vary"] == "Accept-Encoding, Origin"
    assert response.headers["access-control-allow-origin"] == "https://portal.example"
