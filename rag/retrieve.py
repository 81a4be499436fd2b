"""Question -> ranked passages: rankings by vector and by term over the same passages, fused.

The rankers live in `index` and follow the protocol of `rag.ranking`. A reranker (`rag.rerank`) may
order the first few anew.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Literal, Protocol

import numpy as np
from numpy.typing import NDArray

from rag.chunk import context_of
from rag.encoder import Encoder
from rag.filters import NO_FILTERS, Filters
from rag.lexicon import weighted_terms
from rag.named_districts import district_names
from rag.ranking import Mask, Rankers, Rows, Scores, SentenceMatches
from rag.rerank import RERANKED, relevance_of
from rag.signals import First, Signals, signals_of
from rag.tuning import DEFAULT_TUNING, Tuning
from rag.types import Case, Hit, Passage

Reason = Literal["not_in_collection", "not_in_district", "low_confidence"]

_CANDIDATES = 100
"""Passages that each ranker puts forward, at least. On the bundled corpus (202 passages) ranking all
of them changes the top 50 of none of the 160 development questions. Candidates are scored by both
rankers, so none lacks a score."""


@dataclass(frozen=True, slots=True)
class Retrieval:
    """Ranked passages with a judgment of the first.

    Attributes:
        hits: Best first; ties by passage id, those of a reranker in fused order.
        confidence: In [0, 1], of the passage that fusion puts first, wherever a reranker puts it:
            calibrated on fused scores, it means the same with and without; 0 without hits.
        reason: Why the hits should not be taken for an answer, or None.
        signals: What the confidence was computed from; None without hits.
    """

    hits: tuple[Hit, ...]
    confidence: float
    reason: Reason | None
    signals: Signals | None = None


class Retriever(Protocol):
    """What an assistant needs: question in, ranked passages out."""

    def retrieve(self, question: str, *, limit: int, filters: Filters = NO_FILTERS) -> Retrieval:
        """Rank the passages of the allowed cases for a question."""
        ...


@dataclass(frozen=True, slots=True)
class _Scored:
    """Candidates of one question, row for row, and the matches that know their sentences."""

    rows: Rows
    fused: Scores
    by_vector: Scores  # text and expansions together
    by_term: Scores  # likewise
    dense: Scores
    lexical: Scores
    expansion: Scores
    by_sentence: SentenceMatches


class HybridRetriever:
    """Fuses rankings by sentence vectors and by terms, over text and question expansions.

    Args:
        cases: All cases.
        passages: Their passages; row ``i`` of every ranker is ``passages[i]``.
        encoder: The one that the vectors were made with.
        rankers: Rank them.
        tuning: What can be changed without them.
    """

    def __init__(
        self,
        cases: Sequence[Case],
        passages: Sequence[Passage],
        encoder: Encoder,
        rankers: Rankers,
        tuning: Tuning = DEFAULT_TUNING,
    ) -> None:
        self._cases = tuple(cases)
        self._passages = tuple(passages)
        self._encoder = encoder
        self._rankers = rankers
        self._weights = tuning.weights
        self._lexicon = tuning.lexicon
        self._calibration = tuning.calibration
        self._reranker = tuning.reranker
        self._names = district_names(d.name for case in self._cases for d in case.districts)
        row_of = {case.case_id: row for row, case in enumerate(self._cases)}
        self._case_rows = np.array([row_of[p.case_id] for p in self._passages], dtype=np.int64)
        by_id = sorted(range(len(passages)), key=lambda row: self._passages[row].passage_id)
        self._id_order = np.empty(len(passages), dtype=np.int64)
        self._id_order[by_id] = np.arange(len(passages))

    def retrieve(self, question: str, *, limit: int, filters: Filters = NO_FILTERS) -> Retrieval:
        """Rank the passages of the allowed cases for a question.

        Filters and the removal of duplicates come before ranking, so ``limit`` passages are
        returned whenever that many are allowed. With a reranker, the best `RERANKED` of the fused
        ranking come first, in its order; one that it gives r scores (1 + r) / 2, one that it did
        not see half its fused score, so that scores never increase down the ranking.

        Args:
            question: As typed; white space around it is ignored.
            limit: How many at most.
            filters: Which cases to search.

        Raises:
            ValueError: If the question is blank, ``limit`` is below 1, or the reranker's scores are
                not one in [0, 1] for each passage.
        """
        words = question.strip()
        if not words or limit < 1:
            message = f"a search needs words and a limit of 1 or more, got {question!r}, {limit}"
            raise ValueError(message)
        allowed = self.allowed(filters)
        if not allowed.any():
            return Retrieval(
                (), 0.0, "not_in_district" if filters.districts else "not_in_collection"
            )
        scored = self._scored(words, allowed, max(_CANDIDATES, 2 * limit))
        if not len(scored.rows):
            return Retrieval((), 0.0, "not_in_collection")
        fused = np.lexsort((self._id_order[scored.rows], -scored.fused))
        order, scores = self._reranked(words, scored, fused)
        best = order[:limit]
        sentences = scored.by_sentence.sentences(scored.rows[best])
        hits = tuple(
            self._hit(scored, int(at), float(scores[at]), int(sentence))
            for at, sentence in zip(best, sentences, strict=True)
        )
        signals = self._signals(words, scored, int(fused[0]))
        confidence = self._calibration.confidence(signals)
        reason: Reason | None = self._calibration.reason(signals)
        if reason and self._answers_elsewhere(words, signals, filters):
            reason = "not_in_district"
        return Retrieval(hits, confidence, reason, signals)

    def _signals(self, question: str, scored: _Scored, first: int) -> Signals:
        """Read the signals of the passage that fusion puts first."""
        row = int(scored.rows[first])
        case = self._cases[int(self._case_rows[row])]
        known = self._rankers.expansions
        near, shared = float(scored.by_vector[first]), float(scored.by_term[first])
        found = First(
            self._passages[row].text,
            tuple(district.name for district in case.districts),
            # Vectors of what holds no word of the collection (???, qwerty) are near anything.
            dense=near if shared or self._weights.dense == 1 else 0.0,
            lexical=shared,
            known=known is not None and bool(known.present[row]),
        )
        return signals_of(question, self._names.named(question), found)

    def _answers_elsewhere(self, question: str, signals: Signals, filters: Filters) -> bool:
        """Whether it is the district, in words or as a filter, that what is refused lacks.

        So the same passage would do if it were of the district named, or the first one outside the
        filter would: only what is refused under a filter is searched for twice.
        """
        if self._would_answer(signals):
            return True
        if not filters.districts:
            return False
        everywhere = self.allowed(replace(filters, districts=()))
        scored = self._scored(question, everywhere, _CANDIDATES)
        first = int(np.lexsort((self._id_order[scored.rows], -scored.fused))[0])
        return self._would_answer(self._signals(question, scored, first))

    def _would_answer(self, signals: Signals) -> bool:
        """Whether a passage would answer if it were of the district that is asked about."""
        return self._calibration.reason(replace(signals, elsewhere=0.0)) is None

    def _scored(self, question: str, allowed: Mask, depth: int) -> _Scored:
        """Score the candidates of all rankers by all rankers, so that none lacks a score."""
        text, expansions = self._rankers.text, self._rankers.expansions
        vector = self._encoder.encode_query(question)
        terms = weighted_terms(question, self._lexicon, self._weights.lexicon)
        dense, lexical = text.dense.match(vector), text.lexical.match(terms)
        candidates = [
            dense.best(limit=depth, allowed=allowed),
            lexical.best(limit=depth, allowed=allowed),
        ]
        if expansions is None:
            rows = np.union1d(*candidates)
            near, shared = dense.scores(rows), lexical.scores(rows)
            none = np.zeros_like(near)
            fused = self._fused(near, shared)
            return _Scored(rows, fused, near, shared, near, shared, none, dense)
        legs, present = expansions.legs, expansions.present
        asked, worded = legs.dense.match(vector), legs.lexical.match(terms)
        known = allowed & present
        candidates += [
            asked.best(limit=depth, allowed=known),
            worded.best(limit=depth, allowed=known),
        ]
        rows = np.unique(np.concatenate(candidates))
        near, shared = dense.scores(rows), lexical.scores(rows)
        alike = asked.scores(rows)
        # A passage without expansions is judged by its text alone, not held to lack something.
        share = self._weights.expansions * present[rows]
        by_vector = near + share * (alike - near)
        by_term = shared + share * (worded.scores(rows) - shared)
        fused = self._fused(by_vector, by_term)
        return _Scored(rows, fused, by_vector, by_term, near, shared, alike, dense)

    def _fused(self, dense: Scores, lexical: Scores) -> Scores:
        return self._weights.dense * dense + (1 - self._weights.dense) * lexical

    def _reranked(
        self, question: str, scored: _Scored, fused: Rows
    ) -> tuple[Rows, Scores | NDArray[np.float64]]:
        """Order the candidates for good, and score them row for row."""
        if self._reranker is None:
            return fused, scored.fused
        near, rest = fused[:RERANKED], fused[RERANKED:]
        texts = [self._in_context(int(row)) for row in scored.rows[near]]
        relevance = relevance_of(self._reranker, question, texts)
        scores = scored.fused.astype(np.float64) / 2
        scores[near] = (1 + relevance) / 2
        again = near[np.argsort(-relevance, kind="stable")]
        return np.concatenate([again, rest]), scores

    def _in_context(self, row: int) -> str:
        """A passage as the term index knows it: below whose case and section it is."""
        passage = self._passages[row]
        case = self._cases[int(self._case_rows[row])]
        return f"{context_of(case, passage.section)}\n{passage.text}"

    def _hit(self, scored: _Scored, at: int, score: float, sentence: int) -> Hit:
        passage = self._passages[int(scored.rows[at])]
        return Hit(
            passage=passage,
            score=score,
            dense=float(scored.dense[at]),
            lexical=float(scored.lexical[at]),
            expansion=float(scored.expansion[at]),
            sentence=passage.sentences[sentence],
        )

    def allowed(self, filters: Filters = NO_FILTERS) -> Mask:
        """Allow the passages of cases that pass; of equal cases only the first that does."""
        passing: set[str] = set()
        allowed = np.zeros(len(self._cases), dtype=bool)
        for row, case in enumerate(self._cases):
            text = case.duplicate_of or case.case_id
            if text not in passing and filters.allow(case):
                passing.add(text)
                allowed[row] = True
        return np.asarray(allowed[self._case_rows])
