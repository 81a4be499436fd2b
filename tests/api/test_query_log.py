"""The query log: what is asked through every protocol, masked, for some days, and only on request."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest
from starlette.testclient import TestClient

from api.app import create_app
from api.query_log import Asked, KeptQuery, QueryLog, lost_queries, read_queries
from rag.ask import Asker
from rag.assistant import Assistant

ASKED = Asked("静安退税几天", "search", "v1", None, 0.75, ("c:1-2",), 12)


class Clock:
    def __init__(self) -> None:
        self.now = datetime(2022, 3, 15, 13, 45, 10, tzinfo=UTC)

    def __call__(self) -> datetime:
        return self.now


def test_a_question_is_kept_masked_with_the_hour(tmp_path: Path) -> None:
    log = QueryLog(tmp_path, now=Clock())
    log.start()
    log.note(ASKED)
    log.note(Asked("我是13812345678", "llm", "v1", "low_confidence", 0.1, (), 9))
    log.close()

    assert read_queries(tmp_path) == (
        KeptQuery(1, "2022-03-15T13:00:00Z", ASKED),
        KeptQuery(
            2,
            "2022-03-15T13:00:00Z",
            Asked("我是【电话】", "llm", "v1", "low_confidence", 0.1, (), 9),
        ),
    )
    for file in tmp_path.iterdir():
        assert b"13812345678" not in file.read_bytes()


def test_what_is_too_old_is_erased_at_the_next_start(tmp_path: Path) -> None:
    clock = Clock()
    for day in (1, 14, 15):
        clock.now = clock.now.replace(day=day)
        log = QueryLog(tmp_path, days=30, now=clock)
        log.start()
        log.note(Asked(f"三月{day}日问", "search", "v1", None, 0.5, (), 1))
        log.close()
    clock.now = datetime(2022, 4, 14, 13, 0, tzinfo=UTC)

    log = QueryLog(tmp_path, days=30, now=clock)
    log.start()
    log.close()

    assert [one.asked.query for one in read_queries(tmp_path)] == ["三月15日问"]
    for file in tmp_path.iterdir():
        assert "三月14日问".encode() not in file.read_bytes()


def test_questions_that_found_no_room_are_counted_beside_the_rows(
    tmp_path: Path,
) -> None:
    log = QueryLog(tmp_path, now=Clock())
    log._backlog._most = 2  # noqa: SLF001 - 10,000 would take their time
    for _ in range(5):
        log.note(ASKED)
    log.start()
    log.close()

    assert (log.lost, len(read_queries(tmp_path)), lost_queries(tmp_path)) == (3, 2, 3)


@pytest.fixture
def log(tmp_path: Path) -> Iterator[QueryLog]:
    log = QueryLog(tmp_path / "state")
    log.start()
    yield log
    log.close()


def test_every_protocol_that_answers_notes_the_question_once(
    assistant: Assistant, log: QueryLog, tmp_path: Path
) -> None:
    client = TestClient(
        create_app(Asker(assistant), passages=6, encoder="none", queries=log),
        headers={"Authorization": "Bearer key", "Accept": "application/json"},
    )
    asked = "智能退税一键到账"
    body = {"query": asked, "top_k": 1}
    say = {"messages": [{"role": "user", "content": asked}], "model": "casebook"}
    assert client.post("/api/v1/search", json=body).status_code == 200
    assert client.post("/api/v1/ask", json=body).status_code == 200
    events = {"Accept": "text/event-stream"}
    assert client.post("/api/v1/ask", json=body, headers=events).status_code == 200
    assert client.get("/search", params={"q": asked}).status_code == 200
    for stream in (False, True):
        chat = client.post("/v1/chat/completions", json={**say, "stream": stream})
        assert chat.status_code == 200, chat.text
    dify = {"knowledge_id": "all", "query": asked}
    assert client.post("/dify/retrieval", json=dify).status_code == 200
    # Neither what is typed, nor what is refused, is a question that was answered.
    client.get("/api/v1/suggest", params={"q": asked})
    client.post("/api/v1/search", json={"query": ""})
    log.close()

    kept = [one.asked for one in read_queries(tmp_path / "state")]
    assert [(one.query, one.mode) for one in kept] == [
        (asked, mode)
        for mode in (
            "search",
            "extractive",
            "extractive",
            "search",
            "extractive",
            "extractive",
            "search",
        )
    ]
    searched, answered = kept[:2]
    assert searched.index_version == "v000007"
    assert (searched.reason, searched.confidence) == (None, 0.75)
    assert len(searched.passage_ids) == 1
    assert answered.reason is None


def test_a_refusal_is_noted_with_its_reason(
    assistant: Assistant, log: QueryLog, tmp_path: Path
) -> None:
    client = TestClient(create_app(Asker(assistant), passages=6, encoder="none", queries=log))
    for address in ("search", "ask"):
        response = client.post(f"/api/v1/{address}", json={"query": "xyz火星移民"})
        assert response.json()["abstained"]
    log.close()

    assert [one.asked.reason for one in read_queries(tmp_path / "state")] == [
        "not_in_collection",
        "not_in_collection",
    ]


def test_a_disk_that_is_full_neither_slows_nor_breaks_a_search(
    assistant: Assistant, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    (tmp_path / "state").write_text("a file where the folder should be")
    log = QueryLog(tmp_path / "state")
    log.start()
    client = TestClient(create_app(Asker(assistant), passages=6, encoder="none", queries=log))
    for _ in range(3):
        assert client.post("/api/v1/search", json={"query": "退税"}).status_code == 200
    log.close()

    assert log.lost == 3
    assert caplog.messages[-1] == "query log: 3 entries were not written"
    assert "state 不能用来存提问记录（File exists）" in caplog.messages[0]


def test_without_a_log_nothing_is_kept(assistant: Assistant, tmp_path: Path) -> None:
    client = TestClient(create_app(Asker(assistant), passages=6, encoder="none"))
    client.post("/api/v1/search", json={"query": "退税"})

    assert list(tmp_path.iterdir()) == []
    assert json.loads(client.get("/readyz").text)["status"] == "ready"
