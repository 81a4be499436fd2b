"""Sentence vectors in FAISS: the dense `Ranker`. The only module that imports faiss.

A passage is found by its sentences and scores as its best one. Files are written and read through
Python, never by FAISS itself: its writer loses the tail of a file on a full disk without an error,
and its reader accepts damaged files, so both are left to code that syncs and checks digests.
"""

from __future__ import annotations

import io
import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace

import faiss
import numpy as np
from numpy.typing import NDArray

from index.arrays import Data, runs
from rag.ranking import Mask, Rows, Scores, SentenceMatches

EXACT_UP_TO = 50_000
"""Vectors searched exactly; above, in cells. See docs/decisions/0028-growth.md for timings."""
_CELLS = 4
"""Cells an index has, in square roots of its vectors: finding cells and searching them then cost
about the same."""
_MOST_CELLS = 4096
"""Sorting three million vectors into more takes minutes, to save a millisecond a question."""
_TRAINED = 40
"""Vectors a cell that the cells are learnt from; FAISS asks for 39."""
_ROUNDS = 10
_PROBED = 32
"""Cells searched for a question: recall@10 of three million vectors .997, with 64 .9995 and 3 ms more
(docs/decisions/0028-growth.md)."""
_BATCH = 65_536
"""Vectors added at once: 100 MB of 384 dimensions."""


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
    found = np.empty(len(rows), dtype=np.float32)
    faiss.fvec_inner_products_ny(
        faiss.swig_ptr(found), faiss.swig_ptr(one), faiss.swig_ptr(rows), len(one), len(rows)
    )
    return found


