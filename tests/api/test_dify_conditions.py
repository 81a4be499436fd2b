from __future__ import annotations

from dataclasses import replace
from datetime import timedelta, timezone
from typing import get_args

import pytest
from hypothesis import given
from hypothesis import strategies as st

from api.dify_conditions import (
    ATTRIBUTES,
    Condition,
    Operator,
    Value,
    allowed_cases,
    why_unusable,
    year_of,
)
from rag.types import Case

_ZONES = st.integers(-23, 23).map(lambda hours: timezone(timedelta(hours=hours)))
# The cases are: 静安区, rank 1, 2022; 浦东新区, rank 2; none stated, rank 1; 静安区, a repeat.


@pytest.fixture(scope="module")
def jingan(cases: tuple[Case, ...]) -> Case:
    return cases[0]


@pytest.fixture(scope="module")
def nobodys(cases: tuple[Case, ...]) -> Case:
    """A case without district, year or rank."""
    return replace(cases[2], year=None, rank=None)


@pytest.mark.parametrize(
    ("name", "operator", "values", "holds"),
    [
        ("title", "contains", ("退税",), True),
        ("title", "contains", ("开办",), False),
        ("title", "contains", ("开办", "退税"), True),
        ("year", "contains", (20,), True),
        ("title", "not contains", ("开办",), True),
        ("title", "not contains", ("开办", "退税"), False),
        ("title", "start with", ("智能",), True),
        ("title", "start with", (" 智能 ",), True),
        ("title", "start with", ("退税",), False),
        ("title", "end with", ("到账",), True),
        ("title", "end with", ("退税",), False),
        ("district", "is", ("静安区",), True),
        ("district", "is", ("静安",), True),
        ("district", "is", ("安区",), False),
        ("district", "is", ("浦东新区", "静安区"), True),
        ("district", "is not", ("静安",), False),
        ("district", "is not", ("浦东新区",), True),
        ("district", "is not", ("浦东新区", "静安区"), False),
        ("district", "end with", ("静安",), False),
        ("title", "is", ("智能退税一键到账",), True),
        ("year", "is", ("2022",), True),
        ("year", "is", (2022,), True),
        ("year", "is", (2022.0,), True),
        ("year", "is", ("二〇二二",), False),
        ("district", "in", ("浦东新区", "静安区"), True),
        ("district", "in", ("浦东新区,静安区",), True),
        ("district", "in", ("浦东新区， 静安",), True),
        ("district", "in", ("浦东新区",), False),
        ("year", "in", (2021, 2022), True),
        ("year", "in", ("2021,2022",), True),
        ("district", "not in", ("浦东新区,静安区",), False),
        ("district", "not in", ("浦东新区",), True),
        ("district", "empty", (), False),
        ("district", "not empty", (), True),
        ("district", "null", (), False),
        ("district", "not null", (), True),
        ("year", "=", (2022,), True),
        ("year", "=", ("2022",), True),
        ("year", "=", (2021,), False),
        ("year", "≠", (2022,), False),
        ("year", "≠", ("2021",), True),
        ("year", ">", (2021,), True),
        ("year", ">", (2022,), False),
        ("year", "<", ("2023",), True),
        ("year", "<", (2022,), False),
        ("year", "≥", (2022,), True),
        ("year", "≥", (2022.5,), False),
        ("case_rank", "≤", (1,), True),
        ("case_rank", "≤", (0,), False),
        ("title", ">", (1,), False),
        ("year", "before", ("2023-01-01",), True),
        ("year", "before", ("2022-06-01",), False),
        ("year", "before", (2023,), True),
        ("year", "before", (1672531200,), True),  # 2023-01-01 08:00 in Shanghai
        ("year", "before", (1672502399,), False),  # a second before that year there
        ("year", "before", (1672531200000,), True),
        ("year", "after", ("2021/12/31",), True),
        ("year", "after", ("2022-01-01T00:00:00+08:00",), False),
        ("year", "after", ("20211231",), True),
        ("title", "before", (2023,), False),
    ],
)
def test_an_operator_over_what_a_case_has(
    jingan: Case, name: str, operator: Operator, values: tuple[Value, ...], *, holds: bool
) -> None:
    condition = Condition((name,), operator, values)

    assert why_unusable(condition) is None
    assert condition.holds(jingan) is holds


def test_the_table_above_has_every_operator() -> None:
    (mark,) = (
        mark
        for mark in test_an_operator_over_what_a_case_has.pytestmark
        if mark.name == "parametrize"
    )

    assert {row[1] for row in mark.args[1]} == set(get_args(Operator))


