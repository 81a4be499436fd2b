"""BM25 against a ten-line reference, and the promises of a ranker."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Mapping

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import index.lexical
from index.lexical import AllMatches, LexicalRanker, LikelyMatches
from index.postings import Bm25
from rag.tokens import terms_of

TEXTS = ["静安区智能退税，三日到账。", "嘉定区帮办站现场帮办。", "退税退税退税", "。。。"]


def reference(
    texts: list[str], terms: Mapping[str, float], k1: float = 0.9, b: float = 0.4
) -> list[float]:
    """Lucene's BM25 of the weighted terms, divided by the sum of the idf of those of weight 1."""
    documents = [terms_of(text) for text in texts]
    mean_length = sum(map(len, documents)) / len(documents)
    frequency = Counter(term for document in documents for term in set(document))

    def idf(term: str) -> float:
        n = frequency[term]
        return math.log(1 + (len(documents) - n + 0.5) / (n + 0.5))

    total = sum(idf(term) for term, weight in terms.items() if weight == 1)
    scores = []
    for document in documents:
        count = Counter(document)
        norm = k1 * (1 - b + b * len(document) / mean_length) if mean_length else k1
        parts = (w * idf(t) * count[t] / (count[t] + norm) for t, w in terms.items() if count[t])
        scores.append(min(1.0, sum(parts) / total))
    return scores


def asked(question: str) -> dict[str, float]:
    return dict.fromkeys(terms_of(question), 1.0)


def best(ranker: LexicalRanker, question: str) -> list[int]:
    every = np.ones(ranker.passages, dtype=bool)
    return ranker.match(asked(question)).best(limit=10, allowed=every).tolist()


chinese = st.text(alphabet="退税帮办到账一网通办0123IPO，。 ", min_size=1, max_size=30)


@settings(max_examples=100, deadline=None)
@given(texts=st.lists(chinese, min_size=1, max_size=12), question=chinese)
def test_scores_are_those_of_the_formula(texts: list[str], question: str) -> None:
    if not terms_of(question) or not any(terms_of(text) for text in texts):
        return
    ranker = LexicalRanker.build(texts)

    scores = ranker.match(asked(question)).scores(np.arange(len(texts)))

    assert scores.tolist() == pytest.approx(reference(texts, asked(question)), abs=1e-5)
    assert ((scores >= 0) & (scores < 1)).all()


@settings(max_examples=100, deadline=None)
@given(
    texts=st.lists(chinese, min_size=1, max_size=12),
    question=chinese,
    other=chinese,
    weight=st.floats(0, 0.96875, width=32),
    parameters=st.builds(Bm25, st.floats(0.1, 3), st.floats(0, 1)),
)
def test_terms_of_less_weight_count_above_the_line_alone(
    texts: list[str], question: str, other: str, weight: float, parameters: Bm25
) -> None:
    if not terms_of(question) or not any(terms_of(text) for text in texts):
        return
    terms = dict.fromkeys(terms_of(other), weight) | asked(question)
    ranker = LexicalRanker.build(texts, parameters)
    rows = np.arange(len(texts))

    scores = ranker.match(terms).scores(rows)

    expected = reference(texts, terms, parameters.k1, parameters.b)
    assert scores.tolist() == pytest.approx(expected, abs=1e-5)
    assert (scores >= ranker.match(asked(question)).scores(rows) - 1e-6).all()
    assert (scores <= 1).all()


def test_what_other_terms_lift_over_1_is_cut_off() -> None:
    ranker = LexicalRanker.build(["退税 帮办 到账 企业 服务 窗口", "退税"])
    terms = asked("退税") | dict.fromkeys(terms_of("帮办到账企业服务窗口"), 0.9)
    assert ranker.match(terms).scores(np.array([0])).tolist() == [1.0]


def test_terms_of_no_weight_find_nothing() -> None:
    ranker = LexicalRanker.build(TEXTS)
    matches = ranker.match(asked("贷款") | {"退税": 0.0})
    assert matches.best(limit=4, allowed=np.ones(4, dtype=bool)).tolist() == []


def test_terms_of_less_weight_find_passages_that_the_question_alone_does_not() -> None:
    ranker = LexicalRanker.build(TEXTS)
    matches = ranker.match(asked("缴多了") | {"退税": 0.5})
    assert matches.best(limit=4, allowed=np.ones(4, dtype=bool)).tolist() == [2, 0]


