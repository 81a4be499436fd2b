"""What a filter lets through, and how its values are read."""

from __future__ import annotations

import pytest

from rag.assistant import Assistant
from rag.filters import Filters


def test_a_repeat_is_returned_where_the_filter_shuts_its_original_out(titles) -> None:
    assert titles("帮办站", years=(2023,)) == ["2023 帮办代办", "2023 律师服务"]


@pytest.mark.parametrize("name", ["嘉定区", "嘉定", " 嘉定 "])
def test_a_district_is_known_by_its_name_and_as_people_say_it(titles, name: str) -> None:
    assert titles("退税", districts=(name,)) == ["2022 帮办代办"]


def test_values_of_a_filter_are_alternatives_and_filters_add_up(titles) -> None:
    both = titles("退税", districts=("嘉定区", "静安区"))
    assert both == ["2022 退税快办", "2022 帮办代办"]
    assert titles("退税", districts=("嘉定区", "静安区"), years=(2023,)) == ["2023 帮办代办"]


def test_a_part_of_a_collections_title_selects_it(titles) -> None:
    assert titles("企业", collections=("良好实践",)) == [
        "2023 律师服务",
        "2023 帮办代办",
    ]


def test_one_case_can_be_searched_alone(assistant: Assistant, titles) -> None:
    case = assistant.cases[3]
    assert titles("退税", case_ids=(case.case_id,)) == ["2023 律师服务"]


@pytest.mark.parametrize(
    ("filters", "reason"),
    [
        (Filters(districts=("徐汇区",)), "not_in_district"),
        (Filters(districts=("定",)), "not_in_district"),
        (Filters(years=(1999,)), "not_in_collection"),
        (Filters(case_ids=("nothing",)), "not_in_collection"),
    ],
)
def test_a_filter_that_lets_nothing_through_says_why(
    assistant: Assistant, filters: Filters, reason: str
) -> None:
    findings = assistant.search("退税", filters=filters)
    assert (findings.findings, findings.confidence, findings.reason) == ((), 0.0, reason)