@pytest.mark.parametrize("name", ["district", "districts", "year", "case_rank"])
@pytest.mark.parametrize("operator", get_args(Operator))
def test_what_a_case_does_not_say_meets_only_what_asks_for_nothing(
    nobodys: Case, name: str, operator: Operator
) -> None:
    expected = operator in {"empty", "null", "is not", "not in", "not contains", "≠"}

    assert Condition((name,), operator, (2022,)).holds(nobodys) is expected


def test_all_districts_of_a_case_are_asked_under_either_name(jingan: Case) -> None:
    (district,) = jingan.districts
    joint = replace(jingan, districts=(replace(district, name="青浦区"), district))
    for name in ("district", "districts"):
        assert Condition((name,), "is", ("静安区",)).holds(joint)
        assert not Condition((name,), "is not", ("静安区",)).holds(joint)


def test_several_names_are_read_as_one_attribute(jingan: Case) -> None:
    names = ("title", "collection")
    assert Condition(names, "contains", ("优秀案例",)).holds(jingan)
    assert Condition(names, "contains", ("退税",)).holds(jingan)
    assert not Condition(names, "not contains", ("退税",)).holds(jingan)
    assert Condition(names, "not contains", ("开办",)).holds(jingan)


def test_a_record_s_title_is_the_case_s_too(jingan: Case) -> None:
    label = "静安区《智能退税一键到账》（上海市2022年度各区优化营商环境优秀案例，排名1）"
    assert Condition(("title",), "is", (label,)).holds(jingan)


def titles(cases: tuple[Case, ...], *conditions: Condition, any_of: bool) -> list[int]:
    allowed = allowed_cases(cases, conditions, any_of=any_of)
    return [number for number, case in enumerate(cases) if case.case_id in allowed]


def test_conditions_hold_together_or_one_by_one(cases: tuple[Case, ...]) -> None:
    pudong = Condition(("district",), "is", ("浦东新区",))
    first = Condition(("case_rank",), "=", (1,))

    assert titles(cases, pudong, first, any_of=False) == []
    assert titles(cases, pudong, first, any_of=True) == [0, 1, 2, 3]
    assert titles(cases, pudong, any_of=True) == [1]


@pytest.mark.parametrize("any_of", [True, False])
def test_a_condition_without_a_value_is_passed_over(
    cases: tuple[Case, ...], *, any_of: bool
) -> None:
    silent = Condition(("district",), "is", ())
    pudong = Condition(("district",), "is", ("浦东新区",))

    assert titles(cases, silent, any_of=any_of) == [0, 1, 2, 3]
    assert titles(cases, silent, pudong, any_of=any_of) == [1]
    assert titles(cases, any_of=any_of) == [0, 1, 2, 3]


@pytest.mark.parametrize(
    ("condition", "why"),
    [
        (
            Condition(("section",), "is", ("一",)),
            (
                "不能按 'section' 筛选；可用：document_id、case_id、title、district、districts、"
                "collection、case_rank、year、file、url"
            ),
        ),
        (Condition(("year",), ">", ("去年",)), "> 之后应为数字"),
        (Condition(("year",), "≤", (2022, "x")), "≤ 之后应为数字"),
        (Condition(("year",), "before", ("去年",)), "before 之后应为日期、年份或 Unix 时间"),
        (Condition(("year",), "after", (1e300,)), "after 之后应为日期、年份或 Unix 时间"),
    ],
)
def test_what_cannot_be_asked_is_told(condition: Condition, why: str) -> None:
    assert why_unusable(condition) == why


@given(
    name=st.sampled_from(sorted(ATTRIBUTES)),
    operator=st.sampled_from(get_args(Operator)),
    values=st.lists(st.one_of(st.text(), st.integers(), st.floats()), min_size=1).map(tuple),
)
def test_any_value_at_all_gives_an_answer_and_negations_are_opposites(
    name: str, operator: Operator, values: tuple[Value, ...], jingan: Case
) -> None:
    opposites: dict[str, Operator] = {
        "contains": "not contains",
        "is": "is not",
        "in": "not in",
        "=": "≠",
        "empty": "not empty",
        "null": "not null",
    }
    holds = Condition((name,), operator, values).holds(jingan)
    if (opposite := opposites.get(operator)) is not None:
        assert Condition((name,), opposite, values).holds(jingan) is not holds
    why_unusable(Condition((name,), operator, values))


@pytest.mark.parametrize(
    ("moment", "year"),
    [("9999-12-31T23:59:59Z", 9999), ("0001-01-01T00:00:00+09:00", 1), ("9999-12-31", 9999)],
)
def test_a_moment_at_the_end_of_the_calendar_has_its_own_year(moment: str, year: int) -> None:
    assert year_of(moment) == year


@given(st.one_of(st.text(), st.integers(), st.floats(), st.datetimes(timezones=_ZONES).map(str)))
def test_a_year_is_a_year_or_nothing(value: Value) -> None:
    year = year_of(value)
    assert year is None or 0 <= year <= 9999
