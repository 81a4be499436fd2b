"""What people say of answers, kept: a SQLite file in the folder for state.

    feedback.sqlite    one row a verdict, by the time it came; `user_version` is the schema's

A row is acknowledged once it is on the disk: the log is written ahead (WAL) and synced at every
commit (`synchronous=FULL`), so that neither a killed process nor a power cut takes back what somebody was
told is kept. What tells who somebody is never gets here (`rag.masking`).
"""

from __future__ import annotations

import json
import sqlite3
import threading
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Literal, TypeAlias, get_args

from api.pace import Pace
from rag.errors import CasebookError, StateUnavailableError
from rag.masking import masked

Verdict: TypeAlias = Literal["useful", "not_useful"]
Reason: TypeAlias = Literal[
    "wrong_place", "wrong_district", "outdated", "incomplete", "off_topic", "other"
]
Answered: TypeAlias = Literal["search", "extractive", "llm"]
"""What was judged: passages, an answer in the words of the sources, or a language model's."""

FILE = "feedback.sqlite"
_VERSION = 1
_ROWS_A_MINUTE = 60
"""For everyone together. A row has 8 KB at most, so a whole day of abuse fills 0.7 GB."""
_BUSY_S = 5.0
"""Seconds that a write waits for whoever reads a backup or clears old rows."""

_SCHEMA = f"""
CREATE TABLE feedback (
    id INTEGER PRIMARY KEY,
    received_at TEXT NOT NULL,      -- UTC, ISO 8601, to the second: sorts by time
    query TEXT NOT NULL,            -- masked
    verdict TEXT NOT NULL CHECK (verdict IN {get_args(Verdict)}),
    reasons TEXT NOT NULL,          -- JSON list
    index_version TEXT NOT NULL,
    passage_ids TEXT NOT NULL,      -- JSON list
    mode TEXT NOT NULL CHECK (mode IN {get_args(Answered)}),
    comment TEXT                    -- masked
);
CREATE INDEX feedback_by_time ON feedback (received_at);
PRAGMA user_version = {_VERSION};
"""
_COLUMNS = "received_at, query, verdict, reasons, index_version, passage_ids, mode, comment"


class TooMuchFeedbackError(CasebookError):
    """More came in a minute than is kept.

    Attributes:
        wait_s: Seconds after which one more is.
    """

    def __init__(self, wait_s: int) -> None:
        self.wait_s = wait_s
        super().__init__(f"一分钟内的意见超过 {_ROWS_A_MINUTE} 条；{wait_s} 秒后再收")


@dataclass(frozen=True, slots=True)
class Feedback:
    """What somebody says of an answer.

    Attributes:
        query: The question.
        verdict: Whether the answer was of use.
        reasons: Why not; may be empty.
        index_version: The index that it came from.
        passage_ids: The passages that were shown, best first.
        mode: What was judged.
        comment: In the person's own words, or None.
    """

    query: str
    verdict: Verdict
    reasons: tuple[Reason, ...]
    index_version: str
    passage_ids: tuple[str, ...]
    mode: Answered
    comment: str | None


@dataclass(frozen=True, slots=True)
class KeptFeedback:
    """A row as it is kept.

    Attributes:
        number: Rises with every row, from 1.
        received_at: UTC, ISO 8601, to the second.
        feedback: What was said, masked.
    """

    number: int
    received_at: str
    feedback: Feedback


