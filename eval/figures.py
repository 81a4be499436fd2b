"""Results -> the report's charts: what is drawn, and against which axis.

`eval.charts` knows how to draw; here is what. Charts that are read side by side share an axis.
"""

from __future__ import annotations

from collections.abc import Sequence
from statistics import median
from typing import TypeAlias

from eval.abstention import Abstention
from eval.charts import (
    Bar,
    Dot,
    Mark,
    Part,
    Strip,
    bars,
    curve,
    forest,
    histogram,
    scatter,
    whisker,
)
from eval.phrase import Phrase, decimal, phrase_of
from eval.result import Result
from eval.risk import Judged
from eval.rows import Row
from eval.statistics import Interval
from eval.svg import Scale, scale_of
from eval.wording import WORDS, named

Titled: TypeAlias = tuple[Phrase, str]
"""A drawing under its title."""

_STAGES = (
    ("encode", "accent"),
    ("dense", "cool"),
    ("lexical", "warm"),
    ("fuse", "soft"),
    ("rerank", "ink"),
)
"""Stages in the order of the work, and the colours they keep."""


def forests(rows: Sequence[Row]) -> tuple[Titled, ...]:
    """Draw a forest plot a primary measure, all on one axis; a measure without values has none."""
    cells = [cell for row in rows for cell in row.cells.values()]
    scale = scale_of(end for cell in cells for end in (cell.low, cell.high))
    plots = []
    for measure in rows[0].measures:
        strips = [_strip(row.system, row.cells[measure]) for row in rows if measure in row.cells]
        if strips:
            title = WORDS["forest"].filled(measure=measure)
            plots.append((title, forest(title, strips, scale)))
    return tuple(plots)


def pareto(rows: Sequence[Row]) -> str:
    """Draw the headline measure against the median latency; rows that lack one are left out."""
    dots = [
        Dot(row.system, row.p50, cell.mean, cell.low, cell.high)
        for row in rows
        if row.p50 is not None and (cell := row.cells.get(row.measures[0])) is not None
    ]
    return scatter(WORDS["pareto"], dots, WORDS["p50"], phrase_of(rows[0].measures[0]))


def wins(rows: Sequence[Row]) -> str:
    """Draw questions won and lost by the headline measure; empty if no row is compared."""
    pairs = [(row, row.headline) for row in rows]
    bars_of = [
        Bar(
            f"{row.system} : {row.above}",
            (Part(pair.losses, "warm"),),
            (Part(pair.wins, "accent"),),
            WORDS["wtl"].filled(wins=pair.wins, ties=pair.ties, losses=pair.losses),
        )
        for row, pair in pairs
        if pair is not None
    ]
    measure = rows[0].measures[0]
    return bars(WORDS["wins"].filled(measure=measure), bars_of) if bars_of else ""


def stages(results: Sequence[Result]) -> str:
    """Draw the median milliseconds of each stage; imported runs are left out."""
    rows = []
    for result in results:
        if not result.latencies_ms:
            continue
        medians = [
            median(getattr(outcome.stages, stage) for outcome in result.outcomes if outcome.stages)
            for stage, _ in _STAGES
        ]
        parts = tuple(Part(value, tone) for value, (_, tone) in zip(medians, _STAGES, strict=True))
        note = " · ".join(decimal(value, 1) for value in medians)
        rows.append(Bar(result.provenance.system, (), parts, note))
    return bars(WORDS["stages"], rows)


def legend() -> tuple[tuple[Phrase, str], ...]:
    """Name the stages and the colours that `stages` gives them, in order."""
    return tuple((named(stage), tone) for stage, tone in _STAGES)


def latencies(rows: Sequence[Row], results: Sequence[Result]) -> tuple[Titled, ...]:
    """Draw a histogram of milliseconds a system, all on one axis from 0."""
    taken = [result.latencies_ms for result in results]
    scale = scale_of((value for values in taken for value in values), floor=0)
    plots = []
    for row, values in zip(rows, taken, strict=True):
        if row.p50 is None or row.p95 is None:
            continue
        marks = [
            Mark(value, f"{name} {decimal(value, 1)}")
            for name, value in (("p50", row.p50), ("p95", row.p95))
        ]
        title = WORDS["latencies"].filled(system=row.system)
        plots.append((title, histogram(title, values, (), scale, marks, width=280)))
    return tuple(plots)


def in_cell(interval: Interval) -> str:
    """Draw an interval on [0, 1] for a table cell."""
    return whisker(_strip("", interval), Scale(0, 1))


def risk_curve(abstention: Abstention) -> str:
    """Draw risk against coverage, with the target and where the learnt threshold lies."""
    points = [(point.coverage, point.risk) for point in abstention.curve]
    threshold = abstention.threshold
    chosen = [
        point
        for point in abstention.curve
        if threshold is not None and point.threshold >= threshold
    ]
    target = WORDS["target"].filled(risk=decimal(abstention.target_risk, 2))
    return curve(
        WORDS["risk_curve"],
        points,
        (WORDS["coverage"], WORDS["risk"]),
        limit=Mark(abstention.target_risk, target),
        chosen=(chosen[-1].coverage, chosen[-1].risk) if chosen else None,
    )


def confidences(judged: Sequence[Judged], threshold: float | None) -> str:
    """Draw how confident the system was of answerable and of unanswerable questions."""
    name = WORDS["threshold"].filled(value=decimal(threshold, 2))
    yes = [one.confidence for one in judged if one.answerable]
    no = [one.confidence for one in judged if not one.answerable]
    return histogram(
        WORDS["confidences"].filled(yes=len(yes), no=len(no)),
        yes,
        no,
        Scale(0, 1),
        () if threshold is None else (Mark(threshold, name),),
    )


def _strip(label: str, interval: Interval) -> Strip:
    return Strip(label, interval.mean, interval.low, interval.high)
