"""What was asked and what came of it, kept for some days: a SQLite file in the folder for state.

Off unless the operator asks for it; it shows which questions the collection does not answer. No row
tells who asked: what could is masked (`rag.masking`), no address, name or header is kept, and the
time to the hour only, so that a row cannot be laid beside the audit log's.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Generator, Sequence
from contextlib import closing
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Literal, TypeAlias, get_args

from api.backlog import Backlog
from api.keeping import QUERY_DAYS
from api.state_file import Schema, StateFile, reading
from rag.answer import Answer
from rag.ask import Part
from rag.assistant import Findings
from rag.masking import masked
from rag.retrieve import Reason

AskedMode: TypeAlias = Literal["search", "extractive", "llm"]
"""What was asked for: passages, an answer in the words of the sources, or a language model's."""

_TOP = 5
"""Passages of a row: as many as are shown unless more are asked for."""

SCHEMA = Schema(
    file="queries.sqlite",
    what="提问记录",
    table="query",
    migrations=(
        (
            f"""
            CREATE TABLE query (
                id INTEGER PRIMARY KEY,
                asked_at TEXT NOT NULL,         -- UTC, ISO 8601, to the hour
                query TEXT NOT NULL,            -- masked
                mode TEXT NOT NULL CHECK (mode IN {get_args(AskedMode)}),
                index_version TEXT NOT NULL,
                reason TEXT,                    -- of a refusal
                confidence REAL NOT NULL,
                passage_ids TEXT NOT NULL,      -- JSON list
                took_ms INTEGER NOT NULL
            )
            """,
            "CREATE INDEX query_by_time ON query (asked_at)",
            """
            CREATE TABLE lost (
                noted_at TEXT NOT NULL,         -- as above
                queries INTEGER NOT NULL        -- that found no room before
            )
            """,
        ),
    ),
)
_COLUMNS = "asked_at, query, mode, index_version, reason, confidence, passage_ids, took_ms"


@dataclass(frozen=True, slots=True)
class Asked:
    """A question and what came of it.

    Attributes:
        query: The question.
        mode: What was asked for.
        index_version: The index that answered.
        reason: Why there is no answer; None where there is one.
        confidence: Of the first passage, 0 to 1.
        passage_ids: The first passages, best first.
        took_ms: Milliseconds from the question to the whole answer.
    """

    query: str
    mode: AskedMode
    index_version: str
    reason: Reason | None
    confidence: float
    passage_ids: tuple[str, ...]
    took_ms: int

    @classmethod
    def of(cls, findings: Findings, mode: AskedMode, took_ms: float) -> Asked:
        """Sum up what a question brought up."""
        return cls(
            findings.question,
            mode,
            findings.index_version,
            findings.reason,
            round(findings.confidence, 3),
            tuple(one.hit.passage.passage_id for one in findings.findings[:_TOP]),
            round(took_ms),
        )


@dataclass(frozen=True, slots=True)
class KeptQuery:
    """A row as it is kept.

    Attributes:
        number: Rises with every row, from 1.
        asked_at: UTC, ISO 8601, to the hour.
        asked: What was asked, masked.
    """

    number: int
    asked_at: str
    asked: Asked


class QueryLog:
    """Keeps what is asked, for some days; safe to use from several threads.

    Args:
        folder: The folder for state; made if missing.
        days: For how long.
        now: The time, with its zone.
    """

    def __init__(
        self,
        folder: Path,
        *,
        days: int = QUERY_DAYS,
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        self._file = StateFile(folder, SCHEMA)
        self._days = days
        self._now = now
        self._checked = False
        self._backlog = Backlog[tuple[str, Asked]]("query log", self._write, self._tidy)

    @property
    def path(self) -> Path:
        """The file."""
        return self._file.path

    @property
    def exists(self) -> bool:
        """Whether anything has ever been kept there."""
        return self._file.path.is_file()

    @property
    def lost(self) -> int:
        """How many questions found no room since the start."""
        return self._backlog.lost

    def start(self) -> None:
        """Begin to write, and to clear what is too old."""
        self._backlog.start()

    def note(self, asked: Asked) -> None:
        """Keep a question soon; never waits for the disk, and never fails."""
        self._backlog.put((_hour(self._now()), asked))

    def noting(self, parts: Generator[Part, None, None]) -> Generator[Part, None, None]:
        """Hand on an answer as it comes, and note it once it is whole."""
        started = time.perf_counter()
        with closing(parts):
            for part in parts:
                if isinstance(part, Answer):
                    took_ms = (time.perf_counter() - started) * 1000
                    asked = Asked.of(part.findings, part.mode, took_ms)
                    self.note(replace(asked, reason=part.reason))
                yield part

    def clear(self) -> int:
        """Erase what is too old.

        Returns:
            How many rows there were.

        Raises:
            StateUnavailableError: If it cannot be.
        """
        before = _hour(self._now() - timedelta(days=self._days))
        with self._file.transaction() as database:
            database.execute("DELETE FROM lost WHERE noted_at < ?", (before,))
        return self._file.erase("asked_at < ?", (before,))

    def close(self) -> None:
        """Write what waits, and let go of the file."""
        self._backlog.close()
        self._file.close()

    def _tidy(self) -> None:
        if not self._checked:
            self._file.open()
            self._checked = True
        self.clear()

    def _write(self, batch: Sequence[tuple[str, Asked]], lost: int) -> None:
        rows = [
            (
                asked_at,
                masked(asked.query),
                asked.mode,
                asked.index_version,
                asked.reason,
                asked.confidence,
                json.dumps(asked.passage_ids),
                asked.took_ms,
            )
            for asked_at, asked in batch
        ]
        with self._file.transaction() as database:
            if lost:
                database.execute("INSERT INTO lost VALUES (?, ?)", (_hour(self._now()), lost))
            database.executemany(
                f"INSERT INTO query ({_COLUMNS}) VALUES (?, ?, ?, ?, ?, ?, ?, ?)",  # noqa: S608 - a constant
                rows,
            )


def read_queries(folder: Path) -> tuple[KeptQuery, ...]:
    """Read what is kept, in the order in which it was asked.

    Raises:
        StateUnavailableError: If nothing has been kept there, or it cannot be read.
    """
    query = f"SELECT id, {_COLUMNS} FROM query ORDER BY id"  # noqa: S608 - a constant
    with reading(folder, SCHEMA) as database:
        return tuple(
            KeptQuery(
                number,
                asked_at,
                Asked(said, mode, index, reason, confidence, tuple(json.loads(ids)), took_ms),
            )
            for number, asked_at, said, mode, index, reason, confidence, ids, took_ms in (
                database.execute(query)
            )
        )


def lost_queries(folder: Path) -> int:
    """Tell how many questions found no room among those that are kept."""
    with reading(folder, SCHEMA) as database:
        (lost,) = database.execute("SELECT coalesce(sum(queries), 0) FROM lost").fetchone()
    return int(lost)


def _hour(at: datetime) -> str:
    return at.astimezone(UTC).strftime("%Y-%m-%dT%H:00:00Z")
