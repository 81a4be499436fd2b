"""``casebook eval abstain``: what it prints, what it writes into an index, and its exit codes."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from pathlib import Path

import pytest

from eval.archive import load, save
from eval.parts import calibration_split
from index.build import build
from index.recipe import Recipe
from rag.chunk import Cut
from rag.confidence import CALIBRATION, DEFAULT, read_calibration


def test_abstain_with_too_few_unanswerable_questions_says_so_and_writes_nothing(
    cli, runs: Path, folder: Path
) -> None:
    code, out, _ = cli("abstain", runs / "hybrid")
    assert code == 0
    assert "每半至少要 10 个才能学出阈值；请增加无答案的问题。" in out
    (shown,) = json.loads(cli("abstain", runs / "hybrid", "--json")[1])
    assert (shown["threshold"], shown["counts"]) == (None, None)
    assert shown["ran"]["coverage"]["n"] == 4

    code, out, err = cli("abstain", runs / "hybrid", "--write", folder)
    assert (code, out) == (1, "")
    assert "hybrid@小集 学不出阈值，没有写出" in err
    assert not (folder / CALIBRATION).exists()


@pytest.fixture
def judged(runs: Path) -> Path:
    """The stored run with every question sixty times over: enough to learn a threshold on."""
    result = load(runs / "hybrid")
    many = [f"{number}-" for number in range(60)]
    questions = tuple(
        replace(question, question_id=prefix + question.question_id)
        for prefix in many
        for question in result.questions
    )
    outcomes = tuple(
        replace(
            outcome,
            question_id=prefix + outcome.question_id,
            confidence=0.8 if outcome.evidence else 0.2,
        )
        for prefix in many
        for outcome in result.outcomes
    )
    qrels = {prefix + name: grades for prefix in many for name, grades in result.qrels.items()}
    folder = runs.parent / "many"
    save(replace(result, questions=questions, outcomes=outcomes, qrels=qrels), folder)
    return folder


def test_abstain_writes_the_threshold_into_the_index_of_the_same_system(
    cli, judged: Path, folder: Path, collection: Path, encoder
) -> None:
    build([collection], folder / "index", encoder)
    code, out, err = cli("abstain", judged, "--write", folder / "index")
    assert (code, err) == (0, "")
    assert f"阈值已写进 {folder / 'index' / CALIBRATION}" in out
    learnt = read_calibration(folder / "index")
    assert learnt.low == 0.5  # midway between 0.8 and 0.2
    assert learnt.weights == DEFAULT.weights
    assert learnt.provenance.startswith("hybrid@小集（")


def test_abstain_counts_what_the_run_did_and_tells_shares_with_intervals(cli, judged: Path) -> None:
    result = load(judged)
    answered = [replace(outcome, reason=None) for outcome in result.outcomes]
    save(replace(result, outcomes=tuple(answered)), judged)
    code, out, _ = cli("abstain", judged)
    assert code == 0
    assert re.search(r"现用的，全部题 +│ — +│ 180 +│ 60 +│ 0 +│ 0 ", out)
    assert "1.000（240/240）" in out
    assert "0.250（60/240）" in out
    assert "0.199–0.308" in out
    assert "（有答案的 180 题与没有答案的 60 题）" in out


def test_abstain_writes_no_threshold_that_misses_its_target_unless_forced(
    cli, judged: Path, folder: Path, collection: Path, encoder
) -> None:
    """On the half that it is not learnt on, some unanswerable questions are as sure as any."""
    build([collection], folder / "index", encoder)
    result = load(judged)
    _, test = calibration_split(question.question_id for question in result.questions)
    overconfident = [
        replace(outcome, confidence=0.9)
        if outcome.question_id in test and not outcome.evidence
        else outcome
        for outcome in result.outcomes
    ]
    save(replace(result, outcomes=tuple(overconfident)), judged)
    code, out, err = cli("abstain", judged, "--write", folder / "index")
    assert (code, out) == (1, "")
    assert "学到的阈值守不住目标风险 5.0%：检验一半回答" in err
    assert not (folder / "index" / CALIBRATION).exists()
    assert cli("abstain", judged, "--write", folder / "index", "--force")[0] == 0
    assert read_calibration(folder / "index").low == 0.5


def test_abstain_of_a_run_without_confidence_is_told_in_words(cli, runs: Path) -> None:
    result = load(runs / "hybrid")
    unsure = [replace(outcome, confidence=None) for outcome in result.outcomes]
    save(replace(result, outcomes=tuple(unsure)), runs / "hybrid")
    code, out, err = cli("abstain", runs / "hybrid")
    assert (code, out) == (1, "")
    assert "hybrid@小集 没有逐题的把握" in err


def test_abstain_refuses_an_index_that_another_system_serves(
    cli, judged: Path, folder: Path, collection: Path, encoder, make_encoder
) -> None:
    build([collection], folder / "cut", encoder, recipe=Recipe(Cut(16)))
    build([collection], folder / "encoded", make_encoder("退税"))
    build([collection], folder / "index", encoder)
    result = load(judged)
    configuration = {**result.provenance.configuration, "dense": 0.9}
    other = folder / "other"
    save(replace(result, provenance=replace(result.provenance, configuration=configuration)), other)
    for run, index, what in (
        (judged, "cut", "的建立方式不同"),
        (judged, "encoded", "的编码器不同"),
        (other, "index", "的权重或词表不同"),
        (judged, "nowhere", "里没有索引"),
    ):
        code, out, err = cli("abstain", run, "--write", folder / index)
        assert (code, out) == (1, "")
        assert what in err
        assert not (folder / index / CALIBRATION).exists()
