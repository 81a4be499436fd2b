"""Contenders -> what was measured of them, round by round, all in one run."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path

from eval.bench.child import Address
from eval.bench.contender import Contender, ContenderError, Found, load
from eval.bench.entries import Entry
from eval.bench.figures import Latency, Load, Times

CLIENTS = (1, 4, 16)
STARTS = 2
"""Times each is started; the faster counts, since what else the machine does only adds."""
_WARM_UP = 10
"""Questions of each way before the clock runs: the first ones fill caches of the allocator."""
_COMPARED = 100
"""Questions whose passages are compared; the same for all, asked before everything else."""
_ASKED = {"dense": 60, "whole": 60, "hybrid": 30}
"""Questions of a round in process."""
_SENT = {1: 50, 4: 60, 16: 120}
"""Questions of a round over HTTP, by clients."""
_SECONDS = 4.0
"""What a way or a number of clients takes of a round at most."""


@dataclass(frozen=True, slots=True)
class Measured:
    """What was measured of one contender.

    Attributes:
        ready_s: Seconds from its start until it can answer.
        rss_mb: Peak resident memory in MiB, loads over HTTP included.
        ways: How long questions took in process, by way.
        loads: What clients got over HTTP, by how many they are.
        found: What it finds by vectors for the questions that are compared; empty if it does not
            search one vector a passage.
    """

    ready_s: float
    rss_mb: float
    ways: Mapping[str, Latency]
    loads: Mapping[int, Load]
    found: Found = ()


@dataclass(slots=True)
class _Running:
    """A contender that is being measured."""

    entry: Entry
    contender: Contender
    ready_s: float
    questions: Iterator[str]
    found: Found = ()
    address: Address | None = None
    times: dict[str, list[Times]] = field(default_factory=dict)
    answered: dict[int, list[tuple[Times, float, float]]] = field(default_factory=dict)

    def take(self, count: int) -> list[str]:
        """Take questions that it has not been asked."""
        taken = list(islice(self.questions, count))
        if len(taken) < count:
            message = f"not enough questions: {len(taken)} left of {count}"
            raise ValueError(message)
        return taken

    def warm_up(self) -> None:
        compared = self.take(_COMPARED)
        if self.entry.vectors:
            self.found = self.contender.find(self.entry.vectors, compared)
        for way, _ in self.entry.ways:
            self.contender.ask(way, self.take(_WARM_UP), _SECONDS)
        if self.entry.served:
            self.address = address = self.contender.serve()
            load(address, 1, self.take(_WARM_UP), _SECONDS)

    def round(self) -> None:
        for way, _ in self.entry.ways:
            times = self.contender.ask(way, self.take(_ASKED[way]), _SECONDS)
            self.times.setdefault(way, []).append(times)
        if self.address is None:
            return
        for clients in CLIENTS:
            done = load(self.address, clients, self.take(_SENT[clients]), _SECONDS)
            rate = len(done.times) / done.elapsed_s
            share = done.cpu_s / done.elapsed_s
            self.answered.setdefault(clients, []).append((tuple(done.times), rate, share))

    def measured(self) -> Measured:
        loads = {
            clients: Load(Latency(tuple(times)), tuple(rates), tuple(shares))
            for clients, rounds in self.answered.items()
            for times, rates, shares in [zip(*rounds, strict=True)]
        }
        ways = {way: Latency(tuple(rounds)) for way, rounds in self.times.items()}
        return Measured(self.ready_s, self.contender.rss_mb, ways, loads, self.found)


def measure(
    entries: Sequence[Entry],
    folder: Path,
    questions: Sequence[str],
    rounds: int,
    on_progress: Callable[[str], None] = lambda _doing: None,
) -> tuple[dict[str, Measured], dict[str, ContenderError]]:
    """Start all contenders, then ask them in turn, round by round; idle ones take no processor.

    Args:
        entries: Who takes part; what they build is built.
        folder: What `eval.bench.prepare` made.
        questions: All distinct; nobody is asked one twice.
        rounds: How many.
        on_progress: Told what is done next: `steps` times.

    Returns:
        What was measured, by name, and what went wrong with those that ended early.
    """
    failed: dict[str, ContenderError] = {}
    with ExitStack() as stack:
        running: list[_Running] = []
        for entry in entries:
            on_progress(f"start {entry.name}")
            try:
                running.append(_started(entry, folder, questions, stack))
                running[-1].warm_up()
            except ContenderError as error:
                failed[entry.name] = error
        for number in range(rounds):
            for one in running:
                on_progress(f"round {number + 1}, {one.entry.name}")
                if one.entry.name in failed:
                    continue
                try:
                    one.round()
                except ContenderError as error:
                    failed[one.entry.name] = error
    sound = [one for one in running if one.entry.name not in failed]
    return {one.entry.name: one.measured() for one in sound}, failed


def steps(entries: Sequence[Entry], rounds: int) -> int:
    """How often `measure` tells of its progress, if nobody fails."""
    return len(entries) * (1 + rounds)


def _started(entry: Entry, folder: Path, questions: Sequence[str], stack: ExitStack) -> _Running:
    errors = folder / f"{entry.module}{''.join(entry.options)}.stderr"
    seconds: list[float] = []
    for _ in range(STARTS - 1):
        with entry.start(folder, errors) as contender:
            seconds.append(contender.ready_s)
    kept = stack.enter_context(entry.start(folder, errors))
    return _Running(entry, kept, min([*seconds, kept.ready_s]), iter(questions))
