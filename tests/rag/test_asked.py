"""What kind of value a question asks for, and whether a text holds one."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rag.asked import KINDS, kinds_asked, unsaid


@pytest.mark.parametrize(
    ("question", "kinds"),
    [
        ("咨询电话是多少？", ["phone"]),
        ("服务中心的地址在哪里", ["address"]),
        ("系统的网址是什么", ["site"]),
        ("办一次收费吗？", ["money"]),
        ("一等奖奖金多少", ["money"]),
        ("一共多少美元", ["money"]),
        ("贷款利率是多少？", ["share"]),
        ("哪一天开始实施？", ["date"]),
        ("多久能办好？", ["duration"]),
        ("来了多少家企业？", ["家户"]),
        ("发了几张？", ["份张"]),
        ("贷了多少？", ["number"]),
        ("几点开门，周几休息？", ["date", "duration"]),
        ("谁负责这件事？", []),
        ("怎么申请？", []),
        ("你好", []),
    ],
)
def test_a_question_asks_for_the_kinds_that_it_words(question: str, kinds: list[str]) -> None:
    assert [kind.name for kind in kinds_asked(question)] == kinds


@pytest.mark.parametrize(
    ("question", "text", "share"),
    [
        ("咨询电话是多少？", "拨打１２３６６咨询", 0.0),
        ("咨询电话是多少？", "开通咨询热线，受理4700余条", 1.0),
        ("收费吗？", "免费送达", 0.0),
        ("要多少钱？", "补贴300余万元", 0.0),
        ("要多少钱？", "合同金额可观", 1.0),
        ("利率是多少？", "接通率超98％", 0.0),
        ("哪天实施？", "自2022年3月15日起施行", 0.0),
        ("哪天实施？", "依法施行", 1.0),
        ("几天到账？", "三天内到账", 0.0),
        ("来了多少家企业？", "邀请企业380余户", 0.0),
        ("来了多少家企业？", "邀请企业，发出380封信", 1.0),
        ("哪天开始、多少钱？", "3月开始", 0.5),
        ("怎么申请？", "", 0.0),
    ],
)
def test_a_text_lacks_what_it_holds_no_value_of(question: str, text: str, share: float) -> None:
    assert unsaid(question, text) == share


@given(st.text(), st.text(), st.text())
def test_more_text_never_lacks_more(question: str, text: str, more: str) -> None:
    assert 0 <= unsaid(question, f"{text}\n{more}") <= unsaid(question, text) <= 1


def test_the_kinds_have_names_of_their_own() -> None:
    assert len({kind.name for kind in KINDS}) == len(KINDS) == 7