def test_passages_that_share_no_term_are_not_ranked() -> None:
    ranker = LexicalRanker.build(TEXTS)
    assert best(ranker, "退税") == [2, 0]
    assert best(ranker, "天气预报") == []
    assert best(ranker, "") == []


def test_a_filter_comes_before_ranking() -> None:
    ranker = LexicalRanker.build(TEXTS)
    allowed = np.array([True, True, False, True])
    assert ranker.match(asked("退税")).best(limit=1, allowed=allowed).tolist() == [0]


def test_words_that_no_passage_has_lower_the_score() -> None:
    ranker = LexicalRanker.build(TEXTS)
    less, more = (
        ranker.match(asked(words)).scores(np.array([0])) for words in ("退税贷款", "退税")
    )
    assert less < more


def test_equal_scores_keep_the_order_of_the_passages() -> None:
    ranker = LexicalRanker.build(["退税", "帮办", "退税"])
    assert best(ranker, "退税") == [0, 2]


def test_a_restored_ranker_scores_the_same() -> None:
    ranker = LexicalRanker.build(TEXTS)
    rows = np.arange(len(TEXTS))

    loaded = LexicalRanker.from_files(ranker.to_files(), len(TEXTS))

    question = asked("静安退税几天到账")
    assert (
        loaded.match(question).scores(rows).tolist() == ranker.match(question).scores(rows).tolist()
    )


def test_the_frequency_of_a_term_is_the_number_of_passages_that_have_it() -> None:
    ranker = LexicalRanker.build(["退税退税", "退税，办照", "帮办"])
    assert [ranker.frequency(term) for term in ("退税", "办", "税退", "没有", "")] == [
        2,
        2,
        1,
        0,
        0,
    ]


many = st.lists(
    st.text(alphabet="退税帮办到账一网通办企业的的的", min_size=1, max_size=12),
    min_size=30,
    max_size=80,
)


@settings(max_examples=100, deadline=None)
@given(
    texts=many,
    question=st.text(alphabet="退税帮办到账企业的", min_size=1, max_size=8),
    instead=st.text(alphabet="网通办", max_size=3),
    limit=st.integers(1, 12),
    closed=st.sets(st.integers(0, 79)),
    first=st.sampled_from([1, 20, 200]),
)
def test_common_terms_that_are_only_looked_up_change_neither_ranking_nor_score(
    texts, question, instead, limit, closed, first
) -> None:
    ranker = LexicalRanker.build(texts)
    terms = dict.fromkeys(terms_of(instead), 0.5) | asked(question)
    allowed = np.array([row not in closed for row in range(len(texts))])
    every = np.arange(len(texts))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(index.lexical, "_FIRST", first)
        patch.setattr(index.lexical, "_ALL_UP_TO", -1)
        likely = ranker.match(terms)
        patch.setattr(index.lexical, "_ALL_UP_TO", 10**6)
        whole = ranker.match(terms)
        assert isinstance(likely, LikelyMatches)
        assert isinstance(whole, AllMatches)

        found = likely.best(limit=limit, allowed=allowed)

        assert found.tolist() == whole.best(limit=limit, allowed=allowed).tolist()
    assert likely.scores(every).tobytes() == whole.scores(every).tobytes()


def test_a_common_term_is_looked_up_in_few_passages(monkeypatch) -> None:
    ranker = LexicalRanker.build(["的的的", *["的税"] * 40, *["的"] * 400, "的退税"])
    monkeypatch.setattr(index.lexical, "_ALL_UP_TO", 0)
    monkeypatch.setattr(index.lexical, "_FIRST", 1)
    looked_up: list[int] = []
    add = index.lexical.Lookup.add

    def counted(self, at, rows, sums) -> None:
        looked_up.append(len(rows))
        add(self, at, rows, sums)

    monkeypatch.setattr(index.lexical.Lookup, "add", counted)
    found = ranker.match(asked("的退税")).best(limit=1, allowed=np.ones(442, dtype=bool))
    assert found.tolist() == [441]
    assert max(looked_up) < 42


def test_of_many_equals_the_first_are_the_best() -> None:
    ranker = LexicalRanker.build(["税", *["退税"] * 30, "税"])
    every = np.ones(32, dtype=bool)
    found = ranker.match(asked("退税")).best(limit=7, allowed=every)
    assert found.tolist() == [1, 2, 3, 4, 5, 6, 7]
