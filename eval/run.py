"""One system, one dataset: ask every question and keep what came of it."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, replace
from itertools import islice

from eval.dataset import Dataset, Qrels
from eval.diagnosis import Sighting, Trail, ceilings_of, miss_of
from eval.evidence import Holders, case_is_right, read_by
from eval.measures import recomputed
from eval.provenance import provenance_of
from eval.qrels import passage_qrels
from eval.questions import Question
from eval.result import SHOWN, Excerpt, Fault, Outcome, Ranked, Result, Stages
from eval.slices import evidence_text_of, slices_of
from eval.trec import decreasing
from eval.workbench import Built, Workbench, forget_peak, peak_rss_mb
from rag.cite import cite
from rag.retrieve import Retrieval
from rag.types import Case, Passage
from rag.unmarked import unmarked

DEPTH = 100
"""Units kept of a ranking: as deep as the deepest measure looks."""
_PASSAGES_A_DOCUMENT = 3
"""Passages retrieved for each document wanted: several of one document may come first."""


def run(
    bench: Workbench,
    built: Built,
    *,
    dataset: Dataset | None = None,
    above: str = "",
    command: str = "",
    on_progress: Callable[[int], None] = lambda _done: None,
) -> Result:
    """Ask a system every question of its dataset.

    All questions are encoded before the first is asked, so the stages are measured apart.

    Args:
        bench: The dataset's.
        built: The system.
        dataset: Some of its questions, or the same in other words, quotes unchanged; all as they
            are if None.
        above: Name of the system it will be compared with.
        command: What reproduces the run.
        on_progress: Called with the number of questions asked.

    Returns:
        The result; its judgments and faults are those of the questions asked.

    Raises:
        ValueError: If a question is blank, or has other quotes than in the bench's dataset.
    """
    dataset = bench.dataset if dataset is None else dataset
    asked = {question.question_id for question in dataset.questions}
    provenance = provenance_of(dataset, built.system, built.encoder.identity, command)
    unit = _Units(built, by_document=dataset.by_document)
    holders = _by_question(bench, built)
    judged = (
        dataset.judgments if dataset.by_document else passage_qrels(bench.evidence, built.holders)
    )
    qrels = {question_id: grades for question_id, grades in judged.items() if question_id in asked}
    # Without vectors too: the product encodes whatever is asked, and that is no part of fusion.
    for question in dataset.questions:
        built.encoder.encode_query(unmarked(question.text.strip()))
    # The very first retrieval sets up threads and pages; it is nobody's latency.
    for question in dataset.questions[:1]:
        built.retriever.retrieve(question.text, limit=unit.passages_for(DEPTH))
    forgotten = forget_peak()
    outcomes: list[Outcome] = []
    sightings: list[Sighting] = []
    for done, question in enumerate(dataset.questions, start=1):
        outcome, sighting = _ask(
            built, unit, question, tuple(holders.get(question.question_id, ())), qrels
        )
        outcomes.append(outcome)
        if sighting is not None:
            sightings.append(sighting)
        on_progress(done)
    peak_mb = _higher(built.cost.peak_rss_mb, peak_rss_mb() if forgotten else None)
    result = Result(
        provenance=provenance,
        above=above,
        about=built.system.about,
        questions=dataset.questions,
        qrels=qrels,
        outcomes=tuple(outcomes),
        values={},
        groups=slices_of(
            dataset.questions,
            evidence_text_of(dataset),
            {d.name for case in built.cases.values() for d in case.districts},
        ),
        faults=tuple(
            Fault(piece.question_id, piece.quote)
            for piece, held in zip(bench.evidence, built.holders, strict=True)
            if not held.whole and piece.question_id in asked
        ),
        ceilings=ceilings_of(sightings),
        excerpts=unit.excerpts(outcomes, qrels),
        cost=replace(built.cost, peak_rss_mb=peak_mb),
        notes=dataset.notes,
    )
    return replace(result, values=recomputed(result))


def _higher(one: float | None, other: float | None) -> float | None:
    """The higher of two peaks; None if one is unknown, since it may be the higher."""
    return None if one is None or other is None else max(one, other)


@dataclass(frozen=True, slots=True)
class _Units:
    """What is ranked and judged: passages, or the documents that they stand in."""

    built: Built
    by_document: bool

    def passages_for(self, depth: int) -> int:
        return depth * _PASSAGES_A_DOCUMENT if self.by_document else depth

    def ranking(self, retrieval: Retrieval) -> tuple[Ranked, ...]:
        """The units of a retrieval, best first, each once; a document counts as its best passage.

        A case that repeats another is not retrieved a second time. Its document is judged on its
        own, though, and says the same, so it follows the original.
        """
        first: dict[str, float] = {}
        for hit in retrieval.hits:
            for unit_id in self._units_of(hit.passage):
                first.setdefault(unit_id, hit.score)
        ranked = [Ranked(unit_id, score) for unit_id, score in islice(first.items(), DEPTH)]
        return decreasing(ranked)

    def excerpts(self, outcomes: Sequence[Outcome], qrels: Qrels) -> tuple[Excerpt, ...]:
        shown = {r.unit_id: None for outcome in outcomes for r in outcome.ranking[:SHOWN]}
        if not self.by_document:  # other people's sets judge thousands; their own files have them
            shown.update({unit_id: None for grades in qrels.values() for unit_id in grades})
        return tuple(excerpt for excerpt in self._excerpts() if excerpt.unit_id in shown)

    def _excerpts(self) -> Iterator[Excerpt]:
        content = self.built.assembly.content
        if self.by_document:
            for source in {case.source.name: case.source for case in content.cases}.values():
                yield Excerpt.of_document(source)
            return
        for passage in content.passages:
            citation = cite(self.built.cases[passage.case_id], passage)
            yield Excerpt(passage.passage_id, citation.label, passage.text)

    def _units_of(self, passage: Passage) -> tuple[str, ...]:
        if not self.by_document:
            return (passage.passage_id,)
        return tuple(case.source.name for case in self._copies(passage.case_id))

    def _copies(self, case_id: str) -> Iterator[Case]:
        yield self.built.cases[case_id]
        yield from (c for c in self.built.repeats.get(case_id, ()))


def _by_question(bench: Workbench, built: Built) -> dict[str, Sequence[Holders]]:
    by_question: dict[str, list[Holders]] = {}
    for piece, held in zip(bench.evidence, built.holders, strict=True):
        by_question.setdefault(piece.question_id, []).append(held)
    return dict(by_question)


def _ask(
    built: Built, unit: _Units, question: Question, holders: tuple[Holders, ...], qrels: Qrels
) -> tuple[Outcome, Sighting | None]:
    """Ask one question; say where its evidence was seen, if it has any."""
    words, limit = question.text.strip(), unit.passages_for(DEPTH)
    clocks = built.clocks.dense, built.clocks.lexical, built.clocks.rerank
    before = [clock.seconds for clock in clocks]
    started = time.perf_counter()
    retrieval = built.retriever.retrieve(words, limit=limit)
    total_s = time.perf_counter() - started
    dense_s, lexical_s, rerank_s = (
        clock.seconds - earlier for clock, earlier in zip(clocks, before, strict=True)
    )
    ranking = unit.ranking(retrieval)
    units = [ranked.unit_id for ranked in ranking]
    top = built.cases[retrieval.hits[0].passage.case_id] if retrieval.hits else None
    holding = dict.fromkeys(case_id for piece in holders for case_id in piece.cases)
    relevant = {
        unit_id for unit_id, grade in qrels.get(question.question_id, {}).items() if grade > 0
    }
    sighting, miss = None, None
    if holders or relevant:
        fused = built.fused.retrieve(words, limit=limit) if built.fused is not None else retrieval
        by_dense, by_lexical = (
            unit.ranking(_found(one.retrieve(words, limit=limit))) if one is not None else None
            for one in (built.by_dense, built.by_lexical)
        )
        if built.system.dense == 1:
            by_dense = unit.ranking(_found(fused))
        if built.system.dense == 0:
            by_lexical = unit.ranking(_found(fused))
        by_both = unit.ranking(fused)
        reranked = built.fused is not None
        sighting = Sighting.of(relevant, by_dense, by_lexical, by_both if reranked else None)
        trails = _trails(holders, relevant, by_dense, by_lexical, by_both, ranking)
        miss = miss_of(trails, question.mode)
    districts = dict.fromkeys(
        district.name for case_id in holding for district in built.cases[case_id].districts
    )
    encode_s = 0.0
    if built.system.dense:
        built.encoder.encode_query(unmarked(words))
        encode_s = built.encoder.last_s
    outcome = Outcome(
        question_id=question.question_id,
        ranking=ranking,
        confidence=retrieval.confidence,
        reason=retrieval.reason,
        evidence=read_by(holders, units),
        case_found=case_is_right(holders, units) if holders else None,
        districts=tuple(districts),
        district_found=top.district if top else None,
        stages=Stages(
            encode=1000 * encode_s,
            dense=1000 * dense_s,
            lexical=1000 * lexical_s,
            fuse=1000 * max(0.0, total_s - dense_s - lexical_s - rerank_s),
            rerank=1000 * rerank_s,
        ),
        miss=miss,
        holders=holders,
    )
    return outcome, sighting


def _found(retrieval: Retrieval) -> Retrieval:
    """What one kind of ranker found alone; what it scores 0 it did not."""
    return replace(retrieval, hits=tuple(hit for hit in retrieval.hits if hit.score > 0))


def _trails(
    holders: Sequence[Holders],
    relevant: AbstractSet[str],
    *rankings: Sequence[Ranked] | None,
) -> list[Trail]:
    """Follow each quote, or the first relevant document, through rankings: dense, lexical, fused, final.

    A ranking is None where the system has none of its kind.
    """
    units = [[ranked.unit_id for ranked in ranking or ()] for ranking in rankings]
    if not holders:
        dense, lexical, fused, final = (_first(ids, relevant) for ids in units)
        return [Trail(dense, lexical, fused, final)]
    return [
        Trail(dense, lexical, fused, final, indexed=held.partly, readable=bool(held.ways))
        for held, dense, lexical, fused, final in zip(
            holders, *(read_by(holders, ids) for ids in units), strict=True
        )
    ]


def _first(units: Sequence[str], relevant: AbstractSet[str]) -> int | None:
    return next((rank for rank, unit in enumerate(units, start=1) if unit in relevant), None)
