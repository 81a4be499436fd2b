"""``casebook state``: back up, check, export, purge; what touches people's words is audited."""

from __future__ import annotations

import getpass
import json
import sqlite3
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path

import pytest
from click.testing import Result
from typer.testing import CliRunner

import casebook
from api.audit_log import AuditLog, Entry, read_entries
from api.feedback_store import Feedback, FeedbackStore, read_feedback
from api.keeping import Keeping
from api.query_log import Asked, QueryLog, read_queries
from api.state import kept_state

NOON = datetime(2022, 3, 15, 12, 0, tzinfo=UTC)


@pytest.fixture
def state(tmp_path: Path) -> Path:
    """A folder in which a service has kept something of every kind."""
    folder = tmp_path / "state"
    store = FeedbackStore(folder, now=lambda: NOON)
    for query, comment in (("静安退税", None), ("张三的退税", None), ("退税", "找张三")):
        store.add(Feedback(query, "useful", (), "v1", (), "search", comment))
    store.close()
    log = QueryLog(folder, days=10**5, now=lambda: NOON)
    log.start()
    log.note(Asked("嘉定帮办", "search", "v1", None, 0.5, ("c:1-2",), 3))
    log.close()
    audit = AuditLog(folder)
    audit.append(Entry("start"))
    audit.close()
    return folder


def run(*arguments: str) -> Result:
    return CliRunner().invoke(casebook.app, ["state", *arguments])


def actions(folder: Path) -> list[tuple[str, str]]:
    return [(one.entry.action, one.entry.client) for one in read_entries(folder)]


def test_a_backup_is_checked_and_a_restored_folder_is_the_same(state: Path, tmp_path: Path) -> None:
    copy = tmp_path / "backup" / "today"
    done = run("backup", str(copy), "--state", str(state))

    assert done.exit_code == 0, done.stderr
    assert [line.partition("（")[0] for line in done.stdout.splitlines()] == [
        str(copy / name) for name in ("feedback.sqlite", "queries.sqlite", "audit.sqlite")
    ]
    assert read_feedback(copy) == read_feedback(state)
    assert read_queries(copy) == read_queries(state)
    assert actions(copy) == [("start", ""), ("state backup", f"user:{getpass.getuser()}")]
    assert run("check", "--state", str(copy)).stdout == run("check", "--state", str(state)).stdout


def test_checking_counts_rows_and_gives_the_end_of_the_chain(state: Path) -> None:
    (end,) = read_entries(state)
    done = run("check", "--state", str(state), "--hash", end.hash)

    assert done.exit_code == 0
    assert done.stdout.splitlines() == [
        "意见：完好，3 条",
        "提问记录：完好，1 条",
        "审计日志：完好，1 条",
        f"  哈希链连续，到第 1 条，哈希 {end.hash}",
    ]


def test_checking_fails_where_the_audit_log_was_touched(state: Path) -> None:
    with closing(sqlite3.connect(state / "audit.sqlite")) as database:
        database.execute("DROP TRIGGER entry_stays")
        database.execute("UPDATE entry SET client = 'other'")
        database.commit()

    done = run("check", "--state", str(state))

    assert done.exit_code == 1
    assert "错误：审计日志被动过：第 1 条被改动过；请保全现场，并与备份核对" in done.stderr


def test_checking_an_empty_folder_names_the_option(tmp_path: Path) -> None:
    done = run("check", "--state", str(tmp_path))

    assert done.exit_code == 1
    assert "里什么也没有；若存在别处，请用 --state 指明" in done.stderr


def test_exports_are_lines_of_json_and_audited(state: Path) -> None:
    (query,) = map(json.loads, run("export", "queries", "--state", str(state)).stdout.splitlines())
    assert query == {
        "id": 1,
        "asked_at": "2022-03-15T12:00:00Z",
        "query": "嘉定帮办",
        "mode": "search",
        "index_version": "v1",
        "reason": None,
        "confidence": 0.5,
        "passage_ids": ["c:1-2"],
        "took_ms": 3,
    }
    assert len(run("export", "feedback", "--state", str(state)).stdout.splitlines()) == 3
    last = json.loads(run("export", "audit", "--state", str(state)).stdout.splitlines()[-1])
    assert (last["number"], last["action"]) == (4, "state export audit")
    assert last["client"] == f"user:{getpass.getuser()}"


def test_purging_takes_only_what_fulfils_every_condition(state: Path) -> None:
    none = run(
        "purge", "feedback", "--containing", "张三", "--before", "2022-03-15", "--state", str(state)
    )
    assert none.stdout == "已删除意见 0 条；以前的备份里还有，请一并处理\n"

    done = run("purge", "feedback", "--containing", "张三", "--state", str(state))

    assert done.stdout == "已删除意见 2 条；以前的备份里还有，请一并处理\n"
    assert [one.feedback.query for one in read_feedback(state)] == ["静安退税"]
    assert [action for action, _ in actions(state)] == ["start"] + ["state purge feedback"] * 2
    for file in state.iterdir():
        assert "张三".encode() not in file.read_bytes()

    assert (
        "提问记录 1 条"
        in run("purge", "queries", "--before", "2022-03-16", "--state", str(state)).stdout
    )
    assert read_queries(state) == ()


def test_purging_everything_or_nothing_is_refused(state: Path, tmp_path: Path) -> None:
    assert run("purge", "feedback", "--state", str(state)).exit_code == 2
    assert run("purge", "feedback", "--containing", "", "--state", str(state)).exit_code == 2
    assert run("purge", "audit", "--before", "2022-03-16", "--state", str(state)).exit_code == 2
    missing = run("purge", "queries", "--before", "2022-03-16", "--state", str(tmp_path))
    assert (missing.exit_code, "还没有存过提问记录" in missing.stderr) == (1, True)
    assert not (tmp_path / "queries.sqlite").exists()
    assert len(read_feedback(state)) == 3


def test_a_service_tells_what_it_keeps_and_writes_it_by_the_time_it_stops(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("INFO")
    with kept_state(Keeping(tmp_path, queries=True)) as kept:
        assert kept.queries is not None
        kept.queries.note(Asked("退税", "search", "v1", None, 0.5, (), 3))
    (start, stop) = read_entries(tmp_path)

    assert [start.entry.action, stop.entry.action] == ["start", "stop"]
    assert caplog.messages == [
        f"记录提问：遮去个人信息后保留 30 天，写在 {tmp_path / 'queries.sqlite'}",
        f"审计日志写到第 1 条，哈希 {start.hash}",
    ]
    assert len(read_queries(tmp_path)) == 1

    caplog.clear()
    with kept_state(Keeping(tmp_path, audit=False)) as kept:
        assert (kept.queries, kept.audit) == (None, None)
    assert caplog.messages == [f"不记录提问；{tmp_path / 'queries.sqlite'} 里以前的到期照常清除"]


def test_a_folder_that_cannot_be_used_stops_no_service(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    (tmp_path / "state").write_text("a file")
    with kept_state(Keeping(tmp_path / "state")) as kept:
        assert kept.audit is not None

    told = [record.getMessage() for record in caplog.records if record.name == "casebook.state"]
    assert told == [
        f"现在收不了意见，检索照常：{tmp_path / 'state'} 不能用来存意见（File exists）；请检查 --state 的路径和权限",
        f"现在写不了审计日志，检索照常：{tmp_path / 'state'} 不能用来存审计日志（File exists）；请检查 --state 的路径和权限",
    ]
