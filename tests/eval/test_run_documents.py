"""A run over judged documents: what ranks and counts as one."""

from __future__ import annotations

from dataclasses import replace

import pytest

from eval.dataset import Dataset
from eval.questions import Question
from eval.result import Ceiling, Miss
from eval.run import run
from eval.systems import System
from rag.source import decode
from rag.types import Source


def documents(*named: tuple[str, str]) -> tuple[Source, ...]:
    return tuple(replace(decode("x.txt", text.encode()), name=name) for name, text in named)


SEVERAL = """\
某市2023年优秀案例

排名1
退税快办
静安区推出智能退税，退税快。

排名2
帮办代办
嘉定区设立帮办站。退税也帮办。
"""


@pytest.fixture
def judged() -> Dataset:
    """Three documents; the second repeats the first, the third holds several cases."""
    return Dataset(
        name="文档",
        questions=(
            Question("Q1", "", "退税退税", (), "any"),
            Question("Q2", "", "红烧肉", (), "any"),
        ),
        sources=documents(
            ("d/1", "嘉定区退税退税办法。"), ("d2", "嘉定区退税退税办法。"), ("d3", SEVERAL)
        ),
        judgments={"Q1": {"d2": 2, "d3": 1, "d/1": 0}},
        digest="e" * 64,
    )


def test_a_document_counts_as_its_best_passage_and_a_repeat_follows_its_original(
    open_bench, judged: Dataset
) -> None:
    bench = open_bench(judged)
    built = bench.build(System("hybrid"))
    result = run(bench, built)
    asked, none = result.outcomes
    assert [ranked.unit_id for ranked in asked.ranking] == ["d/1", "d2", "d3"]
    assert asked.ranking[0].score > asked.ranking[1].score > asked.ranking[2].score
    assert (asked.evidence, asked.case_found, asked.miss) == ((), None, None)
    assert result.qrels == judged.judgments
    assert result.values["RR@10"] == {"Q1": 0.5}
    assert "evidence@1" not in result.values
    assert none.reason == "not_in_collection"
    assert {excerpt.unit_id for excerpt in result.excerpts} == {"d/1", "d2", "d3"}
    assert Ceiling("either@10", 1.0) in result.ceilings
    assert [(outcome.holders, outcome.case_found) for outcome in result.outcomes] == [
        ((), None),
        ((), None),
    ]
    assert result.groups["overlap"] == {"Q1": ">=.6"}


def test_a_document_below_the_top_10_is_a_miss_with_its_first_ranks(
    open_bench, judged: Dataset
) -> None:
    many = documents(*((f"d{number:02}", "退税" * (14 - number)) for number in range(13)))
    dataset = replace(judged, sources=many, judgments={"Q1": {"d11": 1, "d12": 1, "d00": 0}})
    bench = open_bench(replace(dataset, questions=judged.questions[:1]))
    (outcome,) = run(bench, bench.build(System("bm25", dense=0.0))).outcomes
    first = min(outcome.units.index(name) + 1 for name in ("d11", "d12"))
    assert first > 10
    assert outcome.miss == Miss("unfound", None, first, first)


def test_some_questions_over_documents_are_judged_alone(open_bench, judged: Dataset) -> None:
    bench = open_bench(judged)
    some = replace(judged, questions=judged.questions[1:])
    result = run(bench, bench.build(System("s")), dataset=some)
    assert (result.qrels, result.values) == ({}, {})


def test_a_document_that_repeats_only_one_case_of_another_is_found_by_it(
    open_bench, judged: Dataset
) -> None:
    head = "某市2024年优秀案例\n\n排名1\n"
    cases = SEVERAL.split("排名")
    again = head + cases[2].partition("\n")[2] + "\n排名2\n城市公园\n市里有一座公园。\n"
    sources = (*documents(("all", SEVERAL), ("part", again)),)
    dataset = replace(
        judged,
        questions=(Question("Q1", "", "帮办", (), "any"),),
        sources=sources,
        judgments={"Q1": {"part": 1}},
    )
    bench = open_bench(dataset)
    built = bench.build(System("bm25", dense=0.0))
    assert sum(case.duplicate_of is not None for case in built.cases.values()) == 1
    (outcome,) = run(bench, built).outcomes
    assert [ranked.unit_id for ranked in outcome.ranking] == ["all", "part"]
