"""Results -> means by group of questions, where an average over all hides who is served badly."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from eval.result import Result
from eval.statistics import FEW, Interval, interval_of


@dataclass(frozen=True, slots=True)
class GroupRow:
    """One group of questions.

    Attributes:
        slice: What the questions are grouped by.
        group: The group.
        n: Questions, the most that any system has a value of.
        cells: Mean with interval, a system each, in the order of the results; None without values.
    """

    slice: str
    group: str
    n: int
    cells: tuple[Interval | None, ...]

    @property
    def few(self) -> bool:
        """Whether the group is too small for its mean to say anything."""
        return self.n < FEW


def group_rows(results: Sequence[Result], measure: str) -> tuple[GroupRow, ...]:
    """Average a measure by group: the type first, other slices in the order of the results.

    Groups are in the order of the questions; those that are ranges (``<=10``, ``11-20``, ``>40``)
    ascend.

    Groups without a value of the measure, such as unanswerable questions, are left out.
    """
    slices = dict.fromkeys(name for result in results for name in result.groups)
    groups = dict.fromkeys(
        (name, group)
        for name in sorted(slices, key=lambda name: name != "type")
        for result in results
        if (members := result.groups.get(name)) is not None
        for group in sorted(dict.fromkeys(members.values()), key=_range)
    )
    rows = []
    for name, group in groups:
        cells = tuple(_cell(result, measure, name, group) for result in results)
        known = [cell.n for cell in cells if cell is not None]
        if known:
            rows.append(GroupRow(name, group, max(known), cells))
    return tuple(rows)


def _range(group: str) -> tuple[int, float]:
    """Where a group comes among ranges; groups that are none share one place."""
    number = re.search(r"\d*\.?\d+", group)
    side = -1 if group.startswith(("<", "≤")) else 1 if group.startswith((">", "≥")) else 0
    return side, float(number.group()) if number else 0.0


def _cell(result: Result, measure: str, name: str, group: str) -> Interval | None:
    members = result.groups.get(name, {})
    values = {
        question_id: value
        for question_id, value in result.values.get(measure, {}).items()
        if members.get(question_id) == group
    }
    return interval_of(values) if values else None
