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

from rag.retrieve import Mask, Rows, Scores
from rag.tokens import terms_of

# k1 and b of Anserini's passage baselines, which suit short texts of similar length. On the
# development questions, fused, they give R@1 .712 against .702 with 1.2/.75: two questions.
_K1 = 0.9
_B = 0.4
_TERMS = "terms.json"
_ARRAYS = ("starts", "rows", "weights")


@dataclass(frozen=True, slots=True)
class LexicalRanker:
    """Ranks passages by the share of the question's term weight that they match.

    score = BM25(question, passage) / sum of the idf of the question's terms. BM25 here is Lucene's
    form (no factor k1 + 1), whose value for one term stays below the term's idf; the score is
    therefore in [0, 1) and means the same for every question. Terms that no passage has count in
    the denominator: a question about something else scores low.

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
    def build(cls, texts: Sequence[str]) -> LexicalRanker:
        """Index the passages' texts, row by row; at least one must have a term."""
        import bm25s  # noqa: PLC0415 -- see the module's docstring

        bm25 = bm25s.BM25(k1=_K1, b=_B, method="lucene")
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

    def match(self, query: Sequence[str]) -> LexicalMatches:
        """Score every passage for a question's terms; each distinct term counts once."""
        distinct = set(query)
        known = [self.terms[term] for term in distinct if term in self.terms]
        starts, ends = self.starts[known], self.starts[[term + 1 for term in known]]
        scores = np.zeros(self.passages, dtype=np.float32)
        for start, end in zip(starts.tolist(), ends.tolist(), strict=True):
            scores[self.rows[start:end]] += self.weights[start:end]
        unseen = np.zeros(len(distinct) - len(known))
        frequency = np.concatenate([ends - starts, unseen])
        total = np.log(1 + (self.passages - frequency + 0.5) / (frequency + 0.5)).sum()
        return LexicalMatches(scores / np.float32(total) if total else scores)


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
