"""Threads that work through a list."""

from __future__ import annotations

import os
import signal
import sys
import threading

import pytest

from rag.pool import Patience, Stopped, pausing, worked


def test_everything_is_done_once() -> None:
    done = list(worked(lambda n: n * n, range(20), threads=3, stop=threading.Event()))
    assert sorted(done) == [(n, n * n) for n in range(20)]


def test_one_thread_keeps_the_order() -> None:
    done = list(worked(str, [3, 1, 2], threads=1, stop=threading.Event()))
    assert done == [(3, "3"), (1, "1"), (2, "2")]


def test_nothing_to_do_is_done() -> None:
    assert list(worked(str, [], threads=2, stop=threading.Event())) == []


def test_as_many_are_worked_on_at_once_as_there_are_threads() -> None:
    together = threading.Barrier(3, timeout=60)  # passes only if three stand at it
    done = list(worked(lambda _: together.wait(), range(6), threads=3, stop=threading.Event()))
    assert len(done) == 6


def test_once_stopped_nothing_is_begun_and_what_was_begun_is_yielded() -> None:
    stop, begun = threading.Event(), []

    def work(n: int) -> int:
        begun.append(n)
        stop.set()
        return n

    assert list(worked(work, range(9), threads=1, stop=stop)) == [(0, 0)]
    assert begun == [0]


def test_what_the_work_raises_is_raised_and_stops_the_rest() -> None:
    stop = threading.Event()
    with pytest.raises(ZeroDivisionError):
        list(worked(lambda n: 1 // n, [1, 0, 1], threads=1, stop=stop))
    assert stop.is_set()


def test_work_that_ends_its_thread_is_raised_and_not_waited_for() -> None:
    with pytest.raises(SystemExit, match=r"\A3\Z"):
        list(worked(sys.exit, [3, 4], threads=2, stop=threading.Event()))


@pytest.mark.skipif(os.name == "nt", reason="signals are POSIX")
def test_an_interrupt_that_wakes_nobody_is_still_raised_before_the_work_is_done() -> None:
    """Another thread takes the signal, so that the one that waits sleeps on.

    To the waiting thread this is what a signal is that comes just before it falls asleep.
    """
    over = threading.Event()
    done: list[bool] = []

    def work(_: int) -> None:
        over.wait(0.5)  # until the other one sleeps; were it awake, the test would ask for less
        signal.pthread_kill(threading.get_ident(), signal.SIGINT)
        done.append(over.wait(60))

    with pytest.raises(KeyboardInterrupt):
        list(worked(work, [0], threads=1, stop=threading.Event()))
    assert done == []
    over.set()


def test_a_caller_who_goes_away_stops_the_rest() -> None:
    stop = threading.Event()
    results = worked(str, range(9), threads=1, stop=stop)
    next(results)
    results.close()
    assert stop.is_set()


def test_a_pause_ends_when_the_work_is_stopped() -> None:
    stop = threading.Event()
    sleep = pausing(stop)
    sleep(0)
    stop.set()
    with pytest.raises(Stopped):
        sleep(600)


def test_patience_ends_with_failures_in_a_row_and_begins_again_after_a_success() -> None:
    stop = threading.Event()
    patience = Patience(2, stop)
    patience.failed()
    patience.succeeded()
    patience.failed()
    assert (patience.at_an_end, stop.is_set()) == (False, False)
    patience.failed()
    assert (patience.at_an_end, stop.is_set()) == (True, True)
    patience.succeeded()
    assert patience.at_an_end


def test_what_was_stopped_before_did_not_end_for_lack_of_patience() -> None:
    stop = threading.Event()
    stop.set()
    patience = Patience(1, stop)
    patience.failed()
    assert not patience.at_an_end
