"""The question's words in a passage."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st

from rag.highlight import highlights, matched_terms


def marked(question: str, text: str) -> list[str]:
    return [span.of(text) for span in highlights(question, text)]


def test_words_are_marked_where_they_stand() -> None:
    assert marked("退税何日到账", "智能退税，三天到账，退税不跑腿") == ["退税", "到账", "退税"]


def test_pairs_that_touch_are_one_mark() -> None:
    assert marked("营商环境怎么优化", "优化营商环境") == ["优化营商环境"]


def test_grammar_is_never_marked() -> None:
    assert marked("什么是如何的", "什么是如何的") == []


def test_width_and_case_do_not_hide_a_word() -> None:
    assert marked("IPO 12366", "企业ＩＰＯ拨打１２３６６") == ["ＩＰＯ", "１２３６６"]


def test_a_character_that_unfolds_into_several_is_marked_whole() -> None:
    assert marked("公斤", "每㎏与公斤") == ["公斤"]
    assert marked("kg", "每㎏") == ["㎏"]


def test_matched_terms_are_the_longest_runs() -> None:
    assert matched_terms("静安营商环境12366", "静安区优化营商环境，拨打12366") == (
        "12366",
        "营商环境",
        "静安",
    )


@given(st.text(max_size=40), st.text(max_size=80))
@settings(deadline=None)
def test_marks_lie_in_the_text_in_order_and_apart(question: str, text: str) -> None:
    position = -1
    for span in highlights(question, text):
        assert position < span.start < span.end <= len(text)
        position = span.end
