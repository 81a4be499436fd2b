"""Reading ahead in a thread, and stopping."""

from __future__ import annotations

import itertools
import threading
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from rag.endpoint import Flow
from rag.errors import AbandonedError, CasebookError
from rag.feed import Feed


class Line:
    """A connection whose pieces a test decides."""

    def __init__(self, pieces: Iterator[bytes]) -> None:
        self.pieces = pieces
        self.cut = threading.Event()
        self.ended = threading.Event()

    @contextmanager
    def open(self) -> Iterator[Flow]:
        try:
            yield Flow(self.pieces, self.cut.set)
        finally:
            self.ended.set()


def test_pieces_come_in_order_and_then_the_end() -> None:
    feed = Feed(Line(iter([b"a", b"b"])).open)
    assert [feed.take(10), feed.take(10), feed.take(10)] == [b"a", b"b", None]


def test_a_wait_ends_when_its_time_is_up() -> None:
    line = Line(iter([]))

    def silent() -> Iterator[bytes]:
        line.cut.wait()
        yield b""

    line.pieces = silent()
    feed = Feed(line.open)
    with pytest.raises(TimeoutError):
        feed.take(0.05)
    feed.close()


def test_without_time_left_nothing_is_taken_though_it_is_there() -> None:
    feed = Feed(Line(iter([b"a", b"b"])).open)
    assert feed.take(10) == b"a"
    with pytest.raises(TimeoutError):
        feed.take(0)


def test_what_goes_wrong_while_reading_is_the_takers() -> None:
    def fails() -> Iterator[bytes]:
        yield b"a"
        message = "断了"
        raise CasebookError(message)

    feed = Feed(Line(fails()).open)
    assert feed.take(10) == b"a"
    with pytest.raises(CasebookError, match="断了"):
        feed.take(10)


def test_nothing_is_read_far_ahead_of_who_wants_it() -> None:
    read = itertools.count()
    line = Line(str(next(read)).encode() for _ in range(10_000))
    feed = Feed(line.open)
    assert feed.take(10) == b"0"
    feed.close()
    assert line.ended.wait(10)
    assert next(read) < 100


def test_closing_cuts_the_connection_once_or_twice() -> None:
    line = Line(iter([]))
    line.pieces = (b"a" for _ in itertools.repeat(None))
    feed = Feed(line.open)
    feed.take(10)
    feed.close()
    feed.close()
    assert line.cut.is_set()
    assert line.ended.wait(10)


def test_whoever_left_is_waited_for_no_longer() -> None:
    line, left = Line(iter([])), threading.Event()

    def silent() -> Iterator[bytes]:
        left.set()
        line.cut.wait()
        yield b""

    line.pieces = silent()
    feed = Feed(line.open, left)
    with pytest.raises(AbandonedError):
        feed.take(60)
    feed.close()
    assert line.ended.wait(10)
