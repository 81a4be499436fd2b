"""One process at a time writes versions and the pointer."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from filelock import FileLock, Timeout

from rag.errors import CasebookError

LOCK = "LOCK"
_HOLDER = "LOCK.holder"
"""Who holds it, for people; the lock itself is the operating system's."""
_PATIENCE_S = 60.0
"""Publishing takes seconds."""


@contextmanager
def writing(index: Path, *, patience_s: float = _PATIENCE_S) -> Iterator[None]:
    """Keep other writers out of an index directory; readers need no lock.

    The operating system lets go of the lock when its holder dies, however it dies: a killed build
    is no obstacle to the next.

    Args:
        index: The index directory, which exists.
        patience_s: Seconds to wait for another writer.

    Raises:
        CasebookError: If it is still writing then; with its process id.
        OSError: If no lock can be made there.
    """
    lock, holder = FileLock(index / LOCK), index / _HOLDER
    try:
        lock.acquire(timeout=patience_s)
    except Timeout:
        message = f"{_other(holder)}正在写入 {index}，等了 {patience_s:g} 秒；请等它结束后重试"
        raise CasebookError(message) from None
    try:
        with suppress(OSError):  # a courtesy to whoever waits, and the disk may be full
            holder.write_text(f"{os.getpid()}\n", encoding="ascii")
        yield
    finally:
        with suppress(OSError):  # the next holder overwrites it
            holder.unlink(missing_ok=True)
        lock.release()


def _other(holder: Path) -> str:
    try:
        pid = holder.read_text(encoding="ascii").strip()
    except (OSError, UnicodeDecodeError):
        pid = ""
    return f"另一个进程（进程号 {pid}）" if pid else "另一个进程"
