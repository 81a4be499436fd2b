"""A run of text -> the tree of its headings."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rag.lines import folded, lines_of
from rag.outline import outline
from rag.types import Section, Span


def tree(text: str) -> list[tuple[int, str]]:
    root = outline(text, Span(0, len(text)))
    return [(section.level, section.title) for _, section in root.walk()][1:]


@pytest.mark.parametrize(
    ("line", "title"),
    [
        ("一、基本情况", "基本情况"),
        ("一、\xa0基本情况", "基本情况"),
        ("\u3000\u3000一 、基本情况\u3000", "基本情况"),
        ("（一）建立机制", "建立机制"),
        ("（ 一 ）建立机制", "建立机制"),
        ("(二）建立机制：", "建立机制"),
        ("\uff11\uff0e建立机制", "建立机制"),
        ("1、建立机制", "建立机制"),
        ("1）建立机制", "建立机制"),
        ("（\uff12）建立机制", "建立机制"),
        ("①建立机制", "建立机制"),
        ("工作背景", "工作背景"),
        ("**主要做法**", "主要做法"),
        ("【背景】", "背景"),
        ("第二章\u3000市场环境", "市场环境"),
        ("第十二条 办理时限", "第十二条 办理时限"),
        ("第三部分 保障", "保障"),
        ("# 做法", "做法"),
        ("##做法 ##", "做法"),
        ("### 1. 数据先行", "数据先行"),
        ("## 二", "二"),
    ],
)
def test_a_line_of_its_own_in_any_style_is_a_heading_without_its_number(
    line: str, title: str
) -> None:
    text = f"{line}\n办得快。"
    section = outline(text, Span(0, len(text))).children[0]
    assert section.title == title
    assert section.heading == Span(0, len(line) + 1)
    assert section.body.of(text) == "办得快。"


@pytest.mark.parametrize(
    "line",
    [
        "一是建立机制",
        "1.5亿元资金到位",
        "2022年以来",
        "一、建立机制，",
        "（见附件）",
        "#上海营商",
        "一",
        "【】办得快",
        "第一条例外情形",
        "十分方便",
    ],
)
def test_a_line_that_only_looks_like_a_heading_is_text(line: str) -> None:
    assert tree(f"{line}\n办得快。") == []


@pytest.mark.parametrize(
    ("line", "title"),
    [
        ("1、推出快闪办。针对简易事项。", "推出快闪办"),
        ("一是建立机制。成立专班。", "建立机制"),
        ("（一）做法：成立专班。", "做法"),
        ("第一，建立机制。成立专班。", "建立机制"),
        ("第三条 市场主体依法平等。", "第三条"),
    ],
)
def test_a_heading_that_runs_into_its_paragraph_stays_in_the_text(line: str, title: str) -> None:
    section = outline(line, Span(0, len(line))).children[0]
    assert section.title == title
    assert section.heading == Span(0, 0)
    assert section.body.of(line) == line


def test_brackets_may_open_a_paragraph_and_still_head_it() -> None:
    text = "【成效】办理时间压缩60%。"
    section = outline(text, Span(0, len(text))).children[0]
    assert (section.heading.of(text), section.body.of(text)) == ("【成效】", "办理时间压缩60%。")


def test_styles_nest_by_custom_whatever_order_they_appear_in() -> None:
    text = "第一章 总则\n【做法】\n一、甲\n（一）乙\n1、丙\n（1）丁\n①戊\n完。\n二、己\n完。"
    assert tree(text) == [
        (1, "总则"),
        (2, "做法"),
        (3, "甲"),
        (4, "乙"),
        (5, "丙"),
        (6, "丁"),
        (7, "戊"),
        (3, "己"),
    ]


def test_a_level_that_the_writer_skips_leaves_no_hole() -> None:
    assert tree("一、甲\n①乙\n完。\n二、丙\n完。") == [(1, "甲"), (2, "乙"), (1, "丙")]


def test_the_items_of_a_list_are_text_of_the_heading_above() -> None:
    text = "一、清单\n1、甲\n2、乙\n3、丙\n二、成效\n好。"
    root = outline(text, Span(0, len(text)))
    assert [section.title for section in root.children] == ["清单", "成效"]
    assert root.children[0].body.of(text) == "1、甲\n2、乙\n3、丙\n"


def test_a_heading_with_nothing_but_spaces_below_heads_nothing() -> None:
    assert tree("一、甲\n \u3000\u200b\n") == []


def test_crlf_and_cr_end_a_line_as_lf_does() -> None:
    assert tree("一、甲\r\n好。\r二、乙\r\n好。") == [(1, "甲"), (1, "乙")]


def test_lines_say_where_they_stand() -> None:
    lines = list(lines_of("甲\r\n\r\n\u3000乙\u3000\n", Span(0, 9)))
    assert [(line.span, line.inner, line.text) for line in lines] == [
        (Span(0, 3), Span(0, 1), "甲"),
        (Span(5, 9), Span(6, 7), "乙"),
    ]


def tiles(section: Section) -> None:
    position = section.heading.end
    assert section.body.start == position
    position = section.body.end
    for child in section.children:
        assert child.span.start == position
        assert child.level == section.level + 1
        tiles(child)
        position = child.span.end
    assert section.span.end == position


@given(
    st.lists(
        st.sampled_from(
            [
                "一、",
                "（二）",
                "3、",
                "（4）",
                "①",
                "# ",
                "### ",
                "【背景】",
                "第一章 ",
                "第五条 ",
                "一是",
                "背景",
                "甲乙",
                "好。",
                "\n",
                "\r\n",
                " ",
                "\xa0",
                "\u3000",
                "\u200b",
                "：",
                "7",
            ]
        ),
        max_size=60,
    ).map("".join),
    st.data(),
)
@settings(deadline=None)
def test_headings_bodies_and_children_tile_any_run_of_any_text(
    text: str, data: st.DataObject
) -> None:
    start = data.draw(st.integers(0, len(text)))
    end = data.draw(st.integers(start, len(text)))
    root = outline(text, Span(start, end))
    assert root.span == Span(start, end)
    tiles(root)


@given(st.text(max_size=300))
@settings(deadline=None)
def test_any_unicode_has_an_outline(text: str) -> None:
    tiles(outline(text, Span(0, len(text))))
    assert len(folded(text)) == len(text)


def test_deep_nests_and_long_lists_do_not_reach_the_recursion_limit() -> None:
    text = "#" * 6 + " 甲\n一、乙\n（一）丙\n1、丁\n（1）戊\n①己\n一是庚庚。辛\n"
    assert len(tree(text * 3_000)) == 7 * 3_000
