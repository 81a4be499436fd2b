"""BM25 over character terms: the lexical `Ranker`. The only module that imports bm25s.

bm25s computes the weight of every term in every passage when an index is built; answering is a sum
over stored weights, so serving needs the arrays and not the library (a third of a second to load).
"""

from __future__ import annotations

import io
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from rag.ranking import Mask, Rows, Scores, Terms
from rag.tokens import terms_of

_TERMS = "terms.json"
_ARRAYS = ("starts", "rows", "weights")


@dataclass(frozen=True, slots=True)
class Bm25:
    """The two parameters of BM25.

    The defaults are those of Anserini's passage baselines, which suit short texts of similar
    length. On the development questions, fused, they give R@1 .712 against .702 with 1.2 and .75:
    two questions.

    Attributes:
        k1: How much a repeated term still adds.
        b: How much a long passage is held against it, in [0, 1].
    """

    k1: float = 0.9
    b: float = 0.4


DEFAULT_BM25 = Bm25()


@dataclass(frozen=True, slots=True)
class LexicalRanker:
    """Ranks passages by the share of the question's term weight that they match.

    score = BM25(question, passage) / sum of the idf of the question's own terms. BM25 here is
    Lucene's form (no factor k1 + 1), whose value for one term stays below the term's idf; the score
    is therefore in [0, 1) and means the same for every question. Terms that no passage has count in
    the denominator: a question about something else scores low. Terms of a weight below 1 stand in
    for the question's own and count only above the line; what they lift over 1 is cut off.

    Attributes:
        passages: Number of passages.
        terms: Position of each term.
        starts: Where each term's postings start, and one more entry for the end.
        rows: Postings: passages that have the term, each once.
        weights: The term's BM25 weight there.

    Source:
        Theoretical rather than observed maximum, as in Bruch, Gai and Ingber, "An Analysis of
        Fusion Functions for Hybrid Retrieval", ACM TOIS 2023, doi:10.1145/3596512.
    """

    passages: int
    terms: Mapping[str, int]
    starts: NDArray[np.int32]
    rows: NDArray[np.int32]
    weights: NDArray[np.float32]

    @classmethod
    def build(cls, texts: Sequence[str], parameters: Bm25 = DEFAULT_BM25) -> LexicalRanker:
        """Index the passages' texts, row by row; at least one must have a term."""
        import bm25s  # noqa: PLC0415 -- see the module's docstring

        bm25 = bm25s.BM25(k1=parameters.k1, b=parameters.b, method="lucene")
        # An empty term would be one more row; a passage without terms simply has none.
        bm25.index(
            [terms_of(text) for text in texts], create_empty_token=False, show_progress=False
        )
        scores = bm25.scores
        return cls(len(texts), bm25.vocab_dict, scores["indptr"], scores["indices"], scores["data"])

    @classmethod
    def from_files(cls, files: Mapping[str, bytes], passages: int) -> LexicalRanker:
        """Restore what `to_files` gave; the caller has verified the files' digests."""
        arrays = [np.load(io.BytesIO(files[f"{name}.npy"]), allow_pickle=False) for name in _ARRAYS]
        return cls(passages, json.loads(files[_TERMS]), *arrays)

    def to_files(self) -> dict[str, bytes]:
        """Write arrays and vocabulary, without pickle."""
        files = {_TERMS: json.dumps(self.terms, ensure_ascii=False).encode()}
        for name, array in zip(_ARRAYS, (self.starts, self.rows, self.weights), strict=True):
            buffer = io.BytesIO()
            np.save(buffer, array, allow_pickle=False)
            files[f"{name}.npy"] = buffer.getvalue()
        return files

    def frequency(self, term: str) -> int:
        """Count the passages that have a term."""
        place = self.terms.get(term)
        return 0 if place is None else int(self.starts[place + 1] - self.starts[place])

    def match(self, query: Terms) -> LexicalMatches:
        """Score every passage for a question's weighted terms."""
        known = [term for term in query if term in self.terms]
        weights = np.array([query[term] for term in known], dtype=np.float32)
        places = np.array([self.terms[term] for term in known], dtype=np.int64)
        starts, ends = self.starts[places], self.starts[places + 1]
        scores = np.zeros(self.passages, dtype=np.float32)
        for start, end, weight in zip(starts.tolist(), ends.tolist(), weights, strict=True):
            scores[self.rows[start:end]] += weight * self.weights[start:end]
        own = weights == 1
        unseen = np.zeros(sum(weight == 1 for weight in query.values()) - int(own.sum()))
        frequency = np.concatenate([(ends - starts)[own], unseen])
        total = np.log(1 + (self.passages - frequency + 0.5) / (frequency + 0.5)).sum()
        return LexicalMatches(np.minimum(scores / np.float32(total), 1) if total else scores)


@dataclass(frozen=True, slots=True)
class LexicalMatches:
    """The score of every passage; see `Matches`."""

    _scores: Scores

    def best(self, *, limit: int, allowed: Mask) -> Rows:
        """Return the best passages that share a term with the question; equals in row order."""
        scores = np.where(allowed, self._scores, 0)
        best = np.argsort(-scores, kind="stable")[:limit]
        return np.asarray(best[scores[best] > 0])

    def scores(self, rows: Rows) -> Scores:
        """Return the scores of given passages."""
        return np.asarray(self._scores[rows])