class Factor:
    """Some rows, ready to be multiplied with others again and again.

    One product of matrices, by FAISS for the reason that `inner_products` has.

    Args:
        rows: Shape (k, dimension), float32; copied.
    """

    def __init__(self, rows: NDArray[np.float32]) -> None:
        self._shape = rows.shape
        count, dimension = rows.shape
        self._product = faiss.LinearTransform(dimension, count, False)  # noqa: FBT003 -- no bias
        faiss.copy_array_to_vector(np.ascontiguousarray(rows, np.float32).ravel(), self._product.A)
        self._product.is_trained = True

    def times(self, vectors: NDArray[np.float32]) -> NDArray[np.float32]:
        """Multiply every row of an array with every one of these.

        Args:
            vectors: Shape (n, dimension), float32.

        Returns:
            Shape (n, k).

        Raises:
            ValueError: If the dimensions differ.
        """
        if vectors.shape[1:] != self._shape[1:]:
            message = f"cannot multiply rows of {vectors.shape} with rows of {self._shape}"
            raise ValueError(message)
        faiss.omp_set_num_threads(1)  # of the calling thread, see `DenseRanker._search`
        return np.asarray(self._product.apply(np.ascontiguousarray(vectors, np.float32)))


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
    _present: Mask = field(init=False)  # passages that have a vector

    def __post_init__(self) -> None:
        """Work out what every question asks for."""
        object.__setattr__(self, "_present", np.diff(self._starts) > 0)

    @classmethod
    def build(
        cls,
        vectors: NDArray[np.float32],
        counts: Sequence[int] | Rows,
        exact_up_to: int = EXACT_UP_TO,
    ) -> DenseRanker:
        """Index sentence vectors.

        Args:
            vectors: Shape (n sentences, dimension), unit length, passage by passage; may be mapped
                from a file: it is read piece by piece.
            counts: Vectors of each passage; they sum to n. A passage without any is never found
                and scores 0.
            exact_up_to: Vectors that are kept as they are and all compared. More are rounded to 16
                bits and sorted into cells, of which the nearest are searched.

        Raises:
            ValueError: If the counts do not add up.
        """
        starts = np.concatenate([[0], np.cumsum(counts, dtype=np.int64)])
        if starts[-1] != len(vectors):
            message = f"{len(vectors)} vectors for passages of {counts} sentences"
            raise ValueError(message)
        exact = len(vectors) <= exact_up_to
        index = faiss.IndexFlatIP(vectors.shape[1]) if exact else _cells(vectors)
        for start in range(0, len(vectors), _BATCH):
            index.add(np.ascontiguousarray(vectors[start : start + _BATCH]))
        if not exact:
            index.make_direct_map()  # from a vector's number to its cell: candidates are scored
        return cls(index, starts, 0.0)

    @classmethod
    def from_bytes(cls, data: Data, counts: Sequence[int] | Rows, floor: float) -> DenseRanker:
        """Restore what `to_bytes` gave; the caller has verified the bytes' digest."""
        index = faiss.read_index(faiss.PyCallbackIOReader(_reader(data)))
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
        stream = io.BytesIO()  # `faiss.serialize_index` would hold three copies at once
        faiss.write_index(self._index, faiss.PyCallbackIOWriter(stream.write))
        return stream.getvalue()

    @property
    def exact(self) -> bool:
        """Whether every vector is compared."""
        return isinstance(self._index, faiss.IndexFlat)

    @property
    def kind(self) -> str:
        """How the vectors are kept: ``exact``, or ``cells`` with their number."""
        return "exact" if self.exact else f"cells {self._index.nlist}"

    @property
    def size(self) -> int:
        """Number of vectors."""
        return int(self._index.ntotal)

    def match(self, query: Scores) -> SentenceMatches:
        """Compare with a question's vector; see `Ranker`."""
        return ExactMatches.of(self, query) if self.exact else NearestMatches(self, query)

    def all_cosines(self, query: Scores) -> Scores:
        """Compare with every vector of an exact index."""
        # A view of FAISS's own memory; nothing is copied.
        vectors = faiss.rev_swig_ptr(self._index.get_xb(), self.size * self._index.d)
        return inner_products(query, vectors.reshape(self.size, self._index.d))

    @property
    def starts(self) -> Rows:
        """Where each passage's vectors begin, and one more entry for the end."""
        return self._starts

    @property
    def present(self) -> Mask:
        """Which passages have a vector."""
        return self._present

    def top_cosine(self, query: NDArray[np.float32]) -> float:
        """Cosine of the nearest sentence, whatever its passage."""
        every = np.ones(len(self._starts) - 1, dtype=bool)
        return float(self._search(query, 1, every)[0][0])

    def cosines(self, query: Scores, rows: Rows) -> tuple[Scores, Rows]:
        """Compare with all sentences of some passages, each with one at least.

        Returns:
            The cosines, passage by passage, and where each passage's begin.
        """
        keys, offsets = runs(self._starts[rows], self.counts(rows))
        return np.asarray(self._index.reconstruct_batch(keys) @ query), offsets

    def nearest(self, query: Scores, *, limit: int, allowed: Mask) -> Rows:
        """Return the passages of the nearest sentences, best first, each once."""
        wanted = min(self.size, 4 * limit)
        while True:
            _, keys = self._search(query, wanted, allowed)
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
        """Count cosines from the floor: 0 there and below, 1 at identity; all 0 if there is no room above."""
        if self._floor >= 1:  # an encoder to which all is alike
            return np.zeros_like(cosines, dtype=np.float32)
        above = np.clip((cosines - self._floor) / (1 - self._floor), 0, 1)
        return np.asarray(above, dtype=np.float32)

    def _search(self, query: Scores, wanted: int, allowed: Mask) -> tuple[Scores, Rows]:
        """Find the nearest vectors: their cosines and their numbers, best first."""
        # One question is too small to share: with two threads on two busy cores the slower one
        # decides (20,000 vectors: p95 20 ms against 3). The setting belongs to the calling thread.
        faiss.omp_set_num_threads(1)
        among, selector = self.size, None
        if not allowed.all():
            keys = np.repeat(allowed, np.diff(self._starts))
            among = int(keys.sum())
            selector = faiss.IDSelectorBitmap(np.packbits(keys, bitorder="little"))
        if not among:
            return np.empty(0, np.float32), np.empty(0, np.int64)
        if self.exact:
            parameters = faiss.SearchParameters(sel=selector)
        else:
            # Few vectors are all compared. Of more, as many as without a filter: where one in ten
            # is allowed, the nearest ones lie in ten times as many cells.
            cells = self._index.nlist
            probed = cells if among <= EXACT_UP_TO else -(-_PROBED * self.size // among)
            parameters = faiss.SearchParametersIVF(sel=selector, nprobe=min(cells, probed))
        cosines, found = self._index.search(query[None], min(wanted, among), params=parameters)
        known = found[0] >= 0
        return np.asarray(cosines[0][known]), np.asarray(found[0][known])


def _reader(data: Data) -> Callable[[int], bytes]:
    """Hand data out piece by piece: a mapped file is never in memory twice."""
    view, place = memoryview(data), 0

    def read(size: int) -> bytes:
        nonlocal place
        piece = bytes(view[place : place + size])
        place += len(piece)
        return piece

    return read


def _cells(vectors: NDArray[np.float32]) -> faiss.Index:
    """Learn from a sample the cells that many vectors are sorted into; none is added yet."""
    wished = min(_MOST_CELLS, _CELLS * math.isqrt(len(vectors)))
    cells = max(1, min(wished, len(vectors) // _TRAINED))
    coarse = faiss.IndexFlatIP(vectors.shape[1])
    index = faiss.IndexIVFScalarQuantizer(
        coarse,
        vectors.shape[1],
        cells,
        faiss.ScalarQuantizer.QT_fp16,
        faiss.METRIC_INNER_PRODUCT,
    )
    index.own_fields = True
    coarse.this.disown()
    index.cp.niter = _ROUNDS
    index.cp.min_points_per_centroid = 1  # an index that small is a test's
    sample = np.random.default_rng(0).permutation(len(vectors))[: cells * _TRAINED]
    index.train(np.ascontiguousarray(vectors[np.sort(sample)]))
    return index


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
        if len(cosines):
            best[ranker.present] = np.maximum.reduceat(cosines, starts[:-1][ranker.present])
        return cls(ranker, cosines, best)

    def best(self, *, limit: int, allowed: Mask) -> Rows:
        """Return the passages of the nearest sentences; equals in row order."""
        rows = np.flatnonzero(allowed & self._ranker.present)
        return np.asarray(rows[np.argsort(-self._best[rows], kind="stable")[:limit]])

    def scores(self, rows: Rows) -> Scores:
        """Score passages by their best sentence."""
        return self._ranker.above_floor(self._best[rows])

    def by_sentence(self, rows: Rows) -> list[Scores]:
        """Score every sentence of each passage."""
        if not len(rows):
            return []
        keys, offsets = runs(self._ranker.starts[rows], self._ranker.counts(rows))
        return np.split(self._ranker.above_floor(self._cosines[keys]), offsets[1:])


@dataclass(frozen=True, slots=True)
class NearestMatches:
    """A question's vector against the nearest cells of a large index; see `SentenceMatches`.

    Only which passages are put forward is approximate: one whose best sentence lies in a cell that
    is not searched is missed. Scores are of the vectors themselves, whoever puts a passage forward.
    """

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
