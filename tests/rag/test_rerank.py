"""Reranking: order, ties, scores and confidence, by a reranker one can read."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from rag.cases import read_cases
from rag.chunk import context_of, passages_of
from rag.confidence import DEFAULT
from rag.filters import Filters
from rag.ranking import Legs, Rankers, Scores
from rag.rerank import RERANKED, relevance_of
from rag.retrieve import HybridRetriever, Retrieval
from rag.signals import Signals
from rag.source import decode
from rag.tuning import DEFAULT_WEIGHTS, Tuning
from tests.rag.rankers import InOrder

COUNT = 24
TEXT = "甲市2022年优化营商环境优秀案例\n" + "".join(
    f"\n排名{n}\n第{n:02}例\n\n静安区推出第{n:02}号办法。\n" for n in range(COUNT)
)
SCORES = tuple(1 - n / 32 for n in range(COUNT))
"""Of the passages after fusion: exact in binary, and already in order."""


@dataclass
class Written:
    """A reranker whose scores are written down, by the number in the text; others get the rest."""

    known: Mapping[int, float]
    rest: float = 0.0
    seen: list[tuple[str, tuple[str, ...]]] = field(default_factory=list)

    def score(self, question: str, texts: Sequence[str]) -> Scores:
        self.seen.append((question, tuple(texts)))
        numbers = [int(text.partition("推出第")[2][:2]) for text in texts]
        return np.array([self.known.get(n, self.rest) for n in numbers], dtype=np.float32)


CASES = read_cases([decode("甲市.txt", TEXT.encode())])
PASSAGES = [passage for case in CASES for passage in passages_of(case, len)]


class Blank:
    """An encoder that nothing depends on."""

    def encode_query(self, question: str) -> Scores:
        return np.zeros(1, dtype=np.float32)


def retrieved(
    reranker: object,
    scores: tuple[float, ...] = SCORES,
    limit: int = 100,
    filters: Filters = Filters(),  # noqa: B008 -- frozen
) -> Retrieval:
    ranker = InOrder(scores)
    tuning = Tuning(replace(DEFAULT_WEIGHTS, dense=0.5), reranker=reranker)  # type: ignore[arg-type]
    rankers = Rankers(Legs(ranker, ranker))
    retriever = HybridRetriever(CASES, PASSAGES, Blank(), rankers, tuning)  # type: ignore[arg-type]
    return retriever.retrieve(" 办法 ", limit=limit, filters=filters)


def numbers(found: Retrieval) -> list[int]:
    return [int(hit.passage.text.partition("第")[2][:2]) for hit in found.hits]


def test_the_stage_has_more_passages_than_it_reranks() -> None:
    assert (len(PASSAGES), RERANKED) == (COUNT, 20)


def test_without_a_reranker_hits_and_scores_are_those_of_fusion() -> None:
    found = retrieved(None)
    assert numbers(found) == list(range(COUNT))
    assert [hit.score for hit in found.hits] == list(SCORES)


def test_the_best_20_follow_the_reranker_and_the_rest_follows_as_fused() -> None:
    found = retrieved(Written({19: 1.0, 7: 0.5, 3: 0.25, 21: 1.0}))
    others = [n for n in range(20) if n not in {19, 7, 3}]
    assert numbers(found) == [19, 7, 3, *others, 20, 21, 22, 23]


def test_ties_of_the_reranker_keep_the_fused_order() -> None:
    assert numbers(retrieved(Written({}, rest=0.5))) == list(range(COUNT))


def test_scores_say_which_of_the_two_they_are_and_never_increase() -> None:
    found = retrieved(Written({19: 1.0, 7: 0.5}))
    scores = [hit.score for hit in found.hits]
    assert scores[:3] == [1.0, 0.75, 0.5]
    assert scores[19:] == [0.5, *(SCORES[n] / 2 for n in range(20, 24))]
    assert scores == sorted(scores, reverse=True)


def test_the_parts_of_a_hit_stay_those_of_fusion() -> None:
    first = retrieved(Written({19: 1.0})).hits[0]
    assert (first.dense, first.lexical, first.expansion) == (SCORES[19], SCORES[19], 0.0)


def test_the_confidence_is_that_of_the_passage_that_fusion_puts_first() -> None:
    plain, found = retrieved(None), retrieved(Written({19: 1.0}))
    assert numbers(found)[0] == 19
    assert (found.confidence, found.reason) == (plain.confidence, plain.reason)
    assert found.confidence == DEFAULT.confidence(Signals(SCORES[0], SCORES[0]))


def test_a_limit_does_not_change_what_is_reranked() -> None:
    reranker = Written({19: 1.0, 18: 0.5})
    assert numbers(retrieved(reranker, limit=2)) == [19, 18]
    ((_, texts),) = reranker.seen
    assert len(texts) == RERANKED


def test_passages_are_read_below_their_case_and_section_by_the_question_as_asked() -> None:
    reranker = Written({})
    retrieved(reranker)
    ((question, texts),) = reranker.seen
    assert question == "办法"
    assert texts[2] == f"{context_of(CASES[2], ())}\n静安区推出第02号办法。"
    assert texts[2].startswith("静安区 第02例\n")


def test_only_allowed_passages_are_read() -> None:
    reranker = Written({5: 1.0})
    only = Filters(case_ids=(CASES[4].case_id, CASES[5].case_id))
    found = retrieved(reranker, filters=only)
    assert numbers(found) == [5, 4]
    assert [len(texts) for _, texts in reranker.seen] == [2]


def test_where_nothing_is_allowed_the_reranker_is_not_asked() -> None:
    reranker = Written({})
    assert retrieved(reranker, filters=Filters(years=(1999,))).hits == ()
    assert reranker.seen == []


unit = st.floats(0, 1, width=32)


@given(
    fused=st.lists(unit, min_size=COUNT, max_size=COUNT).map(tuple),
    read=st.dictionaries(st.integers(0, COUNT - 1), unit),
)
def test_reranking_keeps_the_first_20_together_and_scores_in_0_to_1_in_order(
    fused: tuple[float, ...], read: dict[int, float]
) -> None:
    plain, found = retrieved(None, fused), retrieved(Written(read), fused)
    assert sorted(numbers(found)[:20]) == sorted(numbers(plain)[:20])
    assert numbers(found)[20:] == numbers(plain)[20:]
    scores = [hit.score for hit in found.hits]
    assert scores == sorted(scores, reverse=True)
    assert all(0 <= score <= 1 for score in scores)
    given_ = [read.get(n, 0.0) for n in numbers(found)[:20]]
    assert given_ == sorted(given_, reverse=True)
    assert found.confidence == plain.confidence


@dataclass(frozen=True)
class Wrong:
    """A reranker that breaks its protocol."""

    scores: tuple[float, ...]

    def score(self, question: str, texts: Sequence[str]) -> Scores:
        return np.array(self.scores, dtype=np.float32)


@pytest.mark.parametrize(
    ("scores", "said"),
    [
        ((0.5,), r"scores of shape \(1,\) for 2 texts"),
        ((0.5, 1.5), "gave 1.5, which is not in"),
        ((-0.5, 1.0), "gave -0.5, which is not in"),
        ((float("nan"), 1.0), "gave nan, which is not in"),
    ],
)
def test_scores_that_cannot_be_used_are_refused(scores: tuple[float, ...], said: str) -> None:
    with pytest.raises(ValueError, match=said):
        relevance_of(Wrong(scores), "退税", ["甲", "乙"])


def test_scores_in_bounds_come_back_as_they_are() -> None:
    assert relevance_of(Wrong((0.25, 1.0, 0.0)), "退税", ["甲", "乙", "丙"]).tolist() == [
        0.25,
        1,
        0,
    ]
