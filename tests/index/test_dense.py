"""FAISS against numpy, and the promises of a ranker."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import faiss
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import index.dense
from index.dense import DenseRanker


def unit(rows: int, dimension: int, seed: int) -> np.ndarray:
    vectors = np.random.default_rng(seed).normal(size=(rows, dimension)).astype(np.float32)
    return vectors / np.linalg.norm(vectors, axis=1, keepdims=True)


def every(passages: int) -> np.ndarray:
    return np.ones(passages, dtype=bool)


def best_cosines(vectors: np.ndarray, counts: list[int], query: np.ndarray) -> np.ndarray:
    """The reference: each passage's best sentence, by a plain dot product."""
    parts = np.split(vectors @ query, np.cumsum(counts)[:-1])
    return np.array([part.max() for part in parts])


@settings(max_examples=50, deadline=None)
@given(
    counts=st.lists(st.integers(1, 7), min_size=1, max_size=40),
    limit=st.integers(1, 50),
    seed=st.integers(0, 2**16),
)
def test_the_ranking_is_that_of_a_plain_dot_product(
    counts: list[int], limit: int, seed: int
) -> None:
    vectors = unit(sum(counts), 8, seed)
    query = unit(1, 8, seed + 1)[0]
    ranker = DenseRanker.build(vectors, counts)
    expected = best_cosines(vectors, counts, query)

    matches = ranker.match(query)
    rows = matches.best(limit=limit, allowed=every(len(counts)))

    assert len(rows) == min(limit, len(counts))
    assert len(set(rows.tolist())) == len(rows)
    assert np.allclose(expected[rows], np.sort(expected)[::-1][: len(rows)], atol=1e-5)
    assert np.allclose(matches.scores(rows), np.clip(expected[rows], 0, 1), atol=1e-5)


@pytest.mark.parametrize("exact_up_to", [10_000, 0], ids=["exact", "hnsw"])
def test_a_filter_comes_before_ranking_so_the_limit_is_filled(
    exact_up_to: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(index.dense, "EXACT_UP_TO", exact_up_to)
    counts = [3] * 200
    vectors = unit(600, 16, seed=1)
    query = unit(1, 16, seed=2)[0]
    ranker = DenseRanker.build(vectors, counts)
    assert ranker.exact is bool(exact_up_to)
    allowed = np.zeros(200, dtype=bool)
    worst = np.argsort(best_cosines(vectors, counts, query))[:20]
    allowed[worst] = True

    rows = ranker.match(query).best(limit=10, allowed=allowed)

    assert set(rows.tolist()) <= set(worst.tolist())
    assert len(rows) == 10


def test_many_sentences_of_one_passage_do_not_crowd_out_the_others() -> None:
    query = np.array([1, 0], dtype=np.float32)
    near = np.tile(query, (500, 1))
    far = np.array([[0.0, 1.0], [0.6, 0.8]], dtype=np.float32)
    ranker = DenseRanker.build(np.concatenate([near, far]), [500, 1, 1])

    assert ranker.match(query).best(limit=3, allowed=every(3)).tolist() == [0, 2, 1]


def test_scores_count_from_the_noise_floor() -> None:
    vectors = np.array([[1, 0], [0.8, 0.6], [0.6, 0.8]], dtype=np.float32)
    data = DenseRanker.build(vectors, [1, 1, 1]).to_bytes()
    ranker = DenseRanker.from_bytes(data, [1, 1, 1], floor=0.6)

    scores = ranker.match(np.array([1, 0], dtype=np.float32)).scores(np.array([0, 1, 2]))

    assert scores.tolist() == pytest.approx([1.0, 0.5, 0.0], abs=1e-6)


def test_every_sentence_of_a_passage_is_scored_in_its_place() -> None:
    vectors = np.array([[0, 1], [1, 0], [0.6, 0.8], [0, 1]], dtype=np.float32)
    ranker = DenseRanker.build(vectors, [3, 1])

    near = ranker.match(np.array([1, 0], dtype=np.float32)).by_sentence(np.array([0, 1]))

    assert [scores.tolist() for scores in near] == [[0, 1, pytest.approx(0.6)], [0]]


def test_no_rows_score_to_nothing() -> None:
    ranker = DenseRanker.build(np.eye(2, dtype=np.float32), [1, 1])
    nothing = np.array([], dtype=np.int64)
    matches = ranker.match(np.array([1, 0], dtype=np.float32))

    assert matches.scores(nothing).tolist() == []
    assert matches.by_sentence(nothing) == []


def test_bytes_restore_the_same_ranker() -> None:
    vectors, query = unit(30, 8, seed=3), unit(1, 8, seed=4)[0]
    ranker = DenseRanker.build(vectors, [2] * 15)

    restored = DenseRanker.from_bytes(ranker.to_bytes(), [2] * 15, floor=0.0)

    before, after = ranker.match(query), restored.match(query)
    rows = before.best(limit=15, allowed=every(15))
    assert after.best(limit=15, allowed=every(15)).tolist() == rows.tolist()
    assert after.scores(rows).tolist() == before.scores(rows).tolist()


def test_a_passage_without_vectors_is_never_found_and_scores_0() -> None:
    ranker = DenseRanker.build(unit(3, 4, 1), [0, 2, 0, 1, 0])
    matches = ranker.match(unit(1, 4, 2)[0])
    assert set(matches.best(limit=9, allowed=every(5)).tolist()) == {1, 3}
    assert matches.scores(np.array([0, 2, 4])).tolist() == [0, 0, 0]


@pytest.mark.parametrize("counts", [[2], [2, 2], []])
def test_counts_that_do_not_match_the_vectors_are_refused(counts: list[int]) -> None:
    with pytest.raises(ValueError, match="3 vectors for passages"):
        DenseRanker.build(unit(3, 4, seed=0), counts)


def test_an_index_with_other_counts_is_refused() -> None:
    data = DenseRanker.build(unit(3, 4, seed=0), [3]).to_bytes()
    with pytest.raises(ValueError, match="holds 3 vectors, its passages 4 sentences"):
        DenseRanker.from_bytes(data, [4], floor=0.0)


def test_a_search_takes_one_thread_whichever_thread_asks(monkeypatch) -> None:
    monkeypatch.setattr(index.dense, "EXACT_UP_TO", 0)
    ranker = DenseRanker.build(unit(30, 8, seed=5), [3] * 10)
    query = unit(1, 8, seed=6)[0]

    def threads_after_a_search(_: int) -> int:
        ranker.match(query).best(limit=3, allowed=every(10))
        return faiss.omp_get_max_threads()

    with ThreadPoolExecutor(3) as pool:
        assert set(pool.map(threads_after_a_search, range(12))) == {1}
