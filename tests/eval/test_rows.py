"""Results -> rows, on three questions."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import pytest

from eval.result import Result
from eval.rows import DOCUMENT_MEASURES, QUOTE_MEASURES, first_of, group_rows, report_rows

Make = Callable[..., Result]


def test_a_row_has_means_latency_and_cost(make_result: Make) -> None:
    (row,) = report_rows([make_result("one", [1, 1, 2])])
    assert (row.system, row.dataset, row.about) == ("one", "小集", "一行说明")
    assert row.measures == QUOTE_MEASURES
    assert row.cells["evidence@1"].mean == pytest.approx(2 / 3)
    assert row.cells["evidence@1"].n == 3
    assert row.cells["RR@10"].mean == pytest.approx(5 / 6)
    assert (row.p50, row.p95) == (10.0, 10.0)
    assert row.comparisons is None
    assert row.headline is None


def test_a_row_is_compared_with_the_one_it_names(make_result: Make) -> None:
    results = [make_result("one", [1, 1, 2]), make_result("two", [1, 2, 2], above="one")]
    pair = report_rows(results)[1].headline
    assert pair is not None
    assert (pair.measure, pair.n, pair.wins, pair.ties, pair.losses) == ("evidence@1", 3, 0, 2, 1)
    assert pair.difference == pytest.approx(-1 / 3)


def test_p_is_corrected_over_the_whole_dataset(make_result: Make) -> None:
    results = [make_result("one", [1, 1, 1]), make_result("two", [2, 2, 2], above="one")]
    results += [make_result("three", [1, 1, 1], above="two")]
    rows = report_rows(results)
    pairs = [pair for row in rows if row.comparisons for pair in row.comparisons]
    assert [pair.p for pair in pairs if pair.measure == "evidence@1"] == [0.25, 0.25]
    assert {pair.p_holm for pair in pairs} == {1.0}


def test_without_the_other_result_there_is_no_comparison(make_result: Make) -> None:
    elsewhere = make_result("one", [1, 1, 1], dataset="另一集")
    row = report_rows([elsewhere, make_result("two", [1, 1, 1], above="one")])[1]
    assert row.above == "one"
    assert row.comparisons is None


def test_a_measure_that_one_of_the_two_lacks_is_not_compared(make_result: Make) -> None:
    one, two = make_result("one", [1, 1, 2]), make_result("two", [1, 1, 1], above="one")
    one = replace(one, values={name: v for name, v in one.values.items() if name != "RR@10"})
    first, second = report_rows([one, two])
    assert "RR@10" not in first.cells
    assert second.comparisons is not None
    assert [pair.measure for pair in second.comparisons] == ["evidence@1", "evidence@5", "nDCG@10"]


def test_the_headline_is_the_first_measure_or_none(make_result: Make) -> None:
    one, two = make_result("one", [1, 1, 2]), make_result("two", [1, 1, 1], above="one")
    one = replace(one, values={name: v for name, v in one.values.items() if name != "evidence@1"})
    row = report_rows([one, two])[1]
    assert row.comparisons is not None
    assert [pair.measure for pair in row.comparisons] == ["evidence@5", "RR@10", "nDCG@10"]
    assert row.headline is None


def test_questions_that_only_one_has_a_value_of_are_left_out(make_result: Make) -> None:
    one, two = make_result("one", [1, 1, 2]), make_result("two", [1, 1, 1], above="one")
    two = replace(two, values={**two.values, "RR@10": {"Q1": 1.0, "Q2": 1.0}})
    pairs = report_rows([one, two])[1].comparisons
    assert pairs is not None
    assert {pair.measure: pair.n for pair in pairs}["RR@10"] == 2


def test_without_quotes_documents_are_measured(make_result: Make) -> None:
    result = make_result("one", [1, 1, 1])
    questions = tuple(replace(question, quotes=()) for question in result.questions)
    (row,) = report_rows([replace(result, questions=questions)])
    assert row.measures == DOCUMENT_MEASURES


def test_one_system_twice_on_one_dataset_is_refused(make_result: Make) -> None:
    with pytest.raises(ValueError, match="two results of one system"):
        report_rows([make_result("one", [1, 1, 1]), make_result("one", [1, 1, 2])])


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


def test_the_best_of_no_ranks_is_none() -> None:
    assert (first_of([None, 4, 2]), first_of([None]), first_of([])) == (2, None, None)
