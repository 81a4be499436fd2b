"""Late interaction: every token of a question finds its nearest token of a passage."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from index.late import (
    DIMENSIONS,
    LateRanker,
    Projection,
    Tokens,
    _common_characters,
    learn_projection,
)

PLAIN = Projection(np.eye(3, dtype=np.float32), np.zeros(3, dtype=np.float32))
X, Y, Z = np.eye(3, dtype=np.float32)
ROWS = np.arange(3)


def tokens(*rows: np.ndarray) -> Tokens:
    return np.array(rows, dtype=np.float32).reshape(-1, 3)


def ranker(*passages: Tokens) -> LateRanker:
    return LateRanker.build(PLAIN, [PLAIN.compressed(passage) for passage in passages])


def test_a_passage_scores_the_mean_of_its_best_cosines() -> None:
    late = ranker(tokens(X, Y), tokens(Y, Y, Z), tokens(Z))
    assert late.scores(tokens(X, Y), ROWS).tolist() == [1.0, 0.5, 0.0]
    assert late.scores(tokens(X, Y), np.array([1, 0])).tolist() == [0.5, 1.0]


def test_a_long_question_scores_on_the_same_scale_as_a_short_one() -> None:
    late = ranker(tokens(X), tokens(Y), tokens(X, Y))
    assert late.scores(tokens(X), ROWS).tolist() == [1.0, 0.0, 1.0]
    assert late.scores(tokens(X, X, X, X), ROWS).tolist() == [1.0, 0.0, 1.0]


def test_scores_count_from_what_unrelated_questions_reach_on_average() -> None:
    late = ranker(tokens(X, Y), tokens(Y), tokens(Z)).over([tokens(X, Z), tokens(X - Y)])
    # At best (1 + 0) / 2 and, for a question between X and Y, .707 (90 steps of 127).
    floor = (0.5 + 90 / 127 * np.sqrt(0.5) * 0 + np.sqrt(0.5)) / 2
    expected = [1.0, (0.5 - floor) / (1 - floor), 0.0]
    assert late.scores(tokens(X, Y), ROWS) == pytest.approx(np.clip(expected, 0, 1), abs=1e-6)


def test_nothing_stands_out_where_every_unrelated_question_is_found_whole() -> None:
    """Rounded to eight bits, a vector may be longer than 1: the floor is then above every score."""
    for text in (tokens(X), tokens(X + Y)):  # 1 and 90 steps of 127 along two axes
        late = ranker(text, tokens(X)).over([text, text])
        assert late.scores(tokens(X, Z), np.array([0, 1])).tolist() == [0.0, 0.0]


def test_what_has_no_tokens_scores_nothing() -> None:
    late = ranker(tokens(X), tokens(), tokens(Y))
    assert late.scores(tokens(X), ROWS).tolist() == [1.0, 0.0, 0.0]
    assert late.scores(tokens(), ROWS).tolist() == [0.0, 0.0, 0.0]
    assert late.scores(tokens(X), np.array([], dtype=np.int64)).tolist() == []
    assert ranker(tokens(), tokens()).scores(tokens(X), np.arange(2)).tolist() == [0.0, 0.0]


def test_a_ranker_read_from_its_files_scores_the_same() -> None:
    late = ranker(tokens(X, Y), tokens(Y), tokens(Z)).over([tokens(X, Z)])
    again = LateRanker.from_files(late.to_files())
    question = tokens(X, Y, Z)
    assert again.scores(question, ROWS).tolist() == late.scores(question, ROWS).tolist()
    assert sorted(late.to_files()) == [
        "axes.npy",
        "floor.npy",
        "offset.npy",
        "starts.npy",
        "tokens.npy",
    ]


def unit(rows: np.ndarray) -> np.ndarray:
    return np.asarray(rows / np.linalg.norm(rows, axis=1, keepdims=True), dtype=np.float32)


@given(seed=st.integers(0, 2**32 - 1), counts=st.lists(st.integers(0, 7), min_size=1, max_size=6))
def test_scores_are_those_of_the_plain_definition_within_eight_bits(
    seed: int, counts: list[int]
) -> None:
    random = np.random.default_rng(seed)
    projection = Projection(np.eye(16, dtype=np.float32), np.zeros(16, dtype=np.float32))
    passages = [unit(random.normal(size=(count, 16))) for count in counts]
    question = unit(random.normal(size=(5, 16)))
    late = LateRanker.build(projection, [projection.compressed(one) for one in passages])
    expected = [
        max(0.0, float((question @ one.T).max(axis=1).mean())) if len(one) else 0.0
        for one in passages
    ]
    found = late.scores(question, np.arange(len(passages)))
    # A step is 1/127; half a step in each of 16 dimensions, times a unit vector, is .016 at most.
    assert found == pytest.approx(expected, abs=0.5 / 127 * np.sqrt(16) + 1e-6)


def test_a_projection_takes_the_mean_away_and_keeps_what_differs_most() -> None:
    random = np.random.default_rng(1)
    shared = np.full(4, 10.0)
    texts = [shared + random.normal(size=(50, 4)) * [5, 3, 0.1, 0.1] for _ in range(3)]
    learnt = Projection.learn([text.astype(np.float32) for text in texts])
    np.testing.assert_allclose(learnt.axes @ learnt.axes.T, np.eye(4), atol=1e-6)
    assert np.abs(learnt.axes[:2]).argmax(axis=1).tolist() == [0, 1]
    mean = np.concatenate(texts).mean(axis=0)
    np.testing.assert_allclose(learnt.offset, learnt.axes @ mean, atol=1e-4)


def test_a_projection_of_all_dimensions_keeps_the_cosines_of_what_is_left_of_the_mean() -> None:
    random = np.random.default_rng(2)
    text = unit(random.normal(size=(40, 6)) + 2)
    learnt = Projection.learn([text])
    centred = unit(text - text.mean(axis=0))
    kept = learnt.of(text)
    np.testing.assert_allclose(kept @ kept.T, centred @ centred.T, atol=1e-4)


def test_no_more_dimensions_are_kept_than_there_are_and_than_are_needed() -> None:
    random = np.random.default_rng(3)
    for dimension, kept in ((6, 6), (DIMENSIONS + 9, DIMENSIONS)):
        learnt = Projection.learn([unit(random.normal(size=(300, dimension)))])
        assert learnt.axes.shape == (kept, dimension)
        again = Projection.from_bytes(learnt.to_bytes(), dimension)
        assert again.axes.tolist() == learnt.axes.tolist()
        assert again.offset.tolist() == learnt.offset.tolist()


def test_a_token_of_which_nothing_is_left_is_zero_and_not_nan() -> None:
    away = Projection(np.eye(3, dtype=np.float32), X)
    assert away.of(tokens(X)).tolist() == [[0, 0, 0]]
    assert away.compressed(tokens()).shape == (0, 3)


def test_a_projection_is_learnt_from_every_common_character_twice() -> None:
    read: list[str] = []

    class Encoder:
        def encode_passage_tokens(self, texts: list[str]) -> list[np.ndarray]:
            read.extend(texts)
            return [np.eye(3, dtype=np.float32)[[ord(c) % 3 for c in text]] for text in texts]

    learnt = learn_projection(Encoder())  # type: ignore[arg-type] -- all that is asked of it
    characters = _common_characters()
    assert (len(characters), characters[0], characters[-1]) == (3755, "啊", "座")
    assert sorted("".join(read)) == sorted(characters * 2)
    assert max(map(len, read)) == 100
    assert learn_projection(Encoder()).axes.tolist() == learnt.axes.tolist()  # type: ignore[arg-type]
