"""Digests of files on disk: how a download, a graph or a tokenizer is recognised."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from pathlib import Path


def file_sha256(path: Path) -> str:
    """Hash a file without reading it into memory whole.

    Returns:
        64 lower-case hex digits.
    """
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


def files_sha256(paths: Sequence[Path]) -> str:
    """Hash several files as one, in the order given; one file alone has its own digest.

    Raises:
        ValueError: If there is no file.
    """
    if not paths:
        message = "no files to hash"
        raise ValueError(message)
    digests = [file_sha256(path) for path in paths]
    if len(digests) == 1:
        return digests[0]
    return hashlib.sha256("".join(digests).encode("ascii")).hexdigest()
