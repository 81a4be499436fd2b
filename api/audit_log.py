"""Who did what when, kept for half a year and more: a chain of entries in a SQLite file of its own.

No entry holds a word of a question. Each has the SHA-256 of itself and of the entry before it, so that one
that was changed, taken out or moved is found (`verified`); SQLite itself refuses to change an entry, or to
delete one that is younger than `AUDIT_DAYS` (triggers of the file, whoever opens it). Whoever may write the
file can make another chain, but none that ends in a hash written down elsewhere: the service prints it at every start.
"""

from __future__ import annotations

import hashlib
import json
import re
import sqlite3
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path

from api.backlog import Backlog
from api.keeping import AUDIT_DAYS
from api.state_file import Schema, StateFile, reading
from rag.errors import CasebookError

_BEGINNING = "0" * 64
"""What the first entry has for the hash of the one before it."""

SCHEMA = Schema(
    file="audit.sqlite",
    what="审计日志",
    table="entry",
    migrations=(
        (
            """
            CREATE TABLE entry (
                number INTEGER PRIMARY KEY AUTOINCREMENT,
                at TEXT NOT NULL,               -- UTC, ISO 8601, to the millisecond
                client TEXT NOT NULL,           -- name of a key or of a person; '' if unknown
                action TEXT NOT NULL,
                status INTEGER NOT NULL,        -- of HTTP; 0 where there is none
                index_version TEXT NOT NULL,
                took_ms INTEGER NOT NULL,
                hash TEXT NOT NULL              -- SHA-256 of the above and of the hash before
            )
            """,
            """
            CREATE TRIGGER entry_stays BEFORE UPDATE ON entry
            BEGIN SELECT RAISE(ABORT, 'an audit log is not changed'); END
            """,
            f"""
            CREATE TRIGGER entry_is_kept BEFORE DELETE ON entry
            WHEN julianday(old.at) > julianday('now') - {AUDIT_DAYS}
            BEGIN SELECT RAISE(ABORT, 'an audit log is kept for {AUDIT_DAYS} days'); END
            """,
        ),
    ),
)
_COLUMNS = "number, at, client, action, status, index_version, took_ms, hash"
_CLEARED = re.compile(r"cleared [0-9]+-([0-9]+) ([0-9a-f]{64})")


class AuditBrokenError(CasebookError):
    """The audit log is not what was written.

    Attributes:
        why: What was found.
    """

    def __init__(self, why: str) -> None:
        self.why = why
        super().__init__(f"审计日志被动过：{why}；请保全现场，并与备份核对")


@dataclass(frozen=True, slots=True)
class Entry:
    """Something that was done.

    Attributes:
        action: What: the method and the address of a request, or one of the log's own words
            (``start``, ``stop``, ``lost 3``, ``cleared 1-900 HASH``, ``state purge``).
        client: Who: the name of a key or a person; empty if unknown.
        status: HTTP's; 0 where there is none.
        index_version: The index in use; empty where there is none.
        took_ms: How long it took.
    """

    action: str
    client: str = ""
    status: int = 0
    index_version: str = ""
    took_ms: int = 0


@dataclass(frozen=True, slots=True)
class KeptEntry:
    """A link of the chain.

    Attributes:
        number: Rises by one with every entry, from 1.
        at: UTC, ISO 8601, to the millisecond.
        entry: What was done.
        hash: SHA-256 of the above and of the hash before, in hexadecimal digits.
    """

    number: int
    at: str
    entry: Entry
    hash: str

    def follows(self, before: str) -> bool:
        """Whether the hash is right after the one before it."""
        return self.hash == _hash(before, self.number, self.at, self.entry)


