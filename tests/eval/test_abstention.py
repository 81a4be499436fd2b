"""Counts, thresholds learnt on one half and counted on the other, and what goes into serving."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from eval.abstention import (
    Counts,
    UnreachableRiskError,
    abstention_of,
    calibrated,
    counts,
    cross_fitted,
    threshold_for,
)
from eval.parts import calibration_split
from eval.risk import Judged, auroc, risk_coverage
from eval.share import Share
from rag.confidence import DEFAULT
from tests.eval.judgments import MISSED, RIGHT, UNANSWERABLE, judge, judgments

FIVE = judge((0.9, RIGHT), (0.8, UNANSWERABLE), (0.8, RIGHT), (0.3, MISSED), (0.1, RIGHT))

# 100 questions told apart well: 60 right above .6, 40 unanswerable below .4, five of each amiss.
HUNDRED = judge(
    *((0.6 + i / 200, RIGHT) for i in range(55)),
    *((0.1 + i / 100, RIGHT) for i in range(5)),
    *((i / 100, UNANSWERABLE) for i in range(35)),
    *((0.62 + i / 200, UNANSWERABLE) for i in range(5)),
)


def test_each_question_is_counted_as_one_of_four() -> None:
    assert counts(FIVE, 0.5) == Counts(2, 1, 1, 1)
    assert counts(FIVE, 0.0) == Counts(3, 2, 0, 0)
    assert counts(FIVE, 1.0) == Counts(0, 0, 2, 3)


def test_an_answerable_question_without_evidence_is_rightly_refused_and_wrongly_answered() -> None:
    assert counts(judge((0.3, MISSED)), 0.4) == Counts(0, 0, 1, 0)
    assert counts(judge((0.5, MISSED)), 0.4) == Counts(0, 1, 0, 0)


def test_a_confidence_at_the_threshold_is_answered() -> None:
    assert counts(judge((0.4, RIGHT)), 0.4) == Counts(1, 0, 0, 0)
    assert counts(judge((0.4, RIGHT)), math.nextafter(0.4, 1)) == Counts(0, 0, 0, 1)


def test_counts_tell_coverage_and_risk() -> None:
    assert counts(FIVE, 0.5).coverage == Share(3, 5)
    assert counts(FIVE, 0.5).risk == Share(1, 3)


def test_the_risk_of_answering_nothing_is_not_0() -> None:
    assert counts(FIVE, 1.0).risk is None


def test_a_threshold_lies_midway_between_answered_and_refused() -> None:
    assert threshold_for(FIVE, 0.0) == pytest.approx(0.85)
    assert threshold_for(FIVE, 0.34) == pytest.approx(0.55)


def test_a_risk_that_rises_and_falls_again_is_passed_over() -> None:
    """At .9 the risk is 0, at .8 it is 1/2, at .7 and below 1/3, 1/4: more are answered."""
    judged = judge((0.9, RIGHT), (0.8, UNANSWERABLE), (0.7, RIGHT), (0.6, RIGHT), (0.2, MISSED))
    assert threshold_for(judged, 0.25) == pytest.approx(0.4)


def test_where_all_may_be_answered_the_threshold_is_half_the_least_confidence() -> None:
    assert threshold_for(judge((0.9, RIGHT), (0.5, RIGHT)), 0.0) == 0.25


def test_between_neighbouring_floats_the_refused_stays_refused() -> None:
    above = math.nextafter(0.5, 1)
    judged = judge((above, RIGHT), (0.5, UNANSWERABLE))
    assert threshold_for(judged, 0.0) == above


def test_a_target_out_of_reach_is_refused_with_the_least_risk() -> None:
    judged = judge((0.9, RIGHT), (0.9, UNANSWERABLE), (0.2, UNANSWERABLE))
    with pytest.raises(UnreachableRiskError) as caught:
        threshold_for(judged, 0.05)
    assert str(caught.value) == (
        "没有阈值能使答错率不超过 5.0%：3 个问题上最低为 50.0%（只回答 66.7% 的问题）；"
        "请放宽目标，或先改进检索"
    )


@given(judgments, st.sampled_from([0.0, 0.1, 0.3, 0.5, 1.0]))
def test_no_other_threshold_answers_more_at_the_target(
    judged: Sequence[Judged], target: float
) -> None:
    reachable = [point.coverage for point in risk_coverage(judged) if point.risk <= target]
    if not reachable:
        with pytest.raises(UnreachableRiskError):
            threshold_for(judged, target)
        return
    found = counts(judged, threshold_for(judged, target))
    assert found.coverage.value == max(reachable)
    assert found.risk is not None
    assert found.risk.value <= target


@pytest.mark.parametrize("target", [-0.1, 1.1, math.nan])
def test_a_target_must_be_a_share(target: float) -> None:
    with pytest.raises(ValueError, match="target risk"):
        threshold_for(FIVE, target)
    with pytest.raises(ValueError, match="target risk"):
        abstention_of(FIVE, target)


ids = st.lists(st.text(st.characters(codec="utf-8")), unique=True)


@given(ids, ids, st.floats(0, 1), st.integers(0, 9))
def test_adding_questions_moves_none_to_the_other_side(
    old: list[str], new: list[str], share: float, seed: int
) -> None:
    learn, test = calibration_split(old, share=share, seed=seed)
    both = list(dict.fromkeys([*new, *old]))
    more_learn, more_test = calibration_split(both, share=share, seed=seed)
    assert set(learn) <= set(more_learn)
    assert set(test) <= set(more_test)
    assert sorted((*more_learn, *more_test)) == sorted(both)


def test_the_split_goes_by_the_first_bits_of_a_hash_and_so_is_the_same_everywhere() -> None:
    learn, test = calibration_split([f"D{i:03}" for i in range(8)])
    assert learn == ("D000", "D001", "D002", "D003", "D004", "D005")
    assert test == ("D006", "D007")


def test_a_split_has_about_the_share_asked_for_and_another_seed_gives_another() -> None:
    many = [f"q{i}" for i in range(2000)]
    learn, _ = calibration_split(many, share=0.3)
    assert 540 < len(learn) < 660
    assert calibration_split(many, share=0.3, seed=1)[0] != learn


def test_a_split_of_repeated_ids_or_of_no_share_is_refused() -> None:
    with pytest.raises(ValueError, match="ids must be distinct"):
        calibration_split(["a", "a"])
    with pytest.raises(ValueError, match="share 2 is not in"):
        calibration_split(["a"], share=2)


def test_cross_fitting_learns_on_one_half_and_counts_on_the_other_both_ways() -> None:
    halves = calibration_split(one.question_id for one in HUNDRED)
    first, second = ([one for one in HUNDRED if one.question_id in half] for half in halves)
    expected = counts(second, threshold_for(first, 0.1)) + counts(first, threshold_for(second, 0.1))
    assert cross_fitted(HUNDRED, 0.1) == expected
    assert expected.coverage.n == 100


def test_cross_fitting_needs_questions_to_learn_on() -> None:
    with pytest.raises(ValueError, match="at least one question"):
        cross_fitted(judge((0.5, RIGHT)), 0.1)


def test_a_summary_learns_on_one_half_and_counts_on_the_other() -> None:
    found = abstention_of(HUNDRED, 0.1)
    learn_ids, _ = calibration_split(one.question_id for one in HUNDRED)
    learn = [one for one in HUNDRED if one.question_id in learn_ids]
    test = [one for one in HUNDRED if one.question_id not in learn_ids]
    assert (found.calibration_n, found.test_n) == (len(learn), len(test))
    assert found.threshold == threshold_for(learn, 0.1)
    assert found.counts == counts(test, threshold_for(learn, 0.1))
    assert found.cross_fitted == cross_fitted(HUNDRED, 0.1)
    assert found.note == ""
    assert found.auroc == auroc(HUNDRED)


def test_too_few_unanswerable_questions_are_said_in_words_and_no_threshold_is_made_up() -> None:
    few = [one for one in HUNDRED if one.answerable or one.confidence < 0.03]
    found = abstention_of(few, 0.1)
    assert (found.threshold, found.counts, found.cross_fitted) == (None, None, None)
    assert found.note.endswith(
        " 个无答案的问题，每半至少要 10 个才能学出阈值；请增加无答案的问题。"
    )
    assert found.auroc is not None


def test_questions_of_one_kind_have_no_auroc_and_the_note_says_why() -> None:
    found = abstention_of(judge((0.9, RIGHT), (0.8, RIGHT)), 0.1)
    assert (found.auroc, found.nauc, found.augrc) == (None, None, 0.0)
    assert found.note.startswith(
        "2 个问题都有答案，AUROC 无从计算。"
        "所有问题的对错都相同，拒答无从改进，nAUC 无从计算。校准与检验两半各有 0 与 0 个"
    )


def test_an_unreachable_target_is_noted_and_not_raised() -> None:
    hopeless = judge(*((0.5, RIGHT if i % 2 else UNANSWERABLE) for i in range(100)))
    found = abstention_of(hopeless, 0.01)
    assert found.threshold is None
    assert found.note.startswith("校准未成：没有阈值能使答错率不超过 1.0%")


def test_a_repeated_question_is_refused() -> None:
    with pytest.raises(ValueError, match="ids must be distinct"):
        abstention_of([*FIVE, FIVE[0]], 0.1)


def test_a_learnt_threshold_becomes_the_one_that_serving_reads() -> None:
    assert calibrated(DEFAULT, 0.55, "本地") == replace(DEFAULT, low=0.55, provenance="本地")
    lower = calibrated(DEFAULT, 0.1, "本地")
    assert (lower.none, lower.low) == (0.1, 0.1)
    with pytest.raises(ValueError, match="need 0 <= none <= low <= 1"):
        calibrated(DEFAULT, 1.1, "本地")
