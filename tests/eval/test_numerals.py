"""Numbers in the other script, and words that only look like numbers."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from eval.numerals import swap_numerals

PAIRS = [
    ("12个", "十二个"),
    ("第12条", "第十二条"),
    ("第1批", "第一批"),
    ("第2次", "第二次"),
    ("5%", "百分之五"),
    ("98.5%", "百分之九十八点五"),
    ("100%", "百分之一百"),
    ("2022年", "二〇二二年"),
    ("1998年12月31日", "一九九八年十二月三十一日"),
    ("20年", "二十年"),
    ("2个", "两个"),
    ("2月", "二月"),
    ("2级", "二级"),
    ("600多个", "六百多个"),
    ("5万户", "五万户"),
    ("20.47亿元", "二十点四七亿元"),
    ("0.5天", "零点五天"),
    ("105家", "一百零五家"),
    ("1010件", "一千零一十件"),
    ("123000户", "十二万三千户"),
    ("100010005人", "一亿零一万零五人"),
]


@pytest.mark.parametrize(("arabic", "han"), PAIRS)
def test_a_number_is_written_in_the_other_script_and_back(arabic: str, han: str) -> None:
    assert swap_numerals(arabic) == han
    assert swap_numerals(han) == arabic


def test_each_number_of_a_sentence_goes_its_own_way() -> None:
    assert swap_numerals("第十二条规定，2022年有31家企业、十大行动和百分之五的增长") == (
        "第12条规定，二〇二二年有三十一家企业、10大行动和5%的增长"
    )


def test_a_full_width_percent_sign_is_one() -> None:
    assert swap_numerals("5％") == "百分之五"


@pytest.mark.parametrize(
    "text",
    [
        *("一网通办", "四位一体", "千家万户", "一次性", "万一", "十四五规划", "一百二十多"),
        *("三四个", "二三十家", "几十个", "数十家", "十几个", "百分之几", "三分之一天"),
        *("12366热线", "A4张", "1,000家", "3-5年", "3~5天", "05个", "1.2.3条", "20:30分钟"),
        "",
    ],
)
def test_what_is_not_surely_a_number_stays(text: str) -> None:
    assert swap_numerals(text) == text


@given(st.integers(1, 10**11 - 1).filter(lambda n: n != 2))
def test_any_number_comes_back(number: int) -> None:
    written = swap_numerals(f"第{number}条")
    assert not re.search(r"[0-9]", written)
    back = swap_numerals(written)
    scales = {"": 1, "万": 10**4, "亿": 10**8}
    digits, unit = re.fullmatch(r"第([0-9]+)([万亿]?)条", back).groups()  # type: ignore[union-attr]
    assert int(digits) * scales[unit] == number


@given(st.integers(0, 99_999), st.text("0123456789", min_size=1, max_size=4))
def test_any_decimal_comes_back(whole: int, fraction: str) -> None:
    text = f"{whole}.{fraction}%"
    assert swap_numerals(swap_numerals(text)) == text


@given(st.text("零一二两三十百千万亿点第分之年月个多%0123456789."))
def test_nothing_is_too_strange(text: str) -> None:
    assert swap_numerals(text).count("个") == text.count("个")
