"""The audit log: a chain that tells when it was touched, and not a word of what was asked."""

from __future__ import annotations

import sqlite3
import subprocess
import sys
from collections.abc import Callable
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from fastapi import FastAPI
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from starlette.responses import PlainTextResponse
from starlette.testclient import TestClient
from starlette.types import Receive, Scope, Send

from api.audit import SILENT, Audit, action_of
from api.audit_log import SCHEMA, AuditBrokenError, AuditLog, Entry, read_entries, verified
from api.notes import CLIENT

ROOT = Path(__file__).parents[2]


def chain(folder: Path, entries: int = 6) -> list[str]:
    """Write a chain, and give its hashes."""
    log = AuditLog(folder)
    hashes = [
        log.append(Entry(f"GET /{number}", "portal", 200, "v1", number)).hash
        for number in range(entries)
    ]
    log.close()
    return hashes


def change(folder: Path, *statements: str) -> None:
    """Change the file as somebody would who knows SQLite and has its password."""
    with closing(sqlite3.connect(folder / SCHEMA.file)) as database:
        database.execute("DROP TRIGGER entry_stays")
        database.execute("DROP TRIGGER entry_is_kept")
        for statement in statements:
            database.execute(statement)
        database.commit()


def test_a_chain_that_nobody_touched_is_followed_to_its_end(tmp_path: Path) -> None:
    hashes = chain(tmp_path)

    last = verified(tmp_path, known=hashes[2])
    assert last is not None
    assert (last.number, last.hash) == (6, hashes[-1])
    assert [one.entry for one in read_entries(tmp_path)][5] == Entry(
        "GET /5", "portal", 200, "v1", 5
    )


@pytest.mark.parametrize(
    ("statement", "found"),
    [
        ("UPDATE entry SET client = 'other' WHERE number = 3", "第 3 条与前一条接不上"),
        ("UPDATE entry SET status = 403 WHERE number = 1", "第 1 条被改动过"),
        ("UPDATE entry SET at = '2020-01-01T00:00:00.000Z' WHERE number = 6", "第 6 条"),
        ("UPDATE entry SET hash = hex(zeroblob(32)) WHERE number = 4", "第 4 条"),
        ("DELETE FROM entry WHERE number = 3", "第 3 至 3 条不见了"),
        ("DELETE FROM entry WHERE number IN (2, 3, 4)", "第 2 至 4 条不见了"),
        ("DELETE FROM entry WHERE number <= 2", "开头的第 1 至 2 条不见了"),
        ("DELETE FROM entry WHERE number >= 5", "末尾的第 5 至 6 条不见了"),
        ("DELETE FROM entry", "末尾的第 1 至 6 条不见了"),
        (
            "UPDATE entry SET number = CASE number WHEN 3 THEN 40 ELSE number END",
            "第 3 至 3 条不见了",
        ),
        (
            "INSERT INTO entry SELECT 7, at, '', action, 0, '', 0, hash FROM entry WHERE number = 6",
            "第 7 条",
        ),
    ],
)
def test_whatever_is_changed_taken_out_or_added_is_found(
    statement: str, found: str, tmp_path: Path
) -> None:
    chain(tmp_path)
    change(tmp_path, statement)

    with pytest.raises(AuditBrokenError, match=f"审计日志被动过：{found}"):
        verified(tmp_path)


def test_two_entries_that_change_places_are_found(tmp_path: Path) -> None:
    chain(tmp_path)
    change(
        tmp_path,
        "UPDATE entry SET number = 99 WHERE number = 2",
        "UPDATE entry SET number = 2 WHERE number = 3",
        "UPDATE entry SET number = 3 WHERE number = 99",
        "UPDATE sqlite_sequence SET seq = 6",
    )

    with pytest.raises(AuditBrokenError, match="第 2 条与前一条接不上"):
        verified(tmp_path)


def test_a_whole_new_chain_does_not_have_a_hash_that_was_written_down(tmp_path: Path) -> None:
    written_down = chain(tmp_path)[-1]
    (tmp_path / SCHEMA.file).unlink()
    chain(tmp_path)

    assert verified(tmp_path) is not None
    with pytest.raises(AuditBrokenError, match=f"没有哈希为 {written_down} 的一条"):
        verified(tmp_path, known=written_down)


@pytest.mark.parametrize(
    ("statement", "why"),
    [
        ("UPDATE entry SET client = ''", "an audit log is not changed"),
        ("DELETE FROM entry WHERE number = 6", "an audit log is kept for 180 days"),
    ],
)
def test_the_file_itself_refuses_to_be_changed(statement: str, why: str, tmp_path: Path) -> None:
    chain(tmp_path)

    with (
        closing(sqlite3.connect(tmp_path / SCHEMA.file)) as database,
        pytest.raises(sqlite3.IntegrityError, match=why),
    ):
        database.execute(statement)


def test_what_is_older_than_it_is_kept_goes_and_the_rest_is_still_a_chain(tmp_path: Path) -> None:
    now = datetime.now(UTC)
    for days_ago in (400, 390, 200, 181, 179, 1):
        AuditLog(tmp_path, now=lambda days=days_ago: now - timedelta(days=days)).append(
            Entry(f"{days_ago} days ago")
        )
    log = AuditLog(tmp_path, days=190, now=lambda: now)

    assert log.clear() == 3
    assert log.clear() == 0
    actions = [one.entry.action for one in read_entries(tmp_path)]
    assert [one[:11] for one in actions] == [
        "181 days ag",
        "179 days ag",
        "1 days ago",
        "cleared 1-3",
    ]
    last = verified(tmp_path)
    assert last is not None
    assert last.number == 7

    assert AuditLog(tmp_path, days=180, now=lambda: now).clear() == 1
    assert verified(tmp_path) is not None
    change(tmp_path, "DELETE FROM entry WHERE number = 5")
    with pytest.raises(AuditBrokenError, match="开头的第 1 至 5 条不见了"):
        verified(tmp_path)


