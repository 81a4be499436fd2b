"""The same questions typed otherwise: each slice is paired on what it changes."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

import eval.workbench
from eval.dataset import Dataset
from eval.perturbations import PERTURBATIONS
from eval.questions import Question, digest_of
from eval.robustness import RobustnessError, Variation, variations_of
from eval.run import run
from eval.statistics import holm
from eval.systems import System
from eval.workbench import Workbench
from rag.source import read
from rag.types import Source

QUESTIONS = (
    Question("Q1", "fact", "静安区退税几天到账？", ("三日到账",), "any"),
    Question("Q2", "fact", "帮办6000次", ("帮办六千次",), "any"),
    Question("Q3", "fact", "企业跑窗口", ("企业不再跑窗口",), "any"),
    Question("Q4", "unanswerable", "红烧肉ABC怎么做？", (), "any"),
)
CHANGED = {
    "traditional": ["Q1", "Q2", "Q3"],
    "fullwidth": ["Q2"],
    "halfwidth": ["Q1"],
    "typo": ["Q1", "Q2", "Q3"],
    "unpunctuated": ["Q1"],
    "undistricted": ["Q1"],
    "numerals": ["Q2"],
    "keywords": ["Q1", "Q3"],
    "spoken": ["Q1", "Q2", "Q3"],
}
"""Answerable questions that each perturbation changes; fullwidth changes Q4 as well. No word of theirs
is one that pinyin types."""


def bench_of(dataset: Dataset, folder: Path) -> Workbench:
    return Workbench(dataset, folder, folder / "vectors.sqlite", lambda *_: None)


@pytest.fixture(autouse=True)
def _counting(monkeypatch: pytest.MonkeyPatch, encoder) -> None:
    monkeypatch.setattr(eval.workbench, "load_encoder", lambda _name, _models: encoder)


@pytest.fixture
def bench(collection: Path, tmp_path: Path) -> Iterator[Workbench]:
    dataset = Dataset("小集", QUESTIONS, read([collection]).sources, {}, digest_of(QUESTIONS))
    with bench_of(dataset, tmp_path) as bench:
        yield bench


@pytest.fixture
def slices(bench: Workbench) -> dict[str, Variation]:
    built = bench.build(System("x"))
    return {s.name: s for s in variations_of(bench, built, run(bench, built))}


def test_there_is_a_slice_for_each_perturbation_in_order(slices: dict[str, Variation]) -> None:
    assert list(slices) == list(PERTURBATIONS)
    assert [name for name in slices if slices[name].n] == list(CHANGED)
    assert [s.about for s in slices.values()] == [p.about for p in PERTURBATIONS.values()]


@pytest.mark.parametrize("name", CHANGED)
def test_a_slice_is_paired_on_exactly_the_answerable_questions_that_it_changes(
    bench: Workbench, name: str
) -> None:
    built = bench.build(System("x", dense=0.0))
    base = run(bench, built)
    (one,) = (s for s in variations_of(bench, built, base) if s.name == name)
    before = [base.values["evidence@1"][question_id] for question_id in CHANGED[name]]
    assert one.n == len(before)
    assert one.before == sum(before) / len(before)
    assert one.comparison is not None
    assert one.comparison.n == one.n
    assert one.comparison.measure == "evidence@1"
    assert one.after is not None
    assert one.after - one.before == pytest.approx(one.comparison.difference)


def test_terms_alone_lose_nothing_in_traditional_script(collection: Path, tmp_path: Path) -> None:
    questions = (Question("Q1", "fact", "帮办员现场", ("帮办员现场服务",), "any"),)  # 幫辦員現場
    dataset = Dataset("小集", questions, read([collection]).sources, {}, digest_of(questions))
    with bench_of(dataset, tmp_path) as bench:
        built = bench.build(System("x", dense=0.0))
        traditional = variations_of(bench, built, run(bench, built), measure="hit@1")[0]
    assert (traditional.name, traditional.before, traditional.after) == ("traditional", 1.0, 1.0)
    assert traditional.comparison is not None
    assert (traditional.comparison.difference, traditional.comparison.losses) == (0.0, 0)


def test_a_slice_without_applicable_questions_has_no_numbers(
    collection: Path, tmp_path: Path
) -> None:
    questions = (QUESTIONS[2], QUESTIONS[3])  # only the unanswerable one has letters
    dataset = Dataset("小集", questions, read([collection]).sources, {}, digest_of(questions))
    with bench_of(dataset, tmp_path) as bench:
        built = bench.build(System("x"))
        slices = {s.name: s for s in variations_of(bench, built, run(bench, built))}
    about = PERTURBATIONS["fullwidth"].about
    assert slices["fullwidth"] == Variation("fullwidth", about, 0, None, None, None)
    about = PERTURBATIONS["undistricted"].about  # nor does any other name a district
    assert slices["undistricted"] == Variation("undistricted", about, 0, None, None, None)
    assert slices["typo"].n == 1


def test_p_is_corrected_over_all_slices(collection: Path, tmp_path: Path) -> None:
    """Twelve losses of twelve cannot be chance, however many other tests stand beside them."""
    questions = tuple(
        Question(f"Q{n}", "fact", "静安区的服务", ("三日到账",), "any") for n in range(12)
    )
    dataset = Dataset("小集", questions, read([collection]).sources, {}, digest_of(questions))
    with bench_of(dataset, tmp_path) as bench:
        built = bench.build(System("x", dense=0.0))
        slices = variations_of(bench, built, run(bench, built), measure="hit@1")
    comparisons = [s.comparison for s in slices if s.comparison is not None]
    undistricted = next(s.comparison for s in slices if s.name == "undistricted")
    assert undistricted is not None
    assert undistricted.losses == 12
    assert undistricted.p < undistricted.p_holm < 0.01
    assert list(holm(comparisons)) == comparisons


def test_twice_gives_the_same(bench: Workbench, slices: dict[str, Variation]) -> None:
    built = bench.build(System("x"))
    again = variations_of(bench, built, run(bench, built))
    assert list(again) == list(slices.values())


def test_documents_are_asked_for_in_other_ways_too(tmp_path: Path) -> None:
    sources = (
        Source("d1", "1", "utf-8", "静安区税务局推出智能退税，三日到账。"),
        Source("d2", "2", "utf-8", "嘉定区设立帮办站，帮办六千次。"),
    )
    questions = (
        Question("Q1", "", "静安退税几天到账？", (), "any"),
        Question("Q2", "", "帮办6000次", (), "any"),
    )
    dataset = Dataset("文档", questions, sources, {"Q1": {"d1": 1}, "Q2": {"d2": 1}}, "")
    with bench_of(dataset, tmp_path) as bench:
        built = bench.build(System("x"))
        slices = {s.name: s for s in variations_of(bench, built, run(bench, built))}
    assert (slices["unpunctuated"].n, slices["numerals"].n) == (1, 1)
    comparison = slices["unpunctuated"].comparison
    assert comparison is not None
    assert comparison.measure == "nDCG@10"


def test_progress_counts_the_perturbations(bench: Workbench) -> None:
    told: list[tuple[int, int]] = []
    built = bench.build(System("x"))
    base = run(bench, built)
    variations_of(bench, built, base, on_progress=lambda done, total: told.append((done, total)))
    assert told == [(done, len(PERTURBATIONS)) for done in range(len(PERTURBATIONS) + 1)]


def test_an_unknown_measure_is_refused(bench: Workbench) -> None:
    built = bench.build(System("x"))
    with pytest.raises(RobustnessError, match="x@小集 没有指标 MAP；有：nDCG@10"):
        variations_of(bench, built, run(bench, built), measure="MAP")
