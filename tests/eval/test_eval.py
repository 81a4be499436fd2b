"""Questions, measures and a run, on numbers one can check by hand."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

import casebook
from eval.measures import evidence_recall, reciprocal_rank
from eval.questions import Question, QuestionsError, read_questions, require_quotes
from eval.run import Outcome, run, summarize
from index.build import build
from index.store import current_version, open_version

DEV = Path(__file__).parents[2] / "eval" / "dev_questions.jsonl"


def line(**changes: object) -> str:
    record = {
        "id": "Q1",
        "type": "fact",
        "question": "几天？",
        "evidence": [{"quote": "三日到账"}],
        "mode": "any",
        "answer": "三天",
    }
    return json.dumps(record | changes, ensure_ascii=False)


def test_the_development_set_has_160_questions_whose_quotes_stand_in_the_corpus(
    corpus: Path,
) -> None:
    questions = read_questions(DEV)
    assert len(questions) == 160
    assert sum(not question.quotes for question in questions) == 8
    require_quotes(questions, [corpus.read_text(encoding="utf-8")])


@pytest.mark.parametrize(
    ("lines", "message"),
    [
        (["{"], "第 1 行：不是 JSON"),
        ([line(), "[]"], "第 2 行：应有且只有这些键：answer、evidence、id、mode、question、type"),
        ([line(), "", line()], "第 3 行：id Q1 重复"),
        ([line(mode="some")], "第 1 行：mode 是 'some'，应为 any 或 all"),
        ([""], "没有带引文的问题"),
        ([line(evidence=[])], "没有带引文的问题"),
        ([line(evidence="三日")], "第 1 行：evidence 应为列表"),
        ([line(evidence=[{}])], "第 1 行：evidence 应为列表"),
    ],
)
def test_a_bad_line_is_named(tmp_path: Path, lines: list[str], message: str) -> None:
    file = tmp_path / "q.jsonl"
    file.write_text("\n".join(lines), encoding="utf-8")
    with pytest.raises(QuestionsError, match=message):
        read_questions(file)


def test_a_quote_that_is_nowhere_is_an_error_and_not_a_miss() -> None:
    question = Question("Q7", "fact", "？", ("三日 到账",), "any")
    require_quotes([question], ["三日\n到账"])
    with pytest.raises(QuestionsError, match="问题 Q7 的引文“三日 到账”不在原文中"):
        require_quotes([question], ["三天到账"])


def test_recall_is_the_share_of_evidence_and_reciprocal_rank_that_of_the_first() -> None:
    ranks = [2, None, 6]
    assert [evidence_recall(ranks, k) for k in (1, 2, 10)] == [0, 1 / 3, 2 / 3]
    assert reciprocal_rank(ranks, 10) == 0.5
    assert reciprocal_rank(ranks, 1) == 0


def test_no_evidence_is_never_a_score() -> None:
    with pytest.raises(ValueError, match="no recall"):
        evidence_recall([], 5)
    with pytest.raises(ValueError, match="no reciprocal rank"):
        reciprocal_rank([], 5)
    unanswerable = Outcome(Question("Q1", "x", "？", (), "any"), (), abstained=True)
    with pytest.raises(ValueError, match="no question of x has evidence"):
        summarize("x", [unanswerable])


def test_a_run_finds_ranks_and_a_summary_averages_them(tmp_path, collection, encoder) -> None:
    build([collection], tmp_path / "index", encoder)
    assistant = open_version(current_version(tmp_path / "index"), encoder)
    questions = [
        Question("Q1", "fact", "静安退税到账", ("三日 到账",), "any"),
        Question("Q2", "fact", "帮办", ("帮办六千次", "三日到账"), "all"),
        Question("Q3", "none", "红烧肉", (), "any"),
    ]

    outcomes = run(assistant, questions)

    assert [outcome.ranks for outcome in outcomes[:1]] == [(1,)]
    assert outcomes[1].ranks[0] == 1
    summary = summarize("all", outcomes)
    assert (summary.n, summary.unanswerable) == (2, 1)
    assert summary.recall_1 == 0.75
    assert summary.recall_10 == 1
    assert summary.rr_10 == 1


@pytest.mark.model
def test_the_bundled_corpus_reaches_the_designs_row(real_index: Path, models: Path) -> None:
    """Sentence vectors and bigram BM25 in the design: R@1 .707, R@5 .909, RR@10 .838."""
    arguments = ["eval", "run", "--json", "--index", str(real_index), "--models", str(models)]
    result = CliRunner().invoke(casebook.app, arguments)
    total = json.loads(result.stdout)[0]
    assert result.exit_code == 0
    assert total["n"] == 152
    assert total["recall_1"] >= 0.707
    assert total["recall_5"] >= 0.909
    assert total["rr_10"] >= 0.838
    assert total["refused"] <= 7


@pytest.mark.model
def test_the_eval_table_is_printed(real_index: Path, models: Path) -> None:
    arguments = ["eval", "run", "--index", str(real_index), "--models", str(models)]
    result = CliRunner().invoke(casebook.app, arguments)
    assert result.exit_code == 0
    assert "R@5" in result.stdout
    assert "无答案的问题：8 个" in result.stdout
