"""A new version becomes the current one, whole or not at all.

Written aside, synced, read back, asked (`index.canary`), renamed into place and only then pointed
at. Several builds may run at once; they publish one after the other, and the last one is current.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import replace
from pathlib import Path

from index.durable import replace_durably, sync_folder, write_durably
from index.lock import writing
from index.manifest import FileRecord, Manifest, digest_of
from index.retire import ASIDE, discard, retire, sweep
from index.room import require_room
from index.versions import (
    CURRENT,
    MANIFEST,
    VERSIONS,
    Version,
    current_name,
    name_of,
    number_of,
    published,
    read_version,
)
from rag.errors import IndexDamagedError, IndexMissingError


def publish(
    index: Path,
    files: Mapping[str, bytes],
    manifest: Manifest,
    *,
    prove: Callable[[Version], None],
) -> Version:
    """Write a version and make it the current one.

    Args:
        index: The index directory; made if missing.
        files: Every file of the version, by path below its folder.
        manifest: Without ``files``, which are recorded here.
        prove: Asks the version, which is on the disk by then but has no name yet. What it raises
            leaves the version in use untouched.

    Returns:
        The version, which is now the current one.

    Raises:
        CasebookError: If there is no room for it, or another process writes for a minute.
        IndexDamagedError: If the disk does not give back what was written.
        OSError: If the disk is full or not writable. The version in use is untouched.
    """
    require_room(index, sum(map(len, files.values())))
    (index / VERSIONS).mkdir(parents=True, exist_ok=True)
    with writing(index):
        sweep(index)
        before = _in_use(index)
        try:
            version = _write(index, files, manifest, prove)
        finally:
            with suppress(OSError):  # the next build sweeps
                discard(index / VERSIONS / ASIDE)
        point_at(index, version.name)
        # What was current until now may be being opened at this moment.
        retire(index, {version.name, *before})
    return version


def point_at(index: Path, name: str) -> None:
    """Make a published version the current one; call it with the lock held."""
    replace_durably(index / CURRENT, f"{name}\n".encode())


def _write(
    index: Path,
    files: Mapping[str, bytes],
    manifest: Manifest,
    prove: Callable[[Version], None],
) -> Version:
    """Write a version under a name that nothing points at yet."""
    versions = index / VERSIONS
    aside = versions / ASIDE
    for name, data in files.items():
        write_durably(aside / name, data)
    complete = replace(
        manifest,
        files={name: FileRecord(len(data), digest_of(data)) for name, data in files.items()},
    )
    described = complete.to_json()
    write_durably(aside / MANIFEST, described)
    for folder in (aside, *(path for path in aside.rglob("*") if path.is_dir())):
        sync_folder(folder)
    latest = max(map(number_of, published(index)), default=0)
    name = name_of(latest + 1, described)
    prove(read_version(aside, name))
    aside.rename(versions / name)
    sync_folder(versions)
    return Version(name, versions / name, complete)


def _in_use(index: Path) -> tuple[str, ...]:
    try:
        return (current_name(index),)
    except (IndexMissingError, IndexDamagedError):
        return ()
