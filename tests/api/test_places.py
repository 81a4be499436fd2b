"""Where cases come from: every district of their city, whichever city it is."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from api.places import Place, Places, places_of
from rag.cases import read_cases
from rag.source import decode
from rag.types import Case, District, Span


def cases_of(case: Case, collection: str, *districts: str | None) -> list[Case]:
    """Copies of a case, one of each district."""
    return [
        replace(
            case,
            case_id=str(number),
            collection=collection,
            districts=(District(name, Span(0, 1)),) if name else (),
        )
        for number, name in enumerate(districts)
    ]


def test_the_bundled_collection_covers_fifteen_of_the_sixteen_districts(corpus: Path) -> None:
    places = places_of(read_cases([decode(corpus.name, corpus.read_bytes())]))

    (shanghai,) = places.regions
    assert (shanghai.name, shanghai.covered) == ("上海市", 15)
    assert {place.name: place.cases for place in shanghai.places} == {
        "黄浦区": 1,
        "徐汇区": 1,
        "长宁区": 1,
        "静安区": 1,
        "普陀区": 1,
        "虹口区": 2,
        "杨浦区": 1,
        "闵行区": 2,
        "宝山区": 1,
        "嘉定区": 1,
        "浦东新区": 2,
        "金山区": 2,
        "松江区": 0,
        "青浦区": 1,
        "奉贤区": 2,
        "崇明区": 1,
    }
    assert places.elsewhere == (Place("吴江区", 1), Place("嘉善县", 1))
    assert places.unstated == 1


def test_a_name_of_two_cities_is_read_as_the_one_that_others_lie_in(
    cases: tuple[Case, ...],
) -> None:
    places = places_of(cases_of(cases[0], "某地案例", "朝阳区", "海淀区"))

    assert [(region.name, region.covered) for region in places.regions] == [("北京市", 2)]


def test_a_name_of_two_cities_alone_is_read_by_the_title(cases: tuple[Case, ...]) -> None:
    places = places_of(cases_of(cases[0], "长春优秀案例", "朝阳区"))

    assert [(region.name, region.covered) for region in places.regions] == [("长春市", 1)]


def test_a_name_that_nothing_tells_apart_is_in_no_city(cases: tuple[Case, ...]) -> None:
    places = places_of(cases_of(cases[0], "某地案例", "朝阳区", "高新区", None))

    assert places == Places((), (Place("朝阳区", 1), Place("高新区", 1)), 1)


def test_cases_told_apart_by_city_are_of_a_province(cases: tuple[Case, ...]) -> None:
    places = places_of(cases_of(cases[0], "浙江省优秀案例", "杭州市", "宁波市"))

    (zhejiang,) = places.regions
    assert (zhejiang.name, len(zhejiang.places), zhejiang.covered) == ("浙江省", 11, 2)
    assert zhejiang.places[0] == Place("杭州市", 1)


def test_the_city_with_most_cases_is_first(cases: tuple[Case, ...]) -> None:
    shanghai = cases_of(cases[0], "上海案例", "静安区")
    beijing = cases_of(cases[0], "北京案例", "海淀区", "西城区")

    assert [it.name for it in places_of([*shanghai, *beijing]).regions] == ["北京市", "上海市"]


def test_no_cases_are_nowhere() -> None:
    assert places_of([]) == Places((), (), 0)
