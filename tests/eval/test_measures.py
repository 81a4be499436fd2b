"""Measures, on numbers one can check by hand and against trec_eval."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from math import log2

import ir_measures
import numpy as np
import pytest
import pytrec_eval
from hypothesis import given, settings
from hypothesis import strategies as st

from eval.evidence import Holders
from eval.measures import (
    MEASURES,
    ConfusionMatrix,
    by_case,
    by_evidence,
    by_judgments,
    confusion,
    mean_of,
    recomputed,
)
from eval.questions import Question
from eval.result import Cost, Outcome, Provenance, Ranked, Result, Stages

UNITS = [f"d{number}" for number in range(14)] + ["文档", "D1"]
SCORES = [0.0, 0.25, 0.5, 1.0, 2.0, 1.0 + 2**-40]
"""Few, so that many tie; the last ties with 1 in single precision alone."""

GRADES = st.dictionaries(st.sampled_from(UNITS), st.integers(0, 3), max_size=8)
SCORED = st.dictionaries(st.sampled_from(UNITS), st.sampled_from(SCORES), max_size=len(UNITS))
QRELS = st.dictionaries(st.sampled_from("abcd"), GRADES, min_size=1)
RUNS = st.dictionaries(st.sampled_from("abcde"), SCORED)


def ranked(scores: Mapping[str, float]) -> tuple[Ranked, ...]:
    return tuple(Ranked(unit, score) for unit, score in scores.items())


def test_each_measure_is_what_one_computes_by_hand() -> None:
    qrels = {"q": {"a": 3, "b": 1, "c": 0, "d": 1}}
    ranking = ranked({"x": 0.9, "b": 0.8, "c": 0.7, "a": 0.6})
    values = {name: value["q"] for name, value in by_judgments(qrels, {"q": ranking}).items()}
    ideal = 3 + 1 / log2(3) + 1 / log2(4)
    assert values.pop("nDCG@10") == pytest.approx((1 / log2(3) + 3 / log2(5)) / ideal, abs=1e-12)
    assert values == {
        "R@1": 0,
        "R@3": 1 / 3,
        "R@5": 2 / 3,
        "R@10": 2 / 3,
        "R@100": 2 / 3,
        "RR@10": 0.5,
        "Success@1": 0,
        "Success@5": 1,
        "Success@10": 1,
        "Judged@10": 0.75,
    }


def test_the_order_is_that_of_the_scores_whatever_the_order_of_the_rows() -> None:
    qrels = {"q": {"a": 1}}
    up, down = ranked({"b": 1.0, "a": 2.0}), ranked({"a": 2.0, "b": 1.0})
    assert by_judgments(qrels, {"q": up}) == by_judgments(qrels, {"q": down})
    assert by_judgments(qrels, {"q": up})["RR@10"] == {"q": 1}


def test_a_question_that_brought_up_nothing_counts_0_and_one_that_nothing_answers_is_left_out() -> (
    None
):
    qrels = {"found": {"a": 1}, "missing": {"a": 1}, "empty": {"a": 2}, "unanswerable": {"a": 0}}
    one = ranked({"a": 1.0})
    values = by_judgments(qrels, {"found": one, "empty": (), "unanswerable": one, "unjudged": one})
    assert list(values) == [str(measure) for measure in MEASURES]
    for by_question in values.values():
        assert by_question == {"found": 1, "missing": 0, "empty": 0}


def test_without_a_relevant_unit_there_is_no_measure() -> None:
    assert by_judgments({}, {"q": ranked({"a": 1.0})}) == {}
    assert by_judgments({"q": {"a": 0}}, {"q": ranked({"a": 1.0})}) == {}


def test_a_unit_ranked_twice_is_an_error() -> None:
    with pytest.raises(ValueError, match="ranking of question q holds a unit twice"):
        by_judgments({"q": {"a": 1}}, {"q": [Ranked("a", 2.0), Ranked("a", 1.0)]})


@settings(deadline=None, max_examples=300)
@given(QRELS, RUNS)
def test_values_equal_those_of_trec_eval_called_directly(
    qrels: dict[str, dict[str, int]], run: dict[str, dict[str, float]]
) -> None:
    values = by_judgments(qrels, {qid: ranked(scores) for qid, scores in run.items()})
    names = {
        "nDCG@10": "ndcg_cut_10",
        "R@1": "recall_1",
        "R@3": "recall_3",
        "R@5": "recall_5",
        "R@10": "recall_10",
        "R@100": "recall_100",
        "Success@1": "success_1",
        "Success@5": "success_5",
        "Success@10": "success_10",
    }
    theirs = pytrec_eval.RelevanceEvaluator(qrels, set(names.values())).evaluate(run)
    for qid in relevant(qrels):
        for ours, name in names.items():
            expected = theirs[qid][name] if run.get(qid) else 0
            assert values[ours][qid] == pytest.approx(expected, abs=1e-9)


@settings(deadline=None, max_examples=300)
@given(QRELS, RUNS)
def test_values_equal_a_plain_reading_of_the_definitions(
    qrels: dict[str, dict[str, int]], run: dict[str, dict[str, float]]
) -> None:
    values = by_judgments(qrels, {qid: ranked(scores) for qid, scores in run.items()})
    assert {tuple(sorted(v)) for v in values.values()} <= {tuple(sorted(relevant(qrels)))}
    for qid in relevant(qrels):
        expected = plainly(qrels[qid], run.get(qid, {}))
        assert {name: value[qid] for name, value in values.items()} == pytest.approx(
            expected, abs=1e-9
        )


@given(QRELS)
def test_a_perfect_ranking_scores_1(qrels: dict[str, dict[str, int]]) -> None:
    rankings = {
        qid: ranked({unit: float(grade) for unit, grade in grades.items()})
        for qid, grades in qrels.items()
    }
    values = by_judgments(qrels, rankings)
    for name in ("nDCG@10", "R@10", "RR@10", "Success@1", "Judged@10"):
        assert values.get(name, {}) == pytest.approx(dict.fromkeys(relevant(qrels), 1.0))


def relevant(qrels: Mapping[str, Mapping[str, int]]) -> list[str]:
    return [qid for qid, grades in qrels.items() if any(grades.values())]


def plainly(grades: Mapping[str, int], scores: Mapping[str, float]) -> dict[str, float]:
    """The measures of a question, from their definitions and the tie rules of the two sources."""
    down, up = sorted(scores, reverse=True), sorted(scores)
    single = {unit: np.float32(score) for unit, score in scores.items()}
    trec = sorted(down, key=lambda unit: -single[unit])
    marco = sorted(up, key=lambda unit: -scores[unit])
    hits = [grades.get(unit, 0) > 0 for unit in trec]
    first = next((rank for rank, u in enumerate(marco[:10], 1) if grades.get(u, 0) > 0), None)
    total = sum(grade > 0 for grade in grades.values())
    return {
        "nDCG@10": gain([grades.get(unit, 0) for unit in trec])
        / gain(sorted(grades.values(), reverse=True)),
        **{f"R@{k}": sum(hits[:k]) / total for k in (1, 3, 5, 10, 100)},
        "RR@10": 1 / first if first else 0,
        **{f"Success@{k}": float(any(hits[:k])) for k in (1, 5, 10)},
        "Judged@10": sum(u in grades for u in marco[:10]) / len(marco[:10]) if marco else 0,
    }


def gain(grades: list[int]) -> float:
    return sum(grade / log2(rank + 1) for rank, grade in enumerate(grades[:10], start=1))


def test_the_measures_are_named_as_ir_measures_reads_them() -> None:
    assert [ir_measures.parse_measure(str(measure)) for measure in MEASURES] == list(MEASURES)


def test_evidence_is_the_share_of_quotes_and_a_hit_is_enough_of_them() -> None:
    evidence = {"any": (2, None, 6), "all": (1, 5), "one": (11,), "none": (None,)}
    values = by_evidence(evidence, {"any": "any", "all": "all", "one": "any", "none": "all"})
    assert values == {
        "evidence@1": {"any": 0, "all": 0.5, "one": 0, "none": 0},
        "evidence@3": {"any": 1 / 3, "all": 0.5, "one": 0, "none": 0},
        "evidence@5": {"any": 1 / 3, "all": 1, "one": 0, "none": 0},
        "evidence@10": {"any": 2 / 3, "all": 1, "one": 0, "none": 0},
        "hit@1": {"any": 0, "all": 0, "one": 0, "none": 0},
        "hit@5": {"any": 1, "all": 1, "one": 0, "none": 0},
        "hit@10": {"any": 1, "all": 1, "one": 0, "none": 0},
        "coverage@10": {"any": 2 / 3, "all": 1},
    }


RANKS = st.lists(st.none() | st.integers(1, 20), min_size=1, max_size=4).map(tuple)


@given(RANKS)
def test_more_depth_never_finds_less_and_any_is_never_harder_than_all(
    ranks: tuple[int | None, ...],
) -> None:
    any_values = by_evidence({"q": ranks}, {"q": "any"})
    all_values = by_evidence({"q": ranks}, {"q": "all"})
    shares = [any_values[f"evidence@{k}"]["q"] for k in (1, 3, 5, 10)]
    assert shares == sorted(shares)
    for k in (1, 5, 10):
        share = any_values[f"evidence@{k}"]["q"]
        assert any_values[f"hit@{k}"]["q"] == (share > 0)
        assert all_values[f"hit@{k}"]["q"] == (share == 1)


def test_a_question_without_quotes_or_mode_is_never_a_score() -> None:
    with pytest.raises(ValueError, match="question q has no quotes: leave it out"):
        by_evidence({"q": ()}, {"q": "any"})
    with pytest.raises(ValueError, match="question q has no mode"):
        by_evidence({"q": (1,)}, {})
    with pytest.raises(ValueError, match=r"question q has ranks \(0,\); ranks count from 1"):
        by_evidence({"q": (0,)}, {"q": "any"})


def test_a_measure_that_applies_to_no_question_is_absent() -> None:
    assert by_evidence({}, {}) == {}
    assert by_case({}) == {}
    assert "coverage@10" not in by_evidence({"q": (1,)}, {"q": "any"})


def test_the_case_of_the_first_passage_is_right_or_not() -> None:
    assert by_case({"a": True, "b": False}) == {"case@1": {"a": 1.0, "b": 0.0}}


def test_a_confusion_matrix_has_a_row_and_a_column_for_none_stated() -> None:
    matrix = confusion(
        [
            (("静安区",), "静安区"),
            (("静安区",), "嘉定区"),
            (("静安区",), None),
            ((), "嘉定区"),
            ((), None),
            (("静安区", "嘉定区"), "嘉定区"),
            (("静安区", "嘉定区"), "长宁区"),
        ]
    )
    assert matrix == ConfusionMatrix(
        districts=("嘉定区", "长宁区", "静安区", None),
        counts=((1, 0, 0, 0), (0, 0, 0, 0), (1, 1, 1, 1), (1, 0, 0, 1)),
    )
    assert (matrix.total, matrix.agreed) == (7, 3)


def test_a_confusion_matrix_of_nothing_is_one_empty_cell() -> None:
    assert confusion([]) == ConfusionMatrix((None,), ((0,),))


@given(
    st.lists(
        st.tuples(
            st.lists(st.sampled_from("甲乙丙"), unique=True, max_size=2).map(tuple),
            st.none() | st.sampled_from("甲乙丙丁"),
        )
    )
)
def test_every_pair_is_counted_once(pairs: list[tuple[tuple[str, ...], str | None]]) -> None:
    matrix = confusion(pairs)
    assert matrix.total == len(pairs)
    assert matrix.agreed == sum(found in (expected or (None,)) for expected, found in pairs)


PROVENANCE = Provenance(
    *("system", {}, "set", "", "", {}, "", "", "", "", "", 1, 1, "", ""),
)


def outcome(question_id: str, *ranking: str, evidence: tuple[int | None, ...] = ()) -> Outcome:
    return Outcome(
        question_id=question_id,
        ranking=tuple(Ranked(unit, 1 / rank) for rank, unit in enumerate(ranking, start=1)),
        confidence=0.5,
        reason=None,
        evidence=evidence,
        case_found=evidence[0] == 1 if evidence else None,
        districts=(),
        district_found=None,
        stages=Stages(1, 1, 1, 1),
        miss=None,
    )


@pytest.fixture
def result() -> Result:
    return Result(
        provenance=PROVENANCE,
        above="",
        about="",
        questions=(
            Question("Q1", "fact", "几天？", ("三日", "到账"), "all"),
            Question("Q2", "fact", "几次？", ("六千次",), "any"),
            Question("Q3", "none", "红烧肉？", (), "any"),
        ),
        qrels={"Q1": {"p1": 1, "p2": 1}, "Q2": {"p3": 1}},
        outcomes=(
            outcome("Q1", "p1", "p3", "p2", evidence=(1, 3)),
            outcome("Q2", evidence=(None,)),
            outcome("Q3", "p1"),
        ),
        values={},
        groups={},
        faults=(),
        ceilings=(),
        excerpts=(),
        cost=Cost(0, 0, 0, None),
    )


def test_every_measure_can_be_recomputed_from_a_stored_result(result: Result) -> None:
    values = recomputed(result)
    assert values["R@1"] == {"Q1": 0.5, "Q2": 0}
    assert values["RR@10"] == {"Q1": 1, "Q2": 0}
    assert values["Judged@10"] == {"Q1": 2 / 3, "Q2": 0}
    assert values["evidence@3"] == {"Q1": 1, "Q2": 0}
    assert values["coverage@10"] == {"Q1": 1}
    assert values["hit@1"] == {"Q1": 0, "Q2": 0}
    assert values["case@1"] == {"Q1": 1, "Q2": 0}
    assert len(values) == len(MEASURES) + 8 + 1


def test_ranks_and_cases_follow_from_the_rankings_and_not_from_what_was_noted(
    result: Result,
) -> None:
    first, second, third = result.outcomes
    units = ("c1:0-9", "c2:0-9", "c1:9-20")
    holders = (
        Holders((("c2:0-9",),), partly=True, cases=("c2",)),
        Holders((("c1:0-9", "c1:9-20"),), partly=True, cases=("c1",)),
    )
    first = replace(outcome("Q1", *units, evidence=(9, 9)), case_found=False, holders=holders)
    second = replace(second, holders=(replace(holders[0], ways=(("c3:0-9",),)),))
    third = replace(third, holders=())
    values = recomputed(replace(result, outcomes=(first, second, third)))
    assert values["evidence@1"] == {"Q1": 0, "Q2": 0}
    assert values["evidence@3"] == {"Q1": 1, "Q2": 0}
    assert values["hit@5"] == {"Q1": 1, "Q2": 0}
    assert values["case@1"] == {"Q1": 1, "Q2": 0}


def test_holders_of_another_number_of_quotes_are_not_recomputed(result: Result) -> None:
    held = Holders((), partly=False, cases=())
    first = replace(result.outcomes[0], holders=(held,))
    with pytest.raises(ValueError, match="question Q1 has 2 quotes and 1 ranks"):
        recomputed(replace(result, outcomes=(first, *result.outcomes[1:])))


def test_a_result_judged_by_document_has_no_measure_of_quotes(result: Result) -> None:
    by_document = replace(
        result,
        questions=tuple(replace(question, quotes=()) for question in result.questions),
        outcomes=(outcome("Q1", "p1"), outcome("Q2"), outcome("Q3")),
    )
    assert list(recomputed(by_document)) == [str(measure) for measure in MEASURES]


def test_a_result_whose_parts_do_not_belong_together_is_not_recomputed(result: Result) -> None:
    with pytest.raises(ValueError, match="system@set: there is not one outcome"):
        recomputed(replace(result, outcomes=result.outcomes[1:]))
    with pytest.raises(ValueError, match=r"questions that were not asked: \['Q9'\]"):
        recomputed(replace(result, qrels={"Q9": {"p1": 1}}))
    with pytest.raises(ValueError, match="question Q1 has 2 quotes and 0 ranks"):
        recomputed(replace(result, outcomes=(outcome("Q1"), *result.outcomes[1:])))


def test_a_mean_is_over_the_questions_that_have_a_value(result: Result) -> None:
    values = recomputed(result)
    assert mean_of(values, "R@1") == 0.25
    assert mean_of(values, "coverage@10") == 1


def test_a_mean_of_nothing_is_an_error_and_never_0() -> None:
    with pytest.raises(ValueError, match=r"no question has a value of R@2; .* \['case@1'\]"):
        mean_of(by_case({"q": True}), "R@2")
