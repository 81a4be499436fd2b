"""Numbers by value."""

from __future__ import annotations

import pytest

from rag.numerals import numeral_at


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
        ("十余家", "10+"),
    ],
)
def test_a_number_is_read_by_value(text: str, value: str) -> None:
    numeral = numeral_at(text, 0)
    assert numeral is not None
    assert numeral.value == value


@pytest.mark.parametrize(
    "text", ["一网通办", "千方百计", "百家", "十分满意", "三五家", "三百五件", "三", "天", ""]
)
def test_what_is_no_plain_number_is_left_alone(text: str) -> None:
    assert numeral_at(text, 0) is None


def test_a_full_width_comma_parts_numbers() -> None:
    assert numeral_at("120，350", 0) == numeral_at("120", 0)
