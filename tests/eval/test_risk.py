"""Curves and areas: against definitions by brute force, and against scikit-learn."""

from __future__ import annotations

import itertools
import math
from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.metrics import auc, roc_auc_score

from eval.risk import Judged, Point, augrc, aurc, auroc, nauc, risk_coverage
from eval.share import Area, Share
from tests.eval.judgments import MISSED, RIGHT, UNANSWERABLE, judge, judgments, rows

distinct = st.lists(
    st.tuples(st.floats(0, 1), st.sampled_from([RIGHT, MISSED, UNANSWERABLE])),
    min_size=1,
    unique_by=lambda row: row[0],
).map(lambda drawn: judge(*drawn))

FIVE = judge((0.9, RIGHT), (0.8, UNANSWERABLE), (0.8, RIGHT), (0.3, MISSED), (0.1, UNANSWERABLE))


def test_the_curve_has_a_point_for_each_distinct_confidence() -> None:
    assert risk_coverage(FIVE) == (
        Point(0.2, 0.0, 0.9),
        Point(0.6, 1 / 3, 0.8),
        Point(0.8, 0.5, 0.3),
        Point(1.0, 0.6, 0.1),
    )


@given(judgments)
def test_the_curve_is_what_counting_at_its_thresholds_gives(judged: Sequence[Judged]) -> None:
    curve = risk_coverage(judged)
    assert [p.threshold for p in curve] == sorted({j.confidence for j in judged}, reverse=True)
    for point in curve:
        answered = [one for one in judged if one.confidence >= point.threshold]
        assert point.coverage == len(answered) / len(judged)
        assert point.risk == sum(not one.correct for one in answered) / len(answered)


@given(judgments)
def test_auroc_is_that_of_scikit_learn(judged: Sequence[Judged]) -> None:
    labels = [one.answerable for one in judged]
    if len(set(labels)) == 1:
        with pytest.raises(ValueError, match="AUROC needs both kinds"):
            auroc(judged)
        return
    assert auroc(judged).value == pytest.approx(
        roc_auc_score(labels, [one.confidence for one in judged]), abs=1e-12
    )


def test_auroc_goes_by_answerability_and_not_by_what_was_found() -> None:
    assert auroc(judge((0.9, MISSED), (0.5, RIGHT), (0.5, UNANSWERABLE))) == Area(0.75, 2, 1)


@given(judgments)
def test_augrc_is_the_chance_that_a_wrong_answer_comes_before_a_random_question(
    judged: Sequence[Judged],
) -> None:
    pairs = [
        (one.confidence > other.confidence) + (one.confidence == other.confidence) / 2
        for one, other in itertools.product(judged, repeat=2)
        if not one.correct
    ]
    assert augrc(judged) == pytest.approx(sum(pairs) / len(judged) ** 2, abs=1e-12)


@given(judgments)
def test_augrc_follows_from_accuracy_and_from_how_well_failures_are_told(
    judged: Sequence[Judged],
) -> None:
    """Equation of Traub et al.: (1 - AUROC of failures) acc (1 - acc) + (1 - acc)² / 2."""
    correct = [one.correct for one in judged]
    accuracy = sum(correct) / len(correct)
    unsorted = 0.0
    if 0 < accuracy < 1:
        unsorted = 1 - roc_auc_score(correct, [one.confidence for one in judged])
    expected = unsorted * accuracy * (1 - accuracy) + (1 - accuracy) ** 2 / 2
    assert augrc(judged) == pytest.approx(expected, abs=1e-12)


def test_augrc_by_hand() -> None:
    assert augrc(FIVE) == pytest.approx((0 + 2 * 0.5 + 1.5 + 2.5) / 25)


