"""Files of the genre -> cases."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rag.cases import read_cases
from rag.chunk import Cut, passages_of
from rag.source import decode, read
from rag.types import Case

ROOT = Path(__file__).parents[2]
FIXTURES = ROOT / "tests" / "data"


def parse(text: str, name: str = "案例.txt") -> tuple[Case, ...]:
    return read_cases([decode(name, text.encode())])


def fixture(name: str) -> tuple[Case, ...]:
    return read_cases(read([FIXTURES / name]).sources)


def names(case: Case) -> list[str]:
    return [district.name for district in case.districts]


def headings(case: Case) -> list[str]:
    return [" > ".join(path) for path, section in case.body.walk() if section.level]


def texts(case: Case) -> list[str]:
    return [passage.text for passage in passages_of(case, len, Cut(200))]


def test_a_numbered_collection_of_another_city_with_bracketed_headings() -> None:
    cases = fixture("杭州市2023年典型案例.txt")
    assert [(c.title, names(c), c.rank, c.year) for c in cases] == [
        ("上城区打造“一网通管”平台", ["上城区"], None, 2023),
        ("滨江区：知识产权全链条保护", ["滨江区"], None, 2023),
        ("助企“直通车”", [], None, 2023),
    ]
    assert {case.collection for case in cases} == {"杭州市2023年优化营商环境典型案例"}
    assert headings(cases[0]) == ["背景", "做法", "做法 > 建立机制", "做法 > 数据共享", "成效"]


def test_a_province_s_collection_that_is_ordered_by_place() -> None:
    cases = fixture("江苏省2023年典型案例.txt")
    assert [(c.title, names(c)) for c in cases] == [
        ("南京市：推行“一照通行”", ["南京市"]),
        ("苏州市：昆山打造“昆如意”", ["苏州市"]),
        ("南通：万事好通", ["南通市"]),
    ]


def test_places_in_words_and_titles_on_the_rank_line() -> None:
    cases = fixture("深圳市2024年十佳案例.txt")
    assert [(c.rank, c.title, names(c), c.year) for c in cases] == [
        (1, "福田区“免申即享”", ["福田区"], 2024),
        (2, "南山区：企业服务“秒批”", ["南山区"], 2024),
        (3, "龙华区 “一件事”集成办", ["龙华区"], 2024),
    ]


@pytest.mark.parametrize("encoding", ["gb18030", "utf-8-sig", "utf-16"])
@pytest.mark.parametrize("end", ["\r\n", "\r"])
def test_neither_encoding_nor_line_ends_change_what_is_read(encoding: str, end: str) -> None:
    for file in sorted(FIXTURES.iterdir()):
        text = file.read_text(encoding="utf-8")
        plain = read_cases([decode(file.name, text.encode())])
        other = read_cases([decode(file.name, text.replace("\n", end).encode(encoding))])
        assert [(c.case_id, c.title, names(c), headings(c)) for c in plain] == [
            (c.case_id, c.title, names(c), headings(c)) for c in other
        ]


def test_a_regulation_is_one_case_of_chapters_and_articles() -> None:
    (case,) = fixture("优化营商环境条例.txt")
    assert (case.title, case.rank, case.year, names(case)) == (
        "上海市优化营商环境条例", None, None, [],
    )  # fmt: skip
    assert headings(case) == [
        "总则", "总则 > 第一条", "总则 > 第二条",
        "市场环境", "市场环境 > 第三条", "市场环境 > 第十条",
    ]  # fmt: skip
    assert texts(case)[0].startswith("（2020年4月10日")


def test_a_markdown_file_is_one_case_named_from_its_folder() -> None:
    (case,) = fixture("静安区 “智能退税”案例.md")
    assert (case.title, names(case)) == ("静安区“智能退税”案例", ["静安区"])
    assert headings(case) == ["背景", "做法", "做法 > 数据先行", "做法 > 无感退税", "成效"]


def test_contents_and_cover_are_no_entries_but_a_preface_is() -> None:
    preface, first, second = fixture("带目录和前言的汇编.txt")
    assert (preface.title, preface.rank, names(preface)) == ("前言", None, [])
    assert texts(preface) == ["2023年，静安区、长宁区、普陀区等报送案例。共收到60个。"]
    assert [(c.title, names(c)) for c in (first, second)] == [
        ("甲", ["静安区"]),
        ("乙", ["长宁区"]),
    ]
    assert {c.collection for c in (preface, first, second)} == {"上海市2023年度优秀案例汇编"}


def test_a_preface_may_stand_before_the_collection_s_title() -> None:
    preface, case = parse("前言\n共收到60个案例。\n上海市2023年优秀案例\n排名1\n甲\n静安区推进。")
    assert (preface.title, texts(preface)) == ("前言", ["共收到60个案例。"])
    assert (case.title, case.collection) == ("甲", "上海市2023年优秀案例")


def test_a_table_of_contents_without_page_numbers_is_seen_by_its_repetition() -> None:
    cases = parse("目录\n案例一 甲\n案例二 乙\n案例一 甲\n办得快。\n案例二 乙\n办得好。")
    assert [(case.title, texts(case)) for case in cases] == [
        ("甲", ["办得快。"]),
        ("乙", ["办得好。"]),
    ]


@pytest.mark.parametrize(
    ("line", "rank", "title"),
    [
        ("排名3", 3, "打造平台"),
        ("排名\u3000\uff11\uff10", 10, "打造平台"),
        ("排名1\xa00", 10, "打造平台"),
        ("排名：第二", 2, "打造平台"),
        ("名次: 4", 4, "打造平台"),
        ("第二十一名", 21, "打造平台"),
        ("## 排名5 ", 5, "打造平台"),
        ("排名6 “一网”", 6, "“一网” 打造平台"),
        ("第3名：“一网”", 3, "“一网” 打造平台"),
        ("排名1 20个事项", 1, "20个事项 打造平台"),
        ("\u200b排名7\u200b", 7, "打造平台"),
        ("案例八", None, "打造平台"),
        ("【典型案例9】“一网”", None, "“一网” 打造平台"),
        ("**案例（十）：“一网”**", None, "“一网” 打造平台"),
    ],
)
def test_a_mark_in_any_notation_opens_an_entry(line: str, rank: int | None, title: str) -> None:
    opening = "案例一" if rank is None else "排名1"
    first, case = parse(f"{opening}\n甲\n办得快。\n{line}\n打造平台\n办得好。")
    assert first.title == "甲"
    assert (case.rank, case.title) == (rank, title)
    assert case.span.end == len(case.source.text)


@pytest.mark.parametrize(
    ("body", "title"),
    [
        ("打造平台\n\n——服务\n企业。", "打造平台——服务"),
        ("打造  平台\n一、背景\n好。", "打造 平台"),
        ("为企业办事，静安区出台措施。", "为企业办事"),
        ("一、背景\n好。", "案例"),
        ("单位：静安区\n好。", "案例"),
        ("知识产权：全链条\n好。", "知识产权：全链条"),
        ("办事", "办事"),
        ("***\n打造平台\n======\n办得快", "打造平台"),
        ("——，办得快。", "办得快"),
    ],
)
def test_a_text_is_titled_by_its_first_lines_or_its_first_words_or_its_file(
    body: str, title: str
) -> None:
    assert parse(body)[0].title == title


def test_an_entry_without_a_title_is_called_by_its_mark() -> None:
    assert [c.title for c in parse("排名1\n一、背景\n好。\n排名2\n一、背景\n差。")] == [
        "排名1",
        "排名2",
    ]


def test_an_opening_sentence_is_title_and_text() -> None:
    case = parse("案例一：2023年上城区推出改革，办理加快。\n案例二：乙\n好。")[0]
    assert case.title == "2023年上城区推出改革"
    assert texts(case) == ["2023年上城区推出改革，办理加快。"]


def test_a_collection_s_title_may_come_between_entries_that_are_counted_on() -> None:
    cases = parse(
        "上海市2022年优秀案例\n案例一\n甲\n形成可推广的经验。\n"
        "《上海市2023年良好实践（第一批）》\n案例二\n乙\n好。"
    )
    assert [(c.collection, c.year, texts(c)) for c in cases] == [
        ("上海市2022年优秀案例", 2022, ["形成可推广的经验。"]),
        ("上海市2023年良好实践（第一批）", 2023, ["好。"]),
    ]


@pytest.mark.parametrize(
    ("name", "text", "year"),
    [
        ("案例.txt", "\uff12\uff10\uff12\uff13年优秀案例\n排名1\n甲\n好。", 2023),
        ("案例.txt", "二〇二一年优秀案例\n排名1\n甲\n好。", 2021),
        ("2020/cases-2021.txt", "甲\n好。", 2021),
        ("2020年/甲.txt", "甲\n好。", 2020),
        ("案例.txt", "服务2000家企业\n好。", None),
        ("案例.txt", "2019年退税\n好。", 2019),
        ("12366.txt", "甲\n2022年。", None),
    ],
)
def test_the_year_is_read_from_collection_file_name_or_title(
    name: str, text: str, year: int | None
) -> None:
    assert parse(text, name)[0].year == year


def test_equal_titles_over_different_texts_are_two_cases() -> None:
    first, second = parse("排名1\n打造平台\n甲。\n排名2\n打造平台\n乙。")
    assert second.case_id == f"{first.case_id}-2"
    assert second.duplicate_of is None


def test_the_same_file_in_two_folders_is_one_original_and_its_duplicate() -> None:
    text = "静安区“智能退税”\n静安区推进。"
    first, second = read_cases(
        decode(f"{folder}/甲.txt", data.encode())
        for folder, data in (("2022", text), ("2023", text.replace("\n", "\r\n\r\n")))
    )
    assert (first.collection, second.collection) == ("2022", "2023")
    assert first.case_id != second.case_id
    assert (first.duplicate_of, second.duplicate_of) == (None, first.case_id)


LINES = st.sampled_from(
    [
        "上海市2022年优秀案例", "二〇二三年良好实践（第二批）", "排名1", "排名\u3000\uff11\uff10", "第三名 静安区",
        "案例一", "案例2：甲", "【案例三】乙", "静安区：服务", "长宁区", "目录", "案例2：甲……3", "打造平台", "——服务",
        "一、背景", "（ 二 ）\xa0做法", "\uff13\uff0e成效", "①小项", "一是甲乙。静安区与长宁区共同推进。", "## 二",
        "【成效】好。", "第一条 甲乙丙。", "静安区推进。", "", " ", "\u3000\u3000办得快；办得好", "\u200b", "***",
    ]
)  # fmt: skip
DOCUMENTS = st.lists(st.tuples(LINES, st.sampled_from(["\n", "\r\n", "\r", "\n\n"]))).map(
    lambda pairs: "".join(line + end for line, end in pairs) + "完"
)


def check(cases: tuple[Case, ...], text: str) -> None:
    """What holds for every file: nothing overlaps, nothing is guessed, nothing is misquoted."""
    assert cases
    ids = {case.case_id for case in cases}
    assert len(ids) == len(cases)
    position = 0
    for case in cases:
        assert position <= case.span.start < case.span.end <= len(text)
        position = case.span.end
        assert case.title.strip()
        assert case.span.start <= case.body.span.start <= case.body.span.end == case.span.end
        for district in case.districts:
            said = district.evidence.of(text)
            assert said
            assert district.name.startswith(said)
        assert case.duplicate_of in {None} | ids
        assert case.duplicate_of != case.case_id


@given(DOCUMENTS)
@settings(deadline=None, max_examples=300)
def test_documents_composed_of_the_genre_s_lines_are_read_whole(text: str) -> None:
    cases = parse(text)
    check(cases, text)
    assert cases[-1].span.end == len(text)
    assert [case.case_id for case in parse(text)] == [case.case_id for case in cases]


@given(st.text(min_size=1, max_size=300))
@settings(deadline=None)
def test_arbitrary_unicode_is_read(text: str) -> None:
    text = f"甲{text}".encode("utf-8", "ignore").decode()
    text = "".join(c for c in text if c >= " " or c in "\r\n\t")
    check(parse(text), text)


@pytest.mark.parametrize(
    "text",
    [
        "（一" * 100_000, "甲" + "。" * 100_000, "、" * 100_000 + "甲", "（一）\n" * 20_000 + "甲",
        "排名" + " " * 100_000 + "甲", "排名1\n" * 5_000 + "甲", "（" + " " * 100_000 + "一", "#" * 100_000 + "甲",
        "甲" + "." * 100_000, "案例一 " * 20_000, "【甲】" * 50_000, "*" * 100_000 + "甲", "《" * 100_000 + "案例",
        "一、甲\n（一）乙\n1、丙\n（1）丁\n①戊\n" * 3_000, "甲" + "\n" * 100_000 + "乙", "第" + " " * 100_000 + "条",
    ],
    ids=lambda text: repr(text[:8]),
)  # fmt: skip
@pytest.mark.timeout(10)
def test_reading_stays_linear_on_adversarial_text(text: str) -> None:
    check(parse(text), text)


@pytest.mark.timeout(30)
def test_five_megabytes_are_read_in_seconds(corpus: Path) -> None:
    assert len(parse(corpus.read_text(encoding="utf-8") * 50)) == 22 * 50


def test_districts_are_read_in_traditional_script_too() -> None:
    text = "2023年優秀案例\n排名1\n智能退稅\n靜安區稅務局推出智能退稅。\n排名2\n幫辦\n閔行區設立幫辦站。\n"
    cases = read_cases([decode("案例.txt", text.encode())])
    assert [case.district for case in cases] == ["静安区", "闵行区"]
    assert [case.districts[0].evidence.of(text) for case in cases] == ["靜安區", "閔行區"]
