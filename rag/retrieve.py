"""Question -> ranked passages: two rankings over the same passages, fused.

The rankers live in `index`; what they must offer is the `Ranker` protocol here. Both score on an
absolute scale from 0 to 1, so their weighted sum is one too: it means the same for every question
and is never stretched to make the best passage look good.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Generic, Literal, Protocol, TypeAlias, TypeVar

import numpy as np
from numpy.typing import NDArray

from rag.confidence import LOW, NONE, confidence_of
from rag.divisions import stem_of
from rag.encoder import Encoder
from rag.tokens import terms_of
from rag.types import Case, Hit, Passage

Rows: TypeAlias = NDArray[np.int64]
"""Positions in the list of passages that an index was built from."""
Scores: TypeAlias = NDArray[np.float32]
Mask: TypeAlias = NDArray[np.bool_]
"""One truth value for each passage."""

Reason = Literal["not_in_collection", "not_in_district", "low_confidence"]

QueryT_contra = TypeVar("QueryT_contra", contravariant=True)
MatchesT_co = TypeVar("MatchesT_co", bound="Matches", covariant=True)

DENSE_WEIGHT = 0.3
"""Share of the dense score in the fused one; see docs/decisions/0002-fusion.md."""

_CANDIDATES = 100
"""Passages that each ranker puts forward, at least. On the bundled corpus (202 passages) ranking all
of them changes the top 50 of none of the 160 development questions. Candidates are scored by both
rankers, so none lacks a score."""


class Matches(Protocol):
    """How the passages of an index match one query, best first or one by one."""

    def best(self, *, limit: int, allowed: Mask) -> Rows:
        """Return up to ``limit`` passages, best first, none repeated; only ``allowed`` ones."""
        ...

    def scores(self, rows: Rows) -> Scores:
        """Score given passages on a scale from 0 to 1, in their order."""
        ...


class SentenceMatches(Matches, Protocol):
    """Matches by sentence, which can also tell the sentence that matched."""

    def sentences(self, rows: Rows) -> Rows:
        """Return, for each passage, the position of its best sentence within the passage."""
        ...


class Ranker(Protocol, Generic[QueryT_contra, MatchesT_co]):
    """One way to rank the passages of an index; safe to call from several threads."""

    def match(self, query: QueryT_contra) -> MatchesT_co:
        """Match a query against every passage."""
        ...


@dataclass(frozen=True, slots=True)
class Filters:
    """Which cases to search; an empty field allows all, several values are alternatives.

    Attributes:
        districts: Official names or the way people say them (``静安区``, ``静安``).
        collections: A collection's title or any part of it (``良好实践``).
        years: Years of the collections.
        case_ids: Cases by id.
    """

    districts: tuple[str, ...] = ()
    collections: tuple[str, ...] = ()
    years: tuple[int, ...] = ()
    case_ids: tuple[str, ...] = ()

    def allow(self, case: Case) -> bool:
        """Whether a case passes every field."""
        named = {district.name for district in case.districts}
        return (
            (not self.districts or any(_same_district(d, n) for d in self.districts for n in named))
            and (not self.collections or any(part in case.collection for part in self.collections))
            and (not self.years or case.year in self.years)
            and (not self.case_ids or case.case_id in self.case_ids)
        )


NO_FILTERS = Filters()


@dataclass(frozen=True, slots=True)
class Retrieval:
    """Ranked passages with a judgment of the first.

    Attributes:
        hits: Best first; ties by passage id.
        confidence: In [0, 1]; 0 without hits.
        reason: Why the hits should not be taken for an answer, or None.
    """

    hits: tuple[Hit, ...]
    confidence: float
    reason: Reason | None


class Retriever(Protocol):
    """What an assistant needs: question in, ranked passages out."""

    def retrieve(self, question: str, *, limit: int, filters: Filters = NO_FILTERS) -> Retrieval:
        """Rank the passages of the allowed cases for a question."""
        ...


class HybridRetriever:
    """Fuses a ranking by sentence vectors with a ranking by terms.

    Args:
        cases: All cases.
        passages: Their passages; row ``i`` of both rankers is ``passages[i]``.
        encoder: The one that the sentence vectors were made with.
        dense: Ranks by vector.
        lexical: Ranks by terms.
    """

    def __init__(
        self,
        cases: Sequence[Case],
        passages: Sequence[Passage],
        encoder: Encoder,
        dense: Ranker[Scores, SentenceMatches],
        lexical: Ranker[Sequence[str], Matches],
    ) -> None:
        self._cases = tuple(cases)
        self._passages = tuple(passages)
        self._encoder = encoder
        self._dense = dense
        self._lexical = lexical
        row_of = {case.case_id: row for row, case in enumerate(self._cases)}
        self._case_rows = np.array([row_of[p.case_id] for p in self._passages], dtype=np.int64)
        by_id = sorted(range(len(passages)), key=lambda row: self._passages[row].passage_id)
        self._id_order = np.empty(len(passages), dtype=np.int64)
        self._id_order[by_id] = np.arange(len(passages))

    def retrieve(self, question: str, *, limit: int, filters: Filters = NO_FILTERS) -> Retrieval:
        """Rank the passages of the allowed cases for a question.

        Filters and the removal of duplicates come before ranking, so ``limit`` passages are
        returned whenever that many are allowed.

        Args:
            question: As typed; white space around it is ignored.
            limit: How many at most.
            filters: Which cases to search.

        Raises:
            ValueError: If the question is blank or ``limit`` is below 1.
        """
        words = question.strip()
        if not words or limit < 1:
            message = f"a search needs words and a limit of 1 or more, got {question!r}, {limit}"
            raise ValueError(message)
        allowed = self._allowed(filters)
        if not allowed.any():
            return Retrieval(
                (), 0.0, "not_in_district" if filters.districts else "not_in_collection"
            )
        dense = self._dense.match(self._encoder.encode_query(words))
        lexical = self._lexical.match(terms_of(words))
        depth = max(_CANDIDATES, 2 * limit)
        rows = np.union1d(
            dense.best(limit=depth, allowed=allowed), lexical.best(limit=depth, allowed=allowed)
        )
        near, shared = dense.scores(rows), lexical.scores(rows)
        fused = DENSE_WEIGHT * near + (1 - DENSE_WEIGHT) * shared
        best = np.lexsort((self._id_order[rows], -fused))[:limit]
        sentences = dense.sentences(rows[best])
        hits = tuple(
            self._hit(int(rows[i]), float(fused[i]), float(near[i]), float(shared[i]), int(s))
            for i, s in zip(best, sentences, strict=True)
        )
        confidence = confidence_of(hits[0].dense, hits[0].lexical)
        return Retrieval(hits, confidence, _reason(confidence))

    def _hit(self, row: int, score: float, dense: float, lexical: float, sentence: int) -> Hit:
        passage = self._passages[row]
        return Hit(passage, score, dense, lexical, passage.sentences[sentence])

    def _allowed(self, filters: Filters) -> Mask:
        """Allow the passages of cases that pass; of equal cases only the first that does."""
        passing: set[str] = set()
        allowed = np.zeros(len(self._cases), dtype=bool)
        for row, case in enumerate(self._cases):
            text = case.duplicate_of or case.case_id
            if text not in passing and filters.allow(case):
                passing.add(text)
                allowed[row] = True
        return np.asarray(allowed[self._case_rows])


def _same_district(asked: str, official: str) -> bool:
    """Whether ``asked`` is the official name, or the name as people say it."""
    return asked.strip() in {official, stem_of(official)}


def _reason(confidence: float) -> Reason | None:
    if confidence < NONE:
        return "not_in_collection"
    return "low_confidence" if confidence < LOW else None
