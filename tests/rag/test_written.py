"""Sentences out of a model's words as they stream."""

from __future__ import annotations

import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rag.written import SentenceReader, Written


def written(*pieces: str) -> list[tuple[str, tuple[int, ...]]]:
    reader = SentenceReader()
    found: list[Written] = []
    for piece in pieces:
        found += reader.read(piece)
    found += reader.read("", last=True)
    return [(one.text, one.citations) for one in found]


@pytest.mark.parametrize(
    ("said", "read"),
    [
        ("三天到账[1]。", [("三天到账。", (1,))]),
        ("三天到账。[1]", [("三天到账。", (1,))]),
        ("三天到账。 【1】［2］", [("三天到账。", (1, 2))]),
        ("三天到账[2,1]。", [("三天到账。", (1, 2))]),
        ("三天到账[1][1]。", [("三天到账。", (1,))]),
        ("三天到账[证据1]", [("三天到账", (1,))]),
        ("三天到账[^1]。", [("三天到账。", (1,))]),
        ("三天[1]，免费[2]。", [("三天，免费。", (1, 2))]),
        ("三天到账。\n\n免费。", [("三天到账。", ()), ("免费。", ())]),
        ("- 三天到账。[1]\n2. 免费。[2]", [("三天到账。", (1,)), ("免费。", (2,))]),
        ("先办；后付。[1]", [("先办；", (1,)), ("后付。", (1,))]),
        ("先办；[2]后付。[1]", [("先办；", (2,)), ("后付。", (1,))]),
        ("先办；后付", [("先办；", ()), ("后付", ())]),
        ("1.5亿元。[1]", [("1.5亿元。", (1,))]),
        ("“三天。”[1]免费。[2]", [("“三天。”", (1,)), ("免费。", (2,))]),
        ("<think>想[1]。</think>三天。[2]", [("三天。", (2,))]),
        ("<THINK>想[1]。", []),
        ("想。</think>三天。[2]", [("三天。", (2,))]),
        ("a < b[1]。", [("a < b。", (1,))]),
        ("See it. [1] Done.", [("See it.", (1,)), ("Done.", ())]),
        ("[1]", []),
        ("。。。！", []),
        ("", []),
    ],
)
def test_marks_belong_to_the_sentence_they_stand_at(
    said: str, read: list[tuple[str, tuple[int, ...]]]
) -> None:
    assert written(said) == read
    if "</think>" not in said or said.startswith("<"):
        assert written(*said) == read


SAID = "<think>嗯。</think>- 三天到账[1]，免费。【2】\n先办；后付。[1,2]“好。”[3]完"


@given(st.lists(st.integers(0, len(SAID)), max_size=10))
def test_a_piece_may_end_anywhere(cuts: list[int]) -> None:
    places = [0, *sorted(cuts), len(SAID)]
    assert written(*(SAID[a:b] for a, b in itertools.pairwise(places))) == written(SAID)


def test_a_sentence_is_complete_once_another_character_follows() -> None:
    reader = SentenceReader()
    assert reader.read("三天到账。") == []
    assert reader.read("[1") == []
    assert reader.read("]") == []
    assert reader.read("免") == [Written("三天到账。", (1,))]


def test_words_without_end_are_cut() -> None:
    reader = SentenceReader()
    (one,) = reader.read("哈" * 2001)
    assert len(one.text) == 2001
