"""Means by group, on three questions."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from eval.groups import group_rows
from eval.result import Result

Make = Callable[..., Result]


def test_groups_carry_n_and_say_when_they_are_small(make_result: Make) -> None:
    results = [make_result("one", [1, 2, 1]), make_result("two", [1, 1, 1])]
    rows = group_rows(results, "evidence@1")
    assert [(row.slice, row.group, row.n, row.few) for row in rows] == [
        ("type", "fact", 2, True),
        ("type", "howto", 1, True),
    ]
    assert [cell.mean for cell in rows[0].cells if cell] == [0.5, 1.0]


def test_a_system_without_values_has_no_cell_in_a_group(make_result: Make) -> None:
    one, two = make_result("one", [1, 2, 1]), make_result("two", [1, 1, 1])
    rows = group_rows([replace(one, values={}), two], "evidence@1")
    assert [row.cells[0] for row in rows] == [None, None]


def test_groups_that_are_ranges_ascend(make_result: Make) -> None:
    lengths = {"Q1": ">40", "Q2": "11-20", "Q3": "<=10"}
    result = replace(make_result("one", [1, 1, 1]), groups={"length": lengths})
    rows = group_rows([result], "evidence@1")
    assert [row.group for row in rows] == ["<=10", "11-20", ">40"]
