"""Questions as typed -> as meant, by an index small enough to read."""

from __future__ import annotations

import re
import unicodedata
from collections import defaultdict
from importlib.resources import files

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pypinyin.pinyin_dict import pinyin_dict

from rag.ranking import knows_no_term
from rag.respelling import respelled

INDEX = {
    "一照": 4,
    "照多": 3,
    "多址": 2,
    "退税": 9,
    "税款": 1,
    "工商": 5,
    "公商": 1,
    "商登": 2,
    "登记": 7,
    "西安": 2,
    "ipo": 1,
    "证照": 6,
    "照联": 2,
    "时间": 9,
    "间降": 1,
    "间想": 1,
}


def known(term: str) -> int:
    return INDEX.get(term, 0)


@pytest.mark.parametrize(
    ("typed", "meant"),
    [
        ("退睡款", "退税款"),
        ("怎么退睡款啊", "怎么退税款啊"),
        ("退税款", "退税款"),
        ("退睡", "退睡"),  # one neighbour proves nothing
        ("睡款", "睡款"),
        ("多指，一照多指", "多指，一照多指"),
        ("yizhao", "一照"),
        ("Yi Zhao多址", "一照多址"),
        ("办yizhaoduozhi吗", "办一照多址吗"),
        ("gongshangdengji", "工商登记"),
        ("gongshang", "工商"),  # the commoner one
        ("xian", "西安"),
        ("xi'an的IPO", "西安的IPO"),
        ("证zhao联办", "证照联办"),
        ("证zhao", "证zhao"),  # one syllable needs both neighbours
        ("IPO", "IPO"),
        ("change", "change"),
        ("tuishui2", "tuishui2"),
        ("ｙｉｚｈａｏ", "一照"),
        ("㎡yizhao", "㎡yizhao"),
        ("aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa", "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"),
        ("", ""),
    ],
)
def test_only_what_the_index_proves_is_corrected(typed: str, meant: str) -> None:
    assert respelled(typed, known) == meant


def test_a_pair_that_one_text_has_by_chance_corrects_nothing() -> None:
    counts = {"朱家": 1, "家交": 2, "交那": 2}
    assert respelled("朱家角那", lambda term: counts.get(term, 0)) == "朱家角那"
    assert respelled("朱家角那", lambda term: counts.get(term, 0) + (term == "家交")) == "朱家角那"
    counts["交办"] = 3
    assert respelled("朱家角办", lambda term: counts.get(term, 0)) == "朱家交办"


def test_next_to_grammar_nothing_is_corrected() -> None:
    counts = {"间想": 3, "想了": 3}
    assert respelled("间降了", lambda term: counts.get(term, 0)) == "间降了"


def test_a_correction_is_what_the_next_one_is_judged_by() -> None:
    counts = {"甲工": 3, "工商": 3, "商乙": 3}
    assert respelled("甲公伤乙", lambda term: counts.get(term, 0)) == "甲公伤乙"
    assert respelled("甲公商乙", lambda term: counts.get(term, 0)) == "甲工商乙"


@given(st.text(st.sampled_from("退睡税款一照yizhao xn'，ｙ12㎡")))
def test_without_known_terms_nothing_changes(text: str) -> None:
    assert respelled(text, knows_no_term) == text


@given(st.text(st.sampled_from("退睡税款一照多址")))
def test_han_keeps_its_places(text: str) -> None:
    assert len(respelled(text, known)) == len(text)


def test_the_syllables_are_those_of_pypinyin() -> None:
    expected: dict[str, set[str]] = defaultdict(set)
    codes = (bytes((row, cell)) for row in range(0xB0, 0xF8) for cell in range(0xA1, 0xFF))
    for character in filter(None, (code.decode("gb2312", errors="ignore") for code in codes)):
        for reading in pinyin_dict[ord(character)].split(","):
            bare = unicodedata.normalize("NFD", reading.replace("ɡ", "g")).replace("u\u0308", "v")
            syllable = re.sub(
                r"[^a-z]", "", re.sub(r"u[\u0300\u0301\u0304\u030c]?\u0308", "v", bare)
            )
            if re.search("[aeiouv]", syllable):
                expected[syllable].add(character)
    table = files("rag").joinpath("syllables.tsv").read_text(encoding="utf-8").splitlines()
    rows = [line.split("\t") for line in table if not line.startswith("#")]
    assert {syllable: set(characters) for syllable, characters in rows} == dict(expected)
    assert all(len(set(characters)) == len(characters) for _, characters in rows)


def test_places_that_are_known_to_be_right_are_kept() -> None:
    counts = {"大行": 5, "行区": 5}
    spelt = respelled("大兴区", lambda term: counts.get(term, 0))
    assert spelt == "大行区"
    assert respelled("大兴区", lambda term: counts.get(term, 0), {1}) == "大兴区"
    assert respelled("在大兴区", lambda term: counts.get(term, 0), {1, 2, 3}) == "在大兴区"
