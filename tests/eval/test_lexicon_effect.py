"""What a lexicon would change, question by question, before it goes live."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from eval.dataset import Dataset
from eval.lexicon_effect import (
    Effect,
    Move,
    Use,
    corrected,
    effects_of,
    moves_of,
    systems_for,
    uses_of,
)
from eval.load import load
from eval.questions import Question, write_questions
from eval.result import Result
from eval.statistics import compare
from eval.systems import System
from eval.workbench import Workbench
from rag.lexicon import Lexicon, read_lexicon

QUESTIONS = (
    Question("Q1", "fact", "账上谁搭把手？", ("帮办员现场服务",), "any"),
    Question("Q2", "fact", "帮办了多少次？", ("帮办六千次",), "any"),
    Question("Q3", "unanswerable", "红烧肉怎么做？", (), "any"),
)
LEXICON = "搭把手\t帮办员现场服务|群众\n帮办\t代办\n没有\t=\n"


@pytest.fixture
def dataset(tmp_path: Path, collection: Path) -> Dataset:
    file = tmp_path / "小集.jsonl"
    write_questions(file, QUESTIONS)
    return load(file, [collection])


@pytest.fixture
def bench(dataset: Dataset, tmp_path: Path, encoder, monkeypatch) -> Iterator[Workbench]:
    monkeypatch.setattr("eval.workbench.load_encoder", lambda _name, _models: encoder)
    with Workbench(dataset, tmp_path, tmp_path / "v.sqlite", lambda *_: None) as bench:
        yield bench


@pytest.fixture
def candidate(tmp_path: Path) -> Path:
    file = tmp_path / "新词表.tsv"
    file.write_text(LEXICON, encoding="utf-8")
    return file


def test_keys_are_counted_by_question_the_most_frequent_first() -> None:
    lexicon = Lexicon(
        {"退税": ("返还",), "帮办": ("帮办服务",), "窗口": ("服务窗口", "综窗"), "快办": ()}
    )
    asked = ["退税退税，帮办吗", "窗口退税", "快办窗口", "你好"]
    assert uses_of(lexicon, asked) == (
        Use("窗口", ("综窗",), 2),
        Use("退税", ("返还",), 2),
        Use("帮办", (), 1),
    )


def test_an_effect_compares_the_candidate_with_the_lexicon_in_use(
    bench: Workbench, candidate: Path
) -> None:
    lexicon = read_lexicon(candidate)
    system = System("bm25", dense=0.0, expansions=False)
    (effect,) = effects_of(bench, [system], used=None, candidate=candidate, lexicon=lexicon)
    assert (effect.dataset, effect.system) == ("小集", "bm25")
    assert [pair.measure for pair in effect.comparisons] == [
        "evidence@1",
        "evidence@5",
        "RR@10",
        "nDCG@10",
    ]
    assert {pair.n for pair in effect.comparisons} == {2}
    assert effect.comparisons[0].wins == 1
    assert effect.moves == (Move("Q1", "账上谁搭把手？", ("搭把手",), None, 1),)
    (same,) = effects_of(bench, [system], used=candidate, candidate=candidate, lexicon=lexicon)
    assert (same.moves, same.worse) == ((), False)
    assert same.refused[0] == same.refused[1] == effect.refused[1]
    assert [(pair.difference, pair.wins, pair.losses) for pair in same.comparisons] == [
        (0.0, 0, 0)
    ] * 4


def test_moves_tell_what_became_worse_first_and_nothing_that_stayed(
    make_result: Callable[..., Result],
) -> None:
    before, after = make_result("s", (2, 1, 3)), make_result("s", (1, None, 3))
    moves = moves_of(before, after, Lexicon({"帮办": ("代办",), "到账": ("退还",)}))
    assert [(move.question_id, move.keys, move.before, move.after) for move in moves] == [
        ("Q2", ("帮办",), 1, None),
        ("Q1", ("到账",), 2, 1),
    ]


def test_systems_with_expansions_are_left_out_where_there_are_none(dataset: Dataset) -> None:
    plain, asked = System("a", expansions=False), System("b", expansions=True)
    assert systems_for(dataset, [plain, asked]) == (plain,)
    companions = load_with_expansions(dataset)
    assert systems_for(companions, [plain, asked]) == (plain, asked)


def load_with_expansions(dataset: Dataset) -> Dataset:
    from rag.expansions import Expansion
    from rag.types import Span

    expansion = Expansion(dataset.sources[0].name, Span(0, 5), ("几天？",))
    return replace(dataset, expansions=(expansion,))


def test_an_effect_is_worse_when_its_corrected_headline_is() -> None:
    ids = [f"Q{number}" for number in range(8)]
    drop = compare(dict.fromkeys(ids, 1.0), dict.fromkeys(ids, 0.0), "evidence@1")
    assert drop.p == pytest.approx(2 / 2**8)
    one = Effect("小集", "s", (drop, drop), (0, 0), ())
    assert [effect.worse for effect in corrected([one])] == [True]
    many = corrected([one] * 7)
    assert [effect.worse for effect in many] == [False] * 7
    assert {effect.comparisons[0].family for effect in many} == {7}
    assert {effect.comparisons[1].family for effect in many} == {1}
