"""Question -> ranked passages, with a judgment of the first.

`rag.scoring` scores; here it is settled what is searched, in which order passages are returned, and
whether the first is an answer. A reranker (`rag.rerank`) may order the first few anew.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Literal, Protocol

import numpy as np
from numpy.typing import NDArray

from rag.chunk import context_of
from rag.coverage import covering
from rag.encoder import Encoder
from rag.filters import NO_FILTERS, Filters
from rag.focus import LONG, focused
from rag.masks import Masks
from rag.named_districts import PlacedQuestion, district_names
from rag.passages import Passages
from rag.ranking import Mask, Rankers, Rows, Scores
from rag.rerank import RERANKED, relevance_of
from rag.respelling import respelled
from rag.scoring import Scored, Scorer
from rag.script import simplified
from rag.signals import First, Signals, signals_of
from rag.tuning import DEFAULT_TUNING, Tuning
from rag.types import Case, Hit, Passage

Reason = Literal["not_in_collection", "not_in_district", "low_confidence"]

_CANDIDATES = 100
"""Passages that each ranker puts forward, at least. On the bundled corpus (202 passages) ranking all
of them changes the top 50 of none of the 160 development questions. Candidates are scored by both
rankers, so none lacks a score."""
_READ = 1024
"""Passages kept as read."""
_FIRST = 5
"""What is returned unless more are asked for, and where every district that a question names is
sought."""


@dataclass(frozen=True, slots=True)
class Retrieval:
    """Ranked passages with a judgment of the first.

    Attributes:
        hits: Best first; ties by passage id, those of a reranker in fused order. Where a question
            names several districts, the best passage of each is among the first five; scores never
            increase down the list, so one that had to make room has that of the one before it.
        confidence: In [0, 1], of the passage that fusion puts first, wherever a reranker puts it:
            calibrated on fused scores, it means the same with and without; 0 without hits. A long
            message is never surer in parts than as a whole.
        reason: Why the hits should not be taken for an answer, or None.
        signals: What the confidence was computed from; None without hits.
        named: Official names of the districts that the question names, in its order, each once;
            often none. A long message names them in any of its clauses.
    """

    hits: tuple[Hit, ...]
    confidence: float
    reason: Reason | None
    signals: Signals | None = None
    named: tuple[str, ...] = ()


class Retriever(Protocol):
    """What an assistant needs: question in, ranked passages out."""

    def retrieve(self, question: str, *, limit: int, filters: Filters = NO_FILTERS) -> Retrieval:
        """Rank the passages of the allowed cases for a question."""
        ...


class HybridRetriever:
    """Fuses rankings by sentence vectors and by terms, over text and question expansions.

    The best of that ranking are scored by late interaction as well, where the index offers it.

    Args:
        cases: All cases.
        passages: Their passages; row ``i`` of every ranker is ``passages[i]``.
        encoder: The one that the vectors were made with.
        rankers: Rank them.
        tuning: What can be changed without them.

    Raises:
        ValueError: If tokens are to be ranked and the encoder gives none.
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
        self._passages = (
            passages if isinstance(passages, Passages) else Passages.of(cases, passages)
        )
        # The same passages are found again and again, and reading eleven takes a tenth of a millisecond.
        self._passage = lru_cache(maxsize=_READ)(self._passages.__getitem__)
        self._rankers = rankers
        self._weights = tuning.weights
        self._calibration = tuning.calibration
        self._lexicon = tuning.lexicon
        self._reranker = tuning.reranker
        self._names = district_names(d.name for case in self._cases for d in case.districts)
        self._masks = Masks(self._cases, self._passages.owners)
        self._scorer = Scorer(encoder, rankers, tuning, self._passages.id_order)

    def retrieve(self, question: str, *, limit: int, filters: Filters = NO_FILTERS) -> Retrieval:
        """Rank the passages of the allowed cases for a question.

        Filters and the removal of duplicates come before ranking, so ``limit`` passages are
        returned whenever that many are allowed. With a reranker, the best `RERANKED` of the fused
        ranking come first, in its order; one that it gives r scores (1 + r) / 2, one that it did
        not see half its fused score, so that scores never increase down the ranking.

        Args:
            question: As typed; white space around it is ignored. It is asked in simplified script,
                with the spelling corrected by what the index has (`rag.respelling`), and if it is
                long, without the clauses that ask nothing (`rag.focus`).
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
        asked = whole = self._meant(simplified(words))
        named = whole.districts
        allowed = self.allowed(filters)
        if not allowed.any():
            anywhere = self.allowed(replace(filters, districts=())).any()
            why: Reason = "not_in_district" if anywhere else "not_in_collection"
            return Retrieval((), 0.0, why, named=named)
        depth = max(_CANDIDATES, 2 * limit)
        if len(whole.words) > LONG:
            asked = self._focused(whole, allowed, depth)
        scored = self._scorer.score(asked.words, allowed, depth)
        if not len(scored):
            return Retrieval((), 0.0, "not_in_collection", named=named)
        order, scores = self._reranked(asked.words, scored)
        if len(named) > 1:
            order, scores = self._covered(named, order, scores, scored)
        best = order[:limit]
        near = scored.by_sentence.by_sentence(scored.rows[best])
        hits = tuple(
            self._hit(scored, int(at), float(scores[at]), sentences)
            for at, sentences in zip(best, near, strict=True)
        )
        judged = self._judged(asked, whole, scored, allowed, depth)
        signals = min(judged, key=self._calibration.confidence)
        reason: Reason | None = self._calibration.reason(signals)
        if reason and self._answers_elsewhere(asked, whole, judged, filters):
            reason = "not_in_district"
        return Retrieval(hits, self._calibration.confidence(signals), reason, signals, named)

    def _meant(self, question: str) -> PlacedQuestion:
        """Correct the spelling, but neither a place's name nor what the lexicon knows."""
        typed = self._names.read(question)
        spelt = respelled(question, self._rankers.frequency, typed.in_names)
        if spelt == question:
            return typed
        known = set(self._lexicon.official(question))
        return self._names.read(spelt) if known <= set(self._lexicon.official(spelt)) else typed

    def _focused(self, whole: PlacedQuestion, allowed: Mask, depth: int) -> PlacedQuestion:
        """Keep of a long message the clauses that ask, and the districts that these name."""
        return self._names.read(
            focused(whole.words, lambda clause: self._scorer.contrast(clause, allowed, depth))
        )

    def _signals(self, asked: PlacedQuestion, scored: Scored) -> Signals:
        """Read the signals of the passage that fusion puts first."""
        row = int(scored.rows[0])
        case = self._cases[int(self._passages.owners[row])]
        known = self._rankers.expansions
        near, shared = float(scored.by_vector[0]), float(scored.by_term[0])
        found = First(
            self._passage(row).text,
            tuple(district.name for district in case.districts),
            # Vectors of what holds no word of the collection (???, qwerty) are near anything.
            dense=near if shared or self._weights.dense == 1 else 0.0,
            lexical=shared,
            known=known is not None and bool(known.present[row]),
        )
        return signals_of(asked.words, asked.districts, found)

    def _judged(
        self,
        asked: PlacedQuestion,
        whole: PlacedQuestion,
        scored: Scored,
        allowed: Mask,
        depth: int,
    ) -> tuple[Signals, ...]:
        """Read the signals of what comes first for a question, and for the message it is cut from.

        The best of many clauses fits something by chance: an answer must be one to both.
        """
        signals = self._signals(asked, scored)
        if asked == whole:
            return (signals,)
        return signals, self._signals(whole, self._scorer.score(whole.words, allowed, depth))

    def _answers_elsewhere(
        self,
        asked: PlacedQuestion,
        whole: PlacedQuestion,
        judged: Sequence[Signals],
        filters: Filters,
    ) -> bool:
        """Whether it is the district, in words or as a filter, that what is refused lacks.

        So the same passage would do if it were of the district named, or the first one outside the
        filter would: only what is refused under a filter is searched for twice.
        """
        if self._would_answer(judged):
            return True
        if not filters.districts:
            return False
        everywhere = self.allowed(replace(filters, districts=()))
        scored = self._scorer.score(asked.words, everywhere, _CANDIDATES)
        return self._would_answer(self._judged(asked, whole, scored, everywhere, _CANDIDATES))

    def _would_answer(self, judged: Sequence[Signals]) -> bool:
        """Whether what comes first would answer if it were of the district that is asked about."""
        return all(
            self._calibration.reason(replace(signals, elsewhere=0.0)) is None for signals in judged
        )

    def _reranked(self, question: str, scored: Scored) -> tuple[Rows, NDArray[np.float64]]:
        """Order the candidates for good, and score them row for row."""
        fused = scored.fused.astype(np.float64)
        order = np.arange(len(scored))
        if self._reranker is None:
            return order, fused
        texts = [self._in_context(int(row)) for row in scored.rows[:RERANKED]]
        relevance = relevance_of(self._reranker, question, texts)
        scores = fused / 2
        scores[:RERANKED] = (1 + relevance) / 2
        return np.concatenate([np.argsort(-relevance, kind="stable"), order[RERANKED:]]), scores

    def _covered(
        self, named: Sequence[str], order: Rows, scores: NDArray[np.float64], scored: Scored
    ) -> tuple[Rows, NDArray[np.float64]]:
        """Let every district that a question compares have its best passage among the first."""
        cases = (self._cases[int(self._passages.owners[row])] for row in scored.rows[order])
        districts = [tuple(district.name for district in case.districts) for case in cases]
        covered = order[list(covering(districts, named, _FIRST))]
        falling = np.empty_like(scores)
        falling[covered] = np.minimum.accumulate(scores[covered])
        return covered, falling

    def _in_context(self, row: int) -> str:
        """A passage as the term index knows it: below whose case and section it is."""
        passage = self._passage(row)
        case = self._cases[int(self._passages.owners[row])]
        return f"{context_of(case, passage.section)}\n{passage.text}"

    def _hit(self, scored: Scored, at: int, score: float, near: Scores) -> Hit:
        passage = self._passage(int(scored.rows[at]))
        if len(near) == 1:  # a passage found by one vector is as near in every sentence
            near = np.repeat(near, len(passage.sentences))
        return Hit(
            passage=passage,
            score=score,
            dense=float(scored.dense[at]),
            lexical=float(scored.lexical[at]),
            expansion=float(scored.expansion[at]),
            late=float(scored.late[at]),
            near=tuple(near.tolist()),
        )

    def allowed(self, filters: Filters = NO_FILTERS) -> Mask:
        """Allow the passages of cases that pass; of equal cases only the first that does."""
        return self._masks.of(filters)