class FeedbackStore:
    """Keeps feedback; safe to use from several threads and processes at once.

    Nothing is opened before the first use, and again after every failure: a service whose disk comes
    back goes on keeping what it is told.

    Args:
        folder: The folder for state; made if missing.
        rows_a_minute: How many rows are kept a minute, at most.
        now: The time, with its zone.
    """

    def __init__(
        self,
        folder: Path,
        *,
        rows_a_minute: int = _ROWS_A_MINUTE,
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        self._file = folder / FILE
        self._pace = Pace(rows_a_minute, 60.0)
        self._now = now
        self._lock = threading.Lock()
        self._database: sqlite3.Connection | None = None
        self._opened: tuple[int, int] | None = None

    def open(self) -> None:
        """Make sure that feedback can be kept.

        Raises:
            StateUnavailableError: If it cannot.
        """
        with self._lock:
            self._connected()

    def add(self, feedback: Feedback) -> None:
        """Mask what was said and keep it; on return it is on the disk.

        Raises:
            TooMuchFeedbackError: If this minute's rows are all taken.
            StateUnavailableError: If it cannot be kept.
        """
        row = (
            self._now().astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ"),
            masked(feedback.query),
            feedback.verdict,
            json.dumps(feedback.reasons),
            feedback.index_version,
            json.dumps(feedback.passage_ids),
            feedback.mode,
            None if feedback.comment is None else masked(feedback.comment),
        )
        with self._lock:
            if wait_s := self._pace.wait_s():
                raise TooMuchFeedbackError(wait_s)
            database = self._connected()
            try:
                with _errors_in_words(self._file):
                    database.execute(
                        f"INSERT INTO feedback ({_COLUMNS}) VALUES (?, ?, ?, ?, ?, ?, ?, ?)",  # noqa: S608 - a constant
                        row,
                    )
            except StateUnavailableError:
                self._disconnect()
                raise
            self._pace.note()

    def close(self) -> None:
        """Let go of the file; another use opens it again."""
        with self._lock:
            self._disconnect()

    def _connected(self) -> sqlite3.Connection:
        """Give the open file, and open it again if another one has taken its place."""
        if self._database is not None and self._opened == _identity(self._file):
            return self._database
        self._disconnect()
        with _errors_in_words(self._file):
            self._file.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            database = sqlite3.connect(
                self._file, timeout=_BUSY_S, isolation_level=None, check_same_thread=False
            )
        try:
            with _errors_in_words(self._file):
                _prepare(database, self._file)
        except StateUnavailableError:
            database.close()
            raise
        self._database, self._opened = database, _identity(self._file)
        return database

    def _disconnect(self) -> None:
        if self._database is not None:
            self._database.close()
            self._database = None


def read_feedback(folder: Path) -> tuple[KeptFeedback, ...]:
    """Read what is kept, in the order in which it came.

    Raises:
        StateUnavailableError: If nothing has been kept there, or it cannot be read.
    """
    file = folder / FILE
    if not file.is_file():
        message = f"{file} 不存在，还没有收到过意见；若意见存在别处，请用 --state 指明那个文件夹"
        raise StateUnavailableError(message)
    query = f"SELECT id, {_COLUMNS} FROM feedback ORDER BY id"  # noqa: S608 - a constant
    with (
        _errors_in_words(file),
        closing(sqlite3.connect(f"{file.absolute().as_uri()}?mode=rw", uri=True)) as database,
    ):
        _require_version(database, file)
        return tuple(
            KeptFeedback(
                number,
                received_at,
                Feedback(
                    said, verdict, tuple(json.loads(reasons)), index, tuple(json.loads(ids)), *more
                ),
            )
            for number, received_at, said, verdict, reasons, index, ids, *more in database.execute(
                query
            )
        )


def _prepare(database: sqlite3.Connection, file: Path) -> None:
    """Make an open file durable, and its table if it is new."""
    (mode,) = database.execute("PRAGMA journal_mode = WAL").fetchone()
    if mode != "wal":
        message = f"{file} 所在的磁盘不支持 WAL（得到 {mode}）；请把 --state 换到本机的磁盘"
        raise StateUnavailableError(message)
    database.execute("PRAGMA synchronous = FULL")
    database.execute("BEGIN IMMEDIATE")  # another process may be about to do the same
    if _version_of(database) == 0:
        for statement in _SCHEMA.split(";\n")[:-1]:
            database.execute(statement)
    database.execute("COMMIT")
    _require_version(database, file)


def _require_version(database: sqlite3.Connection, file: Path) -> None:
    if (found := _version_of(database)) != _VERSION:
        message = f"{file} 的格式是 {found}，本版本只认 {_VERSION}；请升级 Casebook，或用 --state 换一个文件夹"
        raise StateUnavailableError(message)


def _version_of(database: sqlite3.Connection) -> int:
    return int(database.execute("PRAGMA user_version").fetchone()[0])


def _identity(file: Path) -> tuple[int, int] | None:
    """Which file it is on the disk; None if there is none."""
    try:
        found = file.stat()
    except OSError:
        return None
    return found.st_dev, found.st_ino


@contextmanager
def _errors_in_words(file: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        message = f"{file.parent} 不能用来存意见（{error.strerror}）；请检查 --state 的路径和权限"
        raise StateUnavailableError(message) from error
    except sqlite3.OperationalError as error:
        message = (
            f"{file} 现在不能用（{error}）：没有权限、磁盘已满，或被别的程序占用；请检查后重试"
        )
        raise StateUnavailableError(message) from error
    except sqlite3.DatabaseError as error:
        message = f"{file} 已损坏（{error}）；请把它移到别处，Casebook 会新建一个"
        raise StateUnavailableError(message) from error
