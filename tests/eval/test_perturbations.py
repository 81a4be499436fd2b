"""The same question written another way: exact examples, and what must never change."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pypinyin import Style, pinyin

from eval import questions
from eval.perturbations import (
    PERTURBATIONS,
    perturbed,
    to_fullwidth,
    to_halfwidth,
    to_simplified,
    to_traditional,
    without_district,
    without_punctuation,
)
from eval.questions import Question, read_questions
from eval.sounds import with_typos

DISTRICTS = ("静安区", "浦东新区", "崇明区", "虹口区")
FILE = Path(questions.__file__).parent / "dev_questions.jsonl"
DEV = read_questions(FILE)


def asked(text: str) -> Question:
    return Question("D001", "fact", text, ("退税三日到账",), "any")


@pytest.mark.parametrize(
    ("name", "text", "expected"),
    [
        ("traditional", "企业后台的头发", "企業後臺的頭髮"),
        ("fullwidth", "HR能办5%吗？", "ＨＲ能办５％吗？"),
        ("halfwidth", "ＨＲ能办５％吗？（１）", "HR能办5%吗?(1)"),
        ("unpunctuated", "“好差评”1.5亿次、5%，几分钟？", "好差评1.5亿次5%几分钟"),
        ("unpunctuated", "2021，2022年3/4", "20212022年3/4"),
        ("undistricted", "静安区的退税多久到账？", "退税多久到账？"),
        ("numerals", "第十二条的31家企业", "第12条的三十一家企业"),
        ("pinyin", "大厅几点开", "dating几点开"),
        ("keywords", "静安区的出口退税政策怎么申请？", "出口退税"),
    ],
)
def test_each_perturbation_by_example(name: str, text: str, expected: str) -> None:
    assert perturbed(asked(text), name, DISTRICTS) == replace(asked(text), text=expected)


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("traditional", "閔行稅務局"),
        ("fullwidth", "退税？"),
        ("halfwidth", "退税、到账。"),
        ("typo", "HR 12"),
        ("unpunctuated", "12366接通率"),
        ("undistricted", "退税多久到账"),
        ("numerals", "一网通办"),
    ],
)
def test_a_question_that_stays_the_same_is_not_in_the_slice(name: str, text: str) -> None:
    assert perturbed(asked(text), name, DISTRICTS) is None


@pytest.mark.parametrize(("name", "text"), [("undistricted", "静安区"), ("unpunctuated", "？ ！")])
def test_a_question_of_which_nothing_is_left_is_not_in_the_slice(name: str, text: str) -> None:
    assert perturbed(asked(text), name, DISTRICTS) is None


def test_an_unknown_perturbation_is_refused_with_the_names_there_are() -> None:
    with pytest.raises(ValueError, match=r"no perturbation 'typos'; there are traditional, .*typo"):
        perturbed(asked("退税"), "typos", DISTRICTS)


@pytest.mark.parametrize("name", PERTURBATIONS)
def test_nothing_but_the_text_changes(name: str) -> None:
    slice_ = [(question, perturbed(question, name, DISTRICTS)) for question in DEV]
    changed = [(question, other) for question, other in slice_ if other]
    assert changed
    for question, other in changed:
        assert other.text != question.text
        assert replace(other, text=question.text) == question


def test_every_process_perturbs_alike() -> None:
    """Typos are chosen by a digest of the id: string hashes differ from process to process."""
    program = (
        "import sys; from eval.sounds import with_typos;"
        "sys.stdout.buffer.write(with_typos('企业退税多久到账', 'D001').encode())"
    )
    typed = subprocess.run(
        [sys.executable, "-c", program],
        check=True,
        capture_output=True,
        env=os.environ | {"PYTHONHASHSEED": "1"},
    ).stdout.decode()
    assert typed == with_typos("企业退税多久到账", "D001") != "企业退税多久到账"


@pytest.mark.parametrize("question", DEV[::4], ids=lambda question: question.question_id)
def test_a_typo_is_a_homophone_and_long_questions_have_two(question: Question) -> None:
    typed = with_typos(question.text, question.question_id)
    assert len(typed) == len(question.text)
    readings = pinyin(question.text, style=Style.NORMAL, errors=list)  # type: ignore[arg-type]
    changed = [i for i, (a, b) in enumerate(zip(question.text, typed, strict=True)) if a != b]
    assert len(changed) == (2 if len(question.text) > 20 else 1)
    for place in changed:
        assert pinyin(typed[place], style=Style.NORMAL)[0] == readings[place]


def test_a_typo_keeps_the_tone_where_the_tone_has_another_character() -> None:
    for seed in "abcdefgh":
        assert pinyin(with_typos("税", seed), style=Style.TONE3) == [["shui4"]]
        assert with_typos("税", seed) == "睡"


def test_a_typo_goes_by_the_reading_in_the_phrase() -> None:
    """重 alone is zhòng; in 重庆 it is chóng."""
    typed = {with_typos("重庆", str(seed))[0] for seed in range(40)} - {"重"}
    assert typed == {"崇", "虫"}


def test_another_id_gives_another_typo() -> None:
    assert len({with_typos("企业退税多久到账", str(seed)) for seed in range(20)}) > 10


@given(st.text())
def test_a_typo_keeps_the_length_of_whatever_it_is_given(text: str) -> None:
    assert len(with_typos(text, "D001")) == len(text)


def test_simplifying_takes_back_what_traditional_script_did() -> None:
    for question in DEV:
        plain = to_simplified(question.text)
        assert to_simplified(plain) == plain
        assert to_simplified(to_traditional(plain)) == plain


@given(st.text(st.characters(max_codepoint=0xFFFF, exclude_categories=["Cs"])))
def test_widths_do_not_pile_up_and_halving_takes_back_widening(text: str) -> None:
    assert to_fullwidth(to_fullwidth(text)) == to_fullwidth(text)
    assert to_halfwidth(to_halfwidth(text)) == to_halfwidth(text)
    assert to_halfwidth(to_fullwidth(text)) == to_halfwidth(text)


def test_all_of_ascii_but_the_space_has_a_wide_twin() -> None:
    ascii_ = "".join(map(chr, range(0x21, 0x7F)))
    assert to_halfwidth(to_fullwidth(ascii_)) == ascii_
    assert not to_fullwidth(ascii_).isascii()
    assert (to_fullwidth(" "), to_halfwidth("　")) == (" ", " ")


@given(st.text(st.sampled_from("退税《》“”？，。、.%12 ")))
def test_no_punctuation_is_left_but_that_of_numbers(text: str) -> None:
    left = without_punctuation(text)
    assert [c for c in left if c in "退税12 "] == [c for c in text if c in "退税12 "]
    numbers = re.sub(r"(?<=[12])(?:[.](?=[12])|%)", "", left)
    assert not set(numbers) & set("《》“”？，。、.%")


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("浦东新区的法规", "法规"),
        ("浦东的公司换了监事", "公司换了监事"),
        ("在静安，退税多久？", "退税多久？"),
        ("早年搬走的公司想再回虹口落脚", "早年搬走的公司想再落脚"),
        ("静安退税，静安区的退税", "退税，退税"),
        ("静安寺那一带的公司", "静安寺那一带的公司"),
        ("崇明岛上的老板", "崇明岛上的老板"),
        ("浦东和虹口走的路子", "浦东和虹口走的路子"),
        ("黄浦的创卡", "黄浦的创卡"),
    ],
)
def test_the_one_district_named_is_dropped(text: str, expected: str) -> None:
    assert without_district(text, DISTRICTS) == expected


@given(st.text(st.sampled_from("静安区浦东新的在，退税")))
def test_the_order_and_repetition_of_districts_do_not_matter(text: str) -> None:
    assert without_district(text, DISTRICTS) == without_district(text, (*DISTRICTS[::-1], "静安区"))
