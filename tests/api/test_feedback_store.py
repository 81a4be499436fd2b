"""Feedback on the disk: masked, durable, bounded, and readable by whoever comes later."""

from __future__ import annotations

import re
import signal
import sqlite3
import subprocess
import sys
import threading
from contextlib import closing
from dataclasses import replace
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from api.feedback_store import (
    SCHEMA,
    Feedback,
    FeedbackStore,
    KeptFeedback,
    TooMuchFeedbackError,
    read_feedback,
)
from api.pace import Pace
from rag.errors import StateUnavailableError

SAID = Feedback(
    query="静安退税几天到账",
    verdict="not_useful",
    reasons=("wrong_place", "other"),
    index_version="v000003-1f0a9c2d7b",
    passage_ids=("cfa95eaca4f:30253-30584",),
    mode="extractive",
    comment="出处是别的区",
)
NOON = datetime(2022, 3, 15, 20, 0, tzinfo=timezone(timedelta(hours=8)))


def test_what_was_said_is_read_back_with_the_time_in_utc(tmp_path: Path) -> None:
    store = FeedbackStore(tmp_path / "new" / "state", now=lambda: NOON)
    store.add(SAID)
    store.add(replace(SAID, verdict="useful", reasons=(), passage_ids=(), comment=None))

    assert read_feedback(tmp_path / "new" / "state") == (
        KeptFeedback(1, "2022-03-15T12:00:00Z", SAID),
        KeptFeedback(
            2,
            "2022-03-15T12:00:00Z",
            replace(SAID, verdict="useful", reasons=(), passage_ids=(), comment=None),
        ),
    )
    store.close()


def test_no_telephone_number_reaches_the_disk(tmp_path: Path) -> None:
    store = FeedbackStore(tmp_path)
    store.add(replace(SAID, query="打13812345678退税", comment="a.b@c.cn，沪府规〔2022〕1号"))
    store.close()

    (kept,) = read_feedback(tmp_path)
    assert (kept.feedback.query, kept.feedback.comment) == (
        "打【电话】退税",
        "【邮箱】，沪府规〔2022〕1号",
    )
    for file in tmp_path.iterdir():
        assert b"13812345678" not in file.read_bytes()


@pytest.fixture
def opened(monkeypatch: pytest.MonkeyPatch) -> list[sqlite3.Connection]:
    """The connections that are opened, the last at the end."""
    connections: list[sqlite3.Connection] = []
    connect = sqlite3.connect

    def kept(*arguments: Any, **options: Any) -> sqlite3.Connection:
        connections.append(connect(*arguments, **options))
        return connections[-1]

    monkeypatch.setattr(sqlite3, "connect", kept)
    return connections


def test_rows_are_synced_ahead_and_the_schema_has_a_version(
    tmp_path: Path, opened: list[sqlite3.Connection]
) -> None:
    store = FeedbackStore(tmp_path)
    store.add(SAID)
    (database,) = opened

    assert database.execute("PRAGMA synchronous").fetchone() == (2,)  # FULL
    assert database.execute("PRAGMA journal_mode").fetchone() == ("wal",)
    assert database.execute("PRAGMA user_version").fetchone() == (2,)
    store.close()


def test_a_row_too_many_is_told_when_to_come_back(tmp_path: Path) -> None:
    store = FeedbackStore(tmp_path, rows_a_minute=2)
    store.add(SAID)
    store.add(SAID)

    with pytest.raises(TooMuchFeedbackError) as refusal:
        store.add(SAID)

    assert 58 <= refusal.value.wait_s <= 60
    assert len(read_feedback(tmp_path)) == 2
    store.close()


@given(st.lists(st.floats(0, 30), max_size=40), st.integers(1, 5))
def test_no_minute_ever_has_more_than_its_share(steps: list[float], most: int) -> None:
    now, passed = 0.0, []
    pace = Pace(most, 60.0, lambda: now)
    for step in steps:
        now += step
        if pace.wait_s() == 0:
            pace.note()
            passed.append(now)

    assert all(
        later - first >= 60.0 - 1e-9 for first, later in zip(passed, passed[most:], strict=False)
    )


def test_whoever_waits_as_long_as_told_is_let_through() -> None:
    now = 0.0
    pace = Pace(1, 60.0, lambda: now)
    pace.note()
    now = 12.3
    assert pace.wait_s() == 48
    now += 48
    assert pace.wait_s() == 0


def test_a_folder_that_cannot_be_is_named_and_does_not_use_up_the_minute(tmp_path: Path) -> None:
    (tmp_path / "state").write_text("a file")
    store = FeedbackStore(tmp_path / "state", rows_a_minute=1)

    for _ in range(3):
        with pytest.raises(StateUnavailableError, match=r"state 不能用来存意见（File exists）"):
            store.add(SAID)

    (tmp_path / "state").unlink()
    store.add(SAID)
    assert len(read_feedback(tmp_path / "state")) == 1
    store.close()


