"""What is written a little later: a bounded queue, and one thread that empties it.

A request hands over what is to be kept and goes on; neither a slow disk nor a full one holds it up. What
finds no room is counted, and the count is written with what comes next: nothing is left out in silence.
"""

from __future__ import annotations

import logging
import threading
import time
from collections import deque
from collections.abc import Callable, Sequence
from itertools import islice
from typing import Generic, TypeVar

from rag.errors import CasebookError

_LOG = logging.getLogger("casebook.api")
_Item = TypeVar("_Item")

_MOST = 10_000
"""Entries that may wait: some 5 MB, and at 100 requests a second more than a minute without a disk."""
_BATCH = 500
"""Entries in one transaction, so that a busy minute does not sync the disk for each."""
_GATHER_S = 0.2
"""From the first entry that waits until they are written: else a busy service syncs the disk for every
request. On one processor, requests turned away a second went from 2,730 to 4,640."""
_RETRY_S = 1.0
_TIDY_S = 3600.0


class Backlog(Generic[_Item]):
    """Hands what is put into it to a function, in order, in a thread of its own.

    Args:
        what: What is written, for messages.
        write: Writes a batch and how many entries were lost before it; on return both are on the
            disk. Raises `CasebookError` if they cannot be, and is asked again a second later.
        tidy: Clears what is too old; at the start and every hour.
        most: How many entries may wait.
    """

    def __init__(
        self,
        what: str,
        write: Callable[[Sequence[_Item], int], None],
        tidy: Callable[[], object],
        *,
        most: int = _MOST,
    ) -> None:
        self._what = what
        self._write = write
        self._tidy = tidy
        self._most = most
        self._waiting: deque[_Item] = deque()
        self._lost = 0
        self._told = 0
        self._closing = False
        self._failing = False
        self._changed = threading.Condition()
        self._thread = threading.Thread(target=self._run, name=f"casebook-{what}", daemon=True)

    @property
    def lost(self) -> int:
        """How many entries found no room, or could not be written, since the start."""
        return self._lost

    def start(self) -> None:
        """Begin to write."""
        self._thread.start()

    def put(self, item: _Item) -> None:
        """Take something to write; never waits for the disk."""
        with self._changed:
            if self._closing or len(self._waiting) >= self._most:
                self._lost += 1
            else:
                self._waiting.append(item)
                if len(self._waiting) == 1:  # else it is awake, or will look before it sleeps
                    self._changed.notify()

    def close(self, timeout_s: float = 10.0) -> None:
        """Write what waits, and stop. What cannot be written by then is counted as lost.

        Args:
            timeout_s: Seconds to wait for the disk.
        """
        with self._changed:
            self._closing = True
            self._changed.notify()
        if self._thread.ident is not None:
            self._thread.join(timeout_s)
        with self._changed:
            self._lost += len(self._waiting)
        if self._lost > self._told:
            _LOG.error("%s: %d entries were not written", self._what, self._lost - self._told)

    def _run(self) -> None:
        tidied = -_TIDY_S
        while True:
            if time.monotonic() - tidied >= _TIDY_S:
                self._try(self._tidy)
                tidied = time.monotonic()
            with self._changed:
                self._changed.wait_for(lambda: self._closing or self._due, timeout=_TIDY_S)
                if self._closing and not self._due:
                    return
                if len(self._waiting) < _BATCH:
                    self._changed.wait_for(lambda: self._closing, timeout=_GATHER_S)
            if self._due and not self._try(self._write_some):
                with self._changed:
                    if self._changed.wait_for(lambda: self._closing, timeout=_RETRY_S):
                        self._try(self._write_some)
                        return

    @property
    def _due(self) -> bool:
        return bool(self._waiting) or self._lost > self._told

    def _write_some(self) -> None:
        """Write a batch; it stays in the queue until it is on the disk, and counts there."""
        with self._changed:
            batch = tuple(islice(self._waiting, _BATCH))
            lost = self._lost - self._told
        self._write(batch, lost)
        with self._changed:
            for _ in batch:
                self._waiting.popleft()
        self._told += lost
        if lost:
            _LOG.error("%s: %d entries found no room", self._what, lost)

    def _try(self, step: Callable[[], object]) -> bool:
        """Take a step; whether it went well. A failure is logged once, until one goes well again."""
        try:
            step()
        except CasebookError as error:
            if not self._failing:
                _LOG.error("%s: %s", self._what, error)
            self._failing = True
            return False
        self._failing = False
        return True
