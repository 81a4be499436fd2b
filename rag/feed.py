"""Bytes of a reply as they come, with no wait beyond what the reader allows.

An HTTP library's timeout is for each silence; a server that drips a byte a second never runs into
it, nor one that drips its headers. A thread reads, so that whoever waits for it can stop waiting at
an instant of its own choosing.
"""

from __future__ import annotations

import queue
import threading
import time
from collections.abc import Callable
from contextlib import AbstractContextManager

from rag.endpoint import Flow
from rag.errors import AbandonedError

_AHEAD = 64
"""Pieces that are read before anyone wants them; a flood waits in the connection, not in memory."""
_LOOK_S = 0.1
"""How often a reader whose pieces nobody takes looks whether anyone still will, and who waits for one whether
anyone still waits for that."""


class Feed:
    """A reply that is being read.

    Args:
        open_flow: Asks for the reply. It may take its time; nobody waits for it here.
        left: Set when nobody waits for the reply any more; None where that is never known.
    """

    def __init__(
        self,
        open_flow: Callable[[], AbstractContextManager[Flow]],
        left: threading.Event | None = None,
    ) -> None:
        self._open_flow = open_flow
        self._left = left
        self._items: queue.Queue[bytes | Exception | None] = queue.Queue(_AHEAD)
        self._closed = threading.Event()
        self._flow: Flow | None = None
        threading.Thread(target=self._read, name="feed", daemon=True).start()

    def take(self, timeout_s: float) -> bytes | None:
        """Wait for the next piece.

        Returns:
            The piece; None when the reply has ended.

        Raises:
            TimeoutError: If there is none within the time; with no time left, whether there is
                or not, so that a flood does not outlast a deadline either.
            AbandonedError: If nobody waits any more.
            Exception: What went wrong while reading, such as `Endpoint.stream` raises.
        """
        if timeout_s <= 0:
            raise TimeoutError
        until = time.monotonic() + timeout_s
        while True:
            if self._left is not None and self._left.is_set():
                raise AbandonedError
            rest_s = max(0.0, until - time.monotonic())
            try:
                item = self._items.get(
                    timeout=rest_s if self._left is None else min(rest_s, _LOOK_S)
                )
            except queue.Empty as error:
                if time.monotonic() >= until:
                    raise TimeoutError from error
                continue
            if isinstance(item, Exception):
                raise item
            return item

    def close(self) -> None:
        """Stop reading and cut the connection; may be called twice."""
        self._closed.set()
        if self._flow is not None:
            self._flow.abort()

    def _read(self) -> None:
        try:
            with self._open_flow() as flow:
                self._flow = flow
                for piece in flow.pieces:
                    if not self._put(piece):
                        return
            self._put(None)
        except Exception as error:  # noqa: BLE001 -- raised again by take, in the reader's thread
            self._put(error)

    def _put(self, item: bytes | Exception | None) -> bool:
        """Hand an item over; False if nobody takes any more."""
        while not self._closed.is_set():
            try:
                self._items.put(item, timeout=_LOOK_S)
            except queue.Full:
                continue
            return True
        return False
