"""Collections of any size, made of real sentences: for measuring growth, never quality.

Sentences of a public collection are taken in reading order, each once: up to there texts and vectors
are real. After that passages are made of sentences drawn from all, and each vector is that of its
sentence, moved by what two sentences of one other document differ by:

    x' = m + sqrt(1 - 2 s^2) (x - m) + s (u - w), of unit length; m is the mean of all.

The factors keep the vectors' spread. With s = .4, moving each of 34,017 vectors once, the cosine to the
nearest neighbour is .937 where it was .945 (medians), and those of 400 questions to their first and
tenth vector .933 and .913 where they were .939 and .918 (means): as near as real ones, or a little
less. A moved vector's cosine to its own sentence's is .982. It is an approximation: it makes no new
topics, and its words grow no rarer.
"""

from __future__ import annotations

import hashlib
import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from eval.beir import read_beir
from index.vectors import VectorCache
from rag.encoder import Encoder
from rag.passages import Passages
from rag.ranking import Scores
from rag.script import simplified
from rag.sentences import sentences_of
from rag.types import Case, Passage, Section, Source, Span

SENTENCES = 3
"""Sentences of a passage; the bundled collection has 2.8."""
_OF_CASE = 9
"""Passages of a case, as there."""
_OF_SOURCE = 1_000
"""Cases of a file."""
_COLLECTIONS = 10
"""Collections that cases belong to in turn, so that a filter leaves one passage in ten."""
_MOVED = 0.4
_BATCH = 50_000


@dataclass(frozen=True, slots=True)
class Pool:
    """The real sentences.

    Attributes:
        texts: Each once, in reading order, in one line.
        documents: Of each the row of the document it stands in, never falling.
        vectors: Shape (n sentences, dimension), unit length.
        questions: Real questions over these documents, and vectors of theirs.
    """

    texts: Sequence[str]
    documents: NDArray[np.int64]
    vectors: NDArray[np.float32]
    questions: Sequence[str]
    asked: NDArray[np.float32]


def read_pool(folder: Path, cache: Path, encoder: Encoder) -> Pool:
    """Read a public collection; sentences that the cache has are not encoded again."""
    dataset = read_beir(folder)
    seen: dict[str, tuple[str, int]] = {}
    for row, source in enumerate(dataset.sources):
        for span in sentences_of(source.text, Span(0, len(source.text))):
            text = " ".join(span.of(source.text).split())
            seen.setdefault(simplified(span.of(source.text)), (text, row))
    questions = [question.text for question in dataset.questions]
    with VectorCache(cache) as kept:
        vectors = kept.encode(encoder, list(seen))
    return Pool(
        [text for text, _ in seen.values()],
        np.array([row for _, row in seen.values()]),
        vectors,
        questions,
        np.stack([encoder.encode_query(question) for question in questions]),
    )


