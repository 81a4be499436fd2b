"""Times -> percentiles and ratios."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from eval.bench.figures import Latency, Ratio, percentile


@given(st.lists(st.floats(0, 1e6), min_size=1), st.floats(0, 1))
def test_a_percentile_is_numpys(times: list[float], share: float) -> None:
    assert percentile(times, share) == pytest.approx(float(np.quantile(times, share)))


@pytest.mark.parametrize(("times", "share"), [([], 0.5), ([1.0], 1.5), ([1.0], -0.1)])
def test_what_is_no_percentile_is_refused(times: list[float], share: float) -> None:
    with pytest.raises(ValueError, match="no percentile"):
        percentile(times, share)


def test_a_latency_counts_all_rounds_together_and_keeps_their_medians_apart() -> None:
    latency = Latency(((1.0, 2.0, 9.0), (4.0, 5.0, 6.0)))
    assert latency.count == 6
    assert latency.at(0.5) == 4.5
    assert latency.medians == (2.0, 5.0)


def test_a_ratio_compares_each_round_with_itself() -> None:
    # The machine was ten times slower in the second round; the ratio does not notice.
    assert Ratio.of([30.0, 300.0, 40.0], [10.0, 100.0, 10.0]) == Ratio(3.0, 3.0, 4.0)


@pytest.mark.parametrize(("ones", "others"), [([1.0], [1.0, 2.0]), ([], [])])
def test_rounds_that_do_not_match_are_not_compared(ones: list[float], others: list[float]) -> None:
    with pytest.raises(ValueError, match="cannot compare"):
        Ratio.of(ones, others)
