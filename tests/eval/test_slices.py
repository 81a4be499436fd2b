"""Which group a question is in."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from eval.dataset import Dataset
from eval.questions import Question, read_questions
from eval.slices import DISTRICTS, LENGTHS, OVERLAPS, SCRIPTS, evidence_text_of, slices_of
from rag.types import Source

DEV = Path(__file__).parents[2] / "eval" / "dev_questions.jsonl"


def question(text: str, *, question_id: str = "Q", type_: str = "fact") -> Question:
    return Question(question_id, type_, text, (), "any")


def group(name: str, text: str, evidence: str = "", districts: tuple[str, ...] = ()) -> str | None:
    evidence_text = {"Q": evidence} if evidence else {}
    return slices_of([question(text)], evidence_text, districts).get(name, {}).get("Q")


def test_the_type_is_that_of_the_file_and_a_question_without_one_is_in_no_group() -> None:
    questions = [question("甲", question_id="A"), question("乙", question_id="B", type_="")]
    assert slices_of(questions, {}, ())["type"] == {"A": "fact"}
    assert "type" not in slices_of(questions[1:], {}, ())


@pytest.mark.parametrize(
    ("size", "expected"),
    [(1, "<=10"), (10, "<=10"), (11, "11-20"), (20, "11-20"), (21, "21-40"), (41, ">40")],
)
def test_the_length_counts_characters_without_white_space(size: int, expected: str) -> None:
    assert group("length", "退" * size) == expected
    assert group("length", "\u3000" + "退 " * size) == expected


@pytest.mark.parametrize(
    ("evidence", "expected"),
    [
        ("到期", "<.2"),
        ("退税", ".2-.4"),
        ("办理退税", ".2-.4"),
        ("快速退税到账", ">=.6"),
        ("税到，退税", ".4-.6"),
        ("退\n税", ".2-.4"),
    ],
)
def test_overlap_is_the_share_of_the_questions_pairs_in_its_evidence(
    evidence: str, expected: str
) -> None:
    """The pairs are 速退, 退税, 税到, 到账, 账么; 退税 counts once."""
    assert group("overlap", "速退税到账么？退税！", evidence) == expected


def test_overlap_folds_width_and_case() -> None:
    assert group("overlap", "IPO", "ｉｐｏ上市") == ">=.6"


def test_a_question_that_nothing_answers_or_without_pairs_has_no_overlap() -> None:
    assert group("overlap", "退税几天到账？") is None
    assert group("overlap", "税？", "退税") is None


def test_the_script_is_traditional_if_a_character_is() -> None:
    assert group("script", "静安区退税几天到账？") == "simplified"
    assert group("script", "靜安区退税几天到账？") == "traditional"
    assert group("script", "IPO 2023?") == "simplified"


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("静安区退税几天到账？", "named"),
        ("静安退税几天到账？", "named"),
        ("靜安區退稅幾天到賬？", "named"),
        ("浦东有什么做法？", "named"),
        ("安静的地方退税几天到账？", "unnamed"),
        ("嘉定区退税几天到账？", "unnamed"),
    ],
)
def test_a_district_is_named_by_its_name_or_as_people_say_it(text: str, expected: str) -> None:
    assert group("district", text, districts=("静安区", "浦东新区")) == expected


def test_without_districts_there_is_no_such_slice() -> None:
    assert set(slices_of([question("静安区")], {}, ())) == {"type", "length", "script"}


def test_without_questions_there_are_no_slices() -> None:
    assert slices_of([], {}, ("静安区",)) == {}


GROUPS: Mapping[str, tuple[str, ...]] = {
    "length": LENGTHS,
    "overlap": OVERLAPS,
    "script": SCRIPTS,
    "district": DISTRICTS,
}


@given(st.lists(st.text("静安退税ＡB1，？ \n", min_size=1), max_size=6), st.text("静安退税B1"))
def test_every_question_is_in_one_known_group_in_the_order_given(
    texts: list[str], evidence: str
) -> None:
    questions = [question(text, question_id=f"Q{place}") for place, text in enumerate(texts)]
    ids = [q.question_id for q in questions]
    slices = slices_of(questions, dict.fromkeys(ids, evidence), ("静安区",))
    for name, known in GROUPS.items():
        groups = slices.get(name, {})
        assert set(groups.values()) <= set(known)
        assert list(groups) == [question_id for question_id in ids if question_id in groups]
    for name in ("length", "script", "district"):
        assert list(slices.get(name, {})) == ids


def test_three_development_questions_are_traditional() -> None:
    script = slices_of(read_questions(DEV), {}, ())["script"]
    traditional = [question_id for question_id, group in script.items() if group == "traditional"]
    assert traditional == ["D146", "D149", "D152"]


def documents(*texts: str) -> tuple[Source, ...]:
    return tuple(Source(f"d{n}", "", "utf-8", text) for n, text in enumerate(texts))


def test_the_evidence_of_a_question_is_its_quotes() -> None:
    questions = (question("a", question_id="Q1"), question("b", question_id="Q2"))
    quoted = replace(questions[0], quotes=("三日", "到账"))
    dataset = Dataset("小集", (quoted, questions[1]), documents("三日到账"), {}, "")
    assert evidence_text_of(dataset) == {"Q1": "三日\n到账"}


def test_the_evidence_of_a_question_judged_by_document_is_how_the_relevant_ones_begin() -> None:
    questions = tuple(question("退税", question_id=f"Q{n}") for n in (1, 2, 3))
    judgments = {"Q1": {"d1": 1, "d0": 2, "d2": 0}, "Q2": {"d2": 0}, "Q9": {"d2": 1}}
    dataset = Dataset("小集", questions, documents("退", "税" * 2001, "账"), judgments, "")
    assert evidence_text_of(dataset) == {"Q1": "退\n" + "税" * 2000}