@dataclass(frozen=True, slots=True)
class Recombined:
    """A collection of some size; equal sizes of equal pools are equal.

    Attributes:
        pool: The real sentences.
        size: Passages.
    """

    pool: Pool
    size: int

    @property
    def real(self) -> int:
        """Passages whose sentences and vectors are real."""
        return min(self.size, len(self.pool.texts) // SENTENCES)

    def vectors(self) -> Iterator[NDArray[np.float32]]:
        """The sentences' vectors, batch by batch, passage by passage."""
        pool, real = self.pool, SENTENCES * self.real
        yield pool.vectors[:real]
        drawn, mean = self._drawn(), pool.vectors.mean(axis=0)
        first = np.searchsorted(pool.documents, pool.documents, "left")
        beyond = np.searchsorted(pool.documents, pool.documents, "right")
        paired = np.flatnonzero(beyond - first > 1)
        for start in range(real, SENTENCES * self.size, _BATCH):
            batch = drawn[start : start + _BATCH]
            random = np.random.default_rng(start)
            one = paired[random.integers(0, len(paired), len(batch))]
            of = beyond[one] - first[one]
            step = 1 + (random.random(len(batch)) * (of - 1)).astype(np.int64)
            other = first[one] + (one - first[one] + step) % of
            moved = math.sqrt(1 - 2 * _MOVED**2) * (pool.vectors[batch] - mean) + mean
            moved += _MOVED * (pool.vectors[one] - pool.vectors[other])
            yield (moved / np.linalg.norm(moved, axis=1, keepdims=True)).astype(np.float32)

    def cases(self) -> tuple[tuple[Source, ...], tuple[Case, ...], Passages]:
        """Files, cases and passages; no case names a district."""
        drawn = self._drawn().reshape(-1, SENTENCES)
        sources: list[Source] = []
        cases: list[Case] = []
        passages: list[Passage] = []
        per_source = _OF_CASE * _OF_SOURCE
        for start in range(0, self.size, per_source):
            lines = [
                [self.pool.texts[place] for place in of] for of in drawn[start : start + per_source]
            ]
            text = "\n".join("".join(of) for of in lines)
            name = f"{len(sources):04}.txt"
            source = Source(name, hashlib.sha256(text.encode()).hexdigest(), "utf-8", text)
            sources.append(source)
            at = 0
            for row, of in enumerate(lines):
                ends = np.cumsum([at, *map(len, of)]).tolist()
                spans = tuple(Span(a, b) for a, b in pairwise(ends))
                whole = Span(ends[0], ends[-1])
                if row % _OF_CASE == 0:
                    begun = len(passages)
                case_id = f"c{start + row - row % _OF_CASE:010x}"
                passages.append(Passage(case_id, (), whole, whole.of(text), spans))
                at = whole.end + 1
                if row % _OF_CASE == _OF_CASE - 1 or row == len(lines) - 1:
                    span = Span(passages[begun].span.start, whole.end)
                    cases.append(_case(source, span, case_id, len(cases)))
        return tuple(sources), tuple(cases), Passages.of(cases, passages)

    def _drawn(self) -> NDArray[np.int64]:
        """Of every sentence its row in the pool."""
        real, every = SENTENCES * self.real, SENTENCES * self.size
        random = np.random.default_rng(self.size)
        drawn = random.integers(0, len(self.pool.texts), every - real)
        return np.concatenate([np.arange(real), drawn])


def _case(source: Source, span: Span, case_id: str, number: int) -> Case:
    body = Section("", 0, Span(span.start, span.start), span)
    collection = f"第{number % _COLLECTIONS}集"
    return Case(case_id, source, span, collection, None, None, "", (), body)


def top_passages(
    collection: Recombined, queries: NDArray[np.float32], limit: int
) -> tuple[NDArray[np.int64], Scores]:
    """Compare every vector with every question, in 32 bits: what an index is held against.

    Returns:
        Rows of the best passages of each question, best first, and their cosines.
    """
    best = np.full((len(queries), 0), -1, dtype=np.int64)
    cosines = np.empty((len(queries), 0), dtype=np.float32)
    row, left = 0, np.empty((0, queries.shape[1]), dtype=np.float32)
    for batch in collection.vectors():
        joined = np.concatenate([left, batch])
        whole = len(joined) // SENTENCES
        left = joined[SENTENCES * whole :]
        near = queries @ joined[: SENTENCES * whole].T
        near = near.reshape(len(queries), whole, SENTENCES).max(axis=2)
        rows = np.broadcast_to(np.arange(row, row + whole), near.shape)
        row += whole
        best, cosines = np.hstack([best, rows]), np.hstack([cosines, near])
        if best.shape[1] > limit:
            kept = np.argpartition(-cosines, limit - 1, axis=1)[:, :limit]
            best = np.take_along_axis(best, kept, axis=1)
            cosines = np.take_along_axis(cosines, kept, axis=1)
    order = np.argsort(-cosines, axis=1, kind="stable")
    return np.take_along_axis(best, order, axis=1), np.take_along_axis(cosines, order, axis=1)
