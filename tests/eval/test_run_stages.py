"""A run's times: what each stage is charged for, and when a run starts."""

from __future__ import annotations

import time
from dataclasses import dataclass, replace
from datetime import datetime

import pytest

from eval.dataset import Dataset
from eval.run import run
from eval.systems import System
from eval.workbench import Workbench
from rag.encoder import Encoder
from rag.ranking import Scores
from rag.retrieve import HybridRetriever, Retrieval

SLOW_S = 0.2


@pytest.fixture
def slow(make_encoder, dataset: Dataset) -> Encoder:
    """An encoder that needs a fifth of a second for the questions of the dataset."""

    class Slow(make_encoder):
        def encode_query(self, question: str) -> Scores:
            if question in {q.text.strip() for q in dataset.questions}:
                time.sleep(SLOW_S)
            return super().encode_query(question)

    return Slow()


@pytest.mark.parametrize("dense", [0.0, 0.3])
def test_encoding_is_told_apart_from_the_rest_and_left_out_without_vectors(
    open_bench, dataset: Dataset, slow: Encoder, dense: float
) -> None:
    bench = open_bench(dataset, slow)
    result = run(bench, bench.build(System("s", dense=dense)))
    for outcome in result.outcomes:
        stages = outcome.stages
        assert (stages.encode >= 1000 * SLOW_S) is (dense > 0)
        assert stages.total - stages.encode < 1000 * SLOW_S
        assert (stages.dense > 0) is (dense > 0)
        assert stages.lexical > 0
        assert stages.fuse >= 0


def test_systems_that_share_an_encoder_report_the_same_time_for_a_question(
    open_bench, dataset: Dataset, slow: Encoder
) -> None:
    bench = open_bench(dataset, slow)
    one, other = (run(bench, bench.build(System(name))) for name in ("a", "b"))
    assert [o.stages.encode for o in one.outcomes] == [o.stages.encode for o in other.outcomes]


@dataclass
class SlowAtFirst:
    """A retriever whose very first question takes a fifth of a second."""

    inner: HybridRetriever
    warm: bool = False

    def retrieve(self, question: str, *, limit: int) -> Retrieval:
        if not self.warm:
            time.sleep(SLOW_S)
        self.warm = True
        return self.inner.retrieve(question, limit=limit)


def test_the_first_question_is_not_charged_for_the_warm_up(bench: Workbench) -> None:
    built = bench.build(System("s"))
    first = replace(built, retriever=SlowAtFirst(built.retriever))
    result = run(bench, first)
    assert max(outcome.stages.total for outcome in result.outcomes) < 1000 * SLOW_S


def test_a_run_starts_when_its_provenance_says(open_bench, dataset: Dataset, slow: Encoder) -> None:
    bench = open_bench(dataset, slow)
    built = bench.build(System("s"))
    before = time.time()
    result = run(bench, built)
    assert time.time() - before >= 4 * SLOW_S
    assert datetime.fromisoformat(result.provenance.started).timestamp() <= before
