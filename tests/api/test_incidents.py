"""What systems of this kind were broken by, tried on this one. Each test is named after one of them."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest
from fastapi import FastAPI
from starlette.testclient import TestClient

from api.app import create_app
from api.gate import Gate
from api.key_file import LiveKeys
from api.keys import configured_key
from api.safeguards import Safeguards
from rag.ask import Asker
from rag.assistant import Assistant

UP = [
    "../../pyproject.toml",
    "..%2f..%2fpyproject.toml",
    "%2e%2e/%2e%2e/pyproject.toml",
    "..%5c..%5cpyproject.toml",
    "....//....//pyproject.toml",
    "..;/pyproject.toml",
    "/etc/passwd",
    "//etc/passwd",
    "%2fetc%2fpasswd",
    "..%252f..%252fpyproject.toml",
    "casebook.css%00.html",
    "%c0%ae%c0%ae/pyproject.toml",
    "file:///etc/passwd",
    "C:%5cWindows%5cwin.ini",
    "../app.py",
    "./casebook.css/../../app.py",
    "CON",
    "." * 5000,
]
"""Ways to leave a folder."""


@pytest.fixture(scope="module")
def locked_client(app: FastAPI) -> TestClient:
    """A service with one key, which everything asks for."""
    keys = LiveKeys(configured=configured_key("s3cret"))
    guarded = Safeguards(keys=keys, require_key=True).around(app)
    return TestClient(guarded, base_url="http://localhost")


@pytest.mark.parametrize("path", UP)
@pytest.mark.parametrize(
    "folder", ["static", "cases", "api/v1/cases", "widget", "widget/v1", "widget/v1.0", "v1/models"]
)
def test_langchain_chatchat_2025_6853_and_dify_2026_41948_no_path_leaves_its_folder(
    client: TestClient, folder: str, path: str
) -> None:
    response = client.get(f"/{folder}/{path}")

    assert response.status_code in {404, 405, 422}
    for of_this_machine in ("root:", "[project]", "import ", "Traceback", "/work", "site-packages"):
        assert of_this_machine not in response.text


def test_dify_2026_41949_an_id_of_a_case_is_the_only_thing_that_finds_one(
    client: TestClient, assistant: Assistant
) -> None:
    known = assistant.cases[0].case_id
    assert client.get(f"/api/v1/cases/{known}").status_code == 200

    for guess in (known.upper(), known[:-1], f"{known}/", f"{known}%00", f"{known}'--", "%", "*"):
        assert client.get(f"/api/v1/cases/{quote(guess)}").status_code == 404


@pytest.mark.parametrize(
    "origin", ["https://evil.example", "null", "http://localhost.evil.example", "*"]
)
def test_dify_2025_63386_no_origin_is_reflected(app: FastAPI, origin: str) -> None:
    client = TestClient(Safeguards().around(app), base_url="http://localhost")

    for method in ("GET", "OPTIONS"):
        asked = {"Origin": origin, "Access-Control-Request-Method": "POST"}
        response = client.request(method, "/api/v1/suggest", headers=asked)
        assert [name for name in response.headers if name.startswith("access-control")] == []


EVERYWHERE: list[dict[str, Any]] = [
    {"headers": {"x-api-key": "s3cret"}},
    {"headers": {"api-key": "s3cret"}},
    {"headers": {"x-authorization": "Bearer s3cret"}},
    {"headers": {"x-forwarded-authorization": "Bearer s3cret"}},
    {"headers": {"proxy-authorization": "Bearer s3cret"}},
    {"headers": {"authorization": "Basic czNjcmV0OnMzY3JldA=="}},
    {"headers": {"authorization": "s3cret"}},
    {"headers": {"cookie": "token=s3cret; Authorization=Bearer s3cret"}},
    {"params": {"key": "s3cret", "api_key": "s3cret", "access_token": "s3cret"}},
    {"params": {"authorization": "Bearer s3cret"}},
]


@pytest.mark.parametrize("path", ["/v1/models", "/dify/retrieval", "/mcp", "/api/v1/search", "/"])
def test_open_webui_2026_45339_a_key_counts_in_one_place_on_every_protocol(
    locked_client: TestClient, path: str
) -> None:
    bearer = {"authorization": "Bearer s3cret"}
    inside = locked_client.get(path, headers=bearer).status_code
    assert inside not in {401, 403}

    for elsewhere in EVERYWHERE:
        assert locked_client.get(path, **elsewhere).status_code in {401, 403}, elsewhere


@pytest.mark.parametrize(
    "path",
    ["/v1/models", "/v1//models", "//v1/models", "/V1/models", "/./v1/models", "/x/../v1/models"],
)
@pytest.mark.parametrize("encoded", ["", "%2f", "%2e"])
def test_ragflow_and_envoy_no_way_of_writing_an_address_gets_past_the_key(
    app: FastAPI, path: str, encoded: str
) -> None:
    gate = Gate(app, LiveKeys(configured=configured_key("s3cret")))
    client = TestClient(gate, base_url="http://localhost")

    written = path.replace("/v1", f"/{encoded}v1") if encoded else path
    response = client.get(written)
    assert "casebook-sources" not in response.text  # a model's name
    assert response.status_code in {401, 404}


def test_flowise_2026_41277_no_field_that_was_not_asked_for_is_taken(client: TestClient) -> None:
    for more in ({"role": "admin"}, {"case_id": "x"}, {"__class__": "x"}, {"filters": {"x": 1}}):
        response = client.post("/api/v1/search", json={"query": "退税", **more})
        assert response.status_code == 422
        assert response.json()["type"] == "/problems/invalid-field"


def test_flowise_no_answer_tells_what_happened_inside(
    failing_client: Callable[[Exception], TestClient],
) -> None:
    client = failing_client(RuntimeError("/srv/secret.toml is missing"))

    response = client.post("/api/v1/search", json={"query": "退税"})
    assert response.status_code == 500
    assert "secret" not in response.text


def test_ragflow_2025_69286_a_secret_cannot_be_derived_from_anything_that_is_shown() -> None:
    # The id of a key is of its hash, and each secret is drawn anew: nothing that the service shows
    # (ids of cases, versions, digests of scripts) comes from the same place.
    from api import keys

    source = Path(keys.__file__).read_text()
    assert re.findall(r"secrets\.\w+\([^)]*\)", source) == ["secrets.token_urlsafe(32)"]
    assert not re.search(r"\b(random|uuid)\b\.", source)


@pytest.mark.parametrize(
    "address",
    [
        "http://169.254.169.254/latest/meta-data/",
        "http://2852039166/",
        "http://[::ffff:169.254.169.254]/",
        "file:///etc/passwd",
        "gopher://127.0.0.1:6379/_INFO",
    ],
)
@pytest.mark.usefixtures("only_loopback")
def test_fastgpt_2026_44286_nothing_that_is_asked_is_fetched(
    assistant: Assistant, address: str
) -> None:
    client = TestClient(create_app(Asker(assistant), passages=6, encoder="-"))

    for body in ({"query": address}, {"query": f"![x]({address})"}):
        assert client.post("/api/v1/search", json=body).status_code == 200
        assert client.post("/api/v1/ask", json=body).status_code == 200
    said = {
        "model": "casebook",
        "messages": [
            {"role": "user", "content": [{"type": "image_url", "image_url": {"url": address}}]}
        ],
    }
    assert client.post("/v1/chat/completions", json=said).status_code in {200, 400}


def test_ragflow_2026_45312_no_template_is_made_of_what_somebody_typed(client: TestClient) -> None:
    for typed in ("{{7*191}}", "${7*191}", "$query", "{query.__class__}", "<%= 7*191 %>", "%(x)s"):
        page = client.get("/search", params={"q": typed})
        assert page.status_code == 200
        assert "1337" not in page.text
        answer = client.post("/api/v1/search", json={"query": typed})
        assert answer.json()["query"] == typed