class AuditLog:
    """Writes the chain; safe to use from several threads and processes at once.

    Args:
        folder: The folder for state; made if missing.
        days: For how long entries are kept, at least `AUDIT_DAYS`.
        now: The time, with its zone.

    Raises:
        ValueError: If ``days`` is less.
    """

    def __init__(
        self,
        folder: Path,
        *,
        days: int = AUDIT_DAYS,
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        if days < AUDIT_DAYS:
            message = f"an audit log is kept for {AUDIT_DAYS} days at least, not {days}"
            raise ValueError(message)
        self._file = StateFile(folder, SCHEMA)
        self._days = days
        self._now = now
        self._checked = False
        self._backlog = Backlog[tuple[str, Entry]]("audit log", self._write, self._tidy)

    @property
    def lost(self) -> int:
        """How many entries found no room since the start."""
        return self._backlog.lost

    def start(self) -> None:
        """Begin to write, and to clear what is too old."""
        self._backlog.start()

    def note(self, entry: Entry) -> None:
        """Write an entry soon; never waits for the disk, and never fails."""
        self._backlog.put((_moment(self._now()), entry))

    def append(self, entry: Entry) -> KeptEntry:
        """Write an entry now.

        Returns:
            The end of the chain.

        Raises:
            StateUnavailableError: If it cannot be written.
        """
        with self._file.transaction() as database:
            return _append(database, [(_moment(self._now()), entry)])

    def clear(self) -> int:
        """Erase what is too old, and note which entries that were.

        Returns:
            How many.

        Raises:
            StateUnavailableError: If they cannot be erased.
        """
        now = self._now()
        # A beginning of the chain: clocks are set back now and then. Its end always stays.
        oldest = "SELECT min(number) FROM entry WHERE at >= ? OR number = (SELECT max(number) FROM entry)"
        with self._file.transaction() as database:
            (first,) = database.execute("SELECT min(number) FROM entry").fetchone()
            (kept,) = database.execute(
                oldest, (_moment(now - timedelta(days=self._days)),)
            ).fetchone()
            if first == kept:
                return 0
            end = database.execute(
                "SELECT hash FROM entry WHERE number = ?", (kept - 1,)
            ).fetchone()
            _append(database, [(_moment(now), Entry(f"cleared {first}-{kept - 1} {end[0]}"))])
        return self._file.erase("number < ?", (kept,))

    def close(self) -> None:
        """Write what waits, and let go of the file."""
        self._backlog.close()
        self._file.close()

    def _tidy(self) -> None:
        if not self._checked:  # here and not at the start: it reads the whole of a large file
            self._file.open()
            self._checked = True
        self.clear()

    def _write(self, batch: Sequence[tuple[str, Entry]], lost: int) -> None:
        gap = [(_moment(self._now()), Entry(f"lost {lost}"))] if lost else []
        with self._file.transaction() as database:
            _append(database, [*gap, *batch])


def read_entries(folder: Path) -> tuple[KeptEntry, ...]:
    """Read the chain as it stands, first entry first.

    Raises:
        StateUnavailableError: If nothing has been kept there, or it cannot be read.
    """
    with reading(folder, SCHEMA) as database:
        return tuple(_entries(database))


def verified(folder: Path, *, known: str | None = None) -> KeptEntry | None:
    """Follow the whole chain.

    Args:
        folder: The folder for state.
        known: A hash written down earlier, which must be one of the chain; None: not asked.

    Returns:
        The last entry; None if there has never been one.

    Raises:
        AuditBrokenError: At the first entry that is not what was written, with its number.
        StateUnavailableError: If the file cannot be read.
    """
    with reading(folder, SCHEMA) as database:
        database.execute("BEGIN")  # one moment, while a service goes on writing
        row = database.execute("SELECT seq FROM sqlite_sequence WHERE name = 'entry'").fetchone()
        written = 0 if row is None else int(row[0])
        first, last, seen = _followed(_entries(database), known)
    if written > (last.number if last else 0):
        why = f"末尾的第 {last.number + 1 if last else 1} 至 {written} 条不见了"
        raise AuditBrokenError(why)
    if first is not None and not seen.start(first):
        gone = f"开头的第 1 至 {first.number - 1} 条不见了，或" if first.number > 1 else ""
        why = f"{gone}第 {first.number} 条被改动过"
        raise AuditBrokenError(why)
    if known is not None and not seen.known:
        why = f"没有哈希为 {known} 的一条"
        raise AuditBrokenError(why)
    return last


@dataclass(slots=True)
class _Seen:
    """What a chain says of itself: of entries that were cleared the last hash, by number."""

    known: bool = False
    cleared: dict[int, str] = field(default_factory=lambda: {0: _BEGINNING})

    def start(self, first: KeptEntry) -> bool:
        """Whether the chain may start there: at its beginning, or where what was old enough ended."""
        before = self.cleared.get(first.number - 1)
        return before is not None and first.follows(before)


def _followed(
    entries: Iterator[KeptEntry], known: str | None
) -> tuple[KeptEntry | None, KeptEntry | None, _Seen]:
    """Follow a chain from its first entry to its last."""
    first: KeptEntry | None = None
    last: KeptEntry | None = None
    seen = _Seen()
    for entry in entries:
        if last is None:
            first = entry
        elif entry.number != last.number + 1:
            why = f"第 {last.number + 1} 至 {entry.number - 1} 条不见了"
            raise AuditBrokenError(why)
        elif not entry.follows(last.hash):
            why = f"第 {entry.number} 条与前一条接不上，其中一条被改动过"
            raise AuditBrokenError(why)
        if cleared := _CLEARED.fullmatch(entry.entry.action):
            seen.cleared[int(cleared[1])] = cleared[2]
        seen.known = seen.known or entry.hash == known
        last = entry
    return first, last, seen


def _entries(database: sqlite3.Connection) -> Iterator[KeptEntry]:
    query = f"SELECT {_COLUMNS} FROM entry ORDER BY number"  # noqa: S608 - a constant
    for number, at, client, action, status, index_version, took_ms, digest in database.execute(
        query
    ):
        entry = Entry(action, client, status, index_version, took_ms)
        yield KeptEntry(number, at, entry, digest)


def _append(database: sqlite3.Connection, entries: Sequence[tuple[str, Entry]]) -> KeptEntry:
    """Lengthen the chain by one entry or more; returns its end."""
    row = database.execute("SELECT number, hash FROM entry ORDER BY number DESC LIMIT 1").fetchone()
    number, before = (0, _BEGINNING) if row is None else row
    links: list[KeptEntry] = []
    for place, (at, entry) in enumerate(entries, start=number + 1):
        before = _hash(before, place, at, entry)
        links.append(KeptEntry(place, at, entry, before))
    database.executemany(
        f"INSERT INTO entry ({_COLUMNS}) VALUES (?, ?, ?, ?, ?, ?, ?, ?)",  # noqa: S608 - a constant
        (
            (
                *(link.number, link.at, link.entry.client, link.entry.action),
                *(link.entry.status, link.entry.index_version, link.entry.took_ms, link.hash),
            )
            for link in links
        ),
    )
    return links[-1]


def _hash(before: str, number: int, at: str, entry: Entry) -> str:
    fields = [
        *(before, number, at, entry.action, entry.client),
        *(entry.status, entry.index_version, entry.took_ms),
    ]
    return hashlib.sha256(json.dumps(fields, ensure_ascii=False).encode()).hexdigest()


def _moment(at: datetime) -> str:
    return at.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
