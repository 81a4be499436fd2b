"""Watching an encoder and rankers: nothing they answer changes, and their time is told apart."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pytest

from eval.trace import Clock, Silent, WatchedEncoder, WatchedRanker, WatchedReranker
from index.dense import DenseRanker
from index.lexical import LexicalRanker
from rag.encoder import Encoder
from rag.lexicon import NO_LEXICON, weighted_terms
from rag.ranking import Mask, Rows, Scores

TEXTS = ["智能退税，三日到账", "帮办站现场帮办", "企业办事", "退税退税"]
SLOW_S = 0.1


@pytest.fixture
def slow(make_encoder) -> Encoder:
    """An encoder that needs a tenth of a second for a question about tax."""

    class Slow(make_encoder):
        def __init__(self) -> None:
            super().__init__()
            self.asked: list[str] = []

        def encode_query(self, question: str) -> Scores:
            self.asked.append(question)
            if "税" in question:
                time.sleep(SLOW_S)
            return super().encode_query(question)

    return Slow()


def test_a_clock_adds_up_what_runs_and_nothing_else() -> None:
    clock = Clock()
    with clock.running():
        time.sleep(0.02)
    time.sleep(0.05)
    with clock.running():
        time.sleep(0.02)
    assert 0.04 <= clock.seconds < 0.08


def test_a_clock_counts_the_time_until_an_error_and_lets_it_through() -> None:
    clock = Clock()
    with pytest.raises(IndexError), clock.running():
        [].pop(time.sleep(0.02) or 0)
    assert clock.seconds >= 0.02


def test_a_question_is_encoded_once_and_answered_as_by_the_encoder(slow) -> None:
    watched = WatchedEncoder(slow)

    vectors = [watched.encode_query(text) for text in ("退税", "帮办", "退税")]

    assert slow.asked[1:] == ["退税", "帮办"]
    assert vectors[0].tolist() == vectors[2].tolist() == slow.encode_query("退税").tolist()


def test_the_encoder_warms_up_once_before_the_first_question(slow) -> None:
    watched = WatchedEncoder(slow)
    for text in ("帮办", "企业", "帮办"):
        watched.encode_query(text)
    warm_up, *asked = slow.asked
    assert warm_up not in {"帮办", "企业"}
    assert asked == ["帮办", "企业"]


def test_a_remembered_question_still_says_what_it_took(slow) -> None:
    watched = WatchedEncoder(slow)
    took = []
    for text in ("退税", "帮办", "退税"):
        watched.encode_query(text)
        took.append(watched.last_s)
    assert took[0] == took[2] >= SLOW_S > took[1] > 0


def test_passages_are_counted_and_timed_and_come_back_unchanged(encoder) -> None:
    watched = WatchedEncoder(encoder)
    done: list[int] = []

    first = watched.encode_passages(TEXTS[:3], on_progress=done.append)
    watched.encode_passages(TEXTS[3:])
    watched.encode_passages([])

    assert first.tolist() == encoder.encode_passages(TEXTS[:3]).tolist()
    assert (watched.encoded, done) == (4, [3])
    assert watched.encoding.seconds > 0
    assert watched.last_s == 0


def test_identity_and_token_counts_are_the_encoders_own(encoder) -> None:
    watched = WatchedEncoder(encoder)
    assert watched.identity is encoder.identity
    assert watched.count_tokens("退税！") == 3
    assert watched.count_query_tokens("退税几天") == 4


def test_watched_rankers_rank_as_they_would_alone(encoder) -> None:
    clocks = Clock(), Clock()
    dense = DenseRanker.build(encoder.encode_passages(TEXTS), [1, 1, 1, 1])
    lexical = LexicalRanker.build(TEXTS)
    vector = encoder.encode_query("退税")
    terms = weighted_terms("退税", NO_LEXICON, 0.5)
    rows, every = np.arange(4), np.ones(4, dtype=bool)

    seen = WatchedRanker(dense, clocks[0]).match(vector)
    shared = WatchedRanker(lexical, clocks[1]).match(terms)

    alone = dense.match(vector)
    assert seen.best(limit=2, allowed=every).tolist() == [0, 3]
    assert seen.scores(rows).tolist() == alone.scores(rows).tolist()
    assert [near.tolist() for near in seen.by_sentence(rows)] == [
        near.tolist() for near in alone.by_sentence(rows)
    ]
    assert shared.best(limit=4, allowed=every).tolist() == [3, 0]
    assert shared.scores(rows).tolist() == lexical.match(terms).scores(rows).tolist()


@dataclass(frozen=True)
class Sleepy:
    """Takes a fiftieth of a second for every call."""

    def match(self, query: Sequence[str]) -> Sleepy:
        time.sleep(0.02)
        return self

    def best(self, *, limit: int, allowed: Mask) -> Rows:
        time.sleep(0.02)
        return np.zeros(0, dtype=np.int64)

    def scores(self, rows: Rows) -> Scores:
        time.sleep(0.02)
        return np.zeros(0, dtype=np.float32)

    def by_sentence(self, rows: Rows) -> list[Scores]:
        time.sleep(0.02)
        return []


def test_every_call_of_a_ranker_is_timed_and_the_time_between_is_not() -> None:
    clock = Clock()
    rows = np.zeros(0, dtype=np.int64)
    matches = WatchedRanker(Sleepy(), clock).match(["退税"])
    time.sleep(0.2)
    matches.best(limit=1, allowed=np.ones(0, dtype=bool))
    matches.scores(rows)
    matches.by_sentence(rows)
    assert 0.08 <= clock.seconds < 0.2


@dataclass(frozen=True)
class Reading:
    """A reranker that takes a fiftieth of a second."""

    def score(self, question: str, texts: Sequence[str]) -> Scores:
        time.sleep(0.02)
        return np.array([question in text for text in texts], dtype=np.float32)


def test_a_watched_reranker_scores_as_it_would_alone_and_its_time_is_told() -> None:
    clock = Clock()
    watched = WatchedReranker(Reading(), clock)
    assert watched.score("帮办", TEXTS).tolist() == [0, 1, 0, 0]
    time.sleep(0.2)
    assert 0.02 <= clock.seconds < 0.2


def test_a_silent_ranker_finds_nothing_and_scores_nothing() -> None:
    matches = Silent().match({"退税": 1.0})
    rows = np.array([2, 0])
    assert matches.best(limit=5, allowed=np.ones(3, dtype=bool)).tolist() == []
    assert matches.scores(rows).tolist() == [0, 0]
    assert [near.tolist() for near in matches.by_sentence(rows)] == [[0.0], [0.0]]
