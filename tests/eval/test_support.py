"""The second look at worded sentences."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest

from eval.support import clauses_stand
from rag.answer import AnswerSentence

PASSAGE = "静安区推出智能退税，企业申请之后，三日到账。材料由系统核对。"


def holds(text: str, *passages: str) -> bool:
    cited: Any = [
        SimpleNamespace(hit=SimpleNamespace(passage=SimpleNamespace(text=passage)))
        for passage in passages
    ]
    return clauses_stand(AnswerSentence(text, (1,), None), cited)


@pytest.mark.parametrize(
    "text",
    ["企业申请之后，三日到账。", "静安区推出智能退税，三日到账。", "三日到账；材料由系统核对。"],
)
def test_clauses_that_stand_in_order_are_held(text: str) -> None:
    assert holds(text, PASSAGE)


@pytest.mark.parametrize(
    "text",
    [
        "企业申请之后，五日到账。",
        "三日到账，企业申请之后。",
        "嘉定区推出智能退税。",
        "三日到账，三日到账。",
    ],
)
def test_what_is_changed_moved_or_said_twice_is_not(text: str) -> None:
    assert not holds(text, PASSAGE)


def test_every_passage_that_is_cited_must_hold_it() -> None:
    assert not holds("三日到账。", PASSAGE, "嘉定区设立帮办站。")
