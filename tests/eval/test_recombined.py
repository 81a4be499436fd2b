"""Recombined collections, and large indexes against small ones over them."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import pytest

from eval.recombined import SENTENCES, Pool, Recombined, top_passages
from index.dense import DenseRanker
from index.lexical import LexicalRanker
from rag.filters import NO_FILTERS, Filters
from rag.ranking import Legs, Rankers, Scores
from rag.retrieve import HybridRetriever

_WORDS = "企业办事窗口材料一次告知限时办结跨区通办证照分离告知承诺容缺受理"


def unit(rows: np.ndarray) -> np.ndarray:
    return (rows / np.linalg.norm(rows, axis=1, keepdims=True)).astype(np.float32)


@pytest.fixture(scope="module")
def pool() -> Pool:
    random = np.random.default_rng(1)
    topics = random.normal(size=(60, 24))
    vectors = unit(np.repeat(topics, 5, axis=0) + 0.6 * random.normal(size=(300, 24)) + 1)
    texts = ["".join(random.choice(list(_WORDS), 12)) + "。" for _ in range(300)]
    asked = unit(vectors[::30] + 0.2 * random.normal(size=(10, 24)))
    return Pool(texts, np.repeat(np.arange(60), 5), vectors, texts[::30], asked)


def test_each_sentence_is_used_once_as_it_is_before_any_is_used_again(pool: Pool) -> None:
    collection = Recombined(pool, 90)
    assert (collection.real, Recombined(pool, 150).real) == (90, 100)
    _, _, passages = collection.cases()
    assert "".join(passage.text for passage in passages) == "".join(pool.texts[:270])
    assert np.concatenate(list(collection.vectors())).tobytes() == pool.vectors[:270].tobytes()


def test_vectors_beyond_the_real_ones_are_new_and_near_their_sentences(pool: Pool) -> None:
    collection = Recombined(pool, 400)
    vectors = np.concatenate(list(collection.vectors()))
    _, _, passages = collection.cases()
    row_of = {text: row for row, text in enumerate(pool.texts)}
    theirs = [row_of[span.of(_text(passages, p))] for p in passages for span in p.sentences]
    beyond = slice(300, None)

    assert vectors.shape == (400 * SENTENCES, 24)
    assert np.allclose(np.linalg.norm(vectors, axis=1), 1, atol=1e-6)
    assert len(np.unique(vectors, axis=0)) == len(vectors)
    own = (vectors[beyond] * pool.vectors[theirs][beyond]).sum(axis=1)
    others = vectors[beyond] @ pool.vectors.T
    assert own.mean() > 0.9
    assert (own >= np.partition(others, -10, axis=1)[:, -10]).mean() > 0.9
    assert vectors.tobytes() == np.concatenate(list(Recombined(pool, 400).vectors())).tobytes()


def _text(passages, passage) -> str:
    case = next(case for case in passages.cases if case.case_id == passage.case_id)
    return case.source.text


def test_passages_are_spans_of_their_sources_nine_to_a_case(pool: Pool) -> None:
    sources, cases, passages = Recombined(pool, 95).cases()
    assert [len(source.text) > 0 for source in sources] == [True]
    assert [int((passages.owners == row).sum()) for row in range(len(cases))] == [9] * 10 + [5]
    for passage in passages:
        assert passage.span.of(sources[0].text) == passage.text
        assert "".join(span.of(sources[0].text) for span in passage.sentences) == passage.text


def test_the_truth_is_a_plain_dot_product(pool: Pool) -> None:
    collection = Recombined(pool, 400)
    best, cosines = top_passages(collection, pool.asked, 7)
    vectors = np.concatenate(list(collection.vectors()))
    near = (pool.asked @ vectors.T).reshape(10, 400, SENTENCES).max(axis=2)
    expected = np.argsort(-near, axis=1)[:, :7]
    assert best.tolist() == expected.tolist()
    assert np.allclose(cosines, np.take_along_axis(near, expected, axis=1), atol=1e-6)


@dataclass
class Told:
    """An encoder that is told the vector."""

    vector: Scores

    def encode_query(self, question: str) -> Scores:
        return self.vector


@pytest.mark.parametrize(
    "filters", [NO_FILTERS, Filters(collections=("第1集",))], ids=["all", "one in ten"]
)
def test_an_index_in_cells_fuses_what_an_exact_one_does(pool: Pool, filters: Filters) -> None:
    collection = Recombined(pool, 3000)
    _, cases, passages = collection.cases()
    vectors = np.concatenate(list(collection.vectors()))
    lexical = LexicalRanker.build(passage.text for passage in passages)
    told, retrievers = Told(pool.asked[0]), []
    for exact_up_to in (10_000, 0):
        dense = DenseRanker.build(vectors, passages.counts, exact_up_to).over(0.3)
        assert dense.exact is bool(exact_up_to)
        rankers = Rankers(Legs(dense, lexical))
        retrievers.append(HybridRetriever(cases, passages, told, rankers))  # type: ignore[arg-type]
    shared = []
    for question, vector in zip(pool.questions, pool.asked, strict=True):
        told.vector = vector
        exact, cells = (
            retriever.retrieve(question, limit=10, filters=filters) for retriever in retrievers
        )
        of = {hit.passage.passage_id: hit for hit in exact.hits}
        for hit in cells.hits:
            if twin := of.get(hit.passage.passage_id):
                assert hit.score == pytest.approx(twin.score, abs=2e-4)
                assert hit.lexical == twin.lexical
                assert hit.near == pytest.approx(twin.near, abs=1e-3)
                assert replace(hit, score=0, dense=0, near=()) == replace(
                    twin, score=0, dense=0, near=()
                )
        shared.append(len(of.keys() & {hit.passage.passage_id for hit in cells.hits}) / 10)
    assert np.mean(shared) >= 0.98
