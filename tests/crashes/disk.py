"""What is on the disk for certain, and what a power cut takes back."""

# What `os` does is what is counted, so that is what is called here.
# ruff: noqa: PTH100, PTH104, PTH108, PTH116, PTH119

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from pathlib import Path


class Disk:
    """What the disk has for certain, below a folder; the rest may be gone after a power cut."""

    forgets_files = False
    """Whether syncing a file has no effect, as if nobody did."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.unsynced: set[int] = set()
        self.entries: list[tuple[int, str, str | None, bytes | None]] = []

    def opened(self, descriptor: int, file: str, *, new: bool) -> None:
        self.unsynced.add(os.fstat(descriptor).st_ino)
        if new:
            self.made(file)

    def made(self, path: str) -> None:
        parent, name = os.path.split(os.path.abspath(path))
        self.entries.append((os.stat(parent).st_ino, name, None, None))

    def renamed(self, old: str, new: str, lost: bytes | None) -> None:
        parent, name = os.path.split(os.path.abspath(new))
        self.entries.append((os.stat(parent).st_ino, name, os.path.basename(old), lost))

    def synced(self, descriptor: int) -> None:
        inode = os.fstat(descriptor).st_ino
        if not self.forgets_files:
            self.unsynced.discard(inode)
        self.entries = [entry for entry in self.entries if entry[0] != inode]

    def lose(self) -> None:
        """Take back names first made last, then contents."""
        for parent, name, old, lost in reversed(self.entries):
            folder = next((p for p in self._paths() if p.stat().st_ino == parent), None)
            if folder is None or not (folder / name).exists():
                continue
            if old is not None:
                os.rename(folder / name, folder / old)
                if lost is not None:
                    (folder / name).write_bytes(lost)
            elif (folder / name).is_dir():
                shutil.rmtree(folder / name)
            else:
                os.unlink(folder / name)
        for path in self._paths():
            if path.is_file() and path.stat().st_ino in self.unsynced:
                os.truncate(path, path.stat().st_size // 2)

    def _paths(self) -> Iterator[Path]:
        yield self.root
        yield from self.root.rglob("*")
