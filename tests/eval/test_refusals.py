"""What a run refused, and when a learnt threshold may be written."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace

import pytest

from eval.abstention import Abstention, Counts, abstention_of
from eval.refusals import RiskError, record_of, refusals_of, require_risk
from eval.result import Result
from eval.risk import Judged

Make = Callable[..., Result]

SUMMARY = abstention_of([Judged("a", 0.9, True, True), Judged("b", 0.1, False, False)], 0.1)  # noqa: FBT003 -- by place, as a row


def learnt(counts: Counts | None, crossed: Counts | None) -> Abstention:
    return replace(SUMMARY, threshold=0.5, counts=counts, cross_fitted=crossed)


def test_what_the_run_did_goes_by_its_reasons_and_not_by_confidence(make_result: Make) -> None:
    result = make_result("one", [1, 1, None])
    unsure = [replace(outcome, confidence=0.2) for outcome in result.outcomes]
    refusals = refusals_of(replace(result, outcomes=tuple(unsure)), 0.05)
    assert refusals is not None
    assert refusals.ran == Counts(2, 1, 1, 0)
    assert refusals.answerable == 3


def test_a_run_without_confidence_has_nothing_to_say(make_result: Make) -> None:
    result = make_result("one", [1, 1, 1])
    outcomes = tuple(replace(outcome, confidence=None) for outcome in result.outcomes)
    assert refusals_of(replace(result, outcomes=outcomes), 0.05) is None


@pytest.mark.parametrize(("dense", "leg"), [(0, "字词"), (0.0, "字词"), (1.0, "向量")])
def test_a_system_of_one_leg_is_noted(make_result: Make, dense: float, leg: str) -> None:
    result = make_result("one", [1, 1, 1])
    result = replace(result, provenance=replace(result.provenance, configuration={"dense": dense}))
    refusals = refusals_of(result, 0.05)
    assert refusals is not None
    assert refusals.notes[-1] == (
        f"one 只用{leg}一路，把握却是按两路一起校准的，它的风险与两路的系统不能直接相比。"
    )


def test_a_system_of_both_legs_is_not(make_result: Make) -> None:
    refusals = refusals_of(make_result("one", [1, 1, 1]), 0.05)
    assert refusals is not None
    assert "一路" not in "".join(refusals.notes)


def test_a_threshold_that_keeps_to_its_target_passes() -> None:
    require_risk(learnt(Counts(90, 10, 0, 0), Counts(19, 1, 5, 5)))


def test_a_threshold_that_does_not_is_refused_with_both_counts() -> None:
    with pytest.raises(RiskError) as caught:
        require_risk(learnt(Counts(16, 4, 1, 1), Counts(80, 20, 3, 3)))
    assert str(caught.value) == (
        "学到的阈值守不住目标风险 10.0%："
        "检验一半回答 20 题，答错 4 题，答错率 20.0%（95% 区间 8.1% 至 41.6%）；"
        "交叉校准回答 100 题，答错 20 题，答错率 20.0%（95% 区间 13.3% 至 28.9%）；没有写出。"
        "请放宽 --target-risk，或先改进检索；仍要写出请加 --force"
    )


@pytest.mark.parametrize(
    ("counts", "crossed", "said"),
    [
        (Counts(9, 1, 0, 0), Counts(8, 2, 0, 0), "：交叉校准回答 10 题，答错 2 题"),
        (Counts(0, 0, 9, 1), Counts(9, 1, 0, 0), "检验一半一题也没有回答，答错率未知；没有写出"),
        (Counts(9, 1, 0, 0), None, "：交叉校准未成；没有写出"),
    ],
)
def test_a_risk_that_is_unknown_or_above_on_one_side_is_refused(
    counts: Counts, crossed: Counts | None, said: str
) -> None:
    with pytest.raises(RiskError, match=said):
        require_risk(learnt(counts, crossed))


def test_the_record_has_shares_with_their_bounds(make_result: Make) -> None:
    refusals = refusals_of(make_result("one", [1, 1, None]), 0.05)
    assert refusals is not None
    record = json.loads(json.dumps(record_of(refusals)))
    assert record["ran"]["answered_right"] == 2
    assert record["ran"]["coverage"] == pytest.approx(
        {"some": 3, "n": 4, "value": 0.75, "low": 0.3006, "high": 0.9544}, abs=1e-4
    )
    assert (record["ran"]["risk"]["some"], record["ran"]["risk"]["n"]) == (1, 3)
    assert record["auroc"]["value"] == 1.0
    assert (record["auroc"]["answerable"], record["auroc"]["unanswerable"]) == (3, 1)
    assert (record["counts"], record["cross_fitted"], record["threshold"]) == (None, None, None)
    assert record["note"].endswith("请增加无答案的问题。")
