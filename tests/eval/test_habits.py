"""A word in pinyin, keywords alone, a spoken message."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from eval import questions
from eval.habits import keywords_of, spoken
from eval.questions import read_questions
from eval.sounds import with_pinyin

DEV = read_questions(Path(questions.__file__).parent / "dev_questions.jsonl")


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("去大厅", "去dating"),
        ("哪些，怎么，什么", "哪些，怎么，什么"),
        ("IPO？", "IPO？"),
        ("", ""),
    ],
)
def test_one_word_that_is_not_grammar_is_typed_in_pinyin(text: str, expected: str) -> None:
    assert with_pinyin(text, "D001") == expected


def test_another_id_may_choose_another_word() -> None:
    typed = {with_pinyin("服务和银行", str(seed)) for seed in range(40)}
    assert typed == {"fuwu和银行", "服务和yinhang"}


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("出口退税政策怎么申请？", "出口退税"),
        ("企业怎么登记，网上登记", "网上登记"),
        ("企业怎么退税", "企业怎么退税"),
        ("", ""),
    ],
)
def test_the_first_four_characters_of_the_longest_run_are_the_keywords(
    text: str, expected: str
) -> None:
    assert keywords_of(text) == expected


def test_a_spoken_message_has_three_hundred_characters_and_the_question_in_it() -> None:
    for question in DEV:
        message = spoken(question.text, question.question_id)
        assert 300 <= len(message) <= 340
        assert all(clause in message for clause in question.text.split("，"))
        assert message == spoken(question.text, question.question_id)
    assert len({spoken("退税几天到账？", str(seed)) for seed in range(20)}) == 20


def test_a_hesitation_stands_before_every_clause() -> None:
    assert "嗯，退税，嗯，几天到账？" in spoken("退税，几天到账？", "D001")


@given(st.text(max_size=400))
def test_a_long_question_gets_no_small_talk(text: str) -> None:
    message = spoken(text, "D001")
    assert len(message) >= 300
    if len(text) >= 300:
        assert message.endswith(text.rpartition("，")[2])
