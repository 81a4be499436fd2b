"""Facts of a reference answer: which there are, and whether an answer shows them."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from eval.facts import Facts, facts_of, numbers_of
from rag.named_districts import district_names

NAMES = district_names(["静安区", "嘉定区"])


def facts(reference: str) -> Facts:
    return facts_of(reference, NAMES, ["静安区", "嘉定区"])


def test_numbers_quoted_names_and_districts_are_facts_and_words_are_not() -> None:
    assert facts("静安、松江：“一网 通办”受理１,767户，约90%，三日到账") == Facts(
        frozenset({"1767", "90%"}), frozenset({"一网通办"}), frozenset({"静安区"})
    )


def test_a_reference_of_words_alone_has_no_facts_and_no_share() -> None:
    assert len(facts("安排专人全程陪同")) == 0
    assert facts("安排专人全程陪同").share_in("安排专人全程陪同", ["静安区"]) is None


def test_a_number_is_shown_whole_or_not_at_all() -> None:
    assert facts("20家").share_in("2022年服务120家，占20%", []) == 0.0
    assert facts("20家").share_in("２０户", []) == 1.0


def test_a_district_is_shown_by_its_name_or_by_a_citation() -> None:
    two = facts("静安和嘉定")
    assert two.share_in("静安区办得快", []) == 0.5
    assert two.share_in("静安区办得快", ["嘉定区"]) == 1.0


def test_a_name_is_one_in_any_quotation_marks() -> None:
    assert facts('推出「白名单」和"一件事"').names == {"白名单", "一件事"}


def test_each_fact_counts_the_same() -> None:
    assert facts("静安2户、“白名单”3人").share_in("2户列入“白名单”", []) == 0.5


def test_an_empty_answer_shows_nothing() -> None:
    assert facts("2户").share_in("", []) == 0.0


@given(st.text(alphabet="退税静安嘉定区0123456789,.%“”名单 \n", max_size=30))
def test_whatever_a_reference_says_it_shows_itself(reference: str) -> None:
    found = facts(reference)
    own = found.districts
    assert found.share_in(reference, own) in ({1.0} if len(found) else {None})


@given(st.lists(st.integers(0, 10**6), min_size=1, max_size=5))
def test_numbers_come_out_as_they_were_written(numbers: list[int]) -> None:
    assert numbers_of("户".join(map(str, numbers))) == list(map(str, numbers))
