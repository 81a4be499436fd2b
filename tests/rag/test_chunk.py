"""Cases -> passages. One character is one token here, so every size can be counted by eye."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rag.cases import read_cases
from rag.chunk import Cut, context_of, passages_of
from rag.lines import folded
from rag.source import decode, read
from rag.types import Case, Passage

ROOT = Path(__file__).parents[2]
TEXT = (
    "排名1\n智能退税\n一、背景\n静安区推进。\n\n"
    "企业少，跑腿多；时间长。\n二、做法\n1、数据先行。打通数据。\n（1）清单\n甲。\n"
)


def case_of(text: str) -> Case:
    return read_cases([decode("案例.txt", text.encode())])[0]


def words_of(text: str) -> int:
    """Count as an encoder does: two tokens of its own, and pairs of Latin letters as one."""
    return 2 + sum(1 if c > "z" else 0.5 for c in text).__ceil__()


def texts(text: str, size: int) -> list[str]:
    return [passage.text for passage in passages_of(case_of(text), len, Cut(size))]


def test_a_passage_never_crosses_a_heading_and_leaves_it_out() -> None:
    passages = passages_of(case_of(TEXT), len, Cut(100))
    assert [(p.section, p.text) for p in passages] == [
        (("背景",), "静安区推进。\n\n企业少，跑腿多；时间长。"),
        (("做法", "数据先行"), "1、数据先行。打通数据。"),
        (("做法", "数据先行", "清单"), "甲。"),
    ]
    assert [p.passage_id.split(":")[1] for p in passages] == ["14-34", "40-52", "59-61"]


@pytest.mark.parametrize(
    ("size", "pieces"),
    [
        (100, ["静安区推进。\n\n企业少，跑腿多；时间长。\n以上。"]),
        (17, ["静安区推进。", "企业少，跑腿多；时间长。\n以上。"]),
        (13, ["静安区推进。", "企业少，跑腿多；时间长。", "以上。"]),
        (8, ["静安区推进。", "企业少，跑腿多；", "时间长。", "以上。"]),
        (4, ["静安区推", "进。", "企业少，", "跑腿多；", "时间长。", "以上。"]),
        (3, ["静安区", "推进。", "企业少", "，", "跑腿多", "；", "时间长", "。", "以上。"]),
    ],
)
def test_a_section_is_cut_at_the_weakest_joint_that_fits(size: int, pieces: list[str]) -> None:
    assert texts("甲\n静安区推进。\n\n企业少，跑腿多；时间长。\n以上。", size) == pieces


def test_crlf_paragraphs_are_cut_like_others() -> None:
    text = "甲\r\n静安区推进。\r\n\r\n企业少，跑腿多。\r\n"
    assert texts(text, 10) == ["静安区推进。", "企业少，跑腿多。"]


def test_a_case_of_titles_alone_gives_its_lines() -> None:
    assert texts("排名1\n智能退税", 100) == ["排名1\n智能退税"]


def test_a_character_larger_than_a_passage_is_a_programmer_s_mistake() -> None:
    with pytest.raises(ValueError, match="has more than 2 tokens"):
        passages_of(case_of("甲\n好。"), lambda text: 3 * len(text), Cut(2))


def test_context_says_what_a_passage_leaves_unsaid() -> None:
    case = case_of("排名1\n智能退税\n青浦区与吴江共同推进。")
    assert context_of(case, ("做法", "清单")) == "青浦区、吴江区 智能退税 做法 清单"


def test_a_passage_s_sentences_lie_in_it() -> None:
    (passage,) = passages_of(case_of("甲\n办事真的很方便。全程网办只跑一次。"), len, Cut(100))
    assert [span.of("甲\n办事真的很方便。全程网办只跑一次。") for span in passage.sentences] == [
        "办事真的很方便。",
        "全程网办只跑一次。",
    ]


def check(case: Case, passages: list[Passage], size: int) -> None:
    text = case.source.text
    position = case.body.span.start
    kept = [False] * len(text)
    for passage in passages:
        assert passage.case_id == case.case_id
        assert passage.span.start >= position
        position = passage.span.end
        assert passage.text == passage.span.of(text)
        assert 0 < words_of(passage.text) <= size
        assert passage.sentences
        assert passage.span.start == passage.sentences[0].start
        assert passage.span.end == passage.sentences[-1].end
        for index in range(passage.span.start, passage.span.end):
            kept[index] = True
    for _, section in case.body.walk():
        assert not any(kept[section.heading.start : section.heading.end])
        for index in range(section.body.start, section.body.end):
            assert kept[index] or folded(text[index]) == " "


PARTS = st.sampled_from(
    [
        "一、背景\n",
        "（一）做法\r\n",
        "1、推进。",
        "办理快",
        "。",
        "；",
        "，",
        "！”",
        "\n",
        "\r\n",
        "\n\n",
        " ",
        "\xa0",
        "\u3000",
        "\u200b",
        "ab",
        "12366",
        "𠮷",
        "（",
        "……",
        "\u2028",
    ]
)


@given(st.lists(PARTS, max_size=80).map("".join), st.integers(3, 40))
@settings(deadline=None, max_examples=200)
def test_passages_hold_every_word_once_and_none_is_oversize(text: str, size: int) -> None:
    case = case_of(f"排名1\n题\n一、首\n甲{text}")
    check(case, passages_of(case, words_of, Cut(size)), size)


@pytest.mark.parametrize("size", [20, 300])
def test_the_bundled_corpus_is_cut_without_loss(size: int) -> None:
    for case in read_cases(read([ROOT / "data"]).sources):
        check(case, passages_of(case, words_of, Cut(size)), size)


@pytest.mark.parametrize("unit", ["办", "。", "、", "甲。\n", " \n", "一是甲乙。"])
@pytest.mark.timeout(10)
def test_cutting_stays_linear_on_adversarial_text(unit: str) -> None:
    case = case_of("甲甲，" + unit * (100_000 // len(unit)))
    passages = passages_of(case, len, Cut(300))
    assert sum(len(passage.text) for passage in passages) <= len(case.source.text)
    assert all(len(passage.text) <= 300 for passage in passages)
