"""A run: what is kept of it, in numbers one can check by hand, and the row that is held."""

from __future__ import annotations

from dataclasses import replace
from itertools import pairwise
from pathlib import Path

import pytest

from eval.dataset import Dataset
from eval.evidence import locate
from eval.load import load
from eval.measures import mean_of, recomputed
from eval.questions import Question, read_questions
from eval.result import Fault, Miss, Result
from eval.run import DEPTH, run
from eval.systems import System, read_systems
from eval.workbench import Built, Workbench
from index.build import build
from index.store import current_version, open_version
from rag.source import read
from rag.tuning import DEFAULT_WEIGHTS

DEV = Path(__file__).parents[2] / "eval" / "dev_questions.jsonl"
TAX, FAST, HELP = "静安区税务局推出智能退税", "静安区退税提速", "嘉定区设立帮办站"


def texts(result: Result, built: Built) -> list[list[str]]:
    """The first words of the passages of each ranking."""
    by_id = {p.passage_id: p.text for p in built.assembly.content.passages}
    known = (TAX, FAST, HELP)
    return [
        [next(w for w in known if by_id[r.unit_id].startswith(w)) for r in outcome.ranking]
        for outcome in result.outcomes
    ]


def test_the_development_set_has_160_questions_whose_quotes_stand_in_the_corpus(
    corpus: Path,
) -> None:
    questions = read_questions(DEV)
    assert len(questions) == 160
    assert sum(not question.quotes for question in questions) == 8
    assert len(locate(questions, read([corpus]).sources)) == sum(len(q.quotes) for q in questions)


def test_every_question_is_asked_and_its_ranking_kept(bench: Workbench) -> None:
    built = bench.build(System("bm25", dense=0.0))
    result = run(bench, built, above="dense", command="casebook eval run")
    assert [outcome.question_id for outcome in result.outcomes] == ["Q1", "Q2", "Q3", "Q4"]
    assert texts(result, built) == [[TAX, FAST], [HELP, FAST, TAX], [], [HELP, FAST, TAX]]
    assert result.outcomes[2].reason == "not_in_collection"
    assert result.outcomes[2].confidence == 0
    assert (result.name, result.above) == ("bm25@小集", "dense")
    assert result.provenance.command == "casebook eval run"
    assert (result.questions, result.cost.encoded) == (bench.dataset.questions, 5)


@pytest.mark.parametrize("dense", [0.0, DEFAULT_WEIGHTS.dense, 1.0])
def test_rankings_are_those_of_the_product(
    bench: Workbench, tmp_path: Path, collection: Path, encoder, dense: float
) -> None:
    system = System("s", dense=dense)
    build([collection], tmp_path / "index", encoder)
    if dense == DEFAULT_WEIGHTS.dense:
        product = open_version(current_version(tmp_path / "index"), encoder).search
    else:  # one kind alone is no setting of the product; its retriever is
        retriever = bench.build(system).retriever
        product = None

    result = run(bench, bench.build(system))

    for question, outcome in zip(bench.dataset.questions, result.outcomes, strict=True):
        hits = (
            [finding.hit for finding in product(question.text, limit=DEPTH).findings]
            if product is not None
            else retriever.retrieve(question.text, limit=DEPTH).hits
        )
        assert [ranked.unit_id for ranked in outcome.ranking] == [
            hit.passage.passage_id for hit in hits
        ]
        assert [ranked.score for ranked in outcome.ranking] == pytest.approx(
            [hit.score for hit in hits], abs=1e-6
        )


def test_scores_strictly_decrease_even_where_they_tie(bench: Workbench) -> None:
    result = run(bench, bench.build(System("dense", dense=1.0)))
    for outcome in result.outcomes:
        scores = [ranked.score for ranked in outcome.ranking]
        assert len(scores) == 3
        assert all(one > other for one, other in pairwise(scores))


def test_ranks_cases_and_districts_of_the_evidence_are_kept(bench: Workbench) -> None:
    first, second, none, title = run(bench, bench.build(System("bm25", dense=0.0))).outcomes
    assert (first.evidence, first.case_found) == ((1,), True)
    assert (first.districts, first.district_found) == (("静安区",), "静安区")
    assert (second.evidence, second.districts) == ((1, 3), ("嘉定区", "静安区"))
    assert (none.evidence, none.case_found, none.districts) == ((), None, ())
    assert none.district_found is None
    assert (title.evidence, title.case_found) == ((None,), True)


