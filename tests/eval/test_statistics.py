"""Intervals and verdicts, against enumeration, simulation and published examples."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from itertools import product
from math import sqrt
from random import Random

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from eval.resampling import RESAMPLES, SEED
from eval.statistics import Comparison, Interval, compare, holm, interval_of

VALUE = st.sampled_from([0.0, 0.1, 0.25, 1 / 3, 0.5, 0.63, 1.0])
SAMPLE = st.lists(VALUE, min_size=1, max_size=30)
PAIRS = st.lists(st.tuples(VALUE, VALUE), min_size=1, max_size=30)


def by_id(values: Sequence[float]) -> dict[str, float]:
    return {f"q{number:04}": float(value) for number, value in enumerate(values)}


def compared(differences: Sequence[float]) -> Comparison:
    return compare(by_id([0.0] * len(differences)), by_id(differences), "nDCG@10")


def test_an_interval_is_around_the_mean_and_says_how_many_questions() -> None:
    interval = interval_of(by_id([0, 1] * 50))
    assert (interval.mean, interval.n) == (0.5, 100)
    assert interval.low == pytest.approx(0.4, abs=0.011)
    assert interval.high == pytest.approx(0.6, abs=0.011)


def test_one_question_or_equal_values_give_an_interval_of_no_width() -> None:
    assert interval_of({"q": 0.25}) == Interval(0.25, 0.25, 0.25, 1)
    assert interval_of(by_id([1.0] * 5)) == Interval(1, 1, 1, 5)
    assert interval_of(by_id([0, 1]), {"q0000": "c", "q0001": "c"}) == Interval(0.5, 0.5, 0.5, 2)


def test_there_is_no_interval_of_nothing_or_of_what_is_not_a_number() -> None:
    with pytest.raises(ValueError, match="there is no value"):
        interval_of({})
    with pytest.raises(ValueError, match=r"not finite, of questions \['b'\]"):
        interval_of({"a": 1.0, "b": float("nan")})
    with pytest.raises(ValueError, match="question b has no cluster"):
        interval_of({"a": 1.0, "b": 1.0}, {"a": "c"})


@settings(deadline=None, max_examples=30)
@given(SAMPLE, st.randoms(use_true_random=False))
def test_the_order_of_the_questions_changes_nothing(sample: list[float], random: Random) -> None:
    values = by_id(sample)
    shuffled = list(values.items())
    random.shuffle(shuffled)
    assert interval_of(dict(shuffled)) == interval_of(values)
    assert compare(dict(shuffled), dict.fromkeys(values, 0.5), "m") == compare(
        values, dict.fromkeys(values, 0.5), "m"
    )


@settings(deadline=None, max_examples=30)
@given(SAMPLE)
def test_an_interval_lies_between_the_least_and_the_greatest_value(sample: list[float]) -> None:
    interval = interval_of(by_id(sample))
    slack = 1e-12
    assert min(sample) - slack <= interval.low <= interval.high <= max(sample) + slack


@settings(deadline=None, max_examples=30)
@given(SAMPLE)
def test_clusters_of_one_question_change_nothing(sample: list[float]) -> None:
    values = by_id(sample)
    clusters = {question_id: f"case of {question_id}" for question_id in reversed(values)}
    assert interval_of(values, clusters) == interval_of(values)


@pytest.mark.parametrize("seed", range(3))
def test_bounds_are_those_of_scipy(seed: int) -> None:
    sample = np.random.default_rng(seed).random(152)
    theirs = stats.bootstrap(
        (sample,),
        np.mean,
        n_resamples=RESAMPLES,
        method="percentile",
        rng=np.random.default_rng(SEED),
    ).confidence_interval
    ours = interval_of(by_id(sample))
    assert (ours.low, ours.high) == pytest.approx((theirs.low, theirs.high), abs=1e-12)


def test_95_of_100_intervals_hold_the_true_mean() -> None:
    generator = np.random.default_rng(1)
    intervals = [interval_of(by_id(generator.beta(0.5, 0.3, 60))) for _ in range(300)]
    true = 0.5 / 0.8
    covered = sum(interval.low <= true <= interval.high for interval in intervals) / 300
    assert 0.92 <= covered <= 0.98


def test_where_questions_share_a_source_only_clusters_cover_the_true_mean() -> None:
    generator = np.random.default_rng(2)
    clusters = {f"q{number:04}": f"c{number // 8}" for number in range(240)}
    plain = clustered = 0
    for _ in range(120):
        of_source = np.repeat(generator.normal(0.5, 0.1, 30), 8)
        values = by_id(of_source + generator.normal(0, 0.05, 240))
        narrow, wide = interval_of(values), interval_of(values, clusters)
        plain += narrow.low <= 0.5 <= narrow.high
        clustered += wide.low <= 0.5 <= wide.high
    assert plain / 120 < 0.7
    assert 0.88 <= clustered / 120 <= 0.99


def test_a_comparison_is_b_less_a() -> None:
    a, b = by_id([0.0, 0.5, 1.0, 1.0]), by_id([1.0, 1.0, 1.0, 0.75])
    result = compare(a, b, "R@5")
    assert (result.measure, result.n, result.difference) == ("R@5", 4, 0.3125)
    assert (result.wins, result.ties, result.losses) == (2, 1, 1)
    deviation = sqrt(sum((d - 0.3125) ** 2 for d in (1, 0.5, 0, -0.25)) / 3)
    assert result.detectable == pytest.approx(2.801585 * deviation / 2, rel=1e-6)
    assert result.needed == int((2.801585 * deviation / 0.01) ** 2) + 1


@settings(deadline=None, max_examples=30)
@given(st.lists(st.sampled_from([-1.0, -0.3, -0.1, 0.0, 0.1, 0.2, 0.3]), min_size=1, max_size=10))
def test_a_small_p_is_the_share_of_all_sign_patterns(differences: list[float]) -> None:
    size = abs(sum(differences)) - 1e-9
    sums = [
        abs(sum(sign * difference for sign, difference in zip(signs, differences, strict=True)))
        for signs in product([1, -1], repeat=len(differences))
    ]
    expected = sum(value >= size for value in sums) / len(sums)
    assert compared(differences).p == pytest.approx(expected, abs=1e-12)


def permutation_p(differences: Sequence[float]) -> float:
    return stats.permutation_test(
        (np.array(differences),),
        lambda sample, axis: sample.mean(axis=axis),
        permutation_type="samples",
        n_resamples=RESAMPLES,
        vectorized=True,
        rng=np.random.default_rng(3),
    ).pvalue


@pytest.mark.parametrize("seed", range(5))
def test_p_is_that_of_scipy(seed: int) -> None:
    generator = np.random.default_rng(seed)
    few = generator.normal(0.2, 0.5, 12)
    many = generator.choice([-1, -0.5, 0, 0, 0.5, 1], 152) + 0.04 * seed
    assert compared(few).p == pytest.approx(permutation_p(few), abs=1e-12)
    assert compared(many).p == pytest.approx(permutation_p(many), abs=0.02)


def test_a_p_that_is_drawn_is_never_0() -> None:
    assert compared([0.5] * 60).p == 1 / 10_001


def test_equal_systems_have_p_1_and_nothing_is_known_of_what_could_be_seen() -> None:
    result = compared([0.0] * 152)
    assert (result.p, result.difference, result.low, result.high) == (1, 0, 0, 0)
    assert (result.wins, result.ties, result.losses) == (0, 152, 0)
    assert (result.detectable, result.needed) == (None, None)
    assert result.verdict == "indistinct"


def test_p_is_uniform_where_there_is_no_difference() -> None:
    generator = np.random.default_rng(4)
    ps = [compared(generator.normal(0, 0.2, 30)).p for _ in range(400)]
    for level in (0.05, 0.25, 0.5, 0.75):
        spread = 3 * sqrt(level * (1 - level) / 400)
        assert sum(p <= level for p in ps) / 400 == pytest.approx(level, abs=spread)


def test_4_of_5_tests_see_a_difference_that_is_said_to_be_detectable() -> None:
    generator = np.random.default_rng(6)
    least = compared(generator.normal(0, 0.2, 40)).detectable
    scale = 0.2 * 2.8016 / sqrt(40)
    assert least == pytest.approx(scale, rel=0.3)
    seen = sum(compared(generator.normal(scale, 0.2, 40)).p < 0.05 for _ in range(300)) / 300
    assert 0.72 <= seen <= 0.88


@settings(deadline=None, max_examples=30)
@given(PAIRS)
def test_the_other_way_round_everything_is_mirrored(pairs: list[tuple[float, float]]) -> None:
    a, b = by_id([x for x, _ in pairs]), by_id([y for _, y in pairs])
    there, back = compare(a, b, "m"), compare(b, a, "m")
    assert (back.p, back.difference) == (there.p, -there.difference)
    assert (back.low, back.high) == pytest.approx((-there.high, -there.low), abs=1e-12)
    assert (back.wins, back.ties, back.losses) == (there.losses, there.ties, there.wins)
    assert (back.detectable, back.needed) == (there.detectable, there.needed)


def test_questions_that_only_one_system_was_asked_are_named() -> None:
    with pytest.raises(ValueError, match=r"R@1: 2 questions are in one of two only: \['b', 'c'\]"):
        compare({"a": 1.0, "b": 1.0}, {"a": 1.0, "c": 1.0}, "R@1")
    with pytest.raises(ValueError, match="there is no value"):
        compare({}, {}, "R@1")


def of_p(p: float, difference: float = 0.1) -> Comparison:
    return Comparison("m", 9, difference, 0, 0, p, p, 1, 0, 0, 0.2, 9)


@pytest.mark.parametrize(
    ("ps", "corrected"),
    [
        ([0.01, 0.04, 0.03, 0.005], [0.03, 0.06, 0.06, 0.02]),
        ([0.04, 0.04], [0.08, 0.08]),
        ([0.3, 0.9, 0.6], [0.9, 1, 1]),
        ([0.02], [0.02]),
        ([], []),
    ],
)
def test_holm_corrects_a_family_and_keeps_its_order(
    ps: list[float], corrected: list[float]
) -> None:
    family = holm([of_p(p) for p in ps])
    assert [member.p_holm for member in family] == pytest.approx(corrected)
    assert [member.p for member in family] == ps


def test_in_a_family_only_greater_differences_are_detectable() -> None:
    alone = compared([0.0, 0.5, 1.0, -0.25] * 5)
    family = holm([alone] * 4)
    assert alone.detectable is not None
    ratio = (stats.norm.ppf(1 - 0.05 / 4 / 2) + stats.norm.ppf(0.8)) / 2.801585
    assert [member.family for member in family] == [4] * 4
    assert family[0].detectable == pytest.approx(alone.detectable * ratio, rel=1e-6)
    assert alone.needed is not None
    assert family[0].needed == pytest.approx(alone.needed * ratio**2, abs=2)
    assert (family[0].low, family[0].high, family[0].p) == (alone.low, alone.high, alone.p)


def test_a_family_corrected_again_is_not_corrected_twice() -> None:
    alone = compared([0.0, 0.5, 1.0, -0.25] * 5)
    (again,) = holm(holm([alone] * 4)[:1])
    assert (again.p_holm, again.family, again.needed) == (alone.p, 1, alone.needed)
    assert again.detectable == pytest.approx(alone.detectable)


def test_a_mean_of_fewer_than_ten_is_one_of_few() -> None:
    assert interval_of(by_id([1.0] * 9)).few
    assert not interval_of(by_id([1.0] * 10)).few


@given(st.lists(st.floats(0, 1), max_size=8), st.floats(0.01, 0.5))
def test_holm_rejects_what_his_procedure_rejects(ps: list[float], alpha: float) -> None:
    rejected = set()
    for step, place in enumerate(sorted(range(len(ps)), key=lambda place: ps[place])):
        if (len(ps) - step) * ps[place] > alpha:
            break
        rejected.add(place)
    family = holm([of_p(p) for p in ps])
    assert {place for place, member in enumerate(family) if member.p_holm <= alpha} == rejected


@pytest.mark.parametrize(
    ("comparison", "verdict", "zh", "en"),
    [
        (of_p(0.049), "better", "更好", "better"),
        (of_p(0.049, -0.1), "worse", "更差", "worse"),
        (
            of_p(0.05),
            "indistinct",
            "无法区分（n=9 时只能看出 ≥.200 的差别）",
            "cannot tell (n=9 shows only differences ≥.200)",
        ),
        (
            compared([0.0, 0.0]),
            "indistinct",
            "没有差别（逐题相同）",
            "no difference (equal on every question)",
        ),
        (
            compared([0.5, 0.5]),
            "indistinct",
            "无法区分（n=2，题数太少）",
            "cannot tell (n=2 is too few)",
        ),
    ],
)
def test_a_verdict_is_said_in_words(comparison: Comparison, verdict: str, zh: str, en: str) -> None:
    assert comparison.verdict == verdict
    assert comparison.in_words() == zh
    assert comparison.in_words("en") == en


def test_a_verdict_is_that_of_the_family() -> None:
    family = holm([of_p(0.03), of_p(0.03)])
    assert [member.verdict for member in family] == ["indistinct", "indistinct"]
    assert replace(family[0], p_holm=0.03).verdict == "better"
