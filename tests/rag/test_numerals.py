"""Numbers by value."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from eval.numerals import swap_numerals
from rag.numerals import numeral_at, numerals_in, whole_number, whole_numerals


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("1,234户", "1234"),
        ("1.2万笔", "12000"),
        ("15000万元", "150000000"),
        ("30余笔", "30+"),
        ("300多万", "3000000+"),
        ("300万多", "3000000+"),
        ("99.50%", "199/2%"),
        ("021", "021"),
        ("0.5", "1/2"),
        ("三天", "3"),
        ("十二个", "12"),
        ("二十次", "20"),
        ("两千三百零五家", "2305"),
        ("一亿两千万元", "120000000"),
        ("二〇二二年", "2022"),
        ("百分之三十", "30%"),
        ("百分之三十多", "30+%"),
        ("十余家", "10+"),
        ("三点五亿元", "350000000"),
        ("零点五天", "1/2"),
        ("12,3456", "12"),
        ("2022.3.1起", "2022.3.1"),
    ],
)
def test_a_number_is_read_by_value(text: str, value: str) -> None:
    numeral = numeral_at(text, 0)
    assert numeral is not None
    assert numeral.value == value


@pytest.mark.parametrize(
    "text",
    [
        *("一网通办", "千方百计", "百家", "十分满意", "三五家", "三百五件", "三", "天", ""),
        *("一步", "三季度", "百分之百", "三点五十分"),
    ],
)
def test_what_is_no_plain_number_is_left_alone(text: str) -> None:
    assert numeral_at(text, 0) is None


def test_a_full_width_comma_parts_numbers() -> None:
    assert numeral_at("120，350", 0) == numeral_at("120", 0)


@pytest.mark.parametrize(
    ("text", "values"),
    [
        ("3天", ["3"]),
        ("三天", ["3"]),
        ("十三天", ["13"]),
        ("提前二十", ["20"]),
        ("一百零五件", ["105"]),
        ("三百五件", ["350"]),
        ("百家企业", ["100"]),
        ("三季度", ["3"]),
        ("三千二百万元", ["32000000"]),
        ("3200万元", ["32000000"]),
        ("1.50亿", ["150000000"]),
        ("1,200,000户", ["1200000"]),
        ("2022,35家", ["2022", "35"]),
        ("二〇二二年", ["2022"]),
        ("三点五亿", ["350000000"]),
        ("五小时", ["5"]),
        ("300多万", ["3000000+"]),
        ("增长10%", ["10%"]),
        ("增长百分之十", ["10%"]),
        ("2022.3.1起", ["2022.3.1"]),
        ("统一办理,十分方便,万里无云", []),
    ],
)
def test_all_that_may_be_a_number_is_found(text: str, values: list[str]) -> None:
    assert [numeral.value for numeral in numerals_in(text)] == values


@pytest.mark.parametrize(
    ("text", "run", "whole"),
    [
        ("退税13天到账", "3天到账", "13天到账"),
        ("补贴10万元", "补贴10", "补贴10万"),
        ("增长1.5倍", "增长1", "增长1.5"),
        ("共二十家企业", "十家企业", "二十家企业"),
        ("统一三级标准", "三级标准", "三级标准"),
        ("2022,35家", "35家", "35家"),
        ("占10%以上", "占10", "占10%"),
        ("占百分之十以上", "十以上", "百分之十以上"),
        ("服务30余家", "服务30", "服务30余"),
    ],
)
def test_a_run_is_widened_until_it_cuts_no_number(text: str, run: str, whole: str) -> None:
    start = text.index(run)
    assert text[slice(*whole_numerals(text, start, start + len(run)))] == whole


@given(st.text("〇零一二两三五九十百千万亿点年天个步余多百分之0123456789.,%", max_size=20))
def test_what_is_surely_a_number_is_one_wherever_it_is_looked_for(text: str) -> None:
    for numeral in numerals_in(text):
        assert 0 <= numeral.start < numeral.end <= len(text)
        assert numeral_at(text, numeral.start) == (numeral if numeral.sure else None)


@given(st.integers(3, 10**11 - 1))
def test_a_number_written_in_chinese_is_read_back(number: int) -> None:
    (numeral,) = numerals_in(swap_numerals(f"{number}个"))
    assert (numeral.value, numeral.sure) == (str(number), True)


@pytest.mark.parametrize("signs", ["", "点", "三五", "三百五", "百", "二百三百", "一万五", "亿"])
def test_what_is_not_written_in_full_is_no_whole_number(signs: str) -> None:
    assert whole_number(signs) is None
