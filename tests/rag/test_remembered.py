"""A memory of questions gives what the encoder gave, within its room, and remembers no failure."""

from __future__ import annotations

from collections import OrderedDict
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from rag.encoder import Encoder, EncoderIdentity, TokenEncoder
from rag.encoders import load_encoder
from rag.models import DEFAULT_MODEL
from rag.remembered import remembering


class Counting:
    """Encodes a text as its length; says what it was asked, and fails on request."""

    identity = EncoderIdentity("counting", "1", "", 2, 512, "", "", "", normalized=True)

    def __init__(self) -> None:
        self.asked: list[str] = []
        self.fails = False

    def encode_query(self, question: str) -> NDArray[np.float32]:
        self.asked.append(question)
        if self.fails:
            raise RuntimeError(question)
        return np.array([len(question), 1], dtype=np.float32)

    def encode_passages(self, texts: list[str], *, on_progress: object = None) -> object:
        return [f"passage {text}" for text in texts]

    def count_tokens(self, text: str) -> int:
        return len(text)

    def count_query_tokens(self, question: str) -> int:
        return len(question) + 1


class CountingTokens(Counting):
    def encode_query_tokens(self, question: str) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        return self.encode_query(question), np.ones((len(question), 2), dtype=np.float32)

    def encode_passage_tokens(self, texts: list[str]) -> object:
        return [f"tokens of {text}" for text in texts]


@pytest.fixture
def behind() -> Counting:
    return Counting()


def test_a_question_is_encoded_once(behind: Counting) -> None:
    encoder = remembering(behind)

    first, again = encoder.encode_query("税"), encoder.encode_query("税")

    assert behind.asked == ["税"]
    assert first is again
    assert encoder.encode_query("税 ").tolist() == [2, 1]  # another text is another question


def test_what_is_shared_cannot_be_changed(behind: Counting) -> None:
    vector = remembering(behind).encode_query("税")

    with pytest.raises(ValueError, match="read-only"):
        vector[0] = 0


def test_a_question_that_failed_is_not_remembered_and_harms_no_other(behind: Counting) -> None:
    encoder = remembering(behind)
    kept = encoder.encode_query("税")
    behind.fails = True
    with pytest.raises(RuntimeError, match="退"):
        encoder.encode_query("退")
    assert encoder.encode_query("税") is kept

    behind.fails = False
    assert encoder.encode_query("退").tolist() == [1, 1]
    assert behind.asked == ["税", "退", "退"]


def test_everything_else_is_the_encoders_own(behind: Counting) -> None:
    encoder = remembering(behind)

    assert encoder.identity is behind.identity
    assert encoder.encode_passages(["a"]) == ["passage a"]  # type: ignore[comparison-overlap]
    assert (encoder.count_tokens("ab"), encoder.count_query_tokens("ab")) == (2, 3)
    assert not isinstance(encoder, TokenEncoder)


def test_tokens_are_kept_with_the_vector_and_asked_for_where_they_are_missing() -> None:
    behind = CountingTokens()
    encoder = remembering(behind)
    assert isinstance(encoder, TokenEncoder)

    encoder.encode_query("退税")
    vector, tokens = encoder.encode_query_tokens("退税")
    encoder.encode_query_tokens("退税")

    assert behind.asked == ["退税", "退税"]  # once without tokens, once with
    assert encoder.encode_query("退税") is vector
    assert tokens.shape == (2, 2)
    assert encoder.encode_passage_tokens(["a"]) == ["tokens of a"]  # type: ignore[comparison-overlap]


@given(st.lists(st.integers(0, 5), max_size=40), st.integers(0, 4))
def test_the_questions_kept_are_those_asked_last(asked: list[int], places: int) -> None:
    behind = Counting()
    encoder = remembering(behind, room_bytes=places * 8)
    kept: OrderedDict[int, None] = OrderedDict()
    encoded = 0

    for number in asked:
        encoder.encode_query("税" * (number + 1))
        encoded += number not in kept
        kept[number] = None
        kept.move_to_end(number)
        while len(kept) > places:
            kept.popitem(last=False)
        assert len(behind.asked) == encoded


def test_threads_that_ask_at_once_each_get_their_own() -> None:
    encoder = remembering(Counting(), room_bytes=64)
    questions = ["税" * (number % 20 + 1) for number in range(2000)]

    with ThreadPoolExecutor(8) as pool:
        lengths = [int(vector[0]) for vector in pool.map(encoder.encode_query, questions)]

    assert lengths == [len(question) for question in questions]


@pytest.mark.model
def test_what_the_real_encoder_gives_is_the_same_when_remembered(models: Path) -> None:
    plain: Encoder = load_encoder(DEFAULT_MODEL, models)
    encoder = remembering(plain)
    assert isinstance(plain, TokenEncoder)
    assert isinstance(encoder, TokenEncoder)
    for question in ("退税几天到账", "企业开办要跑几次？"):
        for _ in range(2):
            vector, tokens = encoder.encode_query_tokens(question)
            exact, exact_tokens = plain.encode_query_tokens(question)
            assert np.array_equal(vector, exact)
            assert np.array_equal(tokens, exact_tokens)
            assert np.array_equal(encoder.encode_query(question), plain.encode_query(question))
