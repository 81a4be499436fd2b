"""What was measured -> the tables of docs/performance.md, in Markdown."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from eval.bench.entries import CASEBOOK, DIRECT, SERVICE, Entry
from eval.bench.figures import Latency, Ratio
from eval.bench.measured import CLIENTS, Measured

_PERCENTILES = (0.5, 0.95, 0.99)


def in_process(entries: Sequence[Entry], measured: Mapping[str, Measured]) -> str:
    """Latency of a question in process, and how many times Casebook is as fast."""
    ours = measured[CASEBOOK].ways["whole"]
    rows = [
        (entry.name + label, *_latency(latency), str(latency.count), _times(latency, ours))
        for entry in entries
        if entry.name in measured
        for way, label in entry.ways
        for latency in [measured[entry.name].ways[way]]
    ]
    return table(("in process", "p50 ms", "p95", "p99", "n", "Casebook faster ×"), rows)


def over_http(entries: Sequence[Entry], measured: Mapping[str, Measured]) -> str:
    """Latency of one client, and throughput by clients, with Casebook's share of each."""
    ours = measured[SERVICE].loads
    head = ["over HTTP", "p50 ms", "p95", "p99", "Casebook faster ×"]
    for clients in CLIENTS:
        head += [f"questions/s, {clients}", "Casebook more ×"]
    rows = []
    for entry in entries:
        if entry.served and entry.name in measured:
            theirs = measured[entry.name].loads
            row = [entry.served, *_latency(theirs[1].latency)]
            row.append(_times(theirs[1].latency, ours[1].latency))
            for clients in CLIENTS:
                rates = theirs[clients].per_second
                middle = sorted(rates)[len(rates) // 2]
                row += [f"{middle:.1f}", str(Ratio.of(ours[clients].per_second, rates))]
            rows.append(row)
    return table(head, rows)


def agreement(entries: Sequence[Entry], measured: Mapping[str, Measured]) -> str:
    """Share of what each finds by vectors that the encoder as it was published finds too."""
    theirs = measured[DIRECT].found
    rows = [
        (
            entry.name,
            f"{sum(a[0] == b[0] for a, b in pairs) / len(pairs):.2f}",
            f"{sum(len({*a} & {*b}) for a, b in pairs) / sum(len(b) for _, b in pairs):.2f}",
            str(len(pairs)),
        )
        for entry in entries
        if entry.vectors and entry.name in measured
        for pairs in [list(zip(measured[entry.name].found, theirs, strict=True))]
    ]
    head = (f"by vectors, as {DIRECT}", "the first passage", "of the first ten", "questions")
    return table(head, rows)


def start_and_memory(entries: Sequence[Entry], measured: Mapping[str, Measured]) -> str:
    """Seconds until ready and peak memory, against ``casebook serve``, which does most."""
    ours = measured[SERVICE]
    rows = [
        (
            entry.name,
            f"{found.ready_s:.2f}",
            f"{found.ready_s / ours.ready_s:.1f}",
            f"{found.rss_mb:.0f}",
            f"{found.rss_mb / ours.rss_mb:.1f}",
        )
        for entry in entries
        if entry.name in measured
        for found in [measured[entry.name]]
    ]
    head = ("start and memory", "ready s", "casebook serve sooner ×", "peak RSS MiB", "less ×")
    return table(head, rows)


def builds(
    stages: Mapping[str, Mapping[str, float]], counts: Mapping[str, int], passages: int
) -> str:
    """Seconds of each stage of each build; units a second where a stage counts them.

    Args:
        stages: Seconds of the stages, by who builds.
        counts: How much Casebook's stages did.
        passages: How many were indexed.
    """
    rows = []
    for name, seconds in stages.items():
        for stage, taken in seconds.items():
            known = counts if name == CASEBOOK else {"index": passages}
            done = known.get(stage.partition(",")[0], 0)
            rate = f"{done / taken:.0f}" if done > 1 else ""
            rows.append((name, stage, f"{taken:.2f}", str(done) if done > 1 else "", rate))
    return table(("build", "stage", "seconds", "units", "units/s"), rows)


def table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """Lay out a Markdown table; all columns but the first are numbers.

    >>> print(table(("who", "ms"), [("we", "1.0")]))
    | who | ms |
    |---|--:|
    | we | 1.0 |
    """
    rule = "|---|" + "--:|" * (len(head) - 1)
    lines = [f"| {' | '.join(row)} |" for row in rows]
    return "\n".join([f"| {' | '.join(head)} |", rule, *lines])


def _latency(latency: Latency) -> list[str]:
    return [f"{latency.at(share):.1f}" for share in _PERCENTILES]


def _times(theirs: Latency, ours: Latency) -> str:
    return str(Ratio.of(theirs.medians, ours.medians))
