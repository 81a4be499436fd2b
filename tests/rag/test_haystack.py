from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from rag.alignment import best_alignment
from rag.folding import fold
from rag.haystack import Haystack, Piece
from rag.types import Span


def stack_of(*texts: str) -> Haystack:
    return Haystack([Piece(text, Span(0, len(text))) for text in texts])


@given(
    st.lists(st.text("税退ab ，，", max_size=12), min_size=1, max_size=4),
    st.text("税退ab", min_size=1, max_size=3),
)
def test_what_is_found_is_what_naive_search_finds(texts: list[str], needle: str) -> None:
    stack = stack_of(*texts)
    found = [(stack.piece_at(at), stack.span_of(at, at + len(needle))) for at in stack.find(needle)]
    expected = []
    for row, text in enumerate(texts):
        folded = fold(text)
        for at in range(len(folded.text)):
            if folded.text.startswith(needle, at):
                last = at + len(needle) - 1
                expected.append((row, Span(int(folded.origin[at]), int(folded.origin[last]) + 1)))
    assert found == expected


@given(
    st.lists(st.text("税退天账", max_size=20), min_size=1, max_size=3),
    st.text("税退天账", min_size=4, max_size=8),
    st.integers(0, 2),
)
def test_leaving_out_what_cannot_match_loses_no_match(
    texts: list[str], needle: str, edits: int
) -> None:
    if len(needle) - 1 - 2 * edits < 1:  # so few pairs need not be shared
        return
    found = stack_of(*texts).nearest(needle, edits)
    least = min(best_alignment(needle, text).distance for text in texts)
    assert (None if found is None else found.distance) == (least if least <= edits else None)


def test_nothing_is_found_across_two_pieces() -> None:
    stack = stack_of("智能退税", "三天到账")
    assert list(stack.find("退税三天")) == []
    assert stack.nearest("智能退税三天到账", 1) is None


def test_offsets_count_in_the_source_of_a_piece() -> None:
    text = "前言。𠮷祥大厦 退税"
    stack = Haystack([Piece("别的", Span(0, 2)), Piece(text, Span(3, len(text)))])
    (at,) = stack.find("大厦退税")
    assert stack.piece_at(at) == 1
    assert stack.span_of(at, at + 4).of(text) == "大厦 退税"
