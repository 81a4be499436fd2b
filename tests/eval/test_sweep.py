"""A grid of values, tried on the tuning questions and on no others."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

import eval.workbench
from eval.dataset import Dataset
from eval.parts import Part, part_of
from eval.questions import Question, digest_of
from eval.sweep import SweepError, parse_grid, sweep
from eval.systems import System, SystemsError
from eval.workbench import Workbench
from rag.source import read
from rag.unmarked import unmarked

TUNING = ["Q1", "Q15", "Q22", "Q24", "Q27", "Q28", "Q34", "Q36", "Q37"]
"""Those of Q0 to Q39 whose hash falls below the tuning share."""
ASKED = [
    ("静安退税几天到账", "三日到账"),
    ("提速的有几千户", "退税企业两千户"),  # not a character that the encoder knows
    ("谁在嘉定现场服务", "帮办员现场服务"),
    ("帮办了多少次", "帮办六千次"),
    ("企业还要跑窗口吗", "企业不再跑窗口"),
    ("红烧肉怎么做", ""),
]


class RecordingEncoder:
    """The counting encoder, and what it was asked."""

    def __init__(self, inner) -> None:
        self.inner = inner
        self.identity = inner.identity
        self.encode_passages = inner.encode_passages
        self.count_tokens = inner.count_tokens
        self.asked: list[str] = []

    def encode_query(self, question: str) -> NDArray[np.float32]:
        self.asked.append(question)
        return np.asarray(self.inner.encode_query(question))


@pytest.fixture
def recorder(monkeypatch: pytest.MonkeyPatch, encoder) -> RecordingEncoder:
    recorder = RecordingEncoder(encoder)
    monkeypatch.setattr(eval.workbench, "load_encoder", lambda _name, _models: recorder)
    return recorder


@pytest.fixture
def dataset(collection: Path) -> Dataset:
    """Forty questions over the small collection, each with its id in the text."""
    questions = tuple(
        Question(f"Q{n}", "fact", f"Q{n}：{text}？", (quote,) if quote else (), "any")
        for n in range(40)
        for text, quote in [ASKED[n % len(ASKED)]]
    )
    return Dataset("小集", questions, read([collection]).sources, {}, digest_of(questions))


@pytest.fixture
def bench(dataset: Dataset, recorder: RecordingEncoder, tmp_path: Path) -> Iterator[Workbench]:
    del recorder  # only has to be in place
    cache = tmp_path / "vectors.sqlite"
    with Workbench(part_of(dataset, Part.TUNING), tmp_path, cache, lambda *_: None) as bench:
        yield bench


@pytest.mark.parametrize(
    ("text", "values"),
    [
        ("dense=0:1:.25", (0.0, 0.25, 0.5, 0.75, 1.0)),
        ("dense=.3:.3:.1", (0.3,)),
        ("dense=0:1:.3", (0.0, 0.3, 0.6, 0.9)),
        ("dense=1e-1:.3:1e-1", (0.1, 0.2, 0.3)),
        ("max_tokens=100:300:100", (100, 200, 300)),
        ("k1=.9,1.2,2", (0.9, 1.2, 2)),
        ("expansions=true,false", (True, False)),
        ("keys=sentence", ("sentence",)),
        ("lexicon=a=b", ("a=b",)),
        ("k1=nan,inf", ("nan", "inf")),
    ],
)
def test_a_grid_is_a_list_or_a_range_with_both_ends(text: str, values: tuple[object, ...]) -> None:
    parsed = parse_grid(text)[1]
    assert parsed == values
    assert [type(value) for value in parsed] == [type(value) for value in values]


@given(st.integers(0, 20), st.integers(1, 10), st.integers(1, 150))
def test_a_range_in_hundredths_has_its_end_and_no_rounding(low: int, step: int, count: int) -> None:
    high = low + step * (count - 1)
    parsed = parse_grid(f"x={low / 100}:{high / 100}:{step / 100}")[1]
    assert parsed == tuple((low + step * place) / 100 for place in range(count))


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("dense", "不是网格；写作"),
        ("dense=", "不是网格；写作"),
        ("=0:1:.1", "不是网格；写作"),
        ("dense=0:1", "区间写作 起:止:步长"),
        ("dense=0:1:.1:2", "区间写作 起:止:步长"),
        ("dense=a:1:.1", "区间写作 起:止:步长"),
        ("dense=0:inf:.1", "区间写作 起:止:步长"),
        ("dense=nan:1:.1", "区间写作 起:止:步长"),
        ("dense=0:1:0", "步长应大于 0"),
        ("dense=1:0:.1", "止不小于起"),
        ("k1=0:1000000000:.000001", "最多 200 个"),
    ],
)
def test_what_is_no_grid_is_said(text: str, message: str) -> None:
    with pytest.raises(SystemsError, match=message):
        parse_grid(text)


def test_only_tuning_questions_are_asked(bench: Workbench, recorder: RecordingEncoder) -> None:
    sweep(bench, System("x"), [("dense", (0.5, 1.0))])
    asked = {text.partition("：")[0] for text in recorder.asked if text.startswith("Q")}
    assert asked == set(TUNING)


def test_the_declared_system_is_first_then_the_grid_with_the_best_first(bench: Workbench) -> None:
    told: list[tuple[int, int]] = []
    declared, *trials = sweep(
        bench,
        System("x", dense=1.0),
        [("dense", (1.0, 0.0)), ("k1", (0.9, 1.2))],
        measure="RR@10",
        on_progress=lambda done, total: told.append((done, total)),
    )
    assert (declared.values, declared.comparison) == ({}, None)
    means = [trial.interval.mean for trial in trials]
    assert means == sorted(means, reverse=True)
    assert means[0] > means[-1]
    assert [trial.values for trial in trials] == [
        {"dense": 0.0, "k1": 0.9},
        {"dense": 0.0, "k1": 1.2},
        {"dense": 1.0, "k1": 0.9},
        {"dense": 1.0, "k1": 1.2},
    ]
    same = trials[2].comparison
    assert same is not None
    assert (same.difference, same.ties, same.p_holm) == (0, declared.interval.n, 1)
    assert trials[2].interval == declared.interval
    best = trials[0].comparison
    assert best is not None
    assert best.difference == pytest.approx(means[0] - declared.interval.mean)
    assert best.p_holm >= best.p
    assert told == [(done, 5) for done in range(6)]


def test_a_sweep_is_over_answerable_questions_by_the_first_primary_measure(
    bench: Workbench,
) -> None:
    declared, trial = sweep(bench, System("x"), [("dense", (0.0,))])
    assert declared.interval.n == sum(bool(q.quotes) for q in bench.dataset.questions)
    assert trial.comparison is not None
    assert trial.comparison.measure == "evidence@1"


def test_means_are_over_questions_that_every_trial_has_a_value_of() -> None:
    found = [{"a": 1.0, "b": 0.0, "c": 1.0}, {"b": 1.0, "a": 0.0}, {"a": 1.0, "b": 1.0}]
    assert eval.sweep._shared(found, "m") == [  # noqa: SLF001 -- no cut of a real text does this
        {"a": 1.0, "b": 0.0},
        {"a": 0.0, "b": 1.0},
        {"a": 1.0, "b": 1.0},
    ]
    with pytest.raises(SweepError, match="没有一题在所有取值下都有指标 m"):
        eval.sweep._shared([{"a": 1.0}, {"b": 1.0}], "m")  # noqa: SLF001 -- as above


@pytest.mark.parametrize(
    ("grid", "message"),
    [
        ([("k2", (1.0,))], "--grid：x 的字段 k2 不认识；可用：about"),
        ([("name", ("y",))], "字段 name 不认识"),
        ([("dense", (0.0, 1.5))], "dense 是 1.5，应在 0 与 1 之间"),
        ([("k1", ("nan",))], "k1 是 'nan'，应为"),
        ([("max_tokens", (100.0,))], "max_tokens 是 100.0，应为"),
        ([("keys", ("word",))], "keys 是 'word'，应为"),
        ([("k1", (0.9,)), ("b", (0.1,)), ("k1", (1.2,))], "k1 出现了不止一次"),
        ([("k1", range(15)), ("b", range(14))], "网格有 210 个组合，最多 200 个"),
        ([("k1", range(10**6)), ("b", range(10**6))], "网格有 1000000000000 个组合"),
    ],
)
def test_a_grid_that_cannot_be_tried_is_refused_before_anything_is_asked(
    bench: Workbench, recorder: RecordingEncoder, grid: list, message: str
) -> None:
    with pytest.raises(SystemsError, match=message):
        sweep(bench, System("x"), grid)
    assert recorder.asked == []


def test_an_unknown_measure_is_refused_after_the_first_run(
    bench: Workbench, recorder: RecordingEncoder
) -> None:
    with pytest.raises(SweepError, match="x@小集-tuning 没有指标 MAP；有：nDCG@10"):
        sweep(bench, System("x"), [("max_tokens", (16, 32))], measure="MAP")
    assert {text for text in recorder.asked if text.startswith("Q")} == {
        unmarked(question.text) for question in bench.dataset.questions
    }
