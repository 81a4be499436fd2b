"""What is masked, what stays, and that nothing slips through whatever it stands between."""

from __future__ import annotations

import re
import runpy
from datetime import date
from pathlib import Path

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from rag.lines import folded
from rag.masking import is_card_number, is_identity_number, masked

_SETS = runpy.run_path(str(Path(__file__).with_name("masking_sets.py")))
personal, collected, harmless = _SETS["personal"], _SETS["collected"], _SETS["harmless"]

WEIGHTS = [2 ** (17 - place) % 11 for place in range(17)]  # ISO 7064: 2^(position from the right)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("打13812345678找我", "打【电话】找我"),
        ("打138-1234-5678、+86 138 1234 5678", "打【电话】、【电话】"),
        ("008613812345678", "【电话】"),
        ("１３８１２３４５６７８", "【电话】"),
        ("021-12345678", "021-12345678"),
        ("（021）62345678转8，0512 6234567", "【电话】转8，【电话】"),
        ("身份证11010519491231002x请查", "身份证【证件号】请查"),
        ("110105 19491231 002X", "【证件号】"),
        ("1１010519491231００2Ｘ", "【证件号】"),
        ("卡号6222 0212 3456 7890 128", "卡号【银行卡号】"),
        ("6222021234567890128。", "【银行卡号】。"),
        ("信箱zhang.san+gov@mail.example.gov.cn请回", "信箱【邮箱】请回"),
        ("13812345678@qq.com", "【邮箱】"),
        ("a＠b.cn", "【邮箱】"),
        ("13812345678,13912345678 13712345678", "【电话】,【电话】 【电话】"),
    ],
)
def test_what_tells_who_somebody_is_is_masked(text: str, expected: str) -> None:
    assert masked(text) == expected


@pytest.mark.parametrize(
    "text",
    [
        "沪府规〔2022〕1号",
        "沪市监规范〔2021〕15号，国办发〔2017〕47号",
        "2022-03-15、2022年3月15日、20220315、2022.03.15 09:30",
        "2022031520220316",
        "打12345、12366、400-820-5555、110",
        "退税1.5亿元，共13812户，3,000,000元",
        "位置30253-30584，cfa95eaca4f:30253-30584",
        "统一社会信用代码91310000607211000X",
        "110105194912310021",
        "110105194913310021",
        "6222021234567890127",
        "订单202211220001234567",
        "第138条 1234 5678",
        "@某某，见附件1@2",
        "",
    ],
)
def test_files_dates_hotlines_and_amounts_stay(text: str) -> None:
    assert masked(text) == text


PROSE = st.text(alphabet="退税，。 找他-〔〕号码:a@.X（）", max_size=8)
WIDE = str.maketrans("0123456789X", "０１２３４５６７８９Ｘ")


def with_check(digits: str) -> str:
    total = sum(int(digit) * weight for digit, weight in zip(digits, WEIGHTS, strict=True))
    return digits + "10X98765432"[total % 11]


def luhn(digits: str) -> str:
    total = 0
    for place, digit in enumerate(reversed(digits)):
        value = int(digit) * (2 if place % 2 == 0 else 1)
        total += value // 10 + value % 10
    return digits + str(-total % 10)


MOBILES = st.from_regex(r"\A1[3-9][0-9]{9}\Z")
IDENTITIES = st.builds(
    lambda area, born, order: with_check(f"{area}{born:%Y%m%d}{order:03}"),
    st.integers(110000, 659999),
    st.dates(date(1900, 1, 1), date(2099, 12, 31)),
    st.integers(0, 999),
)
CARDS = st.from_regex(r"\A[3-69][0-9]{13,17}\Z").map(luhn)


@given(PROSE, st.one_of(MOBILES, IDENTITIES, CARDS), PROSE, st.sampled_from([{}, WIDE]))
def test_no_digit_of_a_number_is_left_whatever_it_stands_between(
    before: str, number: str, after: str, width: dict[int, int]
) -> None:
    left = masked(before + number.translate(width) + after)

    assert not re.search(r"[0-9]", folded(left))


@given(st.text(alphabet="0123456789-+() X@a.，〔〕号【】", max_size=60))
def test_masking_again_changes_nothing(text: str) -> None:
    assert masked(masked(text)) == masked(text)


@given(st.text(max_size=80))
def test_a_text_without_digits_and_at_signs_stays(text: str) -> None:
    plain = folded(text)
    assume(not re.search(r"[0-9@]", plain))

    assert masked(text) == text


@given(
    st.sampled_from(["沪府规", "国办发", "沪市监规范"]),
    st.integers(1949, 2100),
    st.integers(1, 9999),
)
def test_numbers_of_files_stay(office: str, year: int, number: int) -> None:
    text = f"{office}〔{year}〕{number}号"

    assert masked(text) == text


@given(st.dates(), st.sampled_from(["%Y-%m-%d", "%Y年%m月%d日", "%Y/%m/%d", "%Y%m%d", "%Y.%m.%d"]))
def test_dates_stay(day: date, form: str) -> None:
    assert masked(f"自{day.strftime(form)}起") == f"自{day.strftime(form)}起"


@given(IDENTITIES, st.integers(0, 17), st.integers(1, 9))
def test_an_identity_number_with_one_other_digit_is_none(number: str, at: int, by: int) -> None:
    assume(number[at] != "X")
    changed = number[:at] + str((int(number[at]) + by) % 10) + number[at + 1 :]

    assert is_identity_number(number)
    assert not is_identity_number(changed)


@given(CARDS, st.integers(0, 14), st.integers(1, 9))
def test_a_card_number_with_one_other_digit_is_none(number: str, at: int, by: int) -> None:
    changed = number[:at] + str((int(number[at]) + by) % 10) + number[at + 1 :]

    assert is_card_number(number)
    assert not is_card_number(changed)


def test_of_formatted_numbers_99_in_100_leave_no_digit() -> None:
    made = personal(100, seed=20221122)
    left = [one.text for one in made if one.number[-6:] in masked(one.text)]

    assert len(made) == 700
    assert len({one.kind for one in made}) == 7
    assert len(left) <= 0.01 * len(made), left


def test_what_was_written_about_cases_stays_word_for_word() -> None:
    texts = collected()

    assert len(texts) > 250
    assert [text for text in texts if masked(text) != text] == []


def test_files_articles_dates_codes_and_amounts_stay_in_every_sentence() -> None:
    texts = harmless(100, seed=20221122)

    assert len(texts) == 800
    assert [text for text in texts if masked(text) != text] == []


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("牌照沪A12345", "牌照【车牌号】"),
        ("沪A·D12345、京A1234警", "【车牌号】、【车牌号】"),
        ("护照号码：E12345678", "护照号码：【证件号】"),
        ("护照20220315前办好", "护照20220315前办好"),
        ("港澳通行证C12345678怎么换", "港澳通行证【证件号】怎么换"),
        ("E12345678", "E12345678"),
        ("+86 21 6234 5678", "【电话】"),
        ("13812345678元", "13812345678元"),
        ("率1.3812345678", "率1.3812345678"),
    ],
)
def test_plates_permits_and_what_looks_like_them(text: str, expected: str) -> None:
    assert masked(text) == expected


@given(st.integers(0, 10**9))
def test_masking_made_sentences_again_changes_nothing(seed: int) -> None:
    for one in personal(1, seed):
        assert masked(masked(one.text)) == masked(one.text)
