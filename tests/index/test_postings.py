"""Postings against bm25s, which computes the same weights, and their form."""

from __future__ import annotations

import bm25s
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import index.postings
from index.postings import Bm25, Postings
from rag.tokens import terms_of

chinese = st.text(alphabet="退税帮办到账一网通办0123IPO，。 ", max_size=30)


@settings(max_examples=100, deadline=None)
@given(
    texts=st.lists(chinese, min_size=1, max_size=30),
    parameters=st.builds(Bm25, st.floats(0.1, 3), st.floats(0, 1)),
    chunk=st.sampled_from([1, 7, 20_000]),
)
def test_weights_are_bit_for_bit_those_of_bm25s(texts, parameters, chunk) -> None:
    corpus = [terms_of(text) for text in texts]
    if not any(corpus):
        return
    reference = bm25s.BM25(k1=parameters.k1, b=parameters.b, method="lucene")
    reference.index(corpus, create_empty_token=False, show_progress=False)
    scores = reference.scores
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(index.postings, "_CHUNK", chunk)
        postings = Postings.of(iter(texts), parameters)

    assert postings.passages == len(texts)
    assert set(postings.terms) == set(reference.vocab_dict)
    for term, place in postings.terms.items():
        start, end = postings.starts[place], postings.starts[place + 1]
        there = reference.vocab_dict[term]
        begin, stop = scores["indptr"][there], scores["indptr"][there + 1]
        assert postings.rows[start:end].tolist() == scores["indices"][begin:stop].tolist()
        assert postings.weights[start:end].tobytes() == scores["data"][begin:stop].tobytes()
        assert postings.highest[place] == postings.weights[start:end].max()
        assert postings.frequency(term) == end - start


def test_terms_stand_in_the_order_of_their_first_appearance() -> None:
    postings = Postings.of(["退税", "。", "税收退"])
    assert list(postings.terms) == ["退", "退税", "税", "税收", "收", "收退"]
    assert postings.starts.tolist() == [0, 2, 3, 5, 6, 7, 8]
    assert postings.rows.tolist() == [0, 2, 0, 0, 2, 2, 2, 2]
    assert postings.frequency("没有") == 0


def test_postings_are_restored_from_their_files() -> None:
    postings = Postings.of(["退税三日", "", "12366"])
    restored = Postings.from_files(postings.to_files(), 3)
    assert restored.to_files() == postings.to_files()
    assert restored.terms == postings.terms
    assert restored.rows.dtype == np.int32


def test_texts_without_a_term_are_refused() -> None:
    with pytest.raises(ValueError, match="at least one text with a term"):
        Postings.of(["。。", ""])