def test_the_end_of_the_chain_stays_however_old(tmp_path: Path) -> None:
    now = datetime.now(UTC)
    for days_ago in (400, 390):
        AuditLog(tmp_path, now=lambda days=days_ago: now - timedelta(days=days)).append(Entry("x"))

    assert AuditLog(tmp_path, now=lambda: now).clear() == 1
    assert [one.number for one in read_entries(tmp_path)] == [2, 3]
    assert verified(tmp_path) is not None


def test_a_log_that_is_kept_for_less_than_the_law_asks_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="180 days at least, not 179"):
        AuditLog(tmp_path, days=179)


def test_several_processes_write_one_chain(tmp_path: Path) -> None:
    script = (
        "import sys; from pathlib import Path; from api.audit_log import AuditLog, Entry\n"
        "log = AuditLog(Path(sys.argv[1]))\n"
        "for number in range(30): log.append(Entry(f'{sys.argv[2]} {number}'))"
    )
    writers = [
        subprocess.Popen([sys.executable, "-c", script, str(tmp_path), str(name)], cwd=ROOT)
        for name in range(3)
    ]
    assert [writer.wait(60) for writer in writers] == [0, 0, 0]

    last = verified(tmp_path)
    assert last is not None
    assert last.number == 90
    written = {one.entry.action for one in read_entries(tmp_path)}
    assert written == {f"{name} {number}" for name in range(3) for number in range(30)}


@pytest.fixture
def audited(app: FastAPI, tmp_path: Path) -> tuple[TestClient, AuditLog]:
    log = AuditLog(tmp_path / "state")
    client = TestClient(Audit(app, log, lambda: "v000007"), raise_server_exceptions=False)
    return client, log


def entries(folder: Path) -> list[Entry]:
    return [one.entry for one in read_entries(folder)]


def test_every_request_is_noted_with_its_address_and_what_came_of_it(
    audited: tuple[TestClient, AuditLog], tmp_path: Path
) -> None:
    client, log = audited
    log.start()
    client.post("/api/v1/search", json={"query": "退税"})
    client.post("/api/v1/search", json={"query": ""})
    client.get("/cases/no-such-case?v=1")
    client.get("/?q=退税")
    client.get("/退税/13812345678")
    client.request("BREW", "/api/v1/ask")
    for address in ("/livez", "/readyz", "/static/casebook.css", "/widget/v1/casebook.js"):
        assert client.get(address).status_code == 200
    log.close()

    noted = entries(tmp_path / "state")
    assert [(one.action, one.status) for one in noted] == [
        ("POST /api/v1/search", 200),
        ("POST /api/v1/search", 422),
        ("GET /cases", 404),
        ("GET /", 200),
        ("GET other", 404),
        ("other /api/v1/ask", 405),
    ]
    assert {(one.client, one.index_version) for one in noted} == {("", "v000007")}
    assert verified(tmp_path / "state") is not None


def test_whoever_a_key_names_is_noted_and_a_crash_is_a_500(tmp_path: Path) -> None:
    async def application(scope: Scope, receive: Receive, send: Send) -> None:
        scope[CLIENT] = "portal"
        if scope["path"] == "/mcp":
            raise RuntimeError
        await PlainTextResponse("no", 401)(scope, receive, send)

    log = AuditLog(tmp_path)
    client = TestClient(Audit(application, log, lambda: "v1"), raise_server_exceptions=False)
    log.start()
    client.post("/api/v1/ask")
    client.post("/mcp")
    log.close()

    noted = [(one.client, one.action, one.status) for one in entries(tmp_path)]
    assert noted == [("portal", "POST /api/v1/ask", 401), ("portal", "POST /mcp", 500)]


def test_every_address_of_the_service_has_a_name_in_the_log(app: FastAPI) -> None:
    hidden = {"/", "/search", "/cases/{case_id}", "/mcp", "/dify/retrieval", "/v1/models"}
    paths = set(app.openapi()["paths"]) | hidden
    assert len(paths) > 15
    unnamed = {
        path
        for path in paths
        if action_of("GET", path).endswith(" other") and not path.startswith(SILENT)
    }
    assert unnamed == set()


@settings(
    max_examples=60,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(
    st.text(alphabet=st.characters(min_codepoint=0x4E00, max_codepoint=0x9FA5), min_size=2),
    st.sampled_from(["search", "ask", "suggest", "page", "path", "header"]),
)
def test_no_word_of_a_question_gets_into_the_log(
    audited: tuple[TestClient, AuditLog], tmp_path: Path, question: str, way: str
) -> None:
    client, log = audited
    ways: dict[str, Callable[[], object]] = {
        "search": lambda: client.post("/api/v1/search", json={"query": question}),
        "ask": lambda: client.post("/api/v1/ask", json={"query": question}),
        "suggest": lambda: client.get("/api/v1/suggest", params={"q": question}),
        "page": lambda: client.get("/", params={"q": question}),
        "path": lambda: client.get(f"/cases/{question}"),
        "header": lambda: client.get("/", headers={"X-Question": question.encode()}),
    }
    ways[way]()
    log._write(list(log._backlog._waiting), 0)  # noqa: SLF001 - at once, and once more than by itself
    log._backlog._waiting.clear()  # noqa: SLF001 - as above

    noted = entries(tmp_path / "state")
    assert noted
    for file in (tmp_path / "state").iterdir():
        content = file.read_bytes()
        assert question.encode() not in content
        assert question.encode("unicode_escape") not in content
