"""Arrays and what they are stored in: files in memory, or mapped where they are large.

A mapped file takes memory only where it is read, and the system takes that back when it needs it.
Versions of an index never change on the disk, so what was verified stays what is read.
"""

from __future__ import annotations

import hashlib
import io
import mmap
from pathlib import Path
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

Data: TypeAlias = bytes | memoryview
"""What a file holds."""

_Integers: TypeAlias = NDArray[np.int64]

MAPPED_FROM = 2**26
"""Bytes of a file from which it is mapped: smaller ones cost little and are safe from whatever
happens to the disk."""


def contents(file: Path) -> tuple[Data, str]:
    """Read a file.

    Returns:
        What it holds, and the sha256 of that in hex.

    Raises:
        OSError: If it cannot be read.
    """
    with file.open("rb") as stream:
        if file.stat().st_size < MAPPED_FROM:
            data = stream.read()
            return data, hashlib.sha256(data).hexdigest()
        digest = hashlib.file_digest(stream, "sha256").hexdigest()  # without touching the mapping
        return memoryview(mmap.mmap(stream.fileno(), 0, access=mmap.ACCESS_READ)), digest


def array_bytes(array: NDArray[Any]) -> bytes:
    """Write an array in numpy's format."""
    stream = io.BytesIO()
    np.save(stream, array, allow_pickle=False)
    return stream.getvalue()


def array_of(data: Data) -> NDArray[Any]:
    """Read what `array_bytes` wrote, without copying it: the array is read-only.

    Raises:
        ValueError: If the data are no such array.
    """
    header = io.BytesIO(bytes(data[:_HEADER]))
    if np.lib.format.read_magic(header) != (1, 0):
        message = "an array of another version of numpy's format"
        raise ValueError(message)
    shape, in_columns, kind = np.lib.format.read_array_header_1_0(header)
    if in_columns and len(shape) > 1:
        message = "an array that is stored column by column"
        raise ValueError(message)
    return np.frombuffer(data, dtype=kind, offset=header.tell()).reshape(shape)


_HEADER = 2**16 + 10
"""Bytes that the header of such a file has at most."""


def runs(starts: _Integers, counts: _Integers) -> tuple[_Integers, _Integers]:
    """List the places of some runs, one run after the other.

    Args:
        starts: First place of each run.
        counts: Length of each; may be 0.

    Returns:
        The places, as many as the lengths add up to, and where each run begins among them.

    >>> runs(np.array([7, 2]), np.array([2, 3]))
    (array([7, 8, 2, 3, 4]), array([0, 2]))
    """
    offsets = np.cumsum(counts) - counts
    return np.arange(counts.sum()) + np.repeat(starts - offsets, counts), offsets
