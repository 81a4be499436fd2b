"""A question about several districts finds the best passage of each among the first."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from rag.coverage import covering

RANKING = ["静安区", "静安区", "静安区", "静安区", "静安区", "嘉定区", "虹口区"]


def order(ranking: list[str], named: list[str], within: int = 5) -> list[int]:
    return list(covering([[district] for district in ranking], named, within))


def test_fewer_than_two_districts_change_nothing() -> None:
    assert order(RANKING, []) == order(RANKING, ["嘉定区"]) == list(range(7))


def test_the_best_passage_of_each_named_district_is_among_the_first() -> None:
    assert order(RANKING, ["静安区", "嘉定区"]) == [0, 1, 2, 3, 5, 4, 6]
    assert order(RANKING, ["虹口区", "嘉定区"]) == [0, 1, 2, 5, 6, 3, 4]


def test_what_is_among_them_already_stays_where_it_is() -> None:
    ranking = ["嘉定区", "静安区", "静安区", "嘉定区"]
    assert order(ranking, ["静安区", "嘉定区"]) == [0, 1, 2, 3]


def test_a_district_without_passages_takes_no_place() -> None:
    assert order(RANKING, ["静安区", "崇明区"]) == list(range(7))


def test_more_districts_than_places_are_served_by_rank() -> None:
    assert order(["甲", "乙", "丙"], ["丙", "乙", "甲"], within=2) == [0, 1, 2]
    assert order(["甲", "甲", "乙", "丙"], ["丙", "乙", "甲"], within=2) == [0, 2, 1, 3]


def test_a_case_of_two_districts_serves_both() -> None:
    ranking = [["甲"], ["丙"], ["甲", "乙"]]
    assert covering(ranking, ["甲", "乙"], within=2) == (0, 2, 1)


@given(
    ranking=st.lists(st.sampled_from("甲乙丙丁"), max_size=20),
    named=st.lists(st.sampled_from("甲乙丙丁戊"), max_size=5, unique=True),
    within=st.integers(1, 6),
)
def test_nothing_is_lost_and_only_the_first_are_chosen_anew(
    ranking: list[str], named: list[str], within: int
) -> None:
    found = order(ranking, named, within)
    assert sorted(found) == list(range(len(ranking)))
    assert found[:within] == sorted(found[:within])
    assert found[within:] == sorted(found[within:])
    if len(named) > 1:
        present = [district for district in named if district in ranking]
        assert len({ranking[i] for i in found[:within]} & set(named)) == min(
            len(present), within, len(ranking)
        )
