"""Old versions and leftovers are removed, and never half of one stays under a version's name."""

from __future__ import annotations

import logging
import shutil
from pathlib import Path
from secrets import token_hex

from index.durable import sync_folder
from index.versions import VERSIONS, published

ASIDE = ".build"
"""Below the folder of versions: where the next one is written."""
_TRASH = ".trash-"
_KEPT = 3
"""Versions left in place: the newest and two to go back to."""
_LOG = logging.getLogger("casebook.index")


def discard(folder: Path) -> None:
    """Take a folder's name away in one step, then remove what is in it.

    What cannot be removed stays in the trash; see `sweep`.

    Raises:
        OSError: If it cannot be renamed; it is then as it was.
    """
    if not folder.exists():
        return
    trash = folder.with_name(f"{_TRASH}{token_hex(4)}")
    folder.rename(trash)
    # Else a power cut could bring the name back after some of the files are gone.
    sync_folder(folder.parent)
    shutil.rmtree(trash, ignore_errors=True)


def sweep(index: Path) -> None:
    """Remove what writers that died have left; call it with the lock held."""
    for path in (index / VERSIONS).iterdir():
        if path.name.startswith(_TRASH):
            shutil.rmtree(path, ignore_errors=True)
    discard(index / VERSIONS / ASIDE)


def retire(index: Path, in_use: set[str]) -> None:
    """Remove all versions but the last three and those in use; call it with the lock held.

    A version that resists is logged and tried again after the next build.
    """
    for name in published(index)[:-_KEPT]:
        if name not in in_use:
            try:
                discard(index / VERSIONS / name)
            except OSError as error:  # on Windows, where a reader holds a file of it open
                _LOG.warning("旧版本 %s 现在删不掉（%s），下次 build 再删", name, error.strerror)
