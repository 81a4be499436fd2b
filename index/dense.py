"""Sentence vectors in FAISS: the dense `Ranker`. The only module that imports faiss.

A passage is found by its sentences and scores as its best one. Files are written and read through
Python, never by FAISS itself: its writer loses the tail of a file on a full disk without an error,
and its reader accepts damaged files, so both are left to code that syncs and checks digests.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import faiss
import numpy as np
from numpy.typing import NDArray

from rag.ranking import Mask, Rows, Scores, SentenceMatches

EXACT_UP_TO = 50_000
"""Vectors searched exactly; above, HNSW. See docs/decisions/0004-faiss-type.md for timings."""
_NEIGHBOURS = 32
_EF_CONSTRUCTION = 200
_EF_SEARCH = 128


def inner_products(query: Scores, vectors: NDArray[np.float32]) -> Scores:
    """Multiply one vector with every row of an array.

    FAISS's kernel rather than numpy's product: that one's threads go on spinning afterwards, and the
    next question's encoder, which has the same two cores, takes 4 ms longer.

    Args:
        query: Shape (dimension,).
        vectors: Shape (n, dimension), float32, contiguous.

    Returns:
        Shape (n,).

    Raises:
        ValueError: If the shapes do not fit: the kernel would read beyond the arrays.
    """
    if vectors.ndim != 2 or query.shape != vectors.shape[1:]:  # noqa: PLR2004 -- a matrix
        message = f"cannot multiply a vector of shape {query.shape} with rows of {vectors.shape}"
        raise ValueError(message)
    one = np.ascontiguousarray(query, dtype=np.float32)
    rows = np.ascontiguousarray(vectors, dtype=np.float32)
    products = np.empty(len(rows), dtype=np.float32)
    faiss.fvec_inner_products_ny(
        faiss.swig_ptr(products), faiss.swig_ptr(one), faiss.swig_ptr(rows), len(one), len(rows)
    )
    return products


@dataclass(frozen=True, slots=True)
class DenseRanker:
    """Ranks passages by the cosine of the question to their best sentence.

    Scores are the cosine over the floor: 0 is what an unrelated question reaches in this index
    (see `rag.noise`), 1 is identity. The cosines of different encoders fill different, narrow
    ranges; over the floor they are comparable, and one fusion weight suits them all.
    """

    _index: faiss.Index
    _starts: Rows  # row -> its first key; one more entry for the end
    _floor: float

    @classmethod
    def build(cls, vectors: NDArray[np.float32], counts: Sequence[int]) -> DenseRanker:
        """Index sentence vectors.

        Args:
            vectors: Shape (n sentences, dimension), unit length, passage by passage.
            counts: Vectors of each passage; they sum to n. A passage without any is never found
                and scores 0.

        Raises:
            ValueError: If the counts do not add up.
        """
        starts = np.concatenate([[0], np.cumsum(counts, dtype=np.int64)])
        if starts[-1] != len(vectors):
            message = f"{len(vectors)} vectors for passages of {counts} sentences"
            raise ValueError(message)
        if len(vectors) <= EXACT_UP_TO:
            index = faiss.IndexFlatIP(vectors.shape[1])
        else:
            index = faiss.IndexHNSWFlat(vectors.shape[1], _NEIGHBOURS, faiss.METRIC_INNER_PRODUCT)
            index.hnsw.efConstruction = _EF_CONSTRUCTION
        index.add(vectors)
        return cls(index, starts, 0.0)

    @classmethod
    def from_bytes(cls, data: bytes, counts: Sequence[int], floor: float) -> DenseRanker:
        """Restore what `to_bytes` gave; the caller has verified the bytes' digest."""
        index = faiss.deserialize_index(np.frombuffer(data, dtype=np.uint8))
        starts = np.concatenate([[0], np.cumsum(counts, dtype=np.int64)])
        if starts[-1] != index.ntotal:
            message = f"the index holds {index.ntotal} vectors, its passages {starts[-1]} sentences"
            raise ValueError(message)
        return cls(index, starts, floor)

    def over(self, floor: float) -> DenseRanker:
        """Count scores from another floor."""
        return replace(self, _floor=floor)

    def to_bytes(self) -> bytes:
        """Serialise the FAISS index."""
        return bytes(faiss.serialize_index(self._index).tobytes())

    @property
    def exact(self) -> bool:
        """Whether every vector is compared."""
        return isinstance(self._index, faiss.IndexFlat)

    @property
    def size(self) -> int:
        """Number of vectors."""
        return int(self._index.ntotal)

    def match(self, query: Scores) -> SentenceMatches:
        """Compare with a question's vector; see `Ranker`."""
        return ExactMatches.of(self, query) if self.exact else GraphMatches(self, query)

    def all_cosines(self, query: Scores) -> Scores:
        """Compare with every vector of an exact index."""
        # A view of FAISS's own memory; nothing is copied.
        vectors = faiss.rev_swig_ptr(self._index.get_xb(), self.size * self._index.d)
        return inner_products(query, vectors.reshape(self.size, self._index.d))

    @property
    def starts(self) -> Rows:
        """Where each passage's vectors begin, and one more entry for the end."""
        return self._starts

    def top_cosine(self, query: NDArray[np.float32]) -> float:
        """Cosine of the nearest sentence, whatever its passage."""
        return float(self._index.search(query[None], 1)[0][0, 0])

    def cosines(self, query: Scores, rows: Rows) -> tuple[Scores, Rows]:
        """Compare with all sentences of some passages, each with one at least.

        Returns:
            The cosines, passage by passage, and where each passage's begin.
        """
        counts = self.counts(rows)
        offsets = np.concatenate([[0], np.cumsum(counts)[:-1]]).astype(np.int64)
        keys = np.arange(counts.sum()) + np.repeat(self._starts[rows] - offsets, counts)
        return np.asarray(self._index.reconstruct_batch(keys) @ query), offsets

    def nearest(self, query: Scores, *, limit: int, allowed: Mask) -> Rows:
        """Return the passages of the nearest sentences, best first, each once."""
        wanted = min(self.size, 4 * limit)
        while True:
            keys = self._search(query, wanted, allowed)
            rows = np.searchsorted(self._starts, keys, side="right") - 1
            _, first = np.unique(rows, return_index=True)
            ranked = rows[np.sort(first)]
            # Several sentences of one passage may crowd the list: look further until it is full.
            if len(ranked) >= limit or len(keys) < wanted or wanted == self.size:
                return np.asarray(ranked[:limit], dtype=np.int64)
            wanted = min(self.size, 4 * wanted)

    def counts(self, rows: Rows) -> Rows:
        """Count the vectors of some passages."""
        return self._starts[rows + 1] - self._starts[rows]

    def above_floor(self, cosines: Scores) -> Scores:
        """Count cosines from the floor: 0 there and below, 1 at identity."""
        above = np.clip((cosines - self._floor) / (1 - self._floor), 0, 1)
        return np.asarray(above, dtype=np.float32)

    def _search(self, query: Scores, wanted: int, allowed: Mask) -> Rows:
        # One question is too small to share: with two threads on two busy cores the slower one
        # decides (20,000 vectors: p95 20 ms against 3). The setting belongs to the calling thread.
        faiss.omp_set_num_threads(1)
        among, selector = self.size, None
        if not allowed.all():
            keys = np.repeat(allowed, np.diff(self._starts))
            among = int(keys.sum())
            selector = faiss.IDSelectorBitmap(np.packbits(keys, bitorder="little"))
        if among <= EXACT_UP_TO:
            # A graph loses its way when few of its nodes may be visited (recall@10 .90 at one in
            # ten); the vectors below it, searched exactly, do not.
            index, parameters = self._index.storage, faiss.SearchParameters(sel=selector)
        else:
            effort = max(_EF_SEARCH, wanted)
            parameters = faiss.SearchParametersHNSW(sel=selector, efSearch=effort)
            index = self._index
        _, found = index.search(query[None], min(wanted, among), params=parameters)
        return np.asarray(found[0][found[0] >= 0])


