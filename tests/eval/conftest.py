"""Shared by the tests of eval: results small enough to compute by hand."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace

import pytest

from eval.measures import recomputed
from eval.questions import Question
from eval.result import Cost, Excerpt, Miss, Outcome, Provenance, Ranked, Result, Stages

QUESTIONS = (
    Question("Q1", "fact", "几天到账？", ("三日到账",), "any"),
    Question("Q2", "fact", "谁帮办？<script>alert(1)</script>", ("帮办员现场服务",), "any"),
    Question("Q3", "howto", "怎么退税？", ("智能退税",), "any"),
    Question("Q4", "unanswerable", "红烧肉怎么做？", (), "any"),
)
UNITS = ("a", "b", "c")


@pytest.fixture
def make_result() -> Callable[..., Result]:
    """Make a result of which only the ranks of the evidence of Q1, Q2 and Q3 matter."""

    def make(
        system: str, ranks: Sequence[int | None], *, above: str = "", dataset: str = "小集"
    ) -> Result:
        evidence = [(rank,) for rank in ranks]
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
            )
            for question, found in zip(QUESTIONS, [*evidence, ()], strict=True)
        )
        qrels: Mapping[str, Mapping[str, int]] = {
            question.question_id: {UNITS[rank - 1] if rank else "z": 1}
            for question, rank in zip(QUESTIONS, ranks, strict=False)
        }
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
