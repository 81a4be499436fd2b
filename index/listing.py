"""The versions of an index as their keeper sees them: ``casebook versions``."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from index.manifest import Manifest
from index.store import require_terms
from index.versions import (
    MANIFEST,
    VERSIONS,
    current_name,
    damaged_files,
    published,
    read_version,
)
from rag.errors import CasebookError, IndexDamagedError


@dataclass(frozen=True, slots=True)
class Listed:
    """A version, sound or not.

    Attributes:
        name: Its name.
        written_at: When its manifest was written, in UTC; None if there is none.
        size: Bytes of all its files.
        current: Whether it is the one in use.
        manifest: What it is made of; None if that cannot be read.
        fault: Why it cannot be used; None if it can.
    """

    name: str
    written_at: datetime | None
    size: int
    current: bool
    manifest: Manifest | None
    fault: str | None

    def to_json(self) -> dict[str, Any]:
        """The version, ready for ``json.dumps``; what its manifest would say is null without one."""
        known = self.manifest
        return {
            "version": self.name,
            "written_at": self.written_at and self.written_at.isoformat(timespec="seconds"),
            "cases": known and known.cases,
            "passages": known and known.passages,
            "encoder": known and known.encoder.name,
            "bytes": self.size,
            "current": self.current,
            "fault": self.fault,
        }


def listed(index: Path) -> list[Listed]:
    """Verify every file of every version.

    Returns:
        The versions, oldest first.

    Raises:
        IndexMissingError: If nothing has been built there.
    """
    try:
        current = current_name(index)
    except IndexDamagedError:
        current = ""
    return [_listed(index / VERSIONS / name, current=name == current) for name in published(index)]


def _listed(folder: Path, *, current: bool) -> Listed:
    manifest, fault = None, None
    try:
        version = read_version(folder, folder.name)
        manifest = version.manifest
        require_terms(manifest)
        fault = next(iter(damaged_files(version).values()), None)
    except CasebookError as error:
        fault = str(error)
    try:
        written_at = datetime.fromtimestamp((folder / MANIFEST).stat().st_mtime, UTC)
    except FileNotFoundError:
        written_at = None
    size = sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())
    return Listed(folder.name, written_at, size, current, manifest, fault)
