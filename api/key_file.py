"""The keys of a service: a file that ``casebook keys`` writes and a running service follows.

keys.json    version and keys; no secret is in it, but whoever can write it can let himself in
"""

from __future__ import annotations

import logging
import os
import stat
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path
from typing import ClassVar, Literal, TypeAlias

from filelock import FileLock
from pydantic import ConfigDict, TypeAdapter, ValidationError

from api.keys import Key
from rag.errors import CasebookError

FILE = "keys.json"

_LOG = logging.getLogger("casebook.keys")
_BUSY_S = 10.0
"""Seconds that a command waits for another one that changes the keys."""
_LIVE_AT_ONCE = 2
"""Of one name: the key in use, and its successor until every client has it."""

_Stamp: TypeAlias = tuple[int, int, int]


class KeyFileError(CasebookError):
    """The keys cannot be read or changed."""


@dataclass(frozen=True, slots=True)
class _Content:
    __pydantic_config__: ClassVar[ConfigDict] = ConfigDict(extra="forbid")

    version: Literal[1]
    keys: tuple[Key, ...]


_FORM = TypeAdapter(_Content)


class KeyFile:
    """Where the keys of a service are kept.

    Args:
        folder: The folder for state.
    """

    def __init__(self, folder: Path) -> None:
        self.path = folder / FILE

    def stamp(self) -> _Stamp | None:
        """What changes whenever the file does; None while there is none.

        Raises:
            KeyFileError: If the folder cannot be looked into.
        """
        try:
            found = self.path.stat()
        except (FileNotFoundError, NotADirectoryError):  # nothing can have been kept there
            return None
        except OSError as error:
            raise self._unusable(error.strerror or str(error)) from error
        return found.st_ino, found.st_size, found.st_mtime_ns

    def read(self) -> tuple[Key, ...]:
        """Read the keys, oldest first; none where there is no file.

        Raises:
            KeyFileError: If it cannot be read, is not as it was written, or others can write it.
        """
        try:
            with self.path.open("rb") as file:
                mode = os.fstat(file.fileno()).st_mode
                written = file.read()
        except (FileNotFoundError, NotADirectoryError):  # nothing can have been kept there
            return ()
        except OSError as error:
            raise self._unusable(error.strerror or str(error)) from error
        if mode & (stat.S_IWGRP | stat.S_IWOTH):
            message = (
                f"{self.path} 别的用户也能写（权限 {stat.S_IMODE(mode):04o}），谁都可以给自己加一个密钥；"
                f"请运行：chmod 600 {self.path}"
            )
            raise KeyFileError(message)
        try:
            keys = _FORM.validate_json(written).keys
        except ValidationError as error:
            first = error.errors()[0]
            where = ".".join(map(str, first["loc"])) or "整个文件"
            why = f"{where}：{first['msg']}"
            raise self._unusable(why) from error
        if len({key.id for key in keys}) < len(keys):
            why = "有两个密钥的编号相同"
            raise self._unusable(why)
        return keys

    def add(self, key: Key) -> None:
        """Keep one more key.

        Raises:
            KeyFileError: If its name has two live ones already, or the file cannot be used.
        """
        with self._changing() as keys:
            live = [one for one in keys if one.name == key.name and one.live(key.created)]
            if len(live) >= _LIVE_AT_ONCE:
                ids = "、".join(one.id for one in live)
                message = (
                    f"{key.name} 已有两个可用的密钥（{ids}），最多两个：一个在用，一个用来轮换；"
                    "请先停用一个：casebook keys revoke 编号"
                )
                raise KeyFileError(message)
            if any(one.id == key.id for one in keys):
                message = f"编号 {key.id} 与已有的密钥相同，没有存下；请再运行一次"
                raise KeyFileError(message)
            self._write((*keys, key))

    def revoke(self, key_id: str, now: datetime) -> Key:
        """Refuse a key from now on; one that is revoked already stays as it is.

        Returns:
            The key as it is kept.

        Raises:
            KeyFileError: If there is none with this id, or the file cannot be used.
        """
        with self._changing() as keys:
            found = next((key for key in keys if key.id == key_id), None)
            if found is None:
                message = f"没有编号为 {key_id} 的密钥；现有的见：casebook keys list"
                raise KeyFileError(message)
            if found.revoked is not None:
                return found
            revoked = replace(found, revoked=now)
            self._write(tuple(revoked if key == found else key for key in keys))
            return revoked

    @contextmanager
    def _changing(self) -> Iterator[tuple[Key, ...]]:
        """Keep other commands out while the keys change."""
        try:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            with FileLock(f"{self.path}.lock", timeout=_BUSY_S):
                yield self.read()
        except OSError as error:  # a lock that is not had in time is one, too
            raise self._unusable(error.strerror or str(error)) from error

    def _write(self, keys: tuple[Key, ...]) -> None:
        """Put a new file in the old one's place, whole or not at all."""
        content = _FORM.dump_json(_Content(1, keys), indent=1, exclude_none=True)
        # Made with mode 0600, and never readable by others for a moment.
        descriptor, name = tempfile.mkstemp(prefix=f".{FILE}.", dir=self.path.parent)
        try:
            with os.fdopen(descriptor, "wb") as file:
                file.write(content + b"\n")
                file.flush()
                os.fsync(file.fileno())
            Path(name).replace(self.path)
        except BaseException:
            Path(name).unlink(missing_ok=True)
            raise
        folder = os.open(self.path.parent, os.O_RDONLY)
        try:
            os.fsync(folder)
        finally:
            os.close(folder)

    def _unusable(self, why: str) -> KeyFileError:
        return KeyFileError(
            f"密钥文件 {self.path} 不能用（{why}）；请从备份恢复它，"
            "或者移走它，再用 casebook keys create 重新发放"
        )


class LiveKeys:
    """The keys that are let in, as the file has them now.

    A file that became unreadable leaves the last sound keys in use; one that went away lets nobody in.
    Both are logged. A service that has had keys never becomes one without.

    Args:
        file: The file to follow; None follows none.
        configured: The key of the environment.

    Raises:
        KeyFileError: If the file cannot be used at the start.
    """

    def __init__(self, file: KeyFile | None = None, configured: Key | None = None) -> None:
        self._file = file
        self._configured = () if configured is None else (configured,)
        self._stamp = None if file is None else file.stamp()
        self._kept = () if file is None else file.read()
        self._fault = ""
        self._guarded = configured is not None or self._stamp is not None

    def current(self) -> tuple[Key, ...]:
        """All keys, the expired and revoked ones too."""
        if self._file is not None:
            self._follow(self._file)
        return (*self._configured, *self._kept)

    @property
    def guarded(self) -> bool:
        """Whether keys are asked for: there are some, or there have been."""
        self.current()
        return self._guarded

    def _follow(self, file: KeyFile) -> None:
        try:
            stamp = file.stamp()
            if stamp == self._stamp:
                return
            self._kept = file.read()
        except KeyFileError as error:
            # Read again at every request until it can be; told once.
            if str(error) != self._fault:
                _LOG.error("keys stay as they were: %s", error)
            self._fault = str(error)
            return
        self._stamp, self._fault = stamp, ""
        self._guarded = self._guarded or stamp is not None
        if stamp is None:
            _LOG.error("%s is gone: none of its keys is let in", file.path)
        else:
            _LOG.warning("keys read again: %d in %s", len(self._kept), file.path)
