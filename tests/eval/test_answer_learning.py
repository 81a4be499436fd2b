"""Learning what a sentence is chosen by: labels, folds, the file."""

from __future__ import annotations

import tomllib
from collections.abc import Callable, Sequence
from pathlib import Path

import pytest

import eval.workbench
from eval.answer_learning import FOLDS, Learnt, Studied, holds, learn, study, toml_of
from eval.answer_run import assistant_of
from eval.calibrate import CalibrateError
from eval.dataset import Dataset
from eval.parts import position_of
from eval.questions import Question
from eval.reference import references_of
from eval.systems import System
from eval.workbench import Workbench
from rag.likelihood import SentenceSignals, candidates
from rag.source import read
from rag.types import Source

CASES = "甲市2022年优秀案例\n\n" + "\n".join(
    f"排名{n}\n事项{n}办理\n\n静安区第{n}项服务办了{n}00件，群众都说好。第{n}项服务{n}天办结，企业退税快。\n"
    for n in range(1, 26)
)
QUESTIONS = (
    *(
        Question(f"Q{n}", "fact", f"第{n}项服务几天办结？", (f"第{n}项服务{n}天办结",), "any")
        for n in range(1, 26)
    ),
    Question("N1", "none", "红烧肉怎么做？", (), "any"),
)


Study = Callable[[Sequence[Question]], list[Studied]]


@pytest.fixture
def sources(tmp_path: Path) -> tuple[Source, ...]:
    (tmp_path / "甲市.txt").write_text(CASES, encoding="utf-8")
    return read([tmp_path / "甲市.txt"]).sources


@pytest.fixture
def ask(sources: tuple[Source, ...], tmp_path: Path, encoder, monkeypatch) -> Study:
    monkeypatch.setattr(eval.workbench, "load_encoder", lambda _name, _models: encoder)

    def study_all(questions: Sequence[Question]) -> list[Studied]:
        dataset = Dataset("小集", tuple(questions), sources, {}, "d" * 64)
        with Workbench(dataset, tmp_path, tmp_path / "v.sqlite", lambda *_: None) as bench:
            built = bench.build(System("hybrid-text", expansions=False))
            located = list(zip(bench.evidence, built.holders, strict=True))
            references = references_of(questions, located, built.cases)
            return study("hybrid-text", assistant_of(built), references)

    return study_all


@pytest.fixture
def studied(ask: Study) -> list[Studied]:
    return ask(QUESTIONS)


@pytest.fixture
def texts(sources: tuple[Source, ...]) -> dict[str, str]:
    return {source.name: source.text for source in sources}


def test_only_questions_that_something_answers_are_studied(studied: list[Studied]) -> None:
    assert [one.question_id for one in studied] == [f"Q{n}" for n in range(1, 26)]
    assert {len(one.findings.findings) for one in studied} == {10}


def test_a_sentence_that_holds_the_quote_is_told_from_its_neighbour(
    studied: list[Studied],
) -> None:
    one = studied[11]
    listed = candidates(one.reference.question.text, one.findings.findings)
    held = [candidate.text for candidate in listed if holds(candidate, one.reference)]
    assert held == ["第12项服务12天办结，企业退税快。"]


def test_a_sentence_inside_a_longer_quote_holds_it_too(ask: Study) -> None:
    quote = "静安区第3项服务办了300件，群众都说好。第3项服务3天办结"
    question = Question("Q3", "fact", "第3项服务怎样？", (quote,), "any")
    (one,) = ask([question])
    listed = candidates(question.text, one.findings.findings)
    held = [candidate.text for candidate in listed if holds(candidate, one.reference)]
    assert held == ["静安区第3项服务办了300件，群众都说好。"]


def test_what_is_learnt_answers_questions_that_it_was_not_fitted_on(
    studied: list[Studied], texts: dict[str, str]
) -> None:
    learnt = learn(studied, texts, 0.1)
    assert (learnt.questions, learnt.rows, learnt.positive) == (25, 25 * 5 * 2, 25)
    weights = learnt.likelihood.weights
    assert weights.shared > 0
    assert weights.said > 0
    (answered,) = learnt.answered
    assert answered.single is not None
    assert (answered.single.n, answered.several, answered.alternatives) == (25, None, None)
    assert answered.single.mean == 1.0


def test_learning_twice_gives_the_same(studied: list[Studied], texts: dict[str, str]) -> None:
    assert learn(studied, texts, 0.1) == learn(studied, texts, 0.1)


def test_a_higher_threshold_shows_no_more_sentences(
    studied: list[Studied], texts: dict[str, str]
) -> None:
    ((low,), (high,)) = (learn(studied, texts, at).answered for at in (0.0, 0.9))
    assert low.sentences is not None
    assert high.sentences is not None
    assert (low.sentences.mean, high.sentences.mean) == (4.0, 1.0)


def test_too_few_questions_are_refused_in_words(
    studied: list[Studied], texts: dict[str, str]
) -> None:
    with pytest.raises(CalibrateError, match="有引文的问题只有 19 个，至少要有 20 个"):
        learn(studied[:19], texts, 0.1)


def test_the_file_says_what_it_was_learnt_from_and_reads_back(
    studied: list[Studied], texts: dict[str, str]
) -> None:
    learnt: Learnt = learn(studied, texts, 0.25)
    written = toml_of(learnt, "casebook eval calibrate-answers（2026-01-02，commit “abc”）")
    assert written.startswith("# How likely a sentence is to answer")
    table = tomllib.loads(written)
    assert SentenceSignals(**table["weights"]) == learnt.likelihood.weights
    assert (table["intercept"], table["threshold"]) == (learnt.likelihood.intercept, 0.25)
    assert table["provenance"].startswith(
        "casebook eval calibrate-answers（2026-01-02，commit “abc”）："
    )
    assert "25 题，250 句" in table["provenance"]
    assert "hybrid-text 十折交叉检验" in table["provenance"]
    assert "（n=25）" in table["provenance"]


def test_ten_folds_each_have_questions_of_the_development_set() -> None:
    assert {int(position_of(f"D{n:03}", 1) * FOLDS) for n in range(1, 153)} == set(range(10))
