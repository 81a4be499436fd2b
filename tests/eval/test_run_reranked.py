"""A run with a reranker: what it moves, what it misses, and its share of the time."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
import pytest

from eval.dataset import Dataset
from eval.questions import Question
from eval.result import Ceiling
from eval.run import run
from eval.systems import System
from eval.workbench import Workbench
from rag.ranking import Scores
from rag.source import decode
from rag.types import Source


def documents(*named: tuple[str, str]) -> tuple[Source, ...]:
    return tuple(replace(decode("x.txt", text.encode()), name=name) for name, text in named)


@dataclass
class Written:
    """A reranker whose scores are written down, by a word of the text; others get 1."""

    known: Mapping[str, float]
    takes_s: float = 0.0

    def score(self, question: str, texts: Sequence[str]) -> Scores:
        time.sleep(self.takes_s)
        known = self.known.items()
        found = [next((score for word, score in known if word in text), 1.0) for text in texts]
        return np.array(found, dtype=np.float32)


@pytest.fixture
def reranked(monkeypatch) -> Callable[..., System]:
    """Declare a system with a reranker of written scores."""

    def make(reranker: Written, **changes: object) -> System:
        monkeypatch.setattr("eval.workbench.CrossEncoderReranker", lambda _name: reranker)
        return replace(System("s", reranker="甲"), **changes)

    return make


def test_what_a_reranker_pushes_out_of_the_top_10_is_demoted(open_bench, reranked) -> None:
    many = documents(*((f"d{n:02}", "退税" * (14 - n) + "企业。") for n in range(12)))
    last = documents(("d12", "退税" * 20 + "。帮办。"))
    question = Question("Q1", "", "退税退税", (), "any")
    judgments = {"Q1": {"d12": 1}}
    bench = open_bench(Dataset("文档", (question,), (*many, *last), judgments, "e" * 64))
    low = Written({"帮办": 0.0})

    for dense in (0.0, 1.0, 0.5):
        plain, by_reranker = (
            run(bench, bench.build(system))
            for system in (System("s", dense=dense), reranked(low, dense=dense))
        )
        (fused,), (final,) = plain.outcomes, by_reranker.outcomes
        rank = fused.units.index("d12") + 1
        assert rank <= 10
        assert fused.miss is None
        assert final.units == [*(unit for unit in fused.units if unit != "d12"), "d12"]
        assert final.miss is not None
        assert (final.miss.kind, final.miss.fused) == ("demoted", rank)
        assert final.miss.dense == (
            None if dense == 0 else rank if dense == 1 else final.miss.dense
        )
        assert final.confidence == fused.confidence
        ceilings = [c for c in by_reranker.ceilings if not c.name.startswith("fused")]
        assert tuple(ceilings) == plain.ceilings
        assert by_reranker.ceilings[-2:] == (Ceiling("fused@10", 1.0), Ceiling("fused@20", 1.0))


def test_a_quote_is_followed_through_the_reranker(bench: Workbench, reranked) -> None:
    system = reranked(Written({"智能退税": 0.5, "提速": 0.25}), dense=0.0)
    built = bench.build(system)
    result = run(bench, built)
    tax, fast, helping = (passage.passage_id for passage in built.assembly.content.passages)
    assert result.outcomes[0].units == [tax, fast]
    assert result.outcomes[1].units == [helping, tax, fast]
    assert [outcome.miss for outcome in result.outcomes[:2]] == [None, None]
    assert [r.score for r in result.outcomes[1].ranking] == pytest.approx([1.0, 0.75, 0.625])


def test_reranking_is_told_apart_from_the_rest(bench: Workbench, reranked) -> None:
    result = run(bench, bench.build(reranked(Written({}, takes_s=0.05))))
    plain = run(bench, bench.build(System("s")))
    for outcome, without in zip(result.outcomes, plain.outcomes, strict=True):
        stages = outcome.stages
        assert stages.rerank >= 50
        assert stages.encode + stages.dense + stages.lexical + stages.fuse < 50
        assert stages.total == pytest.approx(
            stages.encode + stages.dense + stages.lexical + stages.fuse + stages.rerank
        )
        assert without.stages.rerank == 0
