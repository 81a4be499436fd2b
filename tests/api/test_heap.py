"""The heap of a service: what is free goes back to the system."""

from __future__ import annotations

import subprocess
import sys

import pytest

PROGRAM = """
import os
import time
from pathlib import Path
from api.heap import trimmed_heap

def resident():
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE") / 2**20

before = resident()
# More than Python keeps for itself, less than the C library takes from the system one by one.
pieces = [bytearray(1000) for _ in range(100_000)]
kept = pieces[-1]
del pieces
without = resident() - before
until = time.monotonic() + 20
with trimmed_heap(0.01):
    while resident() - before > 20 and time.monotonic() < until:
        time.sleep(0.01)
print(without, resident() - before)
"""


@pytest.mark.skipif(sys.platform != "linux", reason="glibc's heap is meant")
def test_what_is_free_below_a_piece_that_stays_goes_back_to_the_system() -> None:
    # In a process of its own: the heap of this one has holes that the pieces would fill.
    ran = subprocess.run(
        [sys.executable, "-c", PROGRAM], capture_output=True, text=True, check=True
    )
    without, with_it = map(float, ran.stdout.split())
    assert without > 80
    assert with_it <= 20
