"""What waits to be written: in order, bounded, counted where it finds no room, never in the way."""

from __future__ import annotations

import logging
import threading
from collections.abc import Sequence

import pytest

from api.backlog import Backlog
from rag.errors import StateUnavailableError


class Disk:
    """What is written, by a disk that can be full or stuck."""

    def __init__(self) -> None:
        self.batches: list[tuple[list[int], int]] = []
        self.full = False
        self.free = threading.Event()
        self.free.set()
        self.tried = threading.Event()
        self.tidied = 0

    def write(self, batch: Sequence[int], lost: int) -> None:
        self.tried.set()
        self.free.wait(30)
        if self.full:
            message = "磁盘已满"
            raise StateUnavailableError(message)
        self.batches.append((list(batch), lost))

    def tidy(self) -> None:
        self.tidied += 1

    @property
    def written(self) -> list[int]:
        return [item for batch, _ in self.batches for item in batch]


@pytest.fixture
def disk() -> Disk:
    return Disk()


def test_what_is_put_in_is_written_in_order_by_the_time_it_is_closed(disk: Disk) -> None:
    backlog = Backlog[int]("log", disk.write, disk.tidy)
    backlog.start()
    for number in range(2000):
        backlog.put(number)
    backlog.close()

    assert disk.written == list(range(2000))
    assert max(len(batch) for batch, _ in disk.batches) <= 500
    assert (backlog.lost, disk.tidied) == (0, 1)


def test_what_comes_within_a_moment_is_written_together(
    disk: Disk, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("api.backlog._GATHER_S", 30)  # closing ends it
    backlog = Backlog[int]("log", disk.write, disk.tidy)
    backlog.start()
    for number in range(3):
        backlog.put(number)
    backlog.close()

    assert disk.batches == [([0, 1, 2], 0)]


def test_a_whole_batch_waits_for_no_more(disk: Disk, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("api.backlog._GATHER_S", 30)
    backlog = Backlog[int]("log", disk.write, disk.tidy)
    for number in range(500):
        backlog.put(number)
    backlog.start()

    assert disk.tried.wait(10)
    backlog.close()
    assert disk.batches == [(list(range(500)), 0)]


def test_what_finds_no_room_is_counted_said_and_written_with_what_comes_next(
    disk: Disk, caplog: pytest.LogCaptureFixture
) -> None:
    backlog = Backlog[int]("log", disk.write, disk.tidy, most=3)
    disk.free.clear()
    for number in range(5):  # returns at once, although the disk is stuck
        backlog.put(number)
    assert backlog.lost == 2
    backlog.start()
    disk.free.set()
    backlog.close()

    assert disk.batches == [([0, 1, 2], 2)]
    assert caplog.messages == ["log: 2 entries found no room"]


def test_a_disk_that_has_room_again_gets_everything(
    disk: Disk, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("api.backlog._RETRY_S", 0.01)
    disk.full = True
    backlog = Backlog[int]("log", disk.write, disk.tidy)
    backlog.start()
    backlog.put(1)
    assert disk.tried.wait(10)
    backlog.put(2)
    disk.full = False
    backlog.close()

    assert disk.written == [1, 2]
    assert caplog.messages in (["log: 磁盘已满"], [])  # the disk may have been quicker
    assert backlog.lost == 0


def test_what_a_full_disk_does_not_take_by_the_end_is_counted(
    disk: Disk, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.ERROR)
    disk.full = True
    backlog = Backlog[int]("log", disk.write, disk.tidy)
    backlog.start()
    backlog.put(1)
    backlog.put(2)
    backlog.close()
    backlog.put(3)

    assert backlog.lost == 3
    assert disk.batches == []
    assert caplog.messages == ["log: 磁盘已满", "log: 2 entries were not written"]


def test_one_that_never_began_counts_what_it_was_given(disk: Disk) -> None:
    backlog = Backlog[int]("log", disk.write, disk.tidy)
    backlog.put(1)
    backlog.close()

    assert (backlog.lost, disk.batches) == (1, [])
