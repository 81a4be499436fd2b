"""How an answer reads as one text."""

from __future__ import annotations

import pytest

from rag.answer import AnswerSentence, marks, pieces
from rag.sentences import sentences_of
from rag.types import Span


def sentence(start: int, end: int, *citations: int, lead: str = "") -> AnswerSentence:
    return AnswerSentence("字" * (end - start), citations or (1,), Span(start, end), lead)


def text_of(*sentences: AnswerSentence) -> str:
    return "".join(pieces(sentences))


def test_sentences_that_follow_each_other_are_joined_as_they_stand() -> None:
    assert text_of(sentence(10, 12), sentence(12, 15)) == "字字[1]字字字[1]"


@pytest.mark.parametrize("blank", ["\n", "\r\n", "\n　　", "\r\n\r\n　　"])
def test_a_paragraph_s_end_in_the_source_is_no_gap(blank: str) -> None:
    text = f"静安区推行智能退税。{blank}企业三天就能到账。"
    first, second = sentences_of(text, Span(0, len(text)))
    assert text_of(
        AnswerSentence(first.of(text), (1,), first), AnswerSentence(second.of(text), (1,), second)
    ) == ("静安区推行智能退税。[1]企业三天就能到账。[1]")


@pytest.mark.parametrize("start", [20, 3])
def test_what_was_left_out_between_two_sentences_is_shown(start: int) -> None:
    assert text_of(sentence(10, 12), sentence(start, start + 1)) == "字字[1]……字[1]"


def test_sentences_of_two_passages_are_parted_however_near_they_stand() -> None:
    assert text_of(sentence(10, 12, 1), sentence(12, 13, 2)) == "字字[1]……字[2]"


def test_a_lead_begins_a_line() -> None:
    first, second = sentence(10, 12, lead="静安区"), sentence(40, 41, 2, lead="嘉定区")
    assert text_of(first, second) == "静安区：字字[1]\n嘉定区：字[2]"


def test_a_sentence_in_a_model_s_words_follows_without_a_gap() -> None:
    reworded = AnswerSentence("三天到账。", (1, 3), None)
    assert text_of(sentence(10, 12), reworded) == "字字[1]三天到账。[1][3]"


def test_marks_are_numbers_in_brackets() -> None:
    assert marks([1, 12]) == "[1][12]"
    assert marks([]) == ""
