"""The heap of a service: what is free goes back to the system."""

from __future__ import annotations

import sys
import time
from pathlib import Path

import pytest

from api.heap import trimmed_heap

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="glibc's heap is meant")
MIB = 2**20
PIECE = 1000
"""Bytes: more than Python keeps for itself, less than the C library takes from the system one by one."""


def resident() -> int:
    return int(Path("/proc/self/statm").read_text().split()[1]) * 4096


def test_what_is_free_below_a_piece_that_stays_goes_back_to_the_system() -> None:
    before = resident()
    pieces = [bytearray(PIECE) for _ in range(100 * MIB // PIECE)]
    kept = pieces[-1]
    del pieces
    assert resident() - before > 80 * MIB, "without it, the last piece keeps all others"
    deadline = time.monotonic() + 20
    with trimmed_heap(0.01):
        while resident() - before > 20 * MIB and time.monotonic() < deadline:
            time.sleep(0.01)
    assert resident() - before <= 20 * MIB
    assert len(kept) == PIECE
