"""The zero of dense scores: what unrelated questions reach."""

from __future__ import annotations

import pytest

from rag.noise import UNRELATED, floor_of


def test_the_floor_is_the_mean_and_never_negative() -> None:
    assert floor_of([0.5, 0.7]) == pytest.approx(0.6)
    assert floor_of([-0.5, 0.1]) == 0


def test_a_floor_of_nothing_is_refused() -> None:
    with pytest.raises(ValueError, match="at least one unrelated question"):
        floor_of([])


def test_the_unrelated_questions_are_distinct() -> None:
    assert len(set(UNRELATED)) == len(UNRELATED) == 40
