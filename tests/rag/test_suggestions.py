"""What is offered for what is typed: order, letters, marks, examples."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rag.suggestions import KnownQuestion, Suggestion, Suggestions
from rag.tokens import letters_of
from rag.types import Case, District, Section, Source, Span

SOURCE = Source("cases.txt", "0" * 64, "utf-8", "静安区税务局，浦东新区。")


def case(case_id: str, title: str, district: str | None = None, twin: str | None = None) -> Case:
    span = Span(0, len(SOURCE.text))
    return Case(
        case_id=case_id,
        source=SOURCE,
        span=span,
        collection="优秀案例",
        year=2022,
        rank=1,
        title=title,
        districts=(District(district, Span(0, 3)),) if district else (),
        body=Section("", 0, Span(0, 0), span, ()),
        duplicate_of=twin,
    )


def asked(*questions: str) -> Suggestions:
    return Suggestions.of((), [KnownQuestion(one, "c1") for one in questions])


def texts(suggestions: Suggestions, typed: str, limit: int = 8) -> list[str]:
    return [one.text for one in suggestions.matching(typed, limit)]


def test_what_begins_so_comes_before_what_holds_it_and_the_shorter_first() -> None:
    known = asked("怎么退税", "退税要几天到账", "退税慢", "静安退税", "执照")

    assert texts(known, "退税") == ["退税慢", "退税要几天到账", "怎么退税", "静安退税"]
    assert texts(known, "退税", 1) == ["退税慢"]
    assert texts(known, "退税", 3) == ["退税慢", "退税要几天到账", "怎么退税"]


def test_equally_long_ones_are_in_the_order_of_their_characters() -> None:
    assert texts(asked("退税乙", "退税丙", "退税甲"), "退税") == ["退税丙", "退税乙", "退税甲"]


@pytest.mark.parametrize("typed", ["ＩＰＯ上市", "ipo 上市", "“IPO”，上市？", "IPO上市"])
def test_width_case_marks_and_spaces_do_not_matter(typed: str) -> None:
    (found,) = asked("企业IPO“上市”要哪些证明").matching(typed, 8)

    assert found.highlights == (Span(2, 8),)


def test_traditional_characters_find_simplified_ones_and_the_other_way_round() -> None:
    known = asked("静安退税", "靜安開公司")

    assert texts(known, "靜安") == texts(known, "静安") == ["静安退税", "靜安開公司"]


def test_highlights_count_code_points_of_the_text_as_it_was_written() -> None:
    (found,) = asked("𠮷祥㎡的退税，退税").matching("退稅", 8)

    assert found.highlights == (Span(4, 6), Span(7, 9))
    assert [span.of(found.text) for span in found.highlights] == ["退税", "退税"]


def test_part_of_a_sign_marks_the_whole_sign() -> None:
    (found,) = asked("面积多少㎡起").matching("少m2", 8)  # ㎡ is two letters when folded

    assert found.highlights == (Span(3, 5),)


def test_a_sign_that_has_the_letters_twice_is_marked_once() -> None:
    (found,) = asked("第⑪条").matching("1", 8)

    assert found.highlights == (Span(1, 2),)


def test_one_latin_letter_is_the_beginning_of_pinyin_and_finds_nothing() -> None:
    known = asked("KPI怎么定", "5G专网")

    assert texts(known, "k") == texts(known, "ｋ") == texts(known, "K ") == []
    assert texts(known, "kp") == ["KPI怎么定"]
    assert texts(known, "5") == ["5G专网"]


def test_latin_letters_are_not_found_inside_of_words() -> None:
    known = asked("plan怎么写", "an怎么写")

    assert texts(known, "an") == ["an怎么写"]
    assert texts(known, "n怎") == []


@pytest.mark.parametrize("typed", ["kua'b", "tui shui", "？", "😀", "，。", "\u200b"])
def test_raw_pinyin_and_marks_alone_find_nothing(typed: str) -> None:
    assert texts(asked("退税要几天"), typed) == []


def test_equal_letters_are_offered_once_and_as_a_title_where_one_is() -> None:
    cases = [
        case("c1", "智能退税"),
        case("c2", "智能退税", twin="c1"),
        case("c3", "智能　退税"),
        case("c4", "办照"),
    ]
    known = Suggestions.of(
        cases, [KnownQuestion(q, "c1") for q in ("“智能退税”？", "办照", "退税")]
    )

    assert known.texts == (
        Suggestion("办照", "c4"),
        Suggestion("退税", None),
        Suggestion("智能退税", "c1"),
    )
    assert [one.kind for one in known.texts] == ["case", "question", "case"]


def test_a_title_of_marks_alone_is_never_offered() -> None:
    assert Suggestions.of([case("c1", "——")], []).texts == ()


def test_nothing_typed_gets_a_question_of_every_district_before_a_second_of_any() -> None:
    cases = [
        case("c1", "甲", "静安区"),
        case("c2", "乙", "静安区"),
        case("c3", "丙", "浦东新区"),
        case("c4", "丁"),
        case("c5", "甲", "静安区", twin="c1"),
    ]
    known = [
        KnownQuestion("浦东开公司怎么最省事", "c3"),
        KnownQuestion("静安退税一键办成了吗", "c2"),
        KnownQuestion("退税几天能够到账呢呢", "c1"),
        KnownQuestion("静安退税几天才能到账", "c1"),
        KnownQuestion("静安税务局的退税服务", "c1"),
        KnownQuestion("静安多久", "c1"),
    ]

    suggestions = Suggestions.of(cases, known)

    assert [(one.text, one.kind) for one in suggestions.matching(" ", 9)] == [
        ("静安退税几天才能到账", "question"),
        ("浦东开公司怎么最省事", "question"),
        ("丁", "case"),
        ("静安退税一键办成了吗", "question"),
    ]
    assert texts(suggestions, "", 1) == ["静安退税几天才能到账"]


def test_of_nothing_nothing_is_offered() -> None:
    nothing = Suggestions.of((), ())

    assert nothing.matching("", 8) == nothing.matching("退税", 8) == ()


def test_a_limit_below_one_is_a_mistake() -> None:
    with pytest.raises(ValueError, match="limit must be at least 1, not 0"):
        asked("退税").matching("退税", 0)


LETTERS = st.text(alphabet="退税静靜安aB1５⑪，“ \n㎡½", max_size=6)


@given(st.lists(LETTERS, max_size=8), LETTERS, st.integers(1, 9))
def test_it_finds_what_looking_at_every_text_finds(
    questions: list[str], typed: str, limit: int
) -> None:
    known = asked(*questions)
    wanted = letters_of(typed).text
    if not typed.strip():
        return
    found = known.matching(typed, limit)

    def rank(one: Suggestion) -> int | None:
        own = letters_of(one.text).text
        places = [at for at in range(len(own)) if own.startswith(wanted, at)]
        outside = [at for at in places if not (at and is_latin(own[at - 1]) and is_latin(own[at]))]
        return min(map(bool, outside), default=None)

    ranked = [(rank(one), place, one.text) for place, one in enumerate(known.texts)]
    single = len(wanted) == 1 and is_latin(wanted)
    expected = [] if not wanted or single else sorted(it for it in ranked if it[0] is not None)
    assert [one.text for one in found] == [text for *_, text in expected[:limit]]
    for one in found:
        assert one.highlights
        assert all(
            a.end <= b.start for a, b in zip(one.highlights, one.highlights[1:], strict=False)
        )


def is_latin(letter: str) -> bool:
    return letter.isascii() and letter.isalpha()
