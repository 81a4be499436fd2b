"""Text -> terms of lexical search."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rag.tokens import normalized, runs_of, terms_of


@pytest.mark.parametrize(
    ("text", "terms"),
    [
        ("退税", ["退", "退税", "税"]),
        ("拨打12366热线", ["拨", "拨打", "打", "12366", "热", "热线", "线"]),
        ("1.5亿、99%", ["1.5", "亿", "99%"]),
        ("１２３４５", ["12345"]),
        ("IPO ipo ＩＰＯ", ["ipo", "ipo", "ipo"]),
        ("企业IPO上市5G网", ["企", "企业", "业", "ipo", "上", "上市", "市", "5", "g", "网"]),
        ("〇𠮷", ["〇", "〇𠮷", "𠮷"]),
        ("，。（）……  ", []),
        ("", []),
    ],
)
def test_han_gives_characters_and_pairs_other_runs_stay_whole(text: str, terms: list[str]) -> None:
    assert terms_of(text) == terms


def test_pairs_do_not_reach_across_punctuation() -> None:
    assert "税办" not in terms_of("退税，办照")


def test_width_and_case_do_not_matter() -> None:
    assert normalized("ＡＢｃ①") == "abc1"


@given(st.text(max_size=100))
def test_a_text_and_its_normal_form_have_the_same_terms(text: str) -> None:
    assert terms_of(text) == terms_of(normalized(text))
    position = 0
    for run in runs_of(text):  # in reading order, without overlap
        position = normalized(text).index(run, position) + len(run)
