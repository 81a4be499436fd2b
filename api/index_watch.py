"""A running service follows its index: a thread looks at the pointer and swaps versions.

It looks once a second: reading a line costs microseconds, and no system's own way of watching
files works on all of them.
"""

from __future__ import annotations

import logging
import threading
import time
from pathlib import Path
from types import TracebackType
from typing import Self

from api.reloading import Reloading
from index.store import Load, encoder_of, open_current
from index.versions import CURRENT, current_name
from rag.errors import CasebookError

_LOG = logging.getLogger("casebook.api")
_PAUSE_S = 1.0
_RETRY_S = 30.0
"""Between two tries of a version that cannot be opened: it may be repaired in place, or the disk come back."""


class IndexWatch:
    """Keeps an application on the current version of its index, for as long as it is entered.

    A version that cannot be opened leaves the one in service where it is; that is logged once, and
    ``/readyz`` tells it until the next swap. Older versions are not tried: the one in service is
    better than they are.

    Args:
        application: Swaps.
        index: The index directory.
        models: Where prepared models are.
        pause_s: Seconds between two looks.
        retry_s: Seconds between two tries of what failed.
        load: Loads the encoder of an index that has another one.
    """

    def __init__(
        self,
        application: Reloading,
        index: Path,
        models: Path,
        *,
        pause_s: float = _PAUSE_S,
        retry_s: float = _RETRY_S,
        load: Load = encoder_of,
    ) -> None:
        self._application = application
        self._index = index
        self._models = models
        self._pause_s = pause_s
        self._retry_s = retry_s
        self._load = load
        self._seen: bytes | None = None
        self._retry_at: float | None = None
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, name="index-watch", daemon=True)

    def __enter__(self) -> Self:
        """Begin to watch."""
        self._thread.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Stop; a version that is being opened is not waited for."""
        self._stop.set()

    def look(self) -> None:
        """Look at the pointer once, and follow it."""
        seen = self._pointer()
        due = self._retry_at is not None and time.monotonic() >= self._retry_at
        if seen is not None and seen == self._seen and not due:
            return
        # Before it is opened: what changes meanwhile is seen at the next look.
        self._seen, self._retry_at = seen, None
        try:
            self._follow()
        except (CasebookError, OSError) as error:
            self._fail(str(error))
        except Exception as error:  # noqa: BLE001 - the thread must live to see the next version
            _LOG.exception("the current version of %s could not be opened", self._index)
            self._fail(f"{type(error).__name__}：{error}")

    def _follow(self) -> None:
        old = self._application.opened
        if current_name(self._index) == old.version.name:
            self._application.keep(None)
            return
        started = time.perf_counter()
        opened = open_current(self._index, self._models, old.encoder, load=self._load)
        self._application.swap(opened)
        _LOG.info(
            "已换到索引 %s（原为 %s），打开用了 %.1f 秒",
            self._application.opened.version.name,
            old.version.name,
            time.perf_counter() - started,
        )

    def _fail(self, why: str) -> None:
        self._retry_at = time.monotonic() + self._retry_s
        degraded = f"{why}；仍用版本 {self._application.opened.version.name}"
        if degraded != self._application.degraded:
            _LOG.error(degraded)
        self._application.keep(degraded)

    def _pointer(self) -> bytes | None:
        try:
            return (self._index / CURRENT).read_bytes()
        except OSError:
            return None

    def _run(self) -> None:
        while not self._stop.wait(self._pause_s):
            self.look()
