"""FAISS against numpy, and the promises of a ranker."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import faiss
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import index.dense
from index.dense import DenseRanker, Factor


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


@pytest.mark.parametrize("exact_up_to", [10_000, 0], ids=["exact", "cells"])
@pytest.mark.parametrize("all_of", [10_000, 0], ids=["few are all compared", "many are not"])
def test_a_filter_comes_before_ranking_so_the_limit_is_filled(
    exact_up_to: int, all_of: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(index.dense, "EXACT_UP_TO", all_of)
    counts = [3] * 200
    vectors = unit(600, 16, seed=1)
    query = unit(1, 16, seed=2)[0]
    ranker = DenseRanker.build(vectors, counts, exact_up_to)
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


def clustered(rows: int, dimension: int, seed: int) -> np.ndarray:
    """Vectors as sentences have them: around many centres, none alone."""
    random = np.random.default_rng(seed)
    centres = random.normal(size=(rows // 20, dimension))
    vectors = np.repeat(centres, 20, axis=0) + 0.5 * random.normal(size=(rows, dimension))
    return (vectors / np.linalg.norm(vectors, axis=1, keepdims=True)).astype(np.float32)


@pytest.fixture(scope="module")
def both() -> tuple[DenseRanker, DenseRanker]:
    """The same 20,000 vectors of 5,000 passages, exact and in cells."""
    vectors = clustered(20_000, 32, seed=7)
    return DenseRanker.build(vectors, [4] * 5000), DenseRanker.build(vectors, [4] * 5000, 0)


def test_the_number_of_vectors_decides_how_they_are_kept(both) -> None:
    exact, cells = both
    assert (exact.kind, exact.exact) == ("exact", True)
    assert (cells.kind, cells.exact) == ("cells 500", False)
    assert DenseRanker.build(unit(81, 8, seed=0), [81], exact_up_to=80).kind == "cells 2"
    assert DenseRanker.build(unit(80, 8, seed=0), [80], exact_up_to=80).kind == "exact"


def test_cells_put_forward_nearly_what_comparing_all_does(both) -> None:
    exact, cells = both
    queries = clustered(2000, 32, seed=7)[::20] + 0.05 * unit(100, 32, seed=8)
    recalled = [
        len(
            set(exact.match(query).best(limit=10, allowed=every(5000)).tolist())
            & set(cells.match(query).best(limit=10, allowed=every(5000)).tolist())
        )
        for query in queries.astype(np.float32)
    ]
    assert np.mean(recalled) / 10 >= 0.98


@settings(max_examples=30, deadline=None)
@given(seed=st.integers(0, 2**16), share=st.sampled_from([1.0, 0.5, 0.1, 0.001]))
def test_whatever_cells_put_forward_is_scored_as_comparing_all_does(both, seed, share) -> None:
    exact, cells = both
    query = unit(1, 32, seed)[0]
    allowed = np.random.default_rng(seed).random(5000) < share
    ranked = cells.match(query).best(limit=20, allowed=allowed)
    rows = np.union1d(ranked, np.arange(0, 5000, 500))  # and what another ranker puts forward

    matches, reference = cells.match(query), exact.match(query)

    assert allowed[ranked].all()
    assert len(set(ranked.tolist())) == len(ranked) == min(20, allowed.sum())
    assert np.allclose(matches.scores(rows), reference.scores(rows), atol=5e-4)
    assert (np.diff(matches.scores(ranked)) <= 0).all()
    for one, other in zip(matches.by_sentence(rows), reference.by_sentence(rows), strict=True):
        assert np.allclose(one, other, atol=5e-4)


def test_few_vectors_that_a_filter_leaves_are_all_compared(both) -> None:
    exact, cells = both
    query = unit(1, 32, seed=9)[0]
    allowed = np.zeros(5000, dtype=bool)
    allowed[::37] = True
    expected = exact.match(query).best(limit=20, allowed=allowed)
    assert cells.match(query).best(limit=20, allowed=allowed).tolist() == expected.tolist()
    assert cells.top_cosine(query) == pytest.approx(exact.top_cosine(query), abs=1e-3)


def test_rows_with_rows_are_multiplied_as_numpy_does() -> None:
    vectors, others = unit(300, 24, seed=11), unit(7, 24, seed=12)
    found = Factor(np.asfortranarray(others)).times(vectors)
    np.testing.assert_allclose(found, vectors @ others.T, atol=1e-6)
    assert Factor(others).times(vectors[:0]).shape == (0, 7)
    with pytest.raises(ValueError, match=r"rows of \(300, 24\) with rows of \(7, 20\)"):
        Factor(others[:, :20]).times(vectors)


def test_cells_are_restored_from_bytes(both) -> None:
    _, cells = both
    restored = DenseRanker.from_bytes(cells.to_bytes(), [4] * 5000, floor=0.0)
    query = unit(1, 32, seed=10)[0]
    rows = cells.match(query).best(limit=15, allowed=every(5000))
    assert restored.kind == cells.kind
    assert restored.match(query).best(limit=15, allowed=every(5000)).tolist() == rows.tolist()
    assert restored.match(query).scores(rows).tolist() == cells.match(query).scores(rows).tolist()


def test_a_search_takes_one_thread_whichever_thread_asks() -> None:
    ranker = DenseRanker.build(unit(30, 8, seed=5), [3] * 10, exact_up_to=0)
    query = unit(1, 8, seed=6)[0]

    def threads_after_a_search(_: int) -> int:
        ranker.match(query).best(limit=3, allowed=every(10))
        return faiss.omp_get_max_threads()

    with ThreadPoolExecutor(3) as pool:
        assert set(pool.map(threads_after_a_search, range(12))) == {1}
