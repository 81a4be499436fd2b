"""Is there room for an index? Asked before anything is written."""

from __future__ import annotations

import shutil
from pathlib import Path

from rag.errors import CasebookError

RESERVE = 64 * 2**20
"""Bytes left to whatever else keeps its state on the same disk: feedback, logs."""


def require_room(index: Path, size: int) -> None:
    """Refuse to begin what would fill the disk.

    Twice the size: the version itself, and what `index.vectors` keeps beside it.

    Args:
        index: The index directory, which need not exist yet.
        size: How large a version is going to be, in bytes.

    Raises:
        CasebookError: With what there is and what is needed.
    """
    folder = next(path for path in (index, *index.absolute().parents) if path.is_dir())
    free, needed = shutil.disk_usage(folder).free, 2 * size + RESERVE
    if free < needed:
        message = (
            f"{folder} 所在的磁盘只剩 {free / 2**20:.0f} MB，建立这个索引需要 {needed / 2**20:.0f} MB"
            f"（估计大小 {size / 2**20:.1f} MB 的两倍，另留 {RESERVE / 2**20:.0f} MB）；"
            "什么也没有写入，原有索引不变。请腾出空间，或用 --index 换到别的磁盘"
        )
        raise CasebookError(message)
