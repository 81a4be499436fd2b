"""Results -> rows, on three questions."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import pytest

from eval.result import Result
from eval.rows import (
    DOCUMENT_MEASURES,
    QUOTE_MEASURES,
    all_cells,
    comparison_record,
    first_of,
    report_rows,
)

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


def test_p_is_corrected_over_the_headlines_of_the_rows_and_nothing_else(make_result: Make) -> None:
    results = [make_result("one", [1, 1, 1]), make_result("two", [2, 2, 2], above="one")]
    results += [make_result("three", [1, 1, 1], above="two")]
    elsewhere = [
        replace(r, provenance=replace(r.provenance, dataset="另一集")) for r in results[:2]
    ]
    _, two, three, _, other = report_rows([*results, *elsewhere])
    headlines = [row.headline for row in (two, three, other)]
    assert [(pair.p, pair.p_holm, pair.family) for pair in headlines if pair] == [
        (0.25, 0.5, 2),
        (0.25, 0.5, 2),
        (0.25, 0.25, 1),
    ]
    assert [pair.measure for pair in two.descriptive] == ["evidence@5", "RR@10", "nDCG@10"]
    assert {(pair.p_holm - pair.p, pair.family) for pair in two.descriptive} == {(0, 1)}


def test_a_comparison_that_describes_has_no_verdict_and_no_corrected_p(make_result: Make) -> None:
    results = [make_result("one", [1, 1, 1]), make_result("two", [2, 2, 2], above="one")]
    first, *_, last = report_rows(results)[1].comparisons or ()
    told, described = (
        comparison_record(first, headline=True),
        comparison_record(last, headline=False),
    )
    assert (told["verdict"], told["p_holm"], told["family"]) == ("indistinct", 0.25, 1)
    assert (described["verdict"], described["p_holm"], described["family"]) == (None, None, None)
    assert (described["p"], described["n"]) == (0.25, 3)


def test_every_measure_has_a_cell_the_primary_ones_first(make_result: Make) -> None:
    result = make_result("one", [1, 1, 2])
    cells = all_cells(result)
    assert tuple(cells)[:4] == QUOTE_MEASURES
    assert set(cells) == set(result.values) > {"case@1", "hit@10", "R@100", "Judged@10"}
    assert (cells["hit@1"].mean, cells["hit@1"].n) == (pytest.approx(2 / 3), 3)


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


def test_the_best_of_no_ranks_is_none() -> None:
    assert (first_of([None, 4, 2]), first_of([None]), first_of([])) == (2, None, None)
