"""Intervals of shares and areas, against simulation and published figures."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import binomtest

from eval.share import Area, Share

COUNT = st.integers(1, 400)


@given(st.integers(1, 200).flatmap(lambda n: st.tuples(st.integers(0, n), st.just(n))))
def test_the_interval_of_a_share_is_that_of_scipy(drawn: tuple[int, int]) -> None:
    share = Share(*drawn)
    theirs = binomtest(*drawn).proportion_ci(method="wilson")
    assert (share.low, share.high) == pytest.approx((theirs.low, theirs.high), abs=1e-12)


def test_the_standard_error_of_an_area_is_the_one_that_hanley_and_mcneil_print() -> None:
    """Their example: 51 abnormal and 58 normal images, area .893, standard error .032."""
    area = Area(0.893, 51, 58)
    assert (area.high - area.low) / 2 / 1.96 == pytest.approx(0.032, abs=0.001)


@given(st.floats(0, 1), COUNT, COUNT)
def test_an_area_lies_in_its_interval_and_its_mirror_in_the_mirrored_one(
    value: float, yes: int, no: int
) -> None:
    area, mirror = Area(value, yes, no), Area(1 - value, no, yes)
    assert 0 <= area.low <= value + 1e-12
    assert value - 1e-12 <= area.high <= 1
    assert (mirror.low, mirror.high) == pytest.approx((1 - area.high, 1 - area.low), abs=1e-6)


@given(st.floats(0.05, 0.95), COUNT, COUNT)
def test_at_its_bounds_the_observed_area_is_1_96_standard_errors_away(
    value: float, yes: int, no: int
) -> None:
    for bound in (Area(value, yes, no).low, Area(value, yes, no).high):
        q1, q2 = bound / (2 - bound), 2 * bound**2 / (1 + bound)
        others = (yes + no) / 2 - 1
        variance = bound * (1 - bound) + others * (q1 - bound**2) + others * (q2 - bound**2)
        expected = 1.959964 * (variance / (yes * no)) ** 0.5
        assert abs(value - bound) == pytest.approx(expected, rel=1e-4, abs=1e-9)


def test_questions_told_apart_perfectly_still_leave_doubt() -> None:
    assert Area(1.0, 20, 20).high == 1.0
    assert Area(1.0, 20, 20).low == pytest.approx(0.899, abs=0.001)
    assert Area(1.0, 200, 200).low > 0.98


def test_95_of_100_intervals_hold_the_true_area() -> None:
    """Two normals a standard deviation and a half apart: the area is Phi(1.5 / sqrt 2)."""
    generator = np.random.default_rng(1)
    true = 0.855578
    held = 0
    for _ in range(400):
        yes, no = generator.normal(1.5, 1, 40), generator.normal(0, 1, 25)
        area = Area(float((yes[:, None] > no).mean()), 40, 25)
        held += area.low <= true <= area.high
    assert 0.92 <= held / 400 <= 0.985
