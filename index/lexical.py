"""BM25 over character terms: the lexical `Ranker`."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from index.arrays import Data, runs
from index.postings import DEFAULT_BM25, Bm25, Postings
from rag.ranking import Mask, Rows, Scores, Terms

_ALL_UP_TO = 400_000
"""Postings of a question that are simply added up, in a few milliseconds."""
_FIRST = 50_000
"""Postings after which it is first asked whether the rest can still matter."""
_ROUNDING = 1 + 1e-4
"""Between what is compared, so that no passage is lost to sums rounded in another order."""


@dataclass(frozen=True, slots=True)
class LexicalRanker:
    """Ranks passages by the share of the question's term weight that they match.

    score = BM25(question, passage) / sum of the idf of the question's own terms. A term's BM25
    stays below its idf (`index.postings`); the score is therefore in [0, 1) and means the same for
    every question. Terms that no passage has count in the denominator: a question about something
    else scores low. Terms of a weight below 1 stand in for the question's own and count only above
    the line; what they lift over 1 is cut off.

    Source:
        Theoretical rather than observed maximum, as in Bruch, Gai and Ingber, "An Analysis of
        Fusion Functions for Hybrid Retrieval", ACM TOIS 2023, doi:10.1145/3596512.
    """

    postings: Postings

    @classmethod
    def build(cls, texts: Iterable[str], parameters: Bm25 = DEFAULT_BM25) -> LexicalRanker:
        """Index the passages' texts, row by row; at least one must have a term."""
        return cls(Postings.of(texts, parameters))

    @classmethod
    def from_files(cls, files: Mapping[str, Data], passages: int) -> LexicalRanker:
        """Restore what `to_files` gave; the caller has verified the files' digests."""
        return cls(Postings.from_files(files, passages))

    def to_files(self) -> dict[str, bytes]:
        """Write the postings."""
        return self.postings.to_files()

    @property
    def passages(self) -> int:
        """Number of passages."""
        return self.postings.passages

    def frequency(self, term: str) -> int:
        """Count the passages that have a term."""
        return self.postings.frequency(term)

    def match(self, query: Terms) -> AllMatches | LikelyMatches:
        """Look up a question's weighted terms; see `Ranker`."""
        known = [
            (place, weight)
            for term, weight in query.items()
            if (place := self.postings.terms.get(term)) is not None
        ]
        places = np.array([place for place, _ in known], dtype=np.int64)
        weights = np.array([weight for _, weight in known], dtype=np.float32)
        counts = self.postings.starts[places + 1] - self.postings.starts[places]
        own = counts[weights == 1]
        unseen = sum(weight == 1 for weight in query.values()) - len(own)
        passages = self.postings.passages
        total = np.log(1 + (passages - own + 0.5) / (own + 0.5)).sum()
        total += unseen * math.log(1 + (passages + 0.5) / 0.5)
        looked_up = Lookup(self.postings, places, weights, np.float32(total))
        return AllMatches.of(looked_up) if counts.sum() <= _ALL_UP_TO else LikelyMatches(looked_up)


@dataclass(frozen=True, slots=True)
class Lookup:
    """The terms of a question that an index has.

    Attributes:
        postings: The index.
        places: Of the terms, in the order of the question.
        weights: Of the terms in the question.
        total: The most that a score can be.
    """

    postings: Postings
    places: Rows
    weights: Scores
    total: np.float32

    def worth(self, at: int) -> tuple[NDArray[np.int32], Scores]:
        """Give the passages that have the term at a place of the question, and what it adds."""
        start, end = (
            self.postings.starts[self.places[at]],
            self.postings.starts[self.places[at] + 1],
        )
        return self.postings.rows[start:end], self.weights[at] * self.postings.weights[start:end]

    def add(self, at: int, rows: Rows, sums: Scores) -> None:
        """Add what a term is worth in given passages to their sums."""
        index, place = self.postings, self.places[at]
        start, end = index.starts[place], index.starts[place + 1]
        having = index.rows[start:end]
        found = np.minimum(np.searchsorted(having, rows.astype(having.dtype)), len(having) - 1)
        here = having[found] == rows
        sums[here] += self.weights[at] * index.weights[start:end][found[here]]

    def share(self, sums: Scores) -> Scores:
        """Turn sums of BM25 into scores."""
        return np.minimum(sums / self.total, 1) if self.total else sums


