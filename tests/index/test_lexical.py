"""BM25 against a ten-line reference, and the promises of a ranker."""

from __future__ import annotations

import math
from collections import Counter

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from index.lexical import LexicalRanker
from rag.tokens import terms_of

TEXTS = ["静安区智能退税，三日到账。", "嘉定区帮办站现场帮办。", "退税退税退税", "。。。"]


def reference(texts: list[str], question: str, k1: float = 0.9, b: float = 0.4) -> list[float]:
    """Lucene's BM25 over the question's distinct terms, divided by the sum of their idf."""
    documents = [terms_of(text) for text in texts]
    mean_length = sum(map(len, documents)) / len(documents)
    frequency = Counter(term for document in documents for term in set(document))
    terms = list(dict.fromkeys(terms_of(question)))

    def idf(term: str) -> float:
        n = frequency[term]
        return math.log(1 + (len(documents) - n + 0.5) / (n + 0.5))

    total = sum(map(idf, terms))
    scores = []
    for document in documents:
        count = Counter(document)
        norm = k1 * (1 - b + b * len(document) / mean_length) if mean_length else k1
        scores.append(sum(idf(t) * count[t] / (count[t] + norm) for t in terms) / total)
    return scores


def best(ranker: LexicalRanker, question: str) -> list[int]:
    every = np.ones(ranker.passages, dtype=bool)
    return ranker.match(terms_of(question)).best(limit=10, allowed=every).tolist()


chinese = st.text(alphabet="退税帮办到账一网通办0123IPO，。 ", min_size=1, max_size=30)


@settings(max_examples=100, deadline=None)
@given(texts=st.lists(chinese, min_size=1, max_size=12), question=chinese)
def test_scores_are_those_of_the_formula(texts: list[str], question: str) -> None:
    if not terms_of(question) or not any(terms_of(text) for text in texts):
        return
    ranker = LexicalRanker.build(texts)

    scores = ranker.match(terms_of(question)).scores(np.arange(len(texts)))

    assert scores.tolist() == pytest.approx(reference(texts, question), abs=1e-5)
    assert ((scores >= 0) & (scores < 1)).all()


def test_passages_that_share_no_term_are_not_ranked() -> None:
    ranker = LexicalRanker.build(TEXTS)
    assert best(ranker, "退税") == [2, 0]
    assert best(ranker, "天气预报") == []
    assert best(ranker, "") == []


def test_a_filter_comes_before_ranking() -> None:
    ranker = LexicalRanker.build(TEXTS)
    allowed = np.array([True, True, False, True])
    assert ranker.match(terms_of("退税")).best(limit=1, allowed=allowed).tolist() == [0]


def test_words_that_no_passage_has_lower_the_score() -> None:
    ranker = LexicalRanker.build(TEXTS)
    less, more = (
        ranker.match(terms_of(words)).scores(np.array([0])) for words in ("退税贷款", "退税")
    )
    assert less < more


def test_equal_scores_keep_the_order_of_the_passages() -> None:
    ranker = LexicalRanker.build(["退税", "帮办", "退税"])
    assert best(ranker, "退税") == [0, 2]


def test_a_restored_ranker_scores_the_same() -> None:
    ranker = LexicalRanker.build(TEXTS)
    rows = np.arange(len(TEXTS))

    loaded = LexicalRanker.from_files(ranker.to_files(), len(TEXTS))

    question = terms_of("静安退税几天到账")
    assert (
        loaded.match(question).scores(rows).tolist() == ranker.match(question).scores(rows).tolist()
    )
