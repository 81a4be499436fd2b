"""Districts as questions name them, and places that only sound like one."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rag.named_districts import district_names, elsewhere

SHANGHAI = ["嘉定区", "浦东新区", "静安区", "崇明区", "金山区", "黄浦区", "普陀区", "长宁区"]


@pytest.mark.parametrize(
    ("question", "named"),
    [
        ("静安退税几天到账？", ("静安区",)),
        ("请问静安区怎么退税", ("静安区",)),
        ("浦东和静安哪个快？静安呢？", ("浦东新区", "静安区")),
        ("浦东新区的企业", ("浦东新区",)),
        ("松江有没有这项政策？", ("松江区",)),
        ("上海市嘉定区的做法", ("嘉定区",)),
        ("由杭州市西湖区牵头", ("西湖区",)),
        ("静安寺那一带的公司", ()),
        ("崇明岛上的私企", ()),
        ("金山卫附近", ()),
        ("黄浦江两岸", ()),
        ("长宁路在哪", ()),
        ("旧金山的分公司", ()),
        ("示范区里怎么合作", ()),
        ("定海有没有", ()),
        ("怎么退税？", ()),
    ],
)
def test_a_question_names_districts_and_not_what_contains_their_names(
    question: str, named: tuple[str, ...]
) -> None:
    assert district_names(SHANGHAI).read(question).districts == named


def test_the_characters_of_full_names_are_known_those_of_cities_too() -> None:
    asked = district_names(SHANGHAI).read("静安，杭州市西湖区")
    assert asked.words == "静安，杭州市西湖区"
    assert asked.districts == ("静安区", "西湖区")
    assert asked.in_names == frozenset(range(3, 9))
    assert district_names([]).read("嘉定区").in_names == frozenset({0, 1, 2})


def test_a_name_of_several_cities_lies_where_most_of_the_others_do() -> None:
    assert "松江" in district_names(["普陀区", "嘉定区"]).by_word
    assert "定海" in district_names(["普陀区", "嵊泗县"]).by_word


def test_a_collection_of_cities_knows_the_cities_of_the_province() -> None:
    names = district_names(["南京市", "苏州市"])
    assert names.read("无锡怎么办，苏州呢").districts == ("无锡市", "苏州市")


def test_without_districts_no_question_names_any() -> None:
    assert district_names([]).read("静安区怎么退税").districts == ()


def test_a_district_that_no_list_knows_is_still_the_collections_own() -> None:
    assert district_names(["临港新片区"]).read("临港新片区有什么政策").districts == ("临港新片区",)


@given(st.sets(st.sampled_from(SHANGHAI)), st.sets(st.sampled_from(SHANGHAI)))
def test_a_case_is_elsewhere_if_both_say_where_and_they_share_no_district(
    named: set[str], districts: set[str]
) -> None:
    both = bool(named) and bool(districts)
    assert elsewhere(named, districts) is (both and not named & districts)
