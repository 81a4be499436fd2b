"""A few threads that work through a list, for work that waits on others."""

from __future__ import annotations

import queue
import threading
from collections.abc import Callable, Iterator, Sequence
from typing import TypeAlias, TypeVar

Item = TypeVar("Item")
Result = TypeVar("Result")

_LOOK_UP_S = 0.1
"""How long a Ctrl-C may go unheeded."""

_Done: TypeAlias = queue.SimpleQueue[tuple[Item, Result] | BaseException | None]


class Stopped(Exception):  # noqa: N818 -- nothing is wrong
    """Someone asked for the work to end."""


def pausing(stop: threading.Event) -> Callable[[float], None]:
    """Make a ``sleep`` that ends with `Stopped` as soon as the event is set."""

    def sleep(seconds: float) -> None:
        if stop.wait(seconds):
            raise Stopped

    return sleep


class Patience:
    """Ends the work after failures in a row.

    Told in the threads that work, each before it begins anything more: whoever takes the results may
    be behind.

    Args:
        failures: How many are too many.
        stop: Set then.
    """

    def __init__(self, failures: int, stop: threading.Event) -> None:
        self._most = failures
        self._stop = stop
        self._lock = threading.Lock()
        self._in_a_row = 0
        self._at_an_end = False

    @property
    def at_an_end(self) -> bool:
        """Whether this is what ended the work; not if it was stopped before."""
        return self._at_an_end

    def succeeded(self) -> None:
        """Begin to count again."""
        with self._lock:
            self._in_a_row = 0

    def failed(self) -> None:
        """Count a failure."""
        with self._lock:
            self._in_a_row += 1
            if self._in_a_row >= self._most and not self._stop.is_set():
                self._at_an_end = True
                self._stop.set()


def worked(
    work: Callable[[Item], Result], items: Sequence[Item], *, threads: int, stop: threading.Event
) -> Iterator[tuple[Item, Result]]:
    """Work through a list in threads, and yield what is done as it is done.

    The threads are daemons: a program that ends does not wait for them, as it would for those of
    ``concurrent.futures``.

    Args:
        work: Called in one of the threads.
        items: What to work on; begun in this order.
        threads: How many at once.
        stop: Once set, nothing more is begun; what has begun is still yielded.

    Yields:
        An item and its result, in the order of completion.

    Raises:
        BaseException: What ``work`` raised; nothing more is begun then.
    """
    waiting: queue.SimpleQueue[Item] = queue.SimpleQueue()
    for item in items:
        waiting.put(item)
    done: _Done[Item, Result] = queue.SimpleQueue()
    running = min(threads, len(items))
    for _ in range(running):
        threading.Thread(target=_run, args=(work, waiting, done, stop), daemon=True).start()
    try:
        while running:
            finished = _next(done)
            if finished is None:
                running -= 1
            else:
                yield finished
    except BaseException:  # of the work, or the caller went away
        stop.set()
        raise


def _run(
    work: Callable[[Item], Result],
    waiting: queue.SimpleQueue[Item],
    done: _Done[Item, Result],
    stop: threading.Event,
) -> None:
    """Be one of the threads: put what is done, or what ended it, and last of all None."""
    try:
        while not stop.is_set():
            try:
                item = waiting.get_nowait()
            except queue.Empty:
                break
            done.put((item, work(item)))
    except BaseException as error:  # noqa: BLE001 -- raised in the thread of the caller
        done.put(error)
    finally:
        done.put(None)


def _next(done: _Done[Item, Result]) -> tuple[Item, Result] | None:
    """Wait for what the threads put next, and for Ctrl-C.

    A signal that comes between the interpreter's last look for one and the start of the wait ends no
    wait: without a time limit, Ctrl-C would be heeded once the work is done.
    """
    while True:
        try:
            finished = done.get(timeout=_LOOK_UP_S)
        except queue.Empty:
            continue
        if isinstance(finished, BaseException):
            raise finished
        return finished
