"""Sweeps: a grid of values, tried on a tuning split alone."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from itertools import product
from math import isfinite, prod

from eval.rows import measures_of
from eval.run import run
from eval.statistics import Comparison, Interval, compare, holm, interval_of
from eval.systems import System, SystemsError, system_of
from eval.workbench import Workbench
from rag.errors import CasebookError

_SLACK = 1e-9
"""A tenth is not exact in binary: without it the end of the range is missing."""
_MOST = 200
"""Configurations of one sweep: of more, the best is mostly luck."""
_DIGITS = 9
"""Decimals by which means are ordered: equal ones may differ in their last binary digits."""


class SweepError(CasebookError):
    """There is nothing to tune by."""


@dataclass(frozen=True, slots=True)
class Trial:
    """One point of the grid.

    Attributes:
        values: What was set, by field; empty for the system as declared.
        interval: The measure's mean on the tuning split, over the questions that every trial has a
            value of: another cut can leave a question without judgments.
        comparison: Against the system as declared; p corrected over the grid. None for itself.
    """

    values: Mapping[str, object]
    interval: Interval
    comparison: Comparison | None


def parse_grid(text: str) -> tuple[str, tuple[object, ...]]:
    """Read ``dense=0:1:.1`` (from, to, step; both ends included) or ``k1=.9,1.2``.

    A range of whole numbers gives whole numbers. Whether field and values are those of a system is
    not checked here.

    Raises:
        SystemsError: If it is neither, or the range has too many values.

    >>> parse_grid("dense=0:.2:.1")
    ('dense', (0.0, 0.1, 0.2))
    >>> parse_grid("max_tokens=100:300:100")
    ('max_tokens', (100, 200, 300))
    >>> parse_grid("keys=sentence,passage")
    ('keys', ('sentence', 'passage'))
    """
    field, _, values = text.partition("=")
    if not field or not values:
        message = f"{text!r} 不是网格；写作 dense=0:1:.1 或 k1=.9,1.2"
        raise SystemsError(message)
    if ":" not in values:
        return field, tuple(_value(part) for part in values.split(","))
    try:
        low, high, step = map(_number, values.split(":"))
    except ValueError:
        message = f"{text!r} 不是网格；区间写作 起:止:步长，如 dense=0:1:.1"
        raise SystemsError(message) from None
    if step <= 0 or high < low:
        message = f"{text!r}：步长应大于 0，止不小于起"
        raise SystemsError(message)
    count = int((high - low) / step + _SLACK) + 1
    _require_few(count)
    return field, tuple(round(low + step * i, 10) for i in range(count))


def sweep(
    bench: Workbench,
    system: System,
    grid: Sequence[tuple[str, Sequence[object]]],
    *,
    measure: str = "",
    on_progress: Callable[[int, int], None] = lambda _done, _total: None,
) -> tuple[Trial, ...]:
    """Try every combination of a grid.

    Args:
        bench: Over a tuning split.
        system: As declared; the first trial is this one.
        grid: Fields of `System` and the values they are to have.
        measure: What is compared; the first primary one if empty.
        on_progress: Told how many combinations are done, and of how many.

    Returns:
        The system as declared, then the grid, best first; equals in the order of the grid.

    Raises:
        SystemsError: If a field is given twice, a field or a value is not one of a system, or the
            grid is too large.
        SweepError: If there is no such measure, or no question that all have a value of.
    """
    names = [name for name, _ in grid]
    if twice := sorted({name for name in names if names.count(name) > 1}):
        message = f"网格中 {'、'.join(twice)} 出现了不止一次；同一字段的取值请写在一处"
        raise SystemsError(message)
    _require_few(prod(len(values) for _, values in grid))
    points = [dict(zip(names, p, strict=True)) for p in product(*(v for _, v in grid))]
    declared = {key: value for key, value in asdict(system).items() if key != "name"}
    systems = [system_of(system.name, {**declared, **p}, "--grid") for p in points]
    found: list[Mapping[str, float]] = []
    for done, each in enumerate([system, *systems]):
        on_progress(done, len(systems) + 1)
        result = run(bench, bench.build(each))
        measure = measure or measures_of(result)[0]
        if measure not in result.values:
            message = f"{result.name} 没有指标 {measure}；有：{'、'.join(result.values) or '无'}"
            raise SweepError(message)
        found.append(result.values[measure])
    on_progress(len(systems) + 1, len(systems) + 1)
    base, *others = _shared(found, measure)
    comparisons = holm([compare(base, other, measure) for other in others])
    trials = [
        Trial(point, interval_of(values), comparison)
        for point, values, comparison in zip(points, others, comparisons, strict=True)
    ]
    ordered = sorted(trials, key=lambda trial: -round(trial.interval.mean, _DIGITS))
    return (Trial({}, interval_of(base), None), *ordered)


def _require_few(count: int) -> None:
    if count > _MOST:
        message = f"网格有 {count} 个组合，最多 {_MOST} 个：更多时，最好的多半是碰巧"
        raise SystemsError(message)


def _shared(found: Sequence[Mapping[str, float]], measure: str) -> list[dict[str, float]]:
    """Keep the questions that all have a value of: means over others cannot be ordered."""
    ids = [question_id for question_id in found[0] if all(question_id in v for v in found)]
    if not ids:
        message = f"没有一题在所有取值下都有指标 {measure}；请换一个指标，如 evidence@5"
        raise SweepError(message)
    return [{question_id: values[question_id] for question_id in ids} for values in found]


def _value(text: str) -> object:
    if text in {"true", "false"}:
        return text == "true"
    try:
        return _number(text)
    except ValueError:
        return text


def _number(text: str) -> int | float:
    try:
        return int(text)
    except ValueError:
        number = float(text)
    if not isfinite(number):
        message = f"{text} is not finite"
        raise ValueError(message)
    return number
