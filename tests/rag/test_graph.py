"""One graph, asked by one or by many at once."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import onnxruntime
import pytest

from rag.embed import OnnxEncoder
from rag.encoder_file import QUESTION_GRAPH_NAME, read_encoder_file
from rag.graph import SENTENCE, TOKENS, Graph
from rag.models import DEFAULT_MODEL
from rag.preparation.prepare import Preparation

MODELS = Path(__file__).parents[2] / "var" / "models"


def opened(prepared: Preparation, *, shared: bool) -> Graph:
    return Graph(prepared.folder, prepared.record, QUESTION_GRAPH_NAME, shared=shared)


def threads_of(session: onnxruntime.InferenceSession) -> int:
    return session.get_session_options().intra_op_num_threads


@pytest.fixture
def three_processors(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("rag.graph.granted_cpus", lambda: 3)


@pytest.mark.usefixtures("three_processors")
def test_a_run_that_is_alone_has_all_processors_and_one_that_meets_another_has_one(
    tiny_prepared: Preparation,
) -> None:
    graph = opened(tiny_prepared, shared=True)
    with graph.session() as first:
        with graph.session() as second, graph.session() as third:
            assert [threads_of(each) for each in (first, second, third)] == [3, 1, 1]
        with graph.session() as fourth:
            assert threads_of(fourth) == 1
    with graph.session() as alone:
        assert threads_of(alone) == 3


@pytest.mark.usefixtures("three_processors")
def test_unless_it_is_shared_a_graph_keeps_its_weights_once(tiny_prepared: Preparation) -> None:
    graph = opened(tiny_prepared, shared=False)
    with graph.session() as first, graph.session() as second:
        assert first is second
        assert threads_of(first) == 3


def test_with_one_processor_a_shared_graph_keeps_its_weights_once(
    tiny_prepared: Preparation, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("rag.graph.granted_cpus", lambda: 1)
    graph = opened(tiny_prepared, shared=True)
    with graph.session() as first, graph.session() as second:
        assert first is second


@pytest.mark.usefixtures("three_processors")
def test_a_run_that_fails_is_counted_out(tiny_prepared: Preparation) -> None:
    graph = opened(tiny_prepared, shared=True)
    for _ in range(2):
        with pytest.raises(Exception, match="out of data bounds"):
            graph.run([np.array([10**9])], [SENTENCE])
    with graph.session() as alone:
        assert threads_of(alone) == 3


@pytest.mark.usefixtures("three_processors")
def test_vectors_are_the_same_alone_and_among_others(prepared_e5: OnnxEncoder) -> None:
    folder = MODELS / DEFAULT_MODEL
    graph = Graph(folder, read_encoder_file(folder), QUESTION_GRAPH_NAME, shared=True)
    for text in ("静安退税几天到账", "开办企业要跑几趟？" * 12):
        ids = prepared_e5.query_ids(text)
        alone = graph.run([ids], [SENTENCE, TOKENS])
        with graph.session():
            among_others = graph.run([ids], [SENTENCE, TOKENS])
        for one, other in zip(alone, among_others, strict=True):
            np.testing.assert_array_equal(one, other)


def test_a_graph_without_a_mask_refuses_texts_that_would_need_one(
    tiny_prepared: Preparation,
) -> None:
    graph = opened(tiny_prepared, shared=False)
    rows = [np.array([2, 9, 3]), np.array([2, 9, 11, 3])]
    with pytest.raises(ValueError, match=r"takes texts of one length, got \[3, 4\]"):
        graph.run(rows, [SENTENCE])
