"""Having every question answered: who is asked, in what order, and what the product reaches."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

import eval.workbench
from eval.answer_report import figures_of, misses_of
from eval.answer_run import Answerer, assistant_of, run_answers
from eval.dataset import Dataset
from eval.load import load, load_questions
from eval.questions import Question
from eval.systems import System, read_systems
from eval.workbench import Built, Workbench
from rag.answer import Answer
from rag.ask import Asker
from rag.extract import extract
from rag.source import read

ROOT = Path(__file__).parents[2]
QUESTIONS = (
    Question("Q1", "fact", "静安退税几天到账", ("三日到账",), "any"),
    Question("Q2", "fact", "嘉定谁来帮办", ("帮办员现场服务",), "any"),
)
NONE = Question("U1", "none", "红烧肉", (), "any")


@pytest.fixture
def bench(collection: Path, tmp_path: Path, encoder, monkeypatch) -> Iterator[Workbench]:
    monkeypatch.setattr(eval.workbench, "load_encoder", lambda _name, _models: encoder)
    dataset = Dataset("小集", QUESTIONS, read([collection]).sources, {}, "d" * 64)
    with Workbench(dataset, tmp_path, tmp_path / "v.sqlite", lambda *_: None) as opened:
        yield opened


@pytest.fixture
def built(bench: Workbench) -> Built:
    return bench.build(System("hybrid-text", expansions=False))


def test_the_answers_are_those_of_the_product(bench: Workbench, built: Built) -> None:
    assistant = assistant_of(built)
    asker = Asker(assistant)
    run = run_answers(bench, built, Answerer(asker.ask, assistant.search), unanswerable=[NONE])
    asked = [*QUESTIONS, NONE]
    assert run.answers == tuple(asker.ask(question.text) for question in asked)
    assert [one.question_id for one in run.scores] == ["Q1", "Q2", "U1"]
    assert [one.answerable for one in run.scores] == [True, True, False]
    assert run.groups["type"] == {"Q1": "fact", "Q2": "fact", "U1": "none"}
    assert run.provenance.system == "hybrid-text"


def test_answering_and_searching_take_turns_after_a_first_try(
    bench: Workbench, built: Built
) -> None:
    assistant = assistant_of(built)
    heard: list[str] = []

    def answer(question: str) -> Answer:
        heard.append(f"a {question[:2]}")
        return extract(assistant.search(question))

    def search(question: str) -> None:
        heard.append(f"s {question[:2]}")

    told: list[tuple[int, int]] = []
    run = run_answers(
        bench,
        built,
        Answerer(answer, search),
        unanswerable=[NONE],
        on_progress=lambda done, total: told.append((done, total)),
    )
    assert heard == ["a 静安", "a 静安", "s 静安", "s 嘉定", "a 嘉定", "a 红烧", "s 红烧"]
    assert told == [(1, 3), (2, 3), (3, 3)]
    assert len(run.paces) == 3
    assert all(pace.search >= 0 and pace.ask > 0 for pace in run.paces)


def test_a_question_is_encoded_each_time_it_is_asked(built: Built, encoder, monkeypatch) -> None:
    heard: list[str] = []
    encode = encoder.encode_query
    monkeypatch.setattr(encoder, "encode_query", lambda text: heard.append(text) or encode(text))
    assistant = assistant_of(built)
    assistant.search("退税")
    assistant.search("退税")
    assert heard == ["退税", "退税"]


@pytest.mark.model
def test_extractive_answers_keep_what_they_promise(
    real_index: Path, models: Path, corpus: Path
) -> None:
    """docs/answers.md: every sentence verbatim, no wrong district, the evidence in the sentences."""
    (hybrid,) = (system for system in read_systems() if system.name == "hybrid")
    cache = real_index / "vectors.sqlite"
    dataset = load(ROOT / "eval" / "dev_questions.jsonl", [corpus])
    with Workbench(dataset, models, cache, lambda *_: None) as bench:
        built = bench.build(hybrid)
        assistant = assistant_of(built)
        run = run_answers(
            bench,
            built,
            Answerer(Asker(assistant).ask, assistant.search),
            unanswerable=load_questions(ROOT / "eval" / "unanswerable.jsonl"),
        )
    found = {figure.key: figure for figure in figures_of(run.scores)}
    assert found["support"].n > 500
    assert found["support"].value == 1.0
    assert found["elsewhere"].n > 150
    assert found["elsewhere"].value == 0.0
    misses = misses_of(run.scores)
    assert (misses.unsupported, misses.elsewhere) == ((), ())
    assert found["contained_single"].n == 105
    assert found["contained_single"].value is not None
    assert found["contained_single"].value >= 0.85
    assert found["recall"].value is not None
    assert found["recall"].value >= 0.95
    assert len(misses.refused) <= 7  # 5% of 152
