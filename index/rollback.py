"""Going back to an earlier version: the pointer is rewritten and nothing else."""

from __future__ import annotations

from pathlib import Path

from index.lock import writing
from index.publish import point_at
from index.store import require_terms
from index.versions import (
    REBUILD,
    VERSIONS,
    Version,
    current_name,
    damaged_files,
    named_version,
    published,
    read_version,
)
from rag.errors import (
    CasebookError,
    IndexDamagedError,
    IndexMismatchError,
    IndexMissingError,
)


def rollback(index: Path, wanted: str | None = None) -> Version:
    """Make an earlier version the current one, or any that is named; it is verified first.

    A running service follows by itself. Nothing is removed.

    Args:
        index: The index directory.
        wanted: A version's name, or the part before the hyphen; None for the newest sound one
            before the current. Where the pointer is lost, the newest sound one.

    Returns:
        The version, which is now the current one.

    Raises:
        IndexMissingError: If nothing has been built there.
        IndexDamagedError: If the version is damaged.
        IndexMismatchError: If this release cannot open it.
        CasebookError: If there is no such version, or another process writes for a minute.
    """
    if not published(index):
        message = f"{index} 里没有可以退回的版本；请运行：{REBUILD}"
        raise IndexMissingError(message)
    with writing(index):
        version = (
            _earlier(index) if wanted is None else _require_sound(named_version(index, wanted))
        )
        point_at(index, version.name)
    return version


def _earlier(index: Path) -> Version:
    names = published(index)
    try:
        current = current_name(index)
    except IndexDamagedError:
        current = ""
    if current in names:
        names = names[: names.index(current)]
    for name in reversed(names):
        try:
            return _require_sound(read_version(index / VERSIONS / name, name))
        except (IndexDamagedError, IndexMismatchError):
            continue  # `casebook versions` tells what is wrong with it
    others = [name for name in published(index) if name != current]
    message = f"没有比 {current or '现有的'} 更早而完好的版本" + (
        f"；其余的有 {'、'.join(others)}，可以指定一个：casebook rollback {others[-1]}"
        if others
        else f"；请重新建立：{REBUILD}"
    )
    raise CasebookError(message)


def _require_sound(version: Version) -> Version:
    require_terms(version.manifest)
    for fault in damaged_files(version).values():
        raise IndexDamagedError(fault)
    return version
