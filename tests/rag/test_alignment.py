"""Against the table that every textbook fills in."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rag.alignment import Alignment, best_alignment, edit_distance

short = st.text("税退a", max_size=8)


def levenshtein(one: str, other: str) -> int:
    row = list(range(len(other) + 1))
    for i, x in enumerate(one, start=1):
        diagonal, row[0] = row[0], i
        for j, y in enumerate(other, start=1):
            diagonal, row[j] = row[j], min(row[j] + 1, row[j - 1] + 1, diagonal + (x != y))
    return row[-1]


@given(short, short)
def test_the_edit_distance_is_that_of_the_table(one: str, other: str) -> None:
    assert edit_distance(one, other) == levenshtein(one, other)


@given(short.filter(bool), st.text("税退a", max_size=12))
def test_no_run_is_nearer_than_the_one_found(pattern: str, text: str) -> None:
    found = best_alignment(pattern, text)
    runs = [text[i:j] for i in range(len(text) + 1) for j in range(i, len(text) + 1)]
    assert found.distance == min(levenshtein(pattern, run) for run in runs)
    assert found.distance == levenshtein(pattern, text[found.start : found.end])


def test_a_substitution_at_the_end_is_preferred_to_leaving_it_out() -> None:
    assert best_alignment("退税五", "智能退税三天") == Alignment(2, 5, 1)


def test_an_empty_pattern_is_a_mistake() -> None:
    with pytest.raises(ValueError, match="stands everywhere"):
        best_alignment("", "退税")