def test_what_holds_the_quotes_is_kept_and_the_ranks_follow_from_it(bench: Workbench) -> None:
    built = bench.build(System("bm25", dense=0.0))
    result = run(bench, built)
    assert [len(outcome.holders) for outcome in result.outcomes] == [1, 2, 0, 1]
    assert tuple(h for outcome in result.outcomes for h in outcome.holders) == built.holders
    forgetful = replace(
        result,
        outcomes=tuple(replace(o, evidence=(), case_found=None) for o in result.outcomes),
    )
    assert recomputed(forgetful) == result.values


def test_a_question_that_needs_all_its_quotes_is_missed_with_one_of_them(
    open_bench, dataset: Dataset
) -> None:
    both = Question("Q1", "fact", "静安退税几天到账", ("三日到账", "帮办代办\n嘉定区设立"), "any")
    for mode, miss in (("any", None), ("all", Miss("cut", None, None, None))):
        bench = open_bench(replace(dataset, questions=(replace(both, mode=mode),)))
        (outcome,) = run(bench, bench.build(System("hybrid"))).outcomes
        assert (outcome.evidence, outcome.miss) == ((1, None), miss)


def test_quotes_become_judgments_and_measures(bench: Workbench) -> None:
    built = bench.build(System("bm25", dense=0.0))
    result = run(bench, built)
    tax, _, helping = (p.passage_id for p in built.assembly.content.passages)
    assert result.qrels == {"Q1": {tax: 1}, "Q2": {helping: 1, tax: 1}}
    assert result.values == recomputed(result)
    assert result.values["evidence@1"] == {"Q1": 1.0, "Q2": 0.5, "Q4": 0.0}
    assert result.values["hit@1"] == {"Q1": 1.0, "Q2": 0.0, "Q4": 0.0}
    assert result.values["RR@10"] == {"Q1": 1.0, "Q2": 1.0}
    assert result.values["case@1"] == {"Q1": 1.0, "Q2": 1.0, "Q4": 1.0}
    assert result.groups["type"] == {"Q1": "fact", "Q2": "fact", "Q3": "none", "Q4": "title"}


def test_a_quote_that_no_passage_holds_is_a_fault_and_a_miss_by_cutting(bench: Workbench) -> None:
    result = run(bench, bench.build(System("hybrid")))
    assert result.faults == (Fault("Q4", "帮办代办\n嘉定区设立"),)
    assert [outcome.miss for outcome in result.outcomes] == [
        None,
        None,
        None,
        Miss("cut", None, None, None),
    ]


def test_a_quote_that_a_boundary_cuts_is_read_with_the_last_of_its_passages(
    open_bench, dataset: Dataset
) -> None:
    question = Question("Q1", "fact", "三日到账", ("智能退税，三日到账。企业",), "any")
    bench = open_bench(replace(dataset, questions=(question,)))
    built = bench.build(System("bm25", dense=0.0, max_tokens=20))
    by_id = {p.passage_id: p.text for p in built.assembly.content.passages}

    result = run(bench, built)

    (outcome,) = result.outcomes
    ranked = [by_id[r.unit_id] for r in outcome.ranking]
    parts = [text for text in by_id.values() if text.startswith(("静安区税务局", "企业不再"))]
    assert len(parts) == 2
    ranks = [ranked.index(text) + 1 if text in ranked else None for text in parts]
    assert outcome.evidence == (None if None in ranks else max(ranks),)
    assert sorted(by_id[unit] for unit in result.qrels["Q1"]) == sorted(parts)
    assert result.faults == (Fault("Q1", question.quotes[0]),)


def test_ceilings_of_a_kind_do_not_depend_on_what_it_is_mixed_with(bench: Workbench) -> None:
    hybrid, dense, bm25 = (
        {c.name: c.recall for c in run(bench, bench.build(system)).ceilings}
        for system in (
            System("hybrid"),
            System("dense", dense=1.0),
            System("bm25", dense=0.0),
        )
    )
    assert dense == {name: hybrid[name] for name in ("dense@10", "dense@100")}
    assert bm25 == {name: hybrid[name] for name in ("lexical@10", "lexical@100")}
    assert set(hybrid) == {*dense, *bm25, "either@10", "either@100"}
    # Q1 whole, of Q2's two passages only one shares a counted character, Q4 is cut.
    assert hybrid["dense@10"] == pytest.approx((1 + 1 / 2 + 0) / 3)
    assert hybrid["either@10"] == pytest.approx(2 / 3)


