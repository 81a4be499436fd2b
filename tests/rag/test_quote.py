from __future__ import annotations

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from rag.folding import Fold, fold, folds_between
from rag.haystack import Haystack, Piece
from rag.numerals import numerals_in, whole_numerals
from rag.quote import Difference, Match, find_quote
from rag.types import Span

TEXT = "静安区𠮷祥大厦推行“智能退税”，符合条件的企业3天到账。\n税务人员上门帮办，全年服务1200户。"


def stack_of(*texts: str) -> Haystack:
    return Haystack([Piece(text, Span(0, len(text))) for text in texts])


def only(quote: str, *texts: str) -> Match:
    (match,) = find_quote([quote], stack_of(*(texts or (TEXT,))))
    return match


def test_the_same_characters_are_exact_with_nothing_folded() -> None:
    match = only("推行“智能退税”，符合条件")
    assert (match.verdict, match.folds, match.similarity) == ("exact", (), 1.0)
    assert match.spans[0].of(TEXT) == "推行“智能退税”，符合条件"


@pytest.mark.parametrize(
    ("quote", "folds"),
    [
        ("企业3天到账。税务人员", ("space",)),
        ("推行“智能退税”,符合", ("width",)),
        ("推行「智能退税」，符合", ("punctuation",)),
        ("推行“智能退稅”，符合條件", ("script",)),
        ("企业３天到账", ("width",)),
        ("符合条件的企业。", ("punctuation",)),
    ],
)
def test_the_same_words_are_exact_and_say_what_was_folded(
    quote: str, folds: tuple[str, ...]
) -> None:
    match = only(quote)
    assert (match.verdict, match.folds) == ("exact", folds)


def test_another_number_is_never_exact_and_is_told() -> None:
    match = only("符合条件的企业5天到账")
    assert match.verdict == "fuzzy"
    assert match.differences == (Difference("5", "3"),)
    assert match.numbers_differ
    assert match.spans[0].of(TEXT) == "符合条件的企业3天到账"


def test_the_same_number_in_other_signs_does_not_differ() -> None:
    match = only("符合条件的企业三天到账")
    assert match.verdict == "fuzzy"
    assert not match.numbers_differ


@pytest.mark.parametrize(
    ("quote", "source", "differ"),
    [
        ("全年服务企业30家", "全年服务企业30余家", True),
        ("平均五小时办结的事项", "平均三小时办结的事项", True),
        (
            "税务人员上门帮办，全年服务1200户，增长5%",
            "税务人员上门帮办，全年服务1200户，增长百分之五",
            False,
        ),
    ],
)
def test_numbers_differ_by_value(quote: str, source: str, differ: bool) -> None:  # noqa: FBT001
    match = only(quote, source)
    assert (match.verdict, match.numbers_differ) == ("fuzzy", differ)


def test_a_quotation_that_cuts_a_number_is_not_exact() -> None:
    assert find_quote(["00户"], stack_of("全年服务1200户。")) == ()
    whole = only("退税3天到账", "退税3天到账，或13天", "退税13天到账")
    assert (whole.piece, whole.verdict) == (0, "exact")
    cut = only("3天就能到账哦", "退税13天就能到账哦")
    assert (cut.verdict, cut.numbers_differ) == ("fuzzy", True)
    assert cut.spans[0] == Span(2, 10)


def test_other_words_differ_without_numbers() -> None:
    match = only("税务人员上门代办，全年服务1200户")
    assert match.differences == (Difference("代", "帮"),)
    assert not match.numbers_differ
    assert match.similarity == pytest.approx(0.944, abs=0.001)


@pytest.mark.parametrize("quote", ["火箭发射许可由市级部门审批", "退税到账要三天", "退款"])
def test_what_is_too_far_away_is_absent(quote: str) -> None:
    assert find_quote([quote], stack_of(TEXT)) == ()


def test_every_exact_place_is_found_those_without_folds_first() -> None:
    matches = find_quote(["智能退税"], stack_of("智能退稅，", "智能退税", "智能退税、智能退税"))
    assert [(m.piece, m.spans[0].start) for m in matches] == [(1, 0), (2, 0), (2, 5), (0, 0)]


def test_parts_follow_each_other_in_one_piece() -> None:
    stack = stack_of(TEXT, "智能退税")
    (match,) = find_quote(["静安区", "3天到账", "上门帮办"], stack)
    assert [span.of(TEXT) for span in match.spans] == ["静安区", "3天到账", "上门帮办"]
    assert find_quote(["上门帮办", "静安区"], stack) == ()
    (near,) = find_quote(["静安区", "符合条件的企业5天到账"], stack)
    assert (near.verdict, near.numbers_differ) == ("fuzzy", True)


def test_a_part_without_words_is_a_mistake() -> None:
    with pytest.raises(ValueError, match="has a letter or digit"):
        find_quote(["，"], stack_of(TEXT))
    with pytest.raises(ValueError, match="has a letter or digit"):
        find_quote([], stack_of(TEXT))


source = st.text("退税三天到账𠮷 ，。“”0123456789万\n", min_size=8, max_size=60)


@given(source, st.data())
def test_a_run_of_eight_characters_is_exact_and_cut_out_of_the_source(
    text: str, data: st.DataObject
) -> None:
    start = data.draw(st.integers(0, len(text) - 8))
    end = data.draw(st.integers(start + 8, len(text)))
    quote = text[start:end]
    assume(any(map(str.isalnum, quote)))
    # Spaces at the edge of the run part or join it with what stands outside: taken without them.
    assume(not quote[0].isspace() and not quote[-1].isspace())
    whole = fold(text)
    needle = fold(quote).text
    assume(needle in whole.text)
    at = whole.text.index(needle)
    assume(whole_numerals(whole.text, at, at + len(needle)) == (at, at + len(needle)))

    for match in find_quote([quote], stack_of(text)):
        assert match.verdict == "exact"
        (span,) = match.spans
        if match.folds == ():
            assert span.of(text) == quote
        else:
            assert fold(span.of(text)).text in {needle, needle.strip(" ,;:.!?。、·…-")}
    assert find_quote([quote], stack_of(text))


@given(st.permutations("静安区税务局推行智能退税申请快捷审核"), st.integers(1, 8), st.data())
def test_a_changed_digit_is_never_exact_and_always_told(
    characters: list[str], digit: int, data: st.DataObject
) -> None:
    place = data.draw(st.integers(1, len(characters) - 1))
    other = data.draw(st.integers(1, 9).filter(lambda it: it != digit))
    text = "".join([*characters[:place], str(digit), *characters[place:]])
    (match,) = find_quote([text.replace(str(digit), str(other))], stack_of(text))
    assert match.verdict == "fuzzy"
    assert match.numbers_differ
    assert match.similarity < 1
    assert [it.value for it in numerals_in(match.spans[0].of(text))] == [str(digit)]


def test_what_stands_the_same_at_many_places_is_folded_once(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    compared: list[tuple[str, str]] = []

    def counted(one: str, other: str) -> tuple[Fold, ...]:
        compared.append((one, other))
        return folds_between(one, other)

    monkeypatch.setattr("rag.quote.folds_between", counted)
    found = find_quote(["退稅"], stack_of("退税。" * 300 + "退稅。"))

    assert compared == [("退稅", "退税"), ("退稅", "退稅")]
    assert [match.folds for match in found] == [(), *[("script",)] * 300]
