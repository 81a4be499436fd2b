"""Ids, lines of log, counts: what is known of every request, and what is never known."""

from __future__ import annotations

import io
import json
import logging
import re
from collections.abc import Callable, Iterator
from typing import Any

import httpx
import pytest
from starlette.testclient import TestClient
from starlette.types import ASGIApp, Receive, Scope, Send

from api.admission import Turnstile, Turnstiles
from api.app import create_app
from api.draining import Drain
from api.feedback_store import FeedbackStore
from api.logs import JsonLine, log_to
from api.metrics import CountedWriter, Metrics
from api.stack import Stack
from rag.answer import Answer, Checking
from rag.ask import Asker
from rag.assistant import Assistant

QUESTION = "退税的秘密"
FROM_HERE = ("127.0.0.1", 50000)


class Known:
    """Lets everyone in by the name of a key."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope.get("headers") and (b"x-key", b"1") in scope["headers"]:
            scope["casebook.client"] = "门户"
        await self.app(scope, receive, send)


@pytest.fixture
def metrics() -> Metrics:
    return Metrics(lambda: "v000007", lambda: 3)


@pytest.fixture
def make(assistant: Assistant, metrics: Metrics, tmp_path: Any) -> Callable[..., TestClient]:
    def make(places: int = 1, client: tuple[str, int] = FROM_HERE) -> TestClient:
        turnstiles = Turnstiles(*[Turnstile(places, queue=0)] * 3)
        feedback = FeedbackStore(tmp_path)
        feedback.open()
        app = create_app(
            Asker(assistant), passages=1, encoder="none", turnstiles=turnstiles, feedback=feedback
        )
        around = Stack(turnstiles, metrics, Drain(0)).around(app, Known)
        return TestClient(around, raise_server_exceptions=False, client=client)

    return make


@pytest.fixture
def lines() -> Iterator[Callable[[], list[dict[str, Any]]]]:
    """What the service has logged."""
    stream = io.StringIO()
    root, ours = logging.getLogger(), logging.getLogger("casebook")
    before = root.handlers[:], root.level, ours.level
    log_to(stream)
    yield lambda: [json.loads(line) for line in stream.getvalue().splitlines()]
    root.handlers[:], root.level, ours.level = before


def counted(metrics: Metrics, name: str) -> dict[str, float]:
    """The samples of one metric, by their labels as written."""
    found = re.findall(rf"^{name}(?:{{(.*)}})? (.*)$", metrics.text().decode(), re.MULTILINE)
    return {labels: float(value) for labels, value in found}


def test_a_sound_id_is_taken_over_and_any_other_replaced(make: Callable[..., TestClient]) -> None:
    client = make()
    sound = client.get("/livez", headers={"X-Request-ID": "a-1.B_2"})
    others = [
        client.get("/livez", headers={"X-Request-ID": bad}).headers["x-request-id"]
        for bad in ("", "a b", "x" * 65, 'a"}', "a\tb")
    ]

    assert sound.headers["x-request-id"] == "a-1.B_2"
    assert len(set(others)) == 5
    assert all(re.fullmatch("[0-9a-f]{32}", name) for name in others)


def test_one_line_a_request_says_what_happened_and_never_what_was_asked(
    make: Callable[..., TestClient], lines: Callable[[], list[dict[str, Any]]]
) -> None:
    client = make()
    client.post(
        "/api/v1/search", json={"query": QUESTION}, headers={"X-Request-ID": "r1", "X-Key": "1"}
    )
    client.get("/search", params={"q": QUESTION})
    client.get(f"/{QUESTION}")
    client.head("/cases/c33adef876c")
    make(places=0).post("/api/v1/search", json={"query": QUESTION})
    made = [line for line in lines() if line["logger"] == "casebook.access"]

    assert [(it["route"], it["method"], it["status"], it["client"]) for it in made] == [
        ("/api/v1/search", "POST", 200, "门户"),
        ("/search", "GET", 200, ""),
        ("other", "GET", 404, ""),
        ("/cases/{case_id}", "HEAD", 200, ""),
        ("/api/v1/search", "POST", 503, ""),
    ]
    assert list(made[0]) == [
        *("time", "level", "logger", "message", "request_id"),
        *("route", "method", "status", "ms", "index_version", "client"),
    ]
    assert made[0]["request_id"] == "r1"
    assert QUESTION not in json.dumps(lines(), ensure_ascii=False)


def test_what_a_thread_logs_for_a_request_has_its_id_and_its_traceback(
    failing_client: Callable[[Exception], TestClient], lines: Callable[[], list[dict[str, Any]]]
) -> None:
    from rag.errors import IndexDamagedError

    inside = failing_client(IndexDamagedError("坏了")).app
    turnstiles = Turnstiles.for_cpus(1)
    around = Stack(turnstiles, Metrics(lambda: ""), Drain(0)).around(inside, lambda app: app)
    TestClient(around).post("/api/v1/search", json={"query": "税"}, headers={"X-Request-ID": "r2"})
    failed, access = lines()

    assert (failed["level"], failed["message"]) == ("error", "POST /api/v1/search failed")
    assert failed["error"].endswith("rag.errors.IndexDamagedError: 坏了")
    assert failed["request_id"] == access["request_id"] == "r2"


def test_a_line_is_one_line_whatever_is_in_it() -> None:
    record = logging.makeLogRecord(
        {"name": "x", "msg": "两行\n%s", "args": ("\u2028",), "levelname": "INFO"}
    )

    written = JsonLine().format(record)

    assert "\n" not in written
    assert json.loads(written)["message"] == "两行\n\u2028"


def test_requests_are_counted_by_route_and_addresses_that_are_none_as_one(
    make: Callable[..., TestClient], metrics: Metrics
) -> None:
    client = make()
    for number in range(3):
        client.get(f"/nowhere/{number}")
        client.request(f"METHOD{number}", "/livez")
    client.get("/v1/models")
    client.get("/v1/nowhere")
    client.post("/api/v1/search", json={"query": ""})
    make(places=0).post("/api/v1/search", json={"query": "税"})
    said = {"query": "税", "verdict": "useful", "index_version": "v1", "mode": "search"}
    client.post("/api/v1/feedback", json=said)

    assert counted(metrics, "casebook_requests_total") == {
        'method="GET",route="other",status="4xx"': 4,
        'method="other",route="/livez",status="4xx"': 3,
        'method="GET",route="/v1/models",status="2xx"': 1,
        'method="POST",route="/api/v1/search",status="4xx"': 1,
        'method="POST",route="/api/v1/search",status="5xx"': 1,
        'method="POST",route="/api/v1/feedback",status="2xx"': 1,
    }
    assert counted(metrics, "casebook_refused_total") == {'route="/api/v1/search",status="503"': 1}
    assert counted(metrics, "casebook_feedback_total") == {'verdict="useful"': 1}
    assert counted(metrics, "casebook_request_seconds_count")['route="/api/v1/search"'] == 2
    assert counted(metrics, "casebook_requests_in_flight") == {"": 0}
    assert counted(metrics, "casebook_requests_waiting") == {"": 3}
    assert counted(metrics, "casebook_index_info") == {'version="v000007"': 1}


def test_an_answer_that_a_language_model_did_not_word_is_counted(
    assistant: Assistant, metrics: Metrics
) -> None:
    class Silent:
        def write(self, extracted: Answer, left: object = None) -> Iterator[Answer]:
            from dataclasses import replace

            yield replace(extracted, checking=Checking(0, 0, 0, "timeout"))

        def standalone(self, turns: object, message: str, districts: object) -> str:
            return message

    asker = Asker(assistant, CountedWriter(Silent(), metrics))  # type: ignore[arg-type]
    asker.ask("智能退税", worded=True)

    assert counted(metrics, "casebook_degraded_total") == {'trouble="timeout"': 1}


@pytest.mark.parametrize(
    ("client", "headers", "status"),
    [
        (FROM_HERE, {}, 200),
        (("::1", 50000), {}, 200),
        (("10.1.2.3", 50000), {}, 404),
        (("10.1.2.3", 50000), {"X-Key": "1"}, 200),
        (FROM_HERE, {"X-Forwarded-For": "10.1.2.3"}, 404),
        (FROM_HERE, {"Forwarded": "for=10.1.2.3"}, 404),
        (FROM_HERE, {"Via": "1.1 proxy"}, 404),
        (("socket", 0), {}, 404),
    ],
)
def test_counts_are_shown_to_this_machine_and_to_known_clients(
    make: Callable[..., TestClient],
    client: tuple[str, int],
    headers: dict[str, str],
    status: int,
) -> None:
    shown = make(client=client).get("/metrics", headers=headers)

    assert shown.status_code == status
    assert ("casebook_requests_total" in shown.text) == (status == 200)


def test_counts_cross_the_wire_in_the_form_that_monitoring_reads(
    make: Callable[..., TestClient], serve: Callable[[ASGIApp], str]
) -> None:
    from prometheus_client.parser import text_string_to_metric_families

    url = serve(make().app)
    httpx.get(f"{url}/livez", trust_env=False)
    shown = httpx.get(f"{url}/metrics", trust_env=False)
    families = {family.name for family in text_string_to_metric_families(shown.text)}

    assert shown.headers["content-type"] == "text/plain; version=0.0.4; charset=utf-8"
    assert {"casebook_requests", "casebook_request_seconds", "casebook_index_info"} <= families


def test_a_key_that_somebody_put_into_an_address_is_not_logged() -> None:
    secret = f"casebook_{'k' * 43}"
    record = logging.makeLogRecord({"msg": "%s failed", "args": (f"/v1/models/{secret}",)})

    assert json.loads(JsonLine().format(record))["message"] == "/v1/models/casebook_… failed"
