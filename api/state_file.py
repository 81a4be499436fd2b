"""One file of what a service keeps: SQLite, durable, with a version, checked and backed up.

What is kept and in which tables, a `Schema` says; `api.feedback_store`, `api.query_log` and
`api.audit_log` each have one. A committed row is on the disk: the log is written ahead (WAL) and
synced at every commit (`synchronous=FULL`), so that neither a killed process nor a power cut takes it back.
What is deleted is overwritten (`secure_delete`).
"""

from __future__ import annotations

import os
import shutil
import sqlite3
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path

from rag.errors import StateUnavailableError
from rag.masking import masked

_BUSY_S = 5.0
"""Seconds that a write waits for another process."""

_AGAIN_S = 0.01
"""Seconds until what SQLite does not wait for by itself is tried again; most writes take less."""


@dataclass(frozen=True, slots=True)
class Schema:
    """What a file keeps.

    Attributes:
        file: Its name in the folder for state.
        what: What is kept there, in Chinese.
        table: The table that has a row for each.
        migrations: For each version the statements that make it of the one before, the first of
            an empty file. They may call ``masked`` (`rag.masking`). Columns may be added, not
            taken away: files of earlier versions are still read.
    """

    file: str
    what: str
    table: str
    migrations: tuple[tuple[str, ...], ...]

    @property
    def version(self) -> int:
        """The version that is written now, kept in ``user_version``."""
        return len(self.migrations)


class StateFile:
    """Writes one file; safe to use from several threads and processes at once.

    Nothing is opened before the first use, and again after every failure: a service whose disk comes
    back goes on keeping what it is told.

    Args:
        folder: The folder for state; made if missing.
        schema: What is kept.
    """

    def __init__(self, folder: Path, schema: Schema) -> None:
        self.path = folder / schema.file
        self._schema = schema
        self._lock = threading.Lock()
        self._database: sqlite3.Connection | None = None
        self._opened: tuple[int, int] | None = None

    def open(self) -> None:
        """Make sure that the file can be written, and that it is sound.

        Raises:
            StateUnavailableError: If it cannot, or is not.
        """
        with self._lock, _errors_in_words(self.path, self._schema):
            _require_sound(self._connected(), self.path, "quick_check")

    @contextmanager
    def transaction(self) -> Iterator[sqlite3.Connection]:
        """Write all or nothing; afterwards it is on the disk.

        Raises:
            StateUnavailableError: If it cannot be written; then nothing is.
        """
        with self._lock:
            database = self._connected()
            try:
                with _errors_in_words(self.path, self._schema):
                    database.execute("BEGIN IMMEDIATE")
                    yield database
                    database.execute("COMMIT")
            except BaseException:
                self._disconnect()  # which takes back what was begun
                raise

    def erase(self, condition: str, values: Sequence[object]) -> int:
        """Delete rows so that nothing of them is left in the file.

        Args:
            condition: Which, in SQL.
            values: What stands for its question marks.

        Returns:
            How many there were.

        Raises:
            StateUnavailableError: If they cannot be deleted, or another process reads for so long
                that their pages are still in the log.
        """
        statement = f"DELETE FROM {self._schema.table} WHERE {condition}"  # noqa: S608 - our own words
        with self.transaction() as database:
            rows = database.execute(statement, tuple(values)).rowcount
        with self._lock, _errors_in_words(self.path, self._schema):
            (busy, *_) = self._connected().execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()
        if busy:
            message = f"已从 {self.path} 删除 {rows} 条，但别的程序正在读，{self.path.name}-wal 里可能还有旧内容；请稍后再运行一次"
            raise StateUnavailableError(message)
        return rows

    def close(self) -> None:
        """Let go of the file; another use opens it again."""
        with self._lock:
            self._disconnect()

    def _connected(self) -> sqlite3.Connection:
        """Give the open file, and open it again if another one has taken its place."""
        if self._database is not None and self._opened == _identity(self.path):
            return self._database
        self._disconnect()
        with _errors_in_words(self.path, self._schema):
            self.path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            self.path.touch(mode=0o600)
            database = sqlite3.connect(
                self.path, timeout=_BUSY_S, isolation_level=None, check_same_thread=False
            )
        try:
            with _errors_in_words(self.path, self._schema):
                _prepare(database, self.path, self._schema)
        except StateUnavailableError:
            database.close()
            raise
        self._database, self._opened = database, _identity(self.path)
        return database

    def _disconnect(self) -> None:
        if self._database is not None:
            self._database.close()
            self._database = None


@contextmanager
def reading(folder: Path, schema: Schema) -> Iterator[sqlite3.Connection]:
    """Open a file to read from it, while a service may write; no version is changed.

    Raises:
        StateUnavailableError: If there is none, or it cannot be read.
    """
    file = folder / schema.file
    if not file.is_file():
        message = f"{file} 不存在，还没有存过{schema.what}；若存在别处，请用 --state 指明那个文件夹"
        raise StateUnavailableError(message)
    with (
        _errors_in_words(file, schema),
        closing(_connected_to(file)) as database,
    ):
        _require_version(database, file, schema)
        yield database


def check(folder: Path, schema: Schema) -> int:
    """Read a whole file and make sure that it is sound.

    Returns:
        How many rows it has.

    Raises:
        StateUnavailableError: If there is none, or it is not.
    """
    with reading(folder, schema) as database:
        _require_sound(database, folder / schema.file, "integrity_check")
        (rows,) = database.execute(f"SELECT count(*) FROM {schema.table}").fetchone()  # noqa: S608 - a constant
    return int(rows)


