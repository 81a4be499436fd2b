"""Shared by the tests of eval: results to compute by hand, a workbench, commands in a folder."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import replace
from functools import partial
from pathlib import Path

import pytest
from typer.testing import CliRunner

import casebook
from eval.dataset import Dataset
from eval.evidence import Holders
from eval.measures import recomputed
from eval.questions import Question, write_questions
from eval.result import Cost, Excerpt, Miss, Outcome, Provenance, Ranked, Result, Stages
from eval.workbench import Workbench
from rag.encoder import Encoder
from rag.source import read

QUESTIONS = (
    Question("Q1", "fact", "几天到账？", ("三日到账",), "any"),
    Question("Q2", "fact", "谁帮办？<script>alert(1)</script>", ("帮办员现场服务",), "any"),
    Question("Q3", "howto", "怎么退税？", ("智能退税",), "any"),
    Question("Q4", "unanswerable", "红烧肉怎么做？", (), "any"),
)
UNITS = ("a", "b", "c")
ASKED = (
    Question("Q1", "fact", "静安退税几天到账？", ("三日到账",), "any"),
    Question("Q2", "fact", "帮办了多少次？", ("帮办六千次",), "any"),
    Question("Q3", "howto", "企业还要跑窗口吗？", ("企业不再跑窗口",), "any"),
    Question("Q4", "unanswerable", "红烧肉怎么做？", (), "any"),
)

Cli = Callable[..., tuple[int, str, str]]


@pytest.fixture
def make_result() -> Callable[..., Result]:
    """Make a result of which only the ranks of the evidence of Q1, Q2 and Q3 matter."""

    def make(
        system: str, ranks: Sequence[int | None], *, above: str = "", dataset: str = "小集"
    ) -> Result:
        evidence = [(rank,) for rank in ranks]
        qrels: Mapping[str, Mapping[str, int]] = {
            question.question_id: {UNITS[rank - 1] if rank else "z": 1}
            for question, rank in zip(QUESTIONS, ranks, strict=False)
        }
        holders = {
            question_id: (Holders(tuple((u,) for u in units), partly=True, cases=tuple(units)),)
            for question_id, units in qrels.items()
        }
        outcomes = tuple(
            Outcome(
                question_id=question.question_id,
                ranking=tuple(Ranked(unit, 3.0 - place) for place, unit in enumerate(UNITS)),
                confidence=0.9 if question.quotes else 0.1,
                reason=None if question.quotes else "not_in_collection",
                evidence=found,
                case_found=found[0] == 1 if found else None,
                districts=("静安区",) if found else (),
                district_found="静安区" if found and found[0] == 1 else "嘉定区",
                stages=Stages(1.0, 2.0, 3.0, 4.0),
                miss=Miss("unfound", None, None, None) if found == (None,) else None,
                holders=holders.get(question.question_id, ()),
            )
            for question, found in zip(QUESTIONS, [*evidence, ()], strict=True)
        )
        result = Result(
            provenance=Provenance(
                system=system,
                configuration={"dense": 0.3},
                dataset=dataset,
                questions_sha256="00",
                corpus_sha256="11",
                encoder={"name": "counting"},
                index_code_sha256="22",
                commit="abc1234+",
                lock_sha256="",
                python="3.11",
                cpu="",
                threads=2,
                seed=1,
                started="2026-01-02T03:04:05+00:00",
                command=f"casebook eval run --system {system}",
            ),
            above=above,
            about="一行说明",
            questions=QUESTIONS,
            qrels=qrels,
            outcomes=outcomes,
            values={},
            groups={"type": {question.question_id: question.type for question in QUESTIONS}},
            faults=(),
            ceilings=(),
            excerpts=(Excerpt("a", "静安区《退税》", "推出智能\n退税，三日 到账。"),),
            cost=Cost(build_s=1.5, encoded=10, index_bytes=3 * 2**20, peak_rss_mb=None),
        )
        return replace(result, values=recomputed(result))

    return make


@pytest.fixture
def dataset(collection: Path) -> Dataset:
    """Four questions about the small collection; no passage holds the quote of the last whole."""
    questions = (
        Question("Q1", "fact", "静安退税几天到账", ("三日 到账",), "any"),
        Question("Q2", "fact", " 帮办 ", ("帮办六千次", "三日到账"), "all"),
        Question("Q3", "none", "红烧肉", (), "any"),
        Question("Q4", "title", "代办", ("帮办代办\n嘉定区设立",), "any"),
    )
    return Dataset("小集", questions, read([collection]).sources, {}, "d" * 64)


@pytest.fixture
def open_bench(tmp_path: Path, monkeypatch, encoder) -> Iterator[Callable[..., Workbench]]:
    """Open a workbench whose encoder counts characters."""
    with ExitStack() as stack:

        def make(dataset: Dataset, loaded: Encoder = encoder) -> Workbench:
            monkeypatch.setattr("eval.workbench.load_encoder", lambda _name, _models: loaded)
            bench = Workbench(dataset, tmp_path, tmp_path / "v.sqlite", lambda *_: None)
            return stack.enter_context(bench)

        yield make


@pytest.fixture
def bench(open_bench, dataset: Dataset) -> Workbench:
    return open_bench(dataset)


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, encoder) -> Path:
    """Where commands run, with an encoder that counts characters; results go below it."""
    monkeypatch.setattr("eval.workbench.load_encoder", lambda _name, _models: encoder)
    return tmp_path


@pytest.fixture
def invoke(folder: Path, monkeypatch: pytest.MonkeyPatch) -> Cli:
    """Call ``casebook`` in the folder; give its exit code, its output and its complaints."""
    monkeypatch.chdir(folder)

    def call(*arguments: object) -> tuple[int, str, str]:
        done = CliRunner().invoke(casebook.app, [str(argument) for argument in arguments])
        if done.exception and not isinstance(done.exception, SystemExit):
            raise done.exception
        return done.exit_code, done.stdout, done.stderr

    return call


@pytest.fixture
def cli(invoke: Cli) -> Cli:
    """Call ``casebook eval`` likewise."""
    return partial(invoke, "eval")


@pytest.fixture
def question_file(folder: Path) -> Path:
    """Four questions about the small collection; the last has no answer there."""
    write_questions(folder / "小集.jsonl", ASKED)
    return folder / "小集.jsonl"


@pytest.fixture
def runs(question_file: Path, collection: Path, cli: Cli) -> Path:
    """Two systems, run and stored."""
    assert cli("run", question_file, "--sources", collection, "--system", "hybrid")[0] == 0
    return Path("var/eval/runs/小集")
