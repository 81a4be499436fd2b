"""A few threads that work through a list, for work that waits on others."""

from __future__ import annotations

import queue
import threading
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future
from typing import TypeVar

Item = TypeVar("Item")
Result = TypeVar("Result")


class Stopped(Exception):  # noqa: N818 -- nothing is wrong
    """Someone asked for the work to end."""


def pausing(stop: threading.Event) -> Callable[[float], None]:
    """Make a ``sleep`` that ends with `Stopped` as soon as the event is set."""

    def sleep(seconds: float) -> None:
        if stop.wait(seconds):
            raise Stopped

    return sleep


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
        Exception: What ``work`` raised; nothing more is begun then.
    """
    waiting: queue.SimpleQueue[Item] = queue.SimpleQueue()
    for item in items:
        waiting.put(item)
    done: queue.SimpleQueue[tuple[Item, Future[Result]] | None] = queue.SimpleQueue()

    def run() -> None:
        while not stop.is_set():
            try:
                item = waiting.get_nowait()
            except queue.Empty:
                break
            done.put((item, _outcome(work, item)))
        done.put(None)

    running = min(threads, len(items))
    for _ in range(running):
        threading.Thread(target=run, daemon=True).start()
    try:
        while running:
            finished = done.get()
            if finished is None:
                running -= 1
            else:
                item, outcome = finished
                yield item, outcome.result()
    except BaseException:  # of the work, or the caller went away
        stop.set()
        raise


def _outcome(work: Callable[[Item], Result], item: Item) -> Future[Result]:
    """Do it, and keep what it returned or raised."""
    outcome: Future[Result] = Future()
    try:
        outcome.set_result(work(item))
    except Exception as error:  # noqa: BLE001 -- raised again where the result is taken
        outcome.set_exception(error)
    return outcome
