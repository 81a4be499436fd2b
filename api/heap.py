"""What the C library keeps of freed memory, handed back to the system while a service runs."""

from __future__ import annotations

import ctypes
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager

_PAUSE_S = 30.0
"""Between two times; one takes 10 to 20 ms beside the requests. Asked eight at a time without a pause, a
service has 326 to 367 MiB, without it 395 (docs/decisions/0026-serving.md)."""


@contextmanager
def trimmed_heap(pause_s: float = _PAUSE_S) -> Iterator[None]:
    """Hand free memory back every so often, for as long as it is entered.

    glibc has a heap for every thread, and by itself hands back only what is free at a heap's end:
    one small piece that stays keeps all before it. Where the C library is another one, nothing is
    done.

    Args:
        pause_s: Seconds between two times.

    Source:
        malloc_trim(3).
    """
    if sys.platform != "linux" or not hasattr(library := ctypes.CDLL(None), "malloc_trim"):
        yield
        return
    stop = threading.Event()

    def trim() -> None:
        while not stop.wait(pause_s):
            library.malloc_trim(0)

    threading.Thread(target=trim, name="heap", daemon=True).start()
    try:
        yield
    finally:
        stop.set()
