"""A run: what is kept of it, in numbers one can check by hand, and the row that is held."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, replace
from datetime import datetime
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest

from eval.dataset import Dataset
from eval.evidence import locate
from eval.load import load
from eval.measures import mean_of, recomputed
from eval.questions import Question, read_questions
from eval.result import Ceiling, Fault, Miss, Result
from eval.run import DEPTH, run
from eval.systems import System, read_systems
from eval.workbench import Built, Workbench
from index.build import build
from index.store import current_version, open_version
from rag.encoder import Encoder
from rag.ranking import Scores
from rag.retrieve import HybridRetriever, Retrieval
from rag.source import decode, read
from rag.tuning import DEFAULT_WEIGHTS
from rag.types import Source

DEV = Path(__file__).parents[2] / "eval" / "dev_questions.jsonl"

QUESTIONS = (
    Question("Q1", "fact", "静安退税几天到账", ("三日 到账",), "any"),
    Question("Q2", "fact", " 帮办 ", ("帮办六千次", "三日到账"), "all"),
    Question("Q3", "none", "红烧肉", (), "any"),
    Question("Q4", "title", "代办", ("帮办代办\n嘉定区设立",), "any"),
)
TAX, FAST, HELP = "静安区税务局推出智能退税", "静安区退税提速", "嘉定区设立帮办站"


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
def dataset(collection: Path) -> Dataset:
    return Dataset("小集", QUESTIONS, read([collection]).sources, {}, "d" * 64)


@pytest.fixture
def bench(open_bench, dataset: Dataset) -> Workbench:
    return open_bench(dataset)


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
    assert (result.questions, result.cost.encoded) == (QUESTIONS, 5)


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

    for question, outcome in zip(QUESTIONS, result.outcomes, strict=True):
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
    some = replace(bench.dataset, name="部分", questions=QUESTIONS[:1])
    result = run(bench, built, dataset=some)
    assert result.name == "s@部分"
    assert set(result.qrels) == {"Q1"}
    assert result.faults == ()
    assert result.values["evidence@1"] == {"Q1": 1.0}


def test_the_same_question_in_other_words_keeps_its_evidence(bench: Workbench) -> None:
    built = bench.build(System("bm25", dense=0.0))
    other = replace(QUESTIONS[0], text="红烧肉")
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
    blank = replace(bench.dataset, questions=(replace(QUESTIONS[0], text=" \u3000"),))
    with pytest.raises(ValueError, match="a search needs words"):
        run(bench, bench.build(System("s")), dataset=blank)


def test_other_quotes_than_the_workbench_looked_up_are_refused(bench: Workbench) -> None:
    other = replace(QUESTIONS[0], quotes=("三日到账", "企业"))
    with pytest.raises(ValueError, match="has 2 quotes and 1 ranks"):
        run(bench, bench.build(System("s")), dataset=replace(bench.dataset, questions=(other,)))


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


def test_what_the_dataset_left_out_is_noted_in_the_result(open_bench, dataset: Dataset) -> None:
    bench = open_bench(replace(dataset, notes=("q9 没有文字，未计入",)))
    assert run(bench, bench.build(System("s"))).notes == ("q9 没有文字，未计入",)


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


def test_what_a_reranker_pushes_out_of_the_top_10_is_demoted(
    open_bench, judged: Dataset, reranked
) -> None:
    many = documents(*((f"d{n:02}", "退税" * (14 - n) + "企业。") for n in range(12)))
    last = documents(("d12", "退税" * 20 + "。帮办。"))
    question = judged.questions[:1]
    dataset = replace(judged, questions=question, sources=(*many, *last))
    bench = open_bench(replace(dataset, judgments={"Q1": {"d12": 1}}))
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
    assert texts(result, built)[0] == [TAX, FAST]
    assert texts(result, built)[1] == [HELP, TAX, FAST]
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


SLOW_S = 0.2


@pytest.fixture
def slow(make_encoder) -> Encoder:
    """An encoder that needs a fifth of a second for the questions of the dataset."""

    class Slow(make_encoder):
        def encode_query(self, question: str) -> Scores:
            if question in {q.text.strip() for q in QUESTIONS}:
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
