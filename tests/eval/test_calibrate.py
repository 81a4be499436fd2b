"""What is learnt from signals, and that no number reported was fitted to its question."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from eval.abstention import UnreachableRiskError
from eval.calibrate import CalibrateError, Learnt, Limits, learn
from eval.observed import Asked, Kind
from rag.confidence import Calibration
from rag.signals import Signals

CENTRES = {Kind.ANSWERABLE: 0.5, Kind.UNANSWERABLE: 0.4, Kind.ELSEWHERE: 0.1}


def sample(system: str = "甲", n: int = 200, shift: float = 0.0) -> list[Asked]:
    random = np.random.default_rng(7)
    asked = []
    for kind, centre in CENTRES.items():
        for number in range(n):
            dense = float(np.clip(random.normal(centre + shift, 0.1), 0, 1))
            lacks = float(random.random() < (0.6 if kind is Kind.UNANSWERABLE else 0.03))
            signals = Signals(dense, float(random.random()), unsaid=lacks)
            asked.append(Asked(f"{kind}{number}", system, str(kind), kind, signals))
    return asked


@pytest.fixture(scope="module")
def learnt() -> Learnt:
    return learn(sample(), Limits())


def test_the_function_finds_what_tells_the_kinds_apart(learnt: Learnt) -> None:
    dense, lexical, unsaid, elsewhere, known = learnt.logistic.coefficients
    assert dense > 5
    assert 0 <= lexical < 1
    assert unsaid < -2
    assert (elsewhere, known) == (0.0, 0.0)
    assert learnt.area.value > 0.85


def test_thresholds_keep_to_the_limits(learnt: Learnt) -> None:
    own = next(group for group in learnt.groups if group.name == "answerable")
    assert (own.held_out, own.area, own.refused.n) == (False, None, 200)
    assert 8 <= own.refused.some <= 10
    assert 0 < learnt.none <= learnt.low < 1
    strict = learn(sample(), Limits(0.0, 0.0))
    assert strict.groups[0].refused.some == 0
    assert strict.low < learnt.low


def test_no_system_refuses_more_than_allowed() -> None:
    both = [*sample("甲"), *sample("乙", shift=-0.1)]
    found = learn(both, Limits(0.05))
    refused = {g.system: g.refused.some for g in found.groups if g.name == "answerable"}
    assert refused["甲"] < refused["乙"] <= 10


def test_half_of_what_is_not_answered_is_held_out_and_changes_nothing(learnt: Learnt) -> None:
    groups = {(group.name, group.held_out): group.refused.n for group in learnt.groups}
    assert groups["unanswerable", False] + groups["unanswerable", True] == 200
    assert 60 < groups["elsewhere", True] < 140
    from eval.parts import calibration_split

    ids = [one.question_id for one in sample() if one.kind is not Kind.ANSWERABLE]
    kept = set(calibration_split(ids)[1])
    changed = [
        replace(one, signals=Signals(1.0, 1.0)) if one.question_id in kept else one
        for one in sample()
    ]
    again = learn(changed, Limits())
    assert (again.logistic, again.low, again.none) == (learnt.logistic, learnt.low, learnt.none)
    assert [g.refused.some for g in again.groups if g.held_out and g.area] == [0, 0]


def test_confidence_is_as_often_right_as_it_says(learnt: Learnt) -> None:
    assert learnt.ece < 0.08
    assert learnt.brier < 0.15
    assert sum(one.n for one in learnt.bins) == learnt.n
    assert [one.confidence for one in learnt.bins] == sorted(o.confidence for o in learnt.bins)


def test_what_is_learnt_becomes_a_calibration_that_reads_back(learnt: Learnt) -> None:
    calibration = learnt.calibration("试验")
    assert calibration.low == learnt.low
    assert calibration.weights.dense == round(learnt.logistic.coefficients[0], 4)
    assert Calibration.from_json(calibration.to_json(), "x") == calibration


def test_a_target_risk_sets_the_threshold_instead() -> None:
    found = learn(sample(), Limits(target_risk=0.1))
    assert found.low > learn(sample(), Limits()).low
    alike = [replace(one, signals=Signals(0.5, 0.5)) for one in sample()]
    with pytest.raises(UnreachableRiskError, match="没有阈值能使答错率不超过"):
        learn(alike, Limits(target_risk=0.01))


def test_too_few_questions_are_refused_with_their_numbers() -> None:
    few = [one for one in sample(n=19) if one.kind is not Kind.UNANSWERABLE]
    with pytest.raises(CalibrateError, match="有答案的问题 19 个，没有答案的 19 个"):
        learn(few, Limits())
    answered = [one for one in sample() if one.kind is Kind.ANSWERABLE]
    with pytest.raises(CalibrateError, match="没有答案的 0 个（留作检验 0 个）"):
        learn(answered, Limits())


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ((0.05, 0.1), "need 0 <= denials <= refusals <= 1"),
        ((1.5, 0.1), "need 0 <= denials <= refusals <= 1"),
        ((0.05, 0.01, 2.0), r"target risk 2\.0 is not in \[0, 1\]"),
    ],
)
def test_limits_that_cannot_be_meant_are_refused(
    arguments: tuple[float, ...], message: str
) -> None:
    with pytest.raises(ValueError, match=message):
        Limits(*arguments)