def back_up(folder: Path, to: Path, schemas: Sequence[Schema]) -> tuple[Path, ...]:
    """Copy what is kept into a folder of its own, whole or not at all, while a service writes.

    Each copy is one file of one moment, checked; the moments of several differ.

    Args:
        folder: The folder for state.
        to: The folder to make.
        schemas: What to copy; what has never been kept is left out.

    Returns:
        The copies.

    Raises:
        StateUnavailableError: If there is nothing, or it cannot be copied.
    """
    if to.exists():
        message = f"{to} 已经存在；请为这次备份另起一个文件夹"
        raise StateUnavailableError(message)
    kept = [schema for schema in schemas if (folder / schema.file).is_file()]
    if not kept:
        message = f"{folder} 里没有可备份的文件；若存在别处，请用 --state 指明那个文件夹"
        raise StateUnavailableError(message)
    to.absolute().parent.mkdir(parents=True, exist_ok=True)
    aside = to.with_name(f".{to.name}.{os.getpid()}")
    aside.mkdir(mode=0o700)
    try:
        for schema in kept:
            _copy(folder / schema.file, aside / schema.file, schema)
        _sync(aside)
        aside.rename(to)
        _sync(to.absolute().parent)
    finally:
        shutil.rmtree(aside, ignore_errors=True)
    return tuple(to / schema.file for schema in kept)


def _copy(file: Path, copy: Path, schema: Schema) -> None:
    copy.touch(mode=0o600)
    with _errors_in_words(file, schema), closing(_connected_to(file)) as source:
        _require_version(source, file, schema)
        with _errors_in_words(copy, schema), closing(_connected_to(copy)) as target:
            source.backup(target)
            target.execute("PRAGMA journal_mode = DELETE")  # one file, without a log beside it
            _require_sound(target, copy, "integrity_check")
    _sync(copy)


def _connected_to(file: Path) -> sqlite3.Connection:
    # Not mode=ro: who reads a file in WAL mode may have to make its log first.
    return sqlite3.connect(
        f"{file.absolute().as_uri()}?mode=rw", timeout=_BUSY_S, isolation_level=None, uri=True
    )


def _sync(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _prepare(database: sqlite3.Connection, file: Path, schema: Schema) -> None:
    """Make an open file durable, and of the present version."""
    mode = _ask_for_wal(database)
    if mode != "wal":
        message = f"{file} 所在的磁盘不支持 WAL（得到 {mode}）；请把 --state 换到本机的磁盘"
        raise StateUnavailableError(message)
    database.execute("PRAGMA synchronous = FULL")
    database.execute("PRAGMA secure_delete = ON")
    database.create_function("masked", 1, lambda text: text and masked(text), deterministic=True)
    if 0 < _version_of(database) == schema.version:
        return
    database.execute("BEGIN IMMEDIATE")  # another process may be about to do the same
    for version, statements in enumerate(schema.migrations, start=1):
        if _version_of(database) == version - 1:
            for statement in statements:
                database.execute(statement)
            database.execute(f"PRAGMA user_version = {version}")
    database.execute("COMMIT")
    _require_version(database, file, schema)
    database.execute("PRAGMA wal_checkpoint(TRUNCATE)")  # what a migration has masked is gone


def _ask_for_wal(database: sqlite3.Connection) -> str:
    """Ask for a log ahead, again while another writes: here SQLite itself waits for nobody.

    Returns:
        The mode that the file has now.
    """
    patience = time.monotonic() + _BUSY_S
    while True:
        try:
            return str(database.execute("PRAGMA journal_mode = WAL").fetchone()[0])
        except sqlite3.OperationalError as error:
            if error.sqlite_errorcode != sqlite3.SQLITE_BUSY or time.monotonic() > patience:
                raise
        time.sleep(_AGAIN_S)


def _require_version(database: sqlite3.Connection, file: Path, schema: Schema) -> None:
    found = _version_of(database)
    if found == 0:
        message = f"{file} 是空的，还没有存过{schema.what}"
        raise StateUnavailableError(message)
    if found > schema.version:
        message = f"{file} 的格式是 {found}，本版本只认 1 至 {schema.version}；请升级 Casebook，或用 --state 换一个文件夹"
        raise StateUnavailableError(message)


def _require_sound(database: sqlite3.Connection, file: Path, pragma: str) -> None:
    faults = [str(fault) for (fault,) in database.execute(f"PRAGMA {pragma}(3)")]
    if faults != ["ok"]:
        raise StateUnavailableError(_damaged(file, "；".join("\n".join(faults).splitlines())))


def _version_of(database: sqlite3.Connection) -> int:
    return int(database.execute("PRAGMA user_version").fetchone()[0])


def _identity(file: Path) -> tuple[int, int] | None:
    """Which file it is on the disk; None if there is none."""
    try:
        found = file.stat()
    except OSError:
        return None
    return found.st_dev, found.st_ino


def _damaged(file: Path, why: str) -> str:
    return f"{file} 已损坏（{why}）；请把它移到别处，用备份恢复；没有备份时 Casebook 会新建一个"


@contextmanager
def _errors_in_words(file: Path, schema: Schema) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        message = f"{file.parent} 不能用来存{schema.what}（{error.strerror}）；请检查 --state 的路径和权限"
        raise StateUnavailableError(message) from error
    except sqlite3.OperationalError as error:
        message = (
            f"{file} 现在不能用（{error}）：没有权限、磁盘已满，或被别的程序占用；请检查后重试"
        )
        raise StateUnavailableError(message) from error
    except sqlite3.DatabaseError as error:
        raise StateUnavailableError(_damaged(file, str(error))) from error