def test_what_a_report_shows_is_kept_with_its_case(bench: Workbench) -> None:
    result = run(bench, bench.build(System("hybrid")))
    assert [(e.label[:9], e.text[:7]) for e in result.excerpts] == [
        ("静安区《退税快办》", "静安区税务局推"),
        ("静安区《退税快办》", "静安区退税提速"),
        ("嘉定区《帮办代办》", "嘉定区设立帮办"),
    ]


def test_progress_counts_questions(bench: Workbench) -> None:
    done: list[int] = []
    run(bench, bench.build(System("s")), on_progress=done.append)
    assert done == [1, 2, 3, 4]


def test_some_of_the_questions_can_be_asked_and_only_they_are_judged(bench: Workbench) -> None:
    built = bench.build(System("s"))
    some = replace(bench.dataset, name="部分", questions=bench.dataset.questions[:1])
    result = run(bench, built, dataset=some)
    assert result.name == "s@部分"
    assert set(result.qrels) == {"Q1"}
    assert result.faults == ()
    assert result.values["evidence@1"] == {"Q1": 1.0}


def test_the_same_question_in_other_words_keeps_its_evidence(bench: Workbench) -> None:
    built = bench.build(System("bm25", dense=0.0))
    other = replace(bench.dataset.questions[0], text="红烧肉")
    result = run(bench, built, dataset=replace(bench.dataset, questions=(other,)))
    assert result.outcomes[0].evidence == (None,)
    assert result.outcomes[0].miss == Miss("unfound", None, None, None)
    assert result.values["nDCG@10"] == {"Q1": 0.0}


def test_no_questions_give_a_result_without_values(open_bench, dataset: Dataset) -> None:
    bench = open_bench(replace(dataset, questions=()))
    result = run(bench, bench.build(System("s")))
    assert (result.outcomes, result.qrels, result.values) == ((), {}, {})
    assert (result.ceilings, result.faults, result.excerpts) == ((), (), ())


def test_a_blank_question_is_refused(bench: Workbench) -> None:
    blank = replace(bench.dataset, questions=(replace(bench.dataset.questions[0], text=" \u3000"),))
    with pytest.raises(ValueError, match="a search needs words"):
        run(bench, bench.build(System("s")), dataset=blank)


def test_other_quotes_than_the_workbench_looked_up_are_refused(bench: Workbench) -> None:
    other = replace(bench.dataset.questions[0], quotes=("三日到账", "企业"))
    with pytest.raises(ValueError, match="has 2 quotes and 1 ranks"):
        run(bench, bench.build(System("s")), dataset=replace(bench.dataset, questions=(other,)))


def test_what_the_dataset_left_out_is_noted_in_the_result(open_bench, dataset: Dataset) -> None:
    bench = open_bench(replace(dataset, notes=("q9 没有文字，未计入",)))
    assert run(bench, bench.build(System("s"))).notes == ("q9 没有文字，未计入",)


@pytest.mark.model
def test_the_development_set_reaches_the_row_that_is_held(
    real_index: Path, models: Path, corpus: Path
) -> None:
    """The README's row: evidence@1 .826, evidence@5 .988, RR@10 .942."""
    (hybrid,) = (system for system in read_systems() if system.name == "hybrid")
    cache = real_index / "vectors.sqlite"
    with Workbench(load(DEV, [corpus]), models, cache, lambda *_: None) as bench:
        result = run(bench, bench.build(hybrid))
    assert len(result.values["evidence@1"]) == 152
    assert result.faults == ()
    assert result.cost.encoded == 0
    assert mean_of(result.values, "evidence@1") >= 0.82
    assert mean_of(result.values, "evidence@5") >= 0.985
    assert mean_of(result.values, "RR@10") >= 0.94
    refused = [o for o in result.outcomes if o.evidence and o.reason is not None]
    assert len(refused) <= 7  # 5% of 152
