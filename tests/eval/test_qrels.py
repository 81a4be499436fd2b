"""Quotes -> judged passages."""

from __future__ import annotations

from pathlib import Path

import pytest

from eval.dataset import Dataset
from eval.evidence import Evidence, Holders
from eval.qrels import judged_passages, passage_qrels
from eval.questions import Question, QuestionsError
from rag.source import read


def held(*ways: tuple[str, ...]) -> Holders:
    return Holders(ways, partly=True, cases=("c1",))


def test_every_passage_that_it_takes_to_read_a_quote_is_relevant() -> None:
    evidence = [Evidence(name, "引文", ()) for name in ("Q1", "Q1", "Q2", "Q3")]
    holders = [held(("a",), ("b", "c")), held(("a",), ("d",)), held(), held(("a",))]
    assert passage_qrels(evidence, holders) == {
        "Q1": {"a": 1, "b": 1, "c": 1, "d": 1},
        "Q3": {"a": 1},
    }
    assert passage_qrels([], []) == {}


def test_the_passages_of_a_dataset_are_cut_and_judged(collection: Path) -> None:
    questions = (
        Question("Q1", "fact", "几天？", ("三日 到账", "帮办六千次"), "all"),
        Question("Q2", "none", "红烧肉？", (), "any"),
    )
    dataset = Dataset("小集", questions, read([collection]).sources, {}, "")
    passages, qrels = judged_passages(dataset, len)
    texts = {passage.passage_id: passage.text[:5] for passage in passages}
    assert list(texts.values()) == ["静安区税务", "静安区退税", "嘉定区设立"]
    assert {name: [texts[unit] for unit in grades] for name, grades in qrels.items()} == {
        "Q1": ["静安区税务", "嘉定区设立"]
    }


def test_a_quote_that_is_nowhere_is_an_error(collection: Path) -> None:
    question = Question("Q1", "fact", "几天？", ("四日到账",), "any")
    dataset = Dataset("小集", (question,), read([collection]).sources, {}, "")
    with pytest.raises(QuestionsError, match="问题 Q1 的引文“四日到账”不在原文中"):
        judged_passages(dataset, len)
