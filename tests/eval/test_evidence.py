"""Quotes -> places -> passages, on texts one can count by hand."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from eval.evidence import (
    Evidence,
    Holders,
    Occurrence,
    case_is_right,
    holders_of,
    locate,
    read_by,
)
from eval.questions import Question, QuestionsError, squeeze
from rag.cases import read_cases
from rag.chunk import DEFAULT_CUT, Cut, passages_of
from rag.source import decode
from rag.types import Case, Passage, Source, Span

TEXT = """\
某市2023年优秀案例

排名1
退税快办
一、做法
静安区推出智能
退税，三日到账。企业不再跑窗口。

排名2
帮办代办
嘉定区设立帮办站，三日到账。
"""


def source(text: str = TEXT, name: str = "a.txt") -> Source:
    return decode(name, text.encode())


def question(*quotes: str) -> Question:
    return Question("Q1", "fact", "几天？", quotes, "any")


def ids(*rows: int, sources: tuple[Source, ...] | None = None, size: int = 280) -> tuple[str, ...]:
    """Ids of passages by their place in the index."""
    passages = [p for case in read_cases(sources or (source(),)) for p in cut(case, size)]
    return tuple(passages[row].passage_id for row in rows)


def cut(case: Case, size: int) -> list[Passage]:
    return passages_of(case, len, Cut(size))


def held(*quotes: str, sources: tuple[Source, ...] | None = None, size: int = 280) -> list[Holders]:
    sources = sources or (source(),)
    cases = read_cases(sources)
    passages = [passage for case in cases for passage in cut(case, size)]
    evidence = locate([question(*quotes)], sources)
    return list(holders_of(evidence, passages, {case.case_id: case for case in cases}))


def passages_of_text(size: int = DEFAULT_CUT.max_tokens) -> list[Passage]:
    return [p for case in read_cases([source()]) for p in cut(case, size)]


def test_a_quote_is_found_across_white_space_and_keeps_its_place() -> None:
    (found,) = locate([question("智能退税，\u3000三日")], [source()])
    (place,) = found.occurrences
    assert (found.question_id, found.quote, place.source) == ("Q1", "智能退税，\u3000三日", "a.txt")
    assert place.span.of(TEXT) == "智能\n退税，三日"


def test_a_quote_that_stands_twice_has_two_places_in_the_order_of_the_sources() -> None:
    other = source("三日到账。", "b.txt")
    (found,) = locate([question("三日到账")], [source(), other])
    first, second = (TEXT.index("三日"), TEXT.rindex("三日"))
    assert found.occurrences == (
        Occurrence("a.txt", Span(first, first + 4)),
        Occurrence("a.txt", Span(second, second + 4)),
        Occurrence("b.txt", Span(0, 4)),
    )


def test_evidence_is_in_the_order_of_questions_and_quotes() -> None:
    questions = [question("帮办站", "智能"), replace(question("窗口"), question_id="Q2")]
    found = locate(questions, [source()])
    assert [(e.question_id, e.quote) for e in found] == [
        ("Q1", "帮办站"),
        ("Q1", "智能"),
        ("Q2", "窗口"),
    ]


def test_questions_without_quotes_have_no_evidence() -> None:
    assert locate([question()], [source()]) == ()
    assert locate([], []) == ()


@pytest.mark.parametrize("quote", ["红烧肉", " \n\u3000"])
def test_a_quote_that_is_nowhere_is_an_error_and_not_a_miss(quote: str) -> None:
    with pytest.raises(QuestionsError, match=r"(?s)^问题 Q1 的引文“.+”不在原文中；请核对引文"):
        locate([question(quote)], [source()])


def test_the_error_names_the_line_where_it_is_known() -> None:
    with pytest.raises(QuestionsError, match=r"^第 7 行：问题 Q1 的引文"):
        locate([replace(question("红烧肉"), line=7)], [source()])
    with pytest.raises(QuestionsError, match=r"^a\.jsonl：第 7 行：问题 Q1 的引文"):
        locate([replace(question("红烧肉"), line=7)], [source()], Path("a.jsonl"))


@given(
    text=st.text(alphabet="退税 \n\u3000", min_size=1, max_size=30).filter(str.strip),
    data=st.data(),
)
def test_every_place_says_the_quote_and_no_place_is_missing(text: str, data: st.DataObject) -> None:
    words = squeeze(text)
    start = data.draw(st.integers(0, len(words) - 1))
    quote = words[start : data.draw(st.integers(start + 1, len(words)))]
    (found,) = locate([question(" ".join(quote))], [Source("a", "", "utf-8", text)])
    spans = [place.span for place in found.occurrences]
    assert all(squeeze(span.of(text)) == quote for span in spans)
    assert all(not text[at].isspace() for span in spans for at in (span.start, span.end - 1))
    assert len(spans) == sum(words.startswith(quote, at) for at in range(len(words)))


def test_a_quote_inside_one_passage_is_held_whole() -> None:
    (one,) = held("智能退税，三日到账")
    assert (one.ways, one.whole, one.partly, len(one.cases)) == ((ids(0),), True, True, 1)


def test_a_quote_in_two_cases_is_held_by_either() -> None:
    (one,) = held("三日到账")
    assert one.ways == (ids(0), ids(1))
    assert [case.title for case in read_cases([source()]) if case.case_id in one.cases] == [
        "退税快办",
        "帮办代办",
    ]


def test_a_quote_that_a_boundary_cuts_is_held_by_the_passages_together() -> None:
    texts = [passage.text for passage in passages_of_text(10)]
    assert texts[:3] == ["静安区推出智能", "退税，三日到账。", "企业不再跑窗口。"]
    (one,) = held("智能退税，三日到账。企业", size=10)
    assert (one.ways, one.whole, one.partly) == ((ids(0, 1, 2, size=10),), False, True)


def test_a_heading_is_in_a_case_but_in_no_passage() -> None:
    (heading, across) = held("退税快办", "做法静安区")
    (case, _) = read_cases([source()])
    assert heading == Holders((), partly=False, cases=(case.case_id,))
    assert across == Holders((), partly=True, cases=(case.case_id,))
    assert heading.rank(dict.fromkeys(ids(0), 1)) is None


def test_a_repeat_is_a_case_that_holds_it_but_no_way_to_find_it() -> None:
    sources = (source(), source(name="b.txt"))
    (one,) = held("不再跑窗口", sources=sources)
    originals = [case.case_id for case in read_cases(sources)]
    assert one.ways == (ids(0, sources=sources),)
    assert one.cases == (originals[0], originals[2])


def test_what_only_the_passage_of_a_repeat_holds_is_not_indexed() -> None:
    sources = (source(), source(name="b.txt"))
    cases = {case.case_id: case for case in read_cases(sources)}
    passages = [
        passage
        for case in cases.values()
        if case.source.name == "b.txt"
        for passage in passages_of(case, len, DEFAULT_CUT)
    ]
    (piece,) = locate([Question("Q1", "", "窗口？", ("不再跑窗口",), "any")], sources)
    (one,) = holders_of([piece], passages, cases)
    assert (one.ways, one.partly) == ((), False)


def test_evidence_of_a_source_without_passages_is_not_indexed() -> None:
    piece = Evidence("Q1", "退税", (Occurrence("elsewhere", Span(0, 2)),))
    assert holders_of([piece], [], {}) == (Holders((), partly=False, cases=()),)


def test_ranks_are_those_of_each_quote_in_its_order() -> None:
    two = Holders((("c1:0-9",), ("c2:0-5", "c2:5-9")), partly=True, cases=("c1", "c2"))
    none = Holders((), partly=False, cases=("c3",))
    units = ["c9:0-9", "c2:5-9", "c2:0-5", "c1:0-9"]
    assert read_by([none, two], units) == (None, 3)
    assert read_by([], units) == ()
    assert read_by([two], []) == (None,)


def test_the_first_case_is_right_if_any_quote_stands_in_it() -> None:
    pieces = [Holders((), partly=True, cases=(case,)) for case in ("c1", "c12")]
    assert case_is_right(pieces, ["c12:0-9", "c3:0-9"])
    assert not case_is_right(pieces, ["c3:0-9", "c12:0-9"])
    assert not case_is_right(pieces[:1], ["c12:0-9"])
    assert not case_is_right(pieces, [])


rows = st.sampled_from("abcdef")


@given(
    ways=st.lists(st.lists(rows, min_size=1, max_size=3, unique=True).map(tuple), max_size=4),
    ranked=st.permutations("abcdef").flatmap(
        lambda order: st.integers(0, 6).map(lambda n: order[:n])
    ),
)
def test_the_rank_is_how_far_one_reads_until_all_of_it_has_been_read(
    ways: list[tuple[str, ...]], ranked: list[str]
) -> None:
    rank_of = {unit: rank for rank, unit in enumerate(ranked, start=1)}
    read_by = [
        depth
        for depth in range(1, len(ranked) + 1)
        if any(set(way) <= set(ranked[:depth]) for way in ways)
    ]
    found = Holders(tuple(ways), partly=True, cases=()).rank(rank_of)
    assert found == (read_by[0] if read_by else None)
