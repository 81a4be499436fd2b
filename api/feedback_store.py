"""What people say of answers, kept: a SQLite file in the folder for state (`api.state_file`).

A row is acknowledged once it is on the disk. What tells who somebody is never gets here (`rag.masking`).
"""

from __future__ import annotations

import json
import threading
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Literal, TypeAlias, get_args

from api.pace import Pace
from api.state_file import Schema, StateFile, reading
from rag.errors import CasebookError
from rag.masking import masked

Verdict: TypeAlias = Literal["useful", "not_useful"]
Reason: TypeAlias = Literal[
    "wrong_place", "wrong_district", "outdated", "incomplete", "off_topic", "other"
]
Answered: TypeAlias = Literal["search", "extractive", "llm"]
"""What was judged: passages, an answer in the words of the sources, or a language model's."""

_ROWS_A_MINUTE = 60
"""For everyone together. A row has 8 KB at most, so a whole day of abuse fills 0.7 GB."""

SCHEMA = Schema(
    file="feedback.sqlite",
    what="意见",
    table="feedback",
    migrations=(
        (
            f"""
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
            )
            """,
            "CREATE INDEX feedback_by_time ON feedback (received_at)",
        ),
        # More is masked than when the rows of version 1 came: number plates, passports, permits.
        ("UPDATE feedback SET query = masked(query), comment = masked(comment)",),
    ),
)
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
        self._file = StateFile(folder, SCHEMA)
        self._pace = Pace(rows_a_minute, 60.0)
        self._now = now
        self._lock = threading.Lock()

    def open(self) -> None:
        """Make sure that feedback can be kept, and that what is kept is sound.

        Raises:
            StateUnavailableError: If it cannot, or is not.
        """
        self._file.open()

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
            with self._file.transaction() as database:
                database.execute(
                    f"INSERT INTO feedback ({_COLUMNS}) VALUES (?, ?, ?, ?, ?, ?, ?, ?)",  # noqa: S608 - a constant
                    row,
                )
            self._pace.note()

    def close(self) -> None:
        """Let go of the file; another use opens it again."""
        self._file.close()


def read_feedback(folder: Path) -> tuple[KeptFeedback, ...]:
    """Read what is kept, in the order in which it came.

    Raises:
        StateUnavailableError: If nothing has been kept there, or it cannot be read.
    """
    query = f"SELECT id, {_COLUMNS} FROM feedback ORDER BY id"  # noqa: S608 - a constant
    with reading(folder, SCHEMA) as database:
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
