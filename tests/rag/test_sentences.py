"""Text -> sentences."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st

from rag.lines import folded
from rag.sentences import sentences_of, trimmed
from rag.types import Span


def sentences(text: str) -> list[str]:
    return [span.of(text) for span in sentences_of(text, Span(0, len(text)))]


def test_a_sentence_ends_at_a_full_stop_a_semicolon_or_a_line_break() -> None:
    text = "设立企业服务专窗，当场受理。统一受理标准和流程；全区推行全程网办\r\n群众办事只跑一次！"
    assert sentences(text) == [
        "设立企业服务专窗，当场受理。",
        "统一受理标准和流程；",
        "全区推行全程网办",
        "群众办事只跑一次！",
    ]


def test_closing_quotes_belong_to_the_sentence_they_close() -> None:
    text = "企业说：“办事真的很方便！”工作人员继续上门服务。"
    assert sentences(text) == ["企业说：“办事真的很方便！”", "工作人员继续上门服务。"]


def test_a_short_opening_joins_what_follows_and_a_short_closing_what_precedes() -> None:
    assert sentences("对！群众办事只需要跑一次。很好。") == ["对！群众办事只需要跑一次。很好。"]


def test_a_decimal_point_does_not_end_a_sentence() -> None:
    assert sentences("退税1.5亿元，惠及企业300家。") == ["退税1.5亿元，惠及企业300家。"]


def test_blank_text_has_no_sentences() -> None:
    assert sentences(" \u3000\xa0\u200b\r\n") == []


def test_trimming_takes_spaces_of_any_width() -> None:
    assert trimmed("\u3000\xa0办得快\u200b \n", Span(0, 8)) == Span(2, 5)
    assert not trimmed(" \u3000 ", Span(1, 3))


@given(st.text(alphabet="办得快。；！？…”）\n\r \u3000\u200ba1", max_size=80), st.data())
@settings(deadline=None)
def test_sentences_are_in_order_and_cover_all_that_is_not_space(
    text: str, data: st.DataObject
) -> None:
    start = data.draw(st.integers(0, len(text)))
    end = data.draw(st.integers(start, len(text)))
    position = start
    for span in sentences_of(text, Span(start, end)):
        assert folded(text[position : span.start]).strip() == ""
        assert trimmed(text, span) == span
        assert span
        position = span.end
    assert folded(text[position:end]).strip() == ""