@dataclass(frozen=True, slots=True)
class ExactMatches:
    """A question's vector against every vector of an index; see `SentenceMatches`.

    One product gives the ranking, every score and every best sentence. A search for the nearest
    vectors gives only the ranking, and has to look far where passages have many vectors: with 12 a
    passage, a hundred passages are the first 1,600 vectors.
    """

    _ranker: DenseRanker
    _cosines: Scores
    _best: Scores  # a passage; -1, below every cosine, where it has no vector

    @classmethod
    def of(cls, ranker: DenseRanker, query: Scores) -> ExactMatches:
        """Compare."""
        cosines, starts = ranker.all_cosines(query), ranker.starts
        best = np.full(len(starts) - 1, -1, dtype=np.float32)
        present = np.diff(starts) > 0
        if present.any():
            best[present] = np.maximum.reduceat(cosines, starts[:-1][present])
        return cls(ranker, cosines, best)

    def best(self, *, limit: int, allowed: Mask) -> Rows:
        """Return the passages of the nearest sentences; equals in row order."""
        rows = np.flatnonzero(allowed & (np.diff(self._ranker.starts) > 0))
        return np.asarray(rows[np.argsort(-self._best[rows], kind="stable")[:limit]])

    def scores(self, rows: Rows) -> Scores:
        """Score passages by their best sentence."""
        return self._ranker.above_floor(self._best[rows])

    def by_sentence(self, rows: Rows) -> list[Scores]:
        """Score every sentence of each passage."""
        starts = self._ranker.starts
        above = self._ranker.above_floor
        return [above(self._cosines[starts[row] : starts[row + 1]]) for row in rows]


@dataclass(frozen=True, slots=True)
class GraphMatches:
    """A question's vector against the graph of a large index; see `SentenceMatches`."""

    _ranker: DenseRanker
    _query: Scores

    def best(self, *, limit: int, allowed: Mask) -> Rows:
        """Return the passages of the nearest sentences."""
        return self._ranker.nearest(self._query, limit=limit, allowed=allowed)

    def scores(self, rows: Rows) -> Scores:
        """Score passages by their best sentence."""
        scores = np.zeros(len(rows), dtype=np.float32)
        present = self._ranker.counts(rows) > 0
        if present.any():
            cosines, offsets = self._ranker.cosines(self._query, rows[present])
            scores[present] = self._ranker.above_floor(np.maximum.reduceat(cosines, offsets))
        return scores

    def by_sentence(self, rows: Rows) -> list[Scores]:
        """Score every sentence of each passage."""
        cosines, offsets = self._ranker.cosines(self._query, rows)
        return np.split(self._ranker.above_floor(cosines), offsets[1:]) if len(rows) else []