def test_a_file_that_is_no_database_is_named(tmp_path: Path) -> None:
    (tmp_path / SCHEMA.file).write_bytes(b"no database at all, and long enough" * 40)
    expected = rf"{re.escape(str(tmp_path / SCHEMA.file))} 已损坏（file is not a database）；请把它移到别处，用备份恢复"

    with pytest.raises(StateUnavailableError, match=expected):
        FeedbackStore(tmp_path).open()
    with pytest.raises(StateUnavailableError, match=expected):
        read_feedback(tmp_path)


def test_a_file_of_a_later_version_is_left_alone(tmp_path: Path) -> None:
    with closing(sqlite3.connect(tmp_path / SCHEMA.file)) as database:
        database.execute("PRAGMA user_version = 3")

    for use in (FeedbackStore(tmp_path).open, lambda: read_feedback(tmp_path)):
        with pytest.raises(
            StateUnavailableError, match="的格式是 3，本版本只认 1 至 2；请升级 Casebook"
        ):
            use()


def test_where_nothing_was_kept_the_option_is_named(tmp_path: Path) -> None:
    with pytest.raises(StateUnavailableError, match=r"不存在，还没有存过意见；.*--state"):
        read_feedback(tmp_path)
    assert list(tmp_path.iterdir()) == []


def test_a_file_taken_away_is_not_written_to_any_more(tmp_path: Path) -> None:
    store = FeedbackStore(tmp_path / "state")
    store.add(SAID)
    (tmp_path / "state").rename(tmp_path / "moved")
    store.add(replace(SAID, query="第二条"))
    store.close()

    assert [one.feedback.query for one in read_feedback(tmp_path / "moved")] == [SAID.query]
    assert [one.feedback.query for one in read_feedback(tmp_path / "state")] == ["第二条"]


def test_a_disk_that_is_full_is_told_and_the_rows_before_are_there(
    tmp_path: Path, opened: list[sqlite3.Connection]
) -> None:
    store = FeedbackStore(tmp_path)
    store.add(SAID)
    (database,) = opened
    (pages,) = database.execute("PRAGMA page_count").fetchone()
    database.execute(f"PRAGMA max_page_count = {pages}")

    with pytest.raises(StateUnavailableError, match="database or disk is full"):
        store.add(replace(SAID, passage_ids=SAID.passage_ids * 400))  # more than a page

    assert len(read_feedback(tmp_path)) == 1
    store.add(SAID)  # opened anew, without the limit
    assert len(read_feedback(tmp_path)) == 2
    store.close()


def test_several_threads_and_stores_lose_nothing(tmp_path: Path) -> None:
    stores = [FeedbackStore(tmp_path), FeedbackStore(tmp_path)]

    def say(number: int) -> None:
        for part in range(5):
            stores[number % 2].add(replace(SAID, query=f"{number}-{part}"))

    threads = [threading.Thread(target=say, args=(number,)) for number in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    kept = {one.feedback.query for one in read_feedback(tmp_path)}
    assert kept == {f"{number}-{part}" for number in range(4) for part in range(5)}
    for store in stores:
        store.close()


WRITER = """
import sys
from dataclasses import replace
from pathlib import Path
from api.feedback_store import Feedback, FeedbackStore

said = Feedback("", "useful", (), "v1", (), "search", None)
store = FeedbackStore(Path(sys.argv[1]), rows_a_minute=10**6)
for number in range(10**6):
    store.add(replace(said, query=f"n{number}"))
    print(number, flush=True)
"""


def test_every_row_that_was_acknowledged_survives_a_kill(tmp_path: Path) -> None:
    """Three kills, each in the middle of writing, at other rows."""
    for acknowledged in (1, 7, 40):
        state = tmp_path / str(acknowledged)
        with subprocess.Popen(
            [sys.executable, "-c", WRITER, str(state)], stdout=subprocess.PIPE, text=True
        ) as writer:
            assert writer.stdout is not None
            told = [writer.stdout.readline() for _ in range(acknowledged)]
            writer.send_signal(signal.SIGKILL)
            told += writer.stdout.readlines()

        kept = [one.feedback.query for one in read_feedback(state)]
        whole = [line for line in told if line.endswith("\n")]
        assert kept[: len(whole)] == [f"n{number}" for number in range(len(whole))]
        assert len(kept) <= len(whole) + 1
        with closing(sqlite3.connect(state / SCHEMA.file)) as database:
            assert database.execute("PRAGMA integrity_check").fetchone() == ("ok",)


def test_the_time_is_now_unless_told(tmp_path: Path) -> None:
    store = FeedbackStore(tmp_path)
    before = datetime.now(UTC).replace(microsecond=0)
    store.add(SAID)
    store.close()

    (kept,) = read_feedback(tmp_path)
    at = datetime.strptime(kept.received_at, "%Y-%m-%dT%H:%M:%SZ").replace(tzinfo=UTC)
    assert before <= at <= datetime.now(UTC)