@dataclass(frozen=True, slots=True)
class AllMatches:
    """The score of every passage; see `Matches`."""

    _scores: Scores

    @classmethod
    def of(cls, looked_up: Lookup) -> AllMatches:
        """Add up, in the order of the terms."""
        index, places = looked_up.postings, looked_up.places
        sums = np.zeros(index.passages, dtype=np.float32)
        counts = index.starts[places + 1] - index.starts[places]
        postings, _ = runs(index.starts[places], counts)
        worth = np.repeat(looked_up.weights, counts) * index.weights[postings]
        np.add.at(sums, index.rows[postings], worth)
        return cls(looked_up.share(sums))

    def best(self, *, limit: int, allowed: Mask) -> Rows:
        """Return the best passages that share a term with the question; equals in row order."""
        rows = np.flatnonzero(allowed & (self._scores > 0))
        return _best(rows, self._scores[rows], limit)

    def scores(self, rows: Rows) -> Scores:
        """Return the scores of given passages."""
        return np.asarray(self._scores[rows])


@dataclass(frozen=True, slots=True)
class LikelyMatches:
    """The same scores and the same ranking, of passages that can still be among the best.

    In a large index most postings are of characters that nearly every passage has, and these add
    little. So rare terms are added up first, until no passage with common ones alone can reach the
    best; only what is left can, and common terms are looked up there. Nothing is approximate.

    Source:
        MaxScore, as in Turtle and Flood, "Query Evaluation: Strategies and Optimizations",
        Information Processing and Management 1995, doi:10.1016/0306-4573(95)00020-H.
    """

    _looked_up: Lookup

    def best(self, *, limit: int, allowed: Mask) -> Rows:
        """Return the best passages that share a term with the question; equals in row order."""
        known = self._looked_up
        most = known.weights * known.postings.highest[known.places]
        order = np.argsort(-most, kind="stable")
        # What all terms from each on can add, for sums that are rounded in another order.
        left = np.append(np.cumsum(most[order][::-1].astype(np.float64))[::-1], 0) * _ROUNDING
        sums = np.zeros(known.postings.passages, dtype=np.float32)
        needed, done, added = 0.0, 0, 0
        asked = _FIRST
        while done < len(order) and left[done] >= needed:
            having, worth = known.worth(int(order[done]))
            sums[having] += worth
            done, added = done + 1, added + len(having)
            if added >= asked and done < len(order):
                needed = self._reached(sums, limit, allowed)
                asked = 2 * added
        rows = np.flatnonzero(allowed & (sums > 0) & (sums >= float(needed - left[done])))
        partial = sums[rows]
        for at in range(done, len(order)):
            known.add(int(order[at]), rows, partial)
            likely = partial + left[at + 1] >= needed
            rows, partial = rows[likely], partial[likely]
        return _best(rows, self.scores(rows), limit)

    def scores(self, rows: Rows) -> Scores:
        """Return the scores of given passages."""
        known = self._looked_up
        sums = np.zeros(len(rows), dtype=np.float32)
        for at in range(len(known.places)):  # in the order of the question: sums are rounded
            known.add(at, rows, sums)
        return known.share(sums)

    def _reached(self, sums: Scores, limit: int, allowed: Mask) -> float:
        """Tell what the best passages have at least: of the best so far, the full sums."""
        known = self._looked_up
        rows = np.flatnonzero(allowed & (sums > 0))
        if len(rows) < limit:
            return 0.0
        tried = rows[np.argpartition(-sums[rows], limit - 1)[:limit]]
        full = np.zeros(limit, dtype=np.float32)
        for at in range(len(known.places)):
            known.add(at, np.sort(tried), full)
        # Above the total all scores are 1, and the order of rows decides.
        return min(float(full.min()), float(known.total)) / _ROUNDING


def _best(rows: Rows, scores: Scores, limit: int) -> Rows:
    """Order some passages, given in row order, by score; equals stay in row order."""
    if len(rows) > limit:
        least = np.partition(scores, len(scores) - limit)[len(scores) - limit]
        likely = scores >= least
        rows, scores = rows[likely], scores[likely]
    return np.asarray(rows[np.argsort(-scores, kind="stable")[:limit]])
