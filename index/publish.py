"""A new version becomes the current one, whole or not at all.

Written aside, synced, read back, renamed into place and only then pointed at. Several builds may
run at once; they publish one after the other, and the last one is current.
"""

from __future__ import annotations

import os
import re
import shutil
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

from filelock import FileLock, Timeout

from index.manifest import FileRecord, Manifest, digest_of
from index.store import CURRENT, MANIFEST, VERSIONS, Version
from rag.errors import CasebookError, IndexDamagedError

_LOCK = "LOCK"
_LOCK_S = 60
"""Seconds to wait for another build that is publishing, which takes one."""
_ASIDE = ".build"
_KEPT = 3
"""Versions left in place: the current one and two to go back to."""
_NAME = re.compile(r"v[0-9]{6}-[0-9a-f]{10}")


def publish(index: Path, files: Mapping[str, bytes], manifest: Manifest) -> Version:
    """Write a version and make it the current one.

    Args:
        index: The index directory; made if missing.
        files: Every file of the version, by path below its folder.
        manifest: Without ``files``, which are recorded here.

    Returns:
        The version, which is now the current one.

    Raises:
        CasebookError: If another build holds the lock for a minute.
        IndexDamagedError: If the disk does not give back what was written.
        OSError: If the disk is full or not writable. The version in use is untouched.
    """
    versions = index / VERSIONS
    versions.mkdir(parents=True, exist_ok=True)
    try:
        with FileLock(index / _LOCK, timeout=_LOCK_S):
            return _publish(index, versions, files, manifest)
    except Timeout:
        message = f"另一个 build 正在写入 {index}；请等它结束后重试"
        raise CasebookError(message) from None


def _publish(
    index: Path, versions: Path, files: Mapping[str, bytes], manifest: Manifest
) -> Version:
    """Do it; the lock is held, so whatever lies aside was left by a build that died."""
    aside, pointer = versions / _ASIDE, index / f"{CURRENT}.new"
    try:
        shutil.rmtree(aside, ignore_errors=True)
        records = {name: _write(aside / name, data) for name, data in files.items()}
        complete = replace(manifest, files=records)
        _write(aside / MANIFEST, complete.to_json())
        for folder in (aside, *(path for path in aside.iterdir() if path.is_dir())):
            _sync_folder(folder)
        name = f"v{_last_number(versions) + 1:06d}-{digest_of(complete.to_json())[:10]}"
        aside.rename(versions / name)
        _sync_folder(versions)
        _write(pointer, f"{name}\n".encode())
        pointer.replace(index / CURRENT)
        _sync_folder(index)
    finally:
        shutil.rmtree(aside, ignore_errors=True)
        pointer.unlink(missing_ok=True)
    for old in _published(versions)[:-_KEPT]:
        shutil.rmtree(old, ignore_errors=True)  # where a reader holds it open, the next build does
    return Version(name, versions / name, complete)


def _published(versions: Path) -> list[Path]:
    """The published versions, oldest first; what people put beside them is not touched."""
    return sorted(path for path in versions.iterdir() if _NAME.fullmatch(path.name))


def _last_number(versions: Path) -> int:
    published = _published(versions)
    return int(published[-1].name[1:7]) if published else 0


def _write(path: Path, data: bytes) -> FileRecord:
    """Write a file durably, and make sure that it can be read back."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("wb") as stream:
        stream.write(data)
        stream.flush()
        os.fsync(stream.fileno())
    if path.read_bytes() != data:
        message = f"{path} 写入后读出的内容不同；请检查磁盘后重新建立索引"
        raise IndexDamagedError(message)
    return FileRecord(len(data), digest_of(data))


def _sync_folder(folder: Path) -> None:
    """Make renames and new names in a folder durable."""
    if os.name == "nt":  # Windows opens no folders; its file system journals names by itself
        return
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
