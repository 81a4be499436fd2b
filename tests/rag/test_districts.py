"""Whose case it is, and the span that says so."""

from __future__ import annotations

import pytest

from rag.cases import read_cases
from rag.divisions import gazetteer
from rag.source import decode
from rag.types import Case, Span


def cases(text: str) -> tuple[Case, ...]:
    return read_cases([decode("案例.txt", text.encode())])


def districts(body: str, *, title: str = "打造平台", collection: str = "") -> list[str]:
    case = cases(f"{collection}\n排名1\n{title}\n{body}")[-1]
    for district in case.districts:
        said = district.evidence.of(case.source.text)
        assert said
        assert district.name.startswith(said)
    return [district.name for district in case.districts]


def test_the_evidence_is_the_first_place_that_names_the_district() -> None:
    case = cases("打造平台\n近年来，静安区推进。静安区落实。")[0]
    assert [(d.name, d.evidence) for d in case.districts] == [("静安区", Span(9, 12))]


@pytest.mark.parametrize(
    "text",
    [
        "老城区、开发区、高新区、社区和市场联动。",
        "江北新区和本区、某区、各区一起推进。",
        "推进新兴城市建设，上海城市数字化，响应城市需求。",
        "创建全国示范县，提高县级水平，治理县区，现代县域。",
        "合作市场开放，资源县级统筹。",
        "线上街区繁荣，创新市区联动。",
        "在夏县一级，由吉县承办。",
    ],
)
def test_words_that_only_contain_a_name_name_no_district(text: str) -> None:
    assert districts(text) == []


@pytest.mark.parametrize(
    "text",
    [
        "学习浦东新区经验，我区改革。",
        "对标浦东新区，我区改革。",
        "与静安区毗邻，交通便利。",
        "赴浦东新区考察。",
        "静安区、长宁区、普陀区等报送了案例。",
        "静安区等地已有成效。",
        "静安区做了甲。长宁区做了乙。",
    ],
)
def test_a_place_that_is_mentioned_in_passing_or_not_alone_is_never_a_guess(text: str) -> None:
    assert districts(text) == []


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("由静安区税务局推出。", "静安区"),
        ("2022年静安区推进。", "静安区"),
        ("上海市静安区推进。", "静安区"),
        ("上海静安区推进。", "静安区"),
        ("山西运城夏县推进。", "夏县"),
        ("“静安区企业服务”上线。", "静安区"),
    ],
)
def test_a_name_counts_where_it_can_begin(text: str, name: str) -> None:
    assert districts(text) == [name]


def test_the_district_named_most_often_is_the_case_s_own() -> None:
    assert districts("浦东新区先行。静安区跟进，静安区落实。") == ["静安区"]


def test_the_case_s_title_outweighs_its_body() -> None:
    body = "浦东新区先行。浦东新区落实。"
    assert districts(body, title="静安区“智能退税”") == ["静安区"]


@pytest.mark.parametrize(
    ("text", "names"),
    [
        ("青浦区与吴江、嘉善共同研究。", ["青浦区", "吴江区", "嘉善县"]),
        ("徐汇区联合闵行区、松江区共同推进。闵行区配合。", ["徐汇区", "闵行区", "松江区"]),
        ("徐汇区与闵行区两地推进。闵行区配合。", ["徐汇区", "闵行区"]),
        ("静安区推进。静安区与长宁区携手推进。", ["静安区", "长宁区"]),
        ("静安区与企业共同推进。", ["静安区"]),
        ("静安区与朝阳共同推进。", ["静安区"]),
    ],
)
def test_places_that_share_the_work_follow_with_their_own_evidence(
    text: str, names: list[str]
) -> None:
    assert districts(text) == names


def test_a_collection_about_one_district_is_that_district_s() -> None:
    collection = "静安区2023年典型案例"
    assert districts("浦东新区先行。我区跟进。", collection=collection) == ["静安区"]


def test_in_a_city_s_collection_only_its_districts_count() -> None:
    collection = "杭州市2023年典型案例"
    assert districts("宁波市鄞州区先行。", collection=collection) == []
    assert districts("余杭区推进。宁波市、宁波市、宁波市。", collection=collection) == ["余杭区"]
    assert districts("由市数据局推进。", collection=collection) == []


def test_a_province_s_collection_is_told_apart_by_city() -> None:
    collection = "江苏省2023年典型案例"
    assert districts("南京市在玄武区试点。", collection=collection) == ["南京市"]
    assert districts("玄武区推进。", collection=collection) == ["玄武区"]
    assert districts("上海市静安区推进。", collection=collection) == []


def test_without_a_collection_the_level_that_is_named_more_often_counts() -> None:
    assert districts("杭州市推进。杭州市西湖区试点。杭州市发文。") == ["杭州市"]
    assert districts("杭州市西湖区试点。西湖区落实。") == ["西湖区"]


@pytest.mark.parametrize("title", ["静安：楼宇服务", "楼宇服务（静安）", "静安——楼宇服务"])
def test_a_short_name_set_off_in_the_title_counts_where_the_collection_names_its_city(
    title: str,
) -> None:
    assert districts("办得快。", title=title, collection="上海市2023年案例") == ["静安区"]
    assert districts("办得快。", title=title) == []


def test_a_short_name_that_several_divisions_share_is_left_open() -> None:
    assert {d.name for d in gazetteer().by_stem["朝阳"]} > {"朝阳区"}
    assert districts("办得快。", title="朝阳：服务", collection="辽宁省案例") == []


@pytest.mark.parametrize(
    "text", ["静安区与" + "和" * 50_000, "静安区、" * 20_000, "区" * 100_000, "静安区与" * 20_000]
)
@pytest.mark.timeout(10)
def test_reading_stays_linear_on_adversarial_text(text: str) -> None:
    assert districts(text) in ([], ["静安区"])
