"""Watching the product at work: what it encoded, what each ranker and the reranker took.

The wrappers here have the protocols of `rag.retrieve`, `rag.rerank` and `rag.encoder`, so the
retriever that is measured is the product's own.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Generic, TypeAlias, cast

import numpy as np
from numpy.typing import NDArray

from rag.encoder import Encoder, EncoderIdentity, TokenEncoder
from rag.ranking import (
    Mask,
    Matches,
    MatchesT_co,
    QueryT_contra,
    Ranker,
    Rows,
    Scores,
    SentenceMatches,
)
from rag.rerank import Reranker

_Question: TypeAlias = tuple[NDArray[np.float32], NDArray[np.float32] | None]
"""A question's vector, and those of its tokens where the encoder gives any."""
_WARM_UP = "第一次编码要分配内存"


@dataclass(slots=True)
class Clock:
    """Adds up seconds."""

    seconds: float = 0.0

    @contextmanager
    def running(self) -> Iterator[None]:
        """Count the time inside."""
        started = time.perf_counter()
        try:
            yield
        finally:
            self.seconds += time.perf_counter() - started


@dataclass(slots=True)
class WatchedEncoder:
    """An encoder that remembers questions, the time each took, and how much it encoded.

    A question is encoded once for all systems that share the encoder, which has warmed up before
    the first is timed. Unlike other encoders, this one is for a single thread.

    Attributes:
        inner: The encoder.
        encoded: Passages encoded so far; those that a cache had are not.
        encoding: Time spent on them.
        last_s: Seconds that the question last asked for took when it was encoded.
    """

    inner: Encoder
    encoded: int = 0
    encoding: Clock = field(default_factory=Clock)
    last_s: float = 0.0
    _questions: dict[str, tuple[_Question, float]] = field(default_factory=dict)

    @property
    def identity(self) -> EncoderIdentity:
        """The encoder's own."""
        return self.inner.identity

    def encode_query(self, question: str) -> NDArray[np.float32]:
        """Encode a question, or remember it."""
        return self._asked(question)[0]

    def encode_passages(
        self, texts: Sequence[str], *, on_progress: Callable[[int], None] | None = None
    ) -> NDArray[np.float32]:
        """Encode passages and count them."""
        with self.encoding.running():
            vectors = self.inner.encode_passages(texts, on_progress=on_progress)
        self.encoded += len(texts)
        return vectors

    def count_tokens(self, text: str) -> int:
        """The encoder's own count."""
        return self.inner.count_tokens(text)

    def count_query_tokens(self, question: str) -> int:
        """The encoder's own count."""
        return self.inner.count_query_tokens(question)

    def _asked(self, question: str) -> _Question:
        if not self._questions:
            self._encoded(_WARM_UP)
        if question not in self._questions:
            clock = Clock()
            with clock.running():
                encoded = self._encoded(question)
            self._questions[question] = encoded, clock.seconds
        encoded, self.last_s = self._questions[question]
        return encoded

    def _encoded(self, question: str) -> _Question:
        return self.inner.encode_query(question), None


@dataclass(slots=True)
class WatchedTokenEncoder(WatchedEncoder):
    """The same over an encoder that gives tokens; a question is encoded once for both."""

    inner: TokenEncoder

    def encode_query_tokens(self, question: str) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        """Encode a question and its tokens, or remember them."""
        vector, tokens = self._asked(question)
        return vector, cast("NDArray[np.float32]", tokens)

    def encode_passage_tokens(self, texts: Sequence[str]) -> list[NDArray[np.float32]]:
        """Encode the tokens of passages and count them."""
        with self.encoding.running():
            tokens = self.inner.encode_passage_tokens(texts)
        self.encoded += len(texts)
        return tokens

    def _encoded(self, question: str) -> _Question:
        return self.inner.encode_query_tokens(question)


def watched(encoder: Encoder) -> WatchedEncoder:
    """Watch an encoder; what it can do stays as it is."""
    if isinstance(encoder, TokenEncoder):
        return WatchedTokenEncoder(encoder)
    return WatchedEncoder(encoder)


@dataclass(frozen=True, slots=True)
class WatchedRanker(Generic[QueryT_contra, MatchesT_co]):
    """A ranker whose work is timed.

    Attributes:
        inner: The ranker.
        clock: Runs while it matches, ranks or scores.
    """

    inner: Ranker[QueryT_contra, MatchesT_co]
    clock: Clock

    def match(self, query: QueryT_contra) -> MatchesT_co:
        """Match, timed."""
        with self.clock.running():
            matches = self.inner.match(query)
        return cast("MatchesT_co", _WatchedMatches(matches, self.clock))


@dataclass(frozen=True, slots=True)
class _WatchedMatches:
    _inner: Matches
    _clock: Clock

    def best(self, *, limit: int, allowed: Mask) -> Rows:
        with self._clock.running():
            return self._inner.best(limit=limit, allowed=allowed)

    def scores(self, rows: Rows) -> Scores:
        with self._clock.running():
            return self._inner.scores(rows)

    def by_sentence(self, rows: Rows) -> list[Scores]:
        with self._clock.running():
            return cast("SentenceMatches", self._inner).by_sentence(rows)


@dataclass(frozen=True, slots=True)
class WatchedReranker:
    """A reranker whose work is timed.

    Attributes:
        inner: The reranker.
        clock: Runs while it scores, and while it loads if it does so on first use.
    """

    inner: Reranker
    clock: Clock

    def score(self, question: str, texts: Sequence[str]) -> NDArray[np.float32]:
        """Score, timed."""
        with self.clock.running():
            return self.inner.score(question, texts)


@dataclass(frozen=True, slots=True)
class Silent(Generic[QueryT_contra]):
    """A ranker that is left out: it puts nothing forward and scores everything 0."""

    def match(self, query: QueryT_contra) -> SilentMatches:
        """Match nothing."""
        del query
        return SilentMatches()


@dataclass(frozen=True, slots=True)
class SilentMatches:
    """No matches."""

    def best(self, *, limit: int, allowed: Mask) -> Rows:
        """Return no passage."""
        del limit, allowed
        return np.empty(0, dtype=np.int64)

    def scores(self, rows: Rows) -> Scores:
        """Return zeros."""
        return np.zeros(len(rows), dtype=np.float32)

    def by_sentence(self, rows: Rows) -> list[Scores]:
        """Return one zero for each passage."""
        return [np.zeros(1, dtype=np.float32) for _ in rows]
