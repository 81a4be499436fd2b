"""The fold of scripts, compared with OpenCC, whose data it is."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from opencc import OpenCC

from rag.highlight import highlights, matched_terms
from rag.script import simplified
from rag.tokens import terms_of

ROOT = Path(__file__).parents[2]
HAN = [*range(0x3400, 0x4DC0), *range(0x4E00, 0xA000), *range(0x20000, 0x323B0)]


def in_gb2312(character: str) -> bool:
    try:
        character.encode("gb2312")
    except UnicodeEncodeError:
        return False
    return True


def test_every_character_folds_as_opencc_has_it() -> None:
    mainland, *regional = (OpenCC(name) for name in ("t2s", "tw2s", "hk2s"))
    step: dict[str, str] = {}
    for character in map(chr, HAN):
        converters = [mainland] if in_gb2312(character) else [mainland, *regional]
        turned = (converter.convert(character) for converter in converters)
        step[character] = next((other for other in turned if other != character), character)
    for character, other in step.items():
        end = other
        while step[end] != end:
            end = step[end]
        assert simplified(character) == end


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("後臺的頭髮，裏面、裡面", "后台的头发，里面、里面"),
        ("於是著名的显著著作", "于是著名的显著著作"),
        ("衞生署", "卫生署"),
        ("乾坤", "干坤"),
        ("IPO 12366，㎡", "IPO 12366，㎡"),
        ("", ""),
    ],
)
def test_examples(text: str, expected: str) -> None:
    assert simplified(text) == expected


@given(st.text())
def test_folding_keeps_every_place_and_once_is_enough(text: str) -> None:
    assert len(simplified(text)) == len(text)
    assert simplified(simplified(text)) == simplified(text)


def test_the_bundled_cases_are_in_simplified_script_and_stay_as_they_are() -> None:
    text = (ROOT / "data/shanghai-2022-business-environment-cases.txt").read_text(encoding="utf-8")
    assert simplified(text) == text


def test_questions_in_traditional_script_come_back_but_for_words_that_have_two_spellings() -> None:
    lines = (ROOT / "eval/dev_questions.jsonl").read_text(encoding="utf-8").splitlines()
    plain = [simplified(json.loads(line)["question"]) for line in lines]
    for name in ("s2t", "s2hk"):
        convert = OpenCC(name).convert
        changed = [text for text in plain if simplified(convert(text)) != text]
        assert [text for text in changed if "答复" not in text] == []


def test_terms_and_marks_find_one_script_in_the_other() -> None:
    assert terms_of("退稅") == terms_of("退税")
    assert [span.of("靜安的退稅") for span in highlights("静安退税", "靜安的退稅")] == [
        "靜安",
        "退稅",
    ]
    assert matched_terms("静安退税", "靜安的退稅") == ("静安", "退税")
