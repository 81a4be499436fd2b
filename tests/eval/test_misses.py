"""Questions that went wrong, and their texts."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from eval.misses import flips_of, pieces_of, stories_of
from eval.questions import squeeze
from eval.result import Excerpt, Result

Make = Callable[..., Result]
han = st.text(alphabet="退税帮办\n 　", max_size=30)


def test_missed_questions_come_first_and_found_ones_not_at_all(make_result: Make) -> None:
    stories = stories_of(make_result("one", [2, None, 1]))
    assert [(story.question.question_id, story.rank, story.missed) for story in stories] == [
        ("Q2", None, True),
        ("Q1", 2, False),
    ]
    assert stories[0].miss is not None
    assert stories[0].miss.kind == "unfound"


def test_a_story_shows_what_came_first_and_where_the_evidence_is(make_result: Make) -> None:
    (story,) = stories_of(make_result("one", [2, 1, 1]))
    assert story.first is not None
    assert (story.first.unit_id, story.first.rank, story.first.label) == ("a", 1, "静安区《退税》")
    assert [piece.text for piece in story.first.pieces if piece.evidence] == ["三日 到账"]
    assert story.holder is not None
    assert (story.holder.unit_id, story.holder.rank) == ("b", 2)
    assert (story.holder.label, story.holder.pieces) == (None, ())


def test_without_quotes_the_judged_documents_are_named(make_result: Make) -> None:
    result = make_result("one", [2, 1, 1])
    questions = tuple(replace(question, quotes=()) for question in result.questions)
    outcomes = tuple(replace(outcome, evidence=()) for outcome in result.outcomes)
    excerpts = (Excerpt("b", "文件乙", "正文"),)
    (story,) = stories_of(
        replace(result, questions=questions, outcomes=outcomes, excerpts=excerpts)
    )
    assert (story.question.question_id, story.ranks, story.relevant) == ("Q1", (2,), ("文件乙",))


def test_flips_tell_what_was_lost_and_what_was_gained(make_result: Make) -> None:
    flips = flips_of(make_result("one", [1, 2, 1]), make_result("two", [2, 1, 1]), 1)
    assert [
        (flip.story.question.question_id, flip.before, flip.story.ranks, flip.gained)
        for flip in flips
    ] == [("Q1", (1,), (2,), False), ("Q2", (2,), (1,), True)]


def test_nothing_flips_where_nothing_changes(make_result: Make) -> None:
    assert flips_of(make_result("one", [1, 2, 1]), make_result("two", [1, 3, 1]), 1) == ()


def test_flips_need_the_measure_in_both(make_result: Make) -> None:
    one, two = make_result("one", [1, 1, 1]), make_result("two", [1, 1, 1])
    with pytest.raises(ValueError, match=r"hit@1 is not among the values of one@小集 and two@小集"):
        flips_of(replace(one, values={}), two, 1)


@given(text=han, quotes=st.lists(han, max_size=3))
def test_pieces_joined_are_the_text_and_marked_ones_are_of_a_quote(
    text: str, quotes: list[str]
) -> None:
    pieces = pieces_of(text, quotes)
    assert "".join(piece.text for piece in pieces) == text
    for piece in pieces:
        if piece.evidence:
            assert any(squeeze(piece.text) in squeeze(quote) for quote in quotes)


@given(before=han, quote=han.filter(squeeze), after=han)
def test_a_quote_that_the_text_holds_is_always_marked(before: str, quote: str, after: str) -> None:
    pieces = pieces_of(before + quote + after, [quote])
    assert squeeze(quote) in [squeeze(piece.text) for piece in pieces if piece.evidence]


def test_of_a_cut_quote_the_part_at_the_edge_is_marked() -> None:
    quote = "由改革前的五份申请材料减少到三份"
    head, tail = f"此前{quote[:9]}", f"{quote[9:]}。此后"
    assert [piece.text for piece in pieces_of(head, [quote])] == ["此前", quote[:9]]
    assert [piece.text for piece in pieces_of(tail, [quote])] == [quote[9:], "。此后"]
