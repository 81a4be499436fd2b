"""Every call that changes the disk, counted; at one of them the process dies, or the call fails."""

# ruff: noqa: PTH110, PTH112

from __future__ import annotations

import errno
import io
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

from tests.crashes.disk import Disk

KILLED, CUT_OFF = 137, 138
"""Exit statuses: killed at a step, and with the power cut right after it was said to be done."""


def step_through(  # noqa: C901 - one closure a call
    folder: Path, fatal: int, mode: str
) -> tuple[Callable[[], None], list[str]]:
    """Count every call that changes the disk; at one of them, die or fail.

    Returns:
        What ends the process as the mode has it, and the names of the calls so far.
    """
    real = {
        name: getattr(os, name)
        for name in ("fsync", "rename", "replace", "mkdir", "unlink", "rmdir", "_exit")
    }
    plain_open, disk, calls = io.open, Disk(folder), []

    def die(status: int = KILLED) -> None:
        for name, function in real.items():
            setattr(os, name, function)
        io.open = plain_open
        if mode == "power":
            disk.lose()
        os._exit(status)

    def step(name: str) -> None:
        calls.append(name)
        if len(calls) == fatal:
            if mode in ("kill", "power"):
                die()
            number = (errno.EIO, errno.ENOSPC, errno.EINTR)[fatal % 3]
            raise OSError(number, os.strerror(number))

    class Stream(io.BufferedWriter):
        def write(self, data: Any) -> int:
            step("write")
            half = len(data) // 2
            super().write(data[:half])
            self.flush()
            step("write on")
            super().write(data[half:])
            return len(data)

    def fsync(descriptor: int) -> None:
        step("fsync")
        disk.synced(descriptor)

    def rename(old: Any, new: Any) -> None:
        step("rename")
        lost = Path(new).read_bytes() if Path(new).is_file() else None
        real["replace"](old, new)
        disk.renamed(str(old), str(new), lost)

    def mkdir(path: Any, *more: Any, **named: Any) -> None:
        if not os.path.isdir(path):
            step("mkdir")
        real["mkdir"](path, *more, **named)
        disk.made(str(path))

    def removing(name: str) -> Callable[..., None]:
        def remove(path: Any, **named: Any) -> None:
            step(name)
            real[name](path, **named)

        return remove

    def opening(file: Any, mode: str = "r", *more: Any, **named: Any) -> Any:
        if "w" not in mode:
            return plain_open(file, mode, *more, **named)
        step("open")
        new = not os.path.exists(file)
        stream = (
            Stream(io.FileIO(file, "w")) if mode == "wb" else plain_open(file, mode, *more, **named)
        )
        disk.opened(stream.fileno(), str(file), new=new)
        return stream

    os.fsync, os.rename, os.replace, os.mkdir = fsync, rename, rename, mkdir
    os.unlink, os.rmdir = removing("unlink"), removing("rmdir")
    io.open = opening
    return die, calls
