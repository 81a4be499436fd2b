"""An absolute scale: from what unrelated questions reach, up."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rag.confidence import LOW, NONE, UNRELATED, confidence_of, floor_of

scores = st.floats(0, 1)


@given(scores, scores, scores, scores)
def test_confidence_lies_between_0_and_1_and_rises_in_both(
    dense: float, lexical: float, more: float, more_lexical: float
) -> None:
    low = confidence_of(min(dense, more), min(lexical, more_lexical))
    high = confidence_of(max(dense, more), max(lexical, more_lexical))
    assert 0 < low <= high <= 1


def test_what_is_at_the_noise_floor_is_refused() -> None:
    assert confidence_of(0, 0) < NONE < LOW


def test_the_floor_is_the_mean_and_never_negative() -> None:
    assert floor_of([0.5, 0.7]) == pytest.approx(0.6)
    assert floor_of([-0.5, 0.1]) == 0


def test_a_floor_of_nothing_is_refused() -> None:
    with pytest.raises(ValueError, match="at least one unrelated question"):
        floor_of([])


def test_the_unrelated_questions_are_distinct() -> None:
    assert len(set(UNRELATED)) == len(UNRELATED) == 40
