"""What two sentences that say the same have in common."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rag.symbols import symbols_of


def read(text: str) -> list[tuple[str, bool]]:
    return [(symbol.text, symbol.paused) for symbol in symbols_of(text)]


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("退税，三天到账", "退稅,3天到賬。"),
        ("“零跑腿”办成", "零跑腿办成"),
        ("ＶＡＴ降1.5亿元", "vat降15000万元"),
        ("企业与群众", "企业和群众"),
        ("先办；后付", "先办，后付"),
    ],
)
def test_ways_of_writing_do_not_count(one: str, other: str) -> None:
    assert read(one) == read(other)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("三天到账", "三个月到账"),
        ("不可以", "不，可以"),
        ("能到账？", "能到账。"),
        ("3-5天", "3、5天"),
        ("下降-3%", "下降3%"),
        ("12366", "12345"),
        ("120，350户", "120350户"),
        ("十分满意", "10分满意"),
    ],
)
def test_what_is_said_counts(one: str, other: str) -> None:
    assert read(one) != read(other)


@given(st.text(alphabet="三天1.5亿万，。“”A（b ㎡½年", max_size=20))
def test_symbols_stand_in_order_within_the_text(text: str) -> None:
    symbols = symbols_of(text)
    starts, ends = [one.start for one in symbols], [one.end for one in symbols]
    assert (starts, ends) == (sorted(starts), sorted(ends))
    assert all(0 <= a < b <= len(text) for a, b in zip(starts, ends, strict=True))