@given(st.lists(rows, min_size=1, max_size=6).map(lambda drawn: judge(*drawn)))
def test_aurc_is_the_mean_over_all_orders_of_ties(judged: Sequence[Judged]) -> None:
    areas = []
    for order in itertools.permutations(judged):
        surest = sorted(order, key=lambda one: -one.confidence)
        wrong = np.cumsum([not one.correct for one in surest])
        areas.append(np.mean(wrong / np.arange(1, len(wrong) + 1)))
    assert aurc(judged) == pytest.approx(np.mean(areas), abs=1e-12)


def mteb_area(confidence: Sequence[float], right: Sequence[float]) -> float:
    """The abstention curve as arXiv 2402.12997 defines it; confidences without ties."""
    rates = np.linspace(0, 1, 11)[:-1]
    order = np.argsort(confidence)
    values = np.asarray(right, dtype=float)[order]
    left = [values[min(round(r * len(values)), len(values) - 1) :].mean() for r in rates]
    return float(auc(rates, left))


@given(distinct)
def test_nauc_is_scaled_between_random_and_oracle(judged: Sequence[Judged]) -> None:
    right = [float(one.correct) for one in judged]
    if len(set(right)) == 1:
        assert nauc(judged) is None
        return
    flat = 0.9 * float(np.mean(right))
    oracle = mteb_area(right, right)
    own = mteb_area([one.confidence for one in judged], right)
    assert nauc(judged) == pytest.approx((own - flat) / (oracle - flat), abs=1e-12)


def test_nauc_is_1_for_an_oracle_0_for_no_ranking_and_negative_for_a_misleading_one() -> None:
    half = [RIGHT] * 5 + [UNANSWERABLE] * 5
    assert nauc(judge(*((i / 10, kind) for i, kind in enumerate(half[::-1])))) == pytest.approx(1)
    assert nauc(judge(*((0.5, kind) for kind in half))) == pytest.approx(0, abs=1e-12)
    misled = nauc(judge(*((i / 10, kind) for i, kind in enumerate(half))))
    assert misled is not None
    assert misled < 0


@given(judgments, st.randoms(use_true_random=False))
def test_nothing_depends_on_the_order_of_questions(judged: list[Judged], random) -> None:
    shuffled = random.sample(judged, len(judged))
    assert risk_coverage(shuffled) == risk_coverage(judged)
    assert augrc(shuffled) == augrc(judged)
    assert aurc(shuffled) == pytest.approx(aurc(judged))
    assert nauc(shuffled) == pytest.approx(nauc(judged))


@pytest.mark.parametrize("area", [risk_coverage, augrc, aurc, nauc])
def test_no_question_has_no_area(area) -> None:
    with pytest.raises(ValueError, match="at least one question"):
        area([])


def test_what_cannot_be_is_refused() -> None:
    with pytest.raises(ValueError, match=r"q: confidence 1\.5 is not in \[0, 1\]"):
        Judged("q", 1.5, *RIGHT)
    with pytest.raises(ValueError, match="confidence nan"):
        Judged("q", math.nan, *RIGHT)
    with pytest.raises(ValueError, match="q: nothing answers it"):
        replace(Judged("q", 0.5, *RIGHT), answerable=False)


def test_a_share_has_the_wilson_interval() -> None:
    five = Share(5, 20)
    z = 1.959963984540054
    middle = (0.25 + z * z / 40) / (1 + z * z / 20)
    half = z / (1 + z * z / 20) * math.sqrt(0.25 * 0.75 / 20 + z * z / 1600)
    assert (five.low, five.high) == pytest.approx((middle - half, middle + half))
    assert (Share(0, 20).low, Share(20, 20).high) == (0.0, 1.0)
    assert Share(0, 20).high == pytest.approx(z * z / (20 + z * z))


@given(st.integers(0, 50), st.integers(1, 50))
def test_a_share_lies_in_its_interval_and_the_interval_in_0_to_1(some: int, n: int) -> None:
    share = Share(min(some, n), n)
    assert 0 <= share.low <= share.value + 1e-15
    assert share.value - 1e-15 <= share.high <= 1
