"""Writing so that a power cut takes back nothing that was said to be written."""

from __future__ import annotations

import os
from pathlib import Path

from rag.errors import IndexDamagedError


def write_durably(file: Path, data: bytes) -> None:
    """Write a file, wait until the disk has it, and make sure that it can be read back.

    Its name is durable only once its folder is synced, too.

    Args:
        file: Its folder is made if missing.
        data: All of it.

    Raises:
        IndexDamagedError: If the disk does not give back what was written.
        OSError: If the disk is full or not writable.
    """
    file.parent.mkdir(parents=True, exist_ok=True)
    with file.open("wb") as stream:
        stream.write(data)
        stream.flush()
        os.fsync(stream.fileno())
    if file.read_bytes() != data:
        message = f"{file} 写入后读出的内容不同；请检查磁盘后重新建立索引"
        raise IndexDamagedError(message)


def replace_durably(file: Path, data: bytes) -> None:
    """Give a file another content: whoever reads it sees the old or the new one, whole.

    Raises:
        IndexDamagedError: If the disk does not give back what was written.
        OSError: If the disk is full or not writable; the file is as it was, unless it was the
            folder's sync that failed.
    """
    new = file.with_name(f"{file.name}.new")
    try:
        write_durably(new, data)
        new.replace(file)
    finally:
        new.unlink(missing_ok=True)
    sync_folder(file.parent)


def sync_folder(folder: Path) -> None:
    """Make renames and new names in a folder durable."""
    if os.name == "nt":  # Windows opens no folders; its file system journals names by itself
        return
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
