"""Late interaction: every token of a question against every token of a passage.

A sentence's vector is an average, in which a rare word drowns. Here each token of the question finds
its nearest token in the passage, and the passage scores the mean of those cosines. That reads the
whole passage, so it is done for the first few candidates only.

Token vectors are many, so they are kept small: fewer dimensions, eight bits each.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

import numpy as np
from numpy.typing import NDArray

from index.arrays import Data, array_bytes, array_of
from index.dense import Factor
from index.integers import LARGEST, products
from rag.encoder import TokenEncoder
from rag.ranking import Rows, Scores

DIMENSIONS = 128
"""Kept of each token vector. Development questions, RR@10 without expansions, share .15 to .2:
64 .874, 96 .877, 128 .888, 192 .883, all 512 .870 (docs/retrieval.md)."""
_SHORTEST = np.float32(1e-30)
"""Stands in for a length of 0, of which nothing is left."""
_STEPS = 127
"""Eight bits a dimension; all 512 in eight bits differ from float by less than .001 in RR@10."""
_PIECE = 100
"""Characters of a text that a projection is learnt from; any encoder takes as many tokens."""
_ROUNDS = 2
PROJECTION = f"projection {DIMENSIONS} {_PIECE} {_ROUNDS}"
"""How a projection is learnt: one that was kept serves as long as this stays the same."""
_SAMPLE = 1000
"""Passages that the noise floor is measured on, at most: it is a mean over forty questions."""
_ARRAYS = ("axes", "offset", "tokens", "starts", "floor")

Tokens = NDArray[np.float32]
"""Token vectors of one text: shape (n tokens, dimension), rows of unit length."""


@dataclass(frozen=True, slots=True)
class Projection:
    """The directions in which an encoder's tokens differ most, counted from their mean.

    Nearly every token of an encoder shares one direction, which says nothing and fills the cosine;
    the mean takes it away (Mu and Viswanath, "All-but-the-Top", ICLR 2018, arXiv:1702.01417).

    Attributes:
        axes: Shape (kept, dimension), orthonormal rows, the most telling first.
        offset: Shape (kept,): where the mean lies.
    """

    axes: NDArray[np.float32]
    offset: NDArray[np.float32]
    _factor: Factor = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        """Prepare what every question is multiplied with."""
        object.__setattr__(self, "_factor", Factor(self.axes))

    @classmethod
    def learn(cls, texts: Sequence[Tokens]) -> Projection:
        """Find mean and principal directions.

        Args:
            texts: Token vectors, together at least one.
        """
        tokens = np.concatenate(texts).astype(np.float64)
        mean = tokens.mean(axis=0)
        _, directions = np.linalg.eigh((tokens - mean).T @ (tokens - mean))
        axes = directions[:, ::-1][:, :DIMENSIONS].T
        return cls(
            np.ascontiguousarray(axes, dtype=np.float32), np.asarray(axes @ mean, dtype=np.float32)
        )

    @classmethod
    def from_bytes(cls, data: bytes, dimension: int) -> Projection:
        """Read what `to_bytes` wrote for an encoder of this dimension."""
        rows = np.frombuffer(data, dtype=np.float32).reshape(-1, dimension + 1)
        return cls(np.ascontiguousarray(rows[:, 1:]), np.ascontiguousarray(rows[:, 0]))

    def to_bytes(self) -> bytes:
        """Write it out."""
        return np.column_stack([self.offset, self.axes]).tobytes()

    def of(self, tokens: Tokens) -> Tokens:
        """Project tokens; rows of the result have length 1, or 0 where nothing is left."""
        kept = self._factor.times(tokens) - self.offset
        lengths = np.sqrt(np.einsum("ij,ij->i", kept, kept))[:, np.newaxis]
        kept /= np.maximum(lengths, _SHORTEST)
        return kept

    def compressed(self, tokens: Tokens) -> NDArray[np.int8]:
        """Project tokens and round them to eight bits."""
        kept = self.of(tokens) if len(tokens) else np.empty((0, len(self.axes)), np.float32)
        return np.rint(kept * _STEPS).astype(np.int8)


def learn_projection(encoder: TokenEncoder) -> Projection:
    """Learn an encoder's projection from the common characters, in no order that makes sense.

    Not from the collection: what is kept of a text then stays as it is when others join it. On the
    development questions that is as good as the collection's own tokens (RR@10 .888 against .872).
    """
    characters = _common_characters()
    order = np.random.default_rng(0).permutation(len(characters) * _ROUNDS) % len(characters)
    mixed = "".join(characters[place] for place in order)
    pieces = [mixed[start : start + _PIECE] for start in range(0, len(mixed), _PIECE)]
    return Projection.learn(encoder.encode_passage_tokens(pieces))


def _common_characters() -> str:
    """The 3,755 characters of GB 2312, level 1: rows 16 to 55 of its table, the last one shorter."""
    table = [bytes([row, column]) for row in range(0xB0, 0xD8) for column in range(0xA1, 0xFF)]
    return b"".join(table).decode("gb2312", errors="ignore")


@dataclass(frozen=True, slots=True)
class LateRanker:
    """Scores passages by late interaction; see `rag.ranking.TokenRanker`.

    score = mean over the question's tokens of the greatest cosine to a token of the passage, from
    the floor up (see `rag.confidence`).

    Source:
        MaxSim, as in Khattab and Zaharia, "ColBERT", SIGIR 2020, arXiv:2004.12832; with the mean
        instead of the sum, so that it does not grow with the question.
    """

    _projection: Projection
    _tokens: NDArray[np.int8]
    _starts: Rows  # row -> its first token; one more entry for the end
    _floor: float

    @classmethod
    def build(cls, projection: Projection, passages: Sequence[NDArray[np.int8]]) -> LateRanker:
        """Index compressed tokens, passage by passage; one without any scores 0."""
        counts = np.array([len(tokens) for tokens in passages], dtype=np.int64)
        starts = np.concatenate([[0], np.cumsum(counts)]).astype(np.int64)
        return cls(projection, np.concatenate(passages), starts, 0.0)

    @classmethod
    def from_files(cls, files: Mapping[str, Data]) -> LateRanker:
        """Restore what `to_files` gave; the caller has verified the files' digests."""
        axes, offset, tokens, starts, floor = (array_of(files[f"{name}.npy"]) for name in _ARRAYS)
        return cls(Projection(axes, offset), tokens, starts, float(floor))

    def to_files(self) -> dict[str, bytes]:
        """Write the arrays, without pickle."""
        projection = self._projection
        arrays = (projection.axes, projection.offset, self._tokens, self._starts, self._floor)
        files: dict[str, bytes] = {}
        for name, array in zip(_ARRAYS, arrays, strict=True):
            files[f"{name}.npy"] = array_bytes(np.asarray(array))
        return files

    def over(self, unrelated: Sequence[Tokens]) -> LateRanker:
        """Count scores from what questions about something else reach at best, on average.

        Args:
            unrelated: Token vectors of such questions.
        """
        passages = len(self._starts) - 1
        rows = np.unique(np.linspace(0, passages - 1, min(passages, _SAMPLE)).astype(np.int64))
        best = [float(self._means(tokens, rows).max()) for tokens in unrelated]
        return replace(self, _floor=max(0.0, float(np.mean(best))))

    def scores(self, tokens: Tokens, rows: Rows) -> Scores:
        """Score given passages for a question's tokens; a question without any scores 0.

        So do all where the floor leaves no room above it: in eight bits it may lie beyond 1.
        """
        if self._floor >= 1:
            return np.zeros(len(rows), dtype=np.float32)
        above = (self._means(tokens, rows) - self._floor) / (1 - self._floor)
        return np.asarray(np.clip(above, 0, 1), dtype=np.float32)

    def _means(self, tokens: Tokens, rows: Rows) -> Scores:
        """Mean over the tokens of their greatest cosine, for each passage."""
        means = np.zeros(len(rows), dtype=np.float32)
        counts = self._starts[rows + 1] - self._starts[rows]
        present = counts > 0
        if not present.any() or not len(tokens):
            return means
        starts, counts = self._starts[rows[present]], counts[present]
        offsets = np.cumsum(counts) - counts
        pieces = zip(starts.tolist(), (starts + counts).tolist(), strict=True)
        theirs = [self._tokens[start:end] for start, end in pieces]
        own, steps = _rounded(self._projection.of(tokens))
        cosines = np.maximum.reduceat(products(theirs, own), offsets) / (steps * _STEPS)
        means[present] = cosines.mean(axis=1)
        return means


def _rounded(tokens: Tokens) -> tuple[NDArray[np.int8], NDArray[np.float32]]:
    """Round a question's tokens, each as finely as it can be; also give the steps that 1 has in each."""
    reach = np.abs(tokens).max(axis=1)
    steps = np.divide(LARGEST, reach, out=np.ones_like(reach), where=reach > 0)
    return np.rint(tokens * steps[:, np.newaxis]).astype(np.int8), steps
