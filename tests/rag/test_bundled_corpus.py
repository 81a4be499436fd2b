"""The bundled collection, read: the entries, districts and headings that the design lists."""

from __future__ import annotations

from pathlib import Path

import pytest

from rag.cases import read_cases
from rag.source import read
from rag.types import Case

EXCELLENT = "上海市2022年度各区优化营商环境优秀案例"
GOOD = "上海市2022年度各区优化营商环境良好实践"
EXPECTED = [
    (EXCELLENT, 1, "“快闪办”“自助办”“视讯办”“陪同办”——打造“小嘉帮办”服务品牌", ["嘉定区"]),
    (EXCELLENT, 2, "推进商事登记确认制 持续创新市场准入便利化改革", ["浦东新区"]),
    (EXCELLENT, 3, "征纳互动“智”优体验 足不出户“指”享服务", ["闵行区"]),
    (EXCELLENT, 4, "强化法治“硬功夫” 打造营商“软环境”", ["徐汇区"]),
    (EXCELLENT, 5, "依托特色品牌系列活动构建 “政企交流、企企对接”的新型服务平台", ["虹口区"]),
    (EXCELLENT, 6, "“燃创梦想”助力高质量创新创业", ["黄浦区"]),
    (EXCELLENT, 6, "全流程在线办案助力高效审判 高质量化解企业多元纠纷", ["奉贤区"]),
    (EXCELLENT, 8, "打造“三团一平台” 构建组团式法治服务新模式", ["金山区"]),
    (
        EXCELLENT,
        8,
        "长三角生态绿色一体化发展示范区 政务服务一体化建设",
        ["青浦区", "吴江区", "嘉善县"],
    ),
    (EXCELLENT, 10, "代企办，企无忧——首席代办一线直达", ["宝山区"]),
    (EXCELLENT, 10, "以人为本稳就业 宜商惠民促发展", ["杨浦区"]),
    (GOOD, 1, "试点以信用报告代替行政合规证明 提升企业上市服务保障效能", ["浦东新区"]),
    (GOOD, 1, "“一库”汇万址 “一纸”惠万众", ["闵行区"]),
    (GOOD, 3, "打造“法律服务产业集聚圈” 擦亮法治化营商环境新品牌", ["虹口区"]),
    (GOOD, 3, "打造“法律服务产业集聚圈” 擦亮法治化营商环境新品牌", ["虹口区"]),
    (GOOD, 3, "“四个一”云审批 开启数字治理新样式", ["奉贤区"]),
    (GOOD, 5, "助企揽才 打造人才服务“金”字招牌", ["金山区"]),
    (GOOD, 5, "智能退税一键式 “双动”创新提效能", ["静安区"]),
    (GOOD, 7, "出台服务保障复工复产 持续优化营商环境十大行动方案", ["长宁区"]),
    (GOOD, 8, "“益”企助企 “律政联商助企”法律服务团 持续为企业发展“支招”", []),
    (GOOD, 9, "健全政企沟通机制 助力民营经济发展", ["崇明区"]),
    (GOOD, 10, "深化“体验官”机制建设，营造浓厚营商氛围", ["普陀区"]),
]
IDS = [
    "c1020f29e53",
    "c1e4fff46a7",
    "c490eebfef1",
    "c6678fc5db5",
    "cf2ce07dde0",
    "c729f0d58f7",
    "c2ea3c90733",
    "c04f6d63684",
    "cfa6082933b",
    "ca8594c44e6",
    "c92818534d7",
    "c00ae3c19c6",
    "c3dd5345673",
    "c595dc085c4",
    "c595dc085c4-2",
    "c59e70e7648",
    "cae08c3b294",
    "cfa95eaca4f",
    "c31adb828e8",
    "cd3d33bdb06",
    "cc5e32bb641",
    "c8941a62da7",
]
SAID = {"吴江区": "吴江", "嘉善县": "嘉善"}
"""Districts that the corpus names without their suffix."""


@pytest.fixture(scope="module")
def entries() -> tuple[Case, ...]:
    return read_cases(read([Path(__file__).parents[2] / "data"]).sources)


def names(case: Case) -> list[str]:
    return [district.name for district in case.districts]


def headings(case: Case) -> list[str]:
    return [" > ".join(path) for path, section in case.body.walk() if section.level]


def test_the_bundled_corpus_has_the_22_entries_that_the_design_lists(
    entries: tuple[Case, ...],
) -> None:
    assert [(c.collection, c.rank, c.title, names(c)) for c in entries] == EXPECTED
    assert {case.year for case in entries} == {2022}


def test_the_ids_of_the_bundled_corpus_survive_every_rebuild(entries: tuple[Case, ...]) -> None:
    assert [case.case_id for case in entries] == IDS


def test_only_the_entry_that_repeats_another_is_linked_to_it(entries: tuple[Case, ...]) -> None:
    linked = {c.case_id: c.duplicate_of for c in entries if c.duplicate_of}
    assert linked == {"c595dc085c4-2": "c595dc085c4"}


def test_the_text_itself_proves_every_district(entries: tuple[Case, ...]) -> None:
    for case in entries:
        for district in case.districts:
            said = district.evidence.of(case.source.text)
            assert said == SAID.get(district.name, district.name)
            assert case.span.start <= district.evidence.start < case.span.end
    joint = entries[8]
    start = joint.districts[0].evidence.start
    assert joint.source.text[start : start + 13] == "青浦区与吴江、嘉善共同研究"


def test_the_sections_of_an_entry_are_the_tree_that_its_headings_make(
    entries: tuple[Case, ...],
) -> None:
    assert headings(entries[1]) == [
        "改革举措",
        "改革举措 > 聚焦放宽市场准入的核心要素，打出登记制度创新“组合拳”",
        "改革举措 > 聚焦放宽市场准入的核心要素，打出登记制度创新“组合拳” > 名称登记实行申报承诺制",
        "改革举措 > 聚焦放宽市场准入的核心要素，打出登记制度创新“组合拳” > 市场主体自主确定经营范围，仅需登记主营项目、许可项目、涉及负面清单的项目",
        "改革举措 > 聚焦放宽市场准入的核心要素，打出登记制度创新“组合拳” > 深化住所登记改革",
        "改革举措 > 聚焦简化登记流程的便利举措，奏响服务便捷高效“主基调”",
        "改革举措 > 聚焦简化登记流程的便利举措，奏响服务便捷高效“主基调” > 创设自主公示制度",
        "改革举措 > 聚焦简化登记流程的便利举措，奏响服务便捷高效“主基调” > 减免自决性材料收取",
        "改革举措 > 聚焦简化登记流程的便利举措，奏响服务便捷高效“主基调” > 全程网办提升便利水平",
        "改革举措 > 聚焦事中事后监管领域，坚持以“管”促“放”",
        "改革成效",
        "改革成效 > 创新登记确认体系，为市场主体放权赋能",
        "改革成效 > 强化信用分级分类监管，引领市场主体更好发展壮大",
        "改革成效 > 创新登记便利举措，让市场主体更有获得感",
        "总结",
    ]
    assert sum(len(headings(case)) for case in entries) == 159
