"""A graph for one text at a time gives what the one for batches gives, and works out less."""

from collections import Counter

import numpy as np
import onnx
import pytest
from onnx import helper, numpy_helper

from rag.preparation.alone import for_one_text
from rag.preparation.fuse import fused
from rag.preparation.prepare import Preparation
from tests.rag.preparation.graphs import floats, model_of, outputs

LONGEST = 24


def inputs_of(model: onnx.ModelProto) -> list[str]:
    return [given.name for given in model.graph.input]


def operators_of(model: onnx.ModelProto) -> Counter[str]:
    return Counter(node.op_type for node in model.graph.node)


@pytest.fixture(scope="module")
def both(tiny_prepared: Preparation) -> tuple[onnx.ModelProto, onnx.ModelProto]:
    """A fused graph, and the same for one text."""
    rows = [np.array([2, 9, 3]), np.arange(LONGEST)]
    model = fused(tiny_prepared.folder / "model.onnx", rows)
    alone = onnx.ModelProto()
    alone.CopyFrom(model)
    for_one_text(alone, LONGEST)
    return model, alone


@pytest.mark.parametrize("length", range(1, LONGEST + 1))
def test_a_text_of_any_length_keeps_its_vectors_to_the_bit(
    both: tuple[onnx.ModelProto, onnx.ModelProto], length: int
) -> None:
    rows = [np.arange(length) + 5]
    for plain, found in zip(*(outputs(model, rows) for model in both), strict=True):
        np.testing.assert_array_equal(found, plain)


def test_texts_of_one_length_can_still_be_given_together(
    both: tuple[onnx.ModelProto, onnx.ModelProto],
) -> None:
    rows = [np.array([2, 9, 3]), np.array([2, 11, 3])]
    for plain, found in zip(*(outputs(model, rows) for model in both), strict=True):
        np.testing.assert_allclose(found, plain, atol=1e-6)


def test_it_takes_no_mask_and_looks_up_what_the_length_decides(
    both: tuple[onnx.ModelProto, onnx.ModelProto],
) -> None:
    model, alone = both
    assert inputs_of(model) == ["input_ids", "attention_mask"]
    assert inputs_of(alone) == ["input_ids"]
    attentions = [node for node in alone.graph.node if node.op_type == "Attention"]
    assert [len(node.input) for node in attentions] == [3, 3]  # values, weights, bias
    assert operators_of(alone)["Mul"] == 0  # by the mask, before the mean
    assert operators_of(model)["Mul"] == 1
    # Places and kinds of tokens; how many there are.
    assert operators_of(alone)["Slice"] == 2
    tables = [w for w in alone.graph.initializer if w.name.endswith("_by_length")]
    assert sorted(tuple(w.dims) for w in tables) == [(1, LONGEST, 32), (1, LONGEST, 32), (25, 1)]


def test_a_text_longer_than_was_said_is_refused_by_the_graph(
    both: tuple[onnx.ModelProto, onnx.ModelProto],
) -> None:
    with pytest.raises(Exception, match="Add"):
        outputs(both[1], [np.arange(LONGEST + 1)])


def test_what_neither_has_a_place_for_each_token_nor_one_shape_stays_worked_out() -> None:
    """Such as distances between tokens: a square that grows with the text."""
    fixed = [*floats({"table": np.random.default_rng(1).normal(size=(200, 8))}), *integers()]
    nodes = [
        helper.make_node("Gather", ["table", "input_ids"], ["values"]),
        helper.make_node("Shape", ["attention_mask"], ["tokens"], start=1),
        helper.make_node("Squeeze", ["tokens"], ["count"]),
        helper.make_node("Range", ["zero", "count", "one"], ["places"]),
        helper.make_node("Unsqueeze", ["places", "column"], ["down"]),
        helper.make_node("Sub", ["down", "places"], ["apart"]),
        helper.make_node("Cast", ["apart"], ["distances"], to=onnx.TensorProto.FLOAT),
        helper.make_node("MatMul", ["distances", "values"], ["token_embeddings"]),
        helper.make_node("ReduceMean", ["token_embeddings", "column"], ["sentence_embedding"]),
    ]
    plain, model = model_of(nodes, fixed), model_of(nodes, fixed)
    for_one_text(model, LONGEST)
    assert operators_of(model) == operators_of(plain)
    assert inputs_of(model) == ["input_ids"]  # whose shape the mask's was
    rows = [np.array([2, 9, 3])]
    for found, before in zip(outputs(model, rows), outputs(plain, rows), strict=True):
        np.testing.assert_array_equal(found, before)


def test_ones_that_make_more_of_what_they_are_multiplied_with_stay_a_factor() -> None:
    """As where one vector is repeated for every token."""
    fixed = [*floats({"table": np.random.default_rng(1).normal(size=(200, 8))}), *integers()]
    nodes = [
        helper.make_node("Gather", ["table", "input_ids"], ["values"]),
        helper.make_node("ReduceMean", ["values", "column"], ["mean"], keepdims=1),
        helper.make_node("Cast", ["attention_mask"], ["mask"], to=onnx.TensorProto.FLOAT),
        helper.make_node("Unsqueeze", ["mask", "last"], ["ones"]),
        helper.make_node("Mul", ["mean", "ones"], ["repeated"]),
        helper.make_node("Add", ["repeated", "repeated"], ["token_embeddings"]),
        helper.make_node("ReduceMean", ["token_embeddings", "column"], ["sentence_embedding"]),
    ]
    plain, model = model_of(nodes, fixed), model_of(nodes, fixed)
    for_one_text(model, LONGEST)
    assert operators_of(model)["Mul"] == 1
    rows = [np.array([2, 9, 3])]
    for found, before in zip(outputs(model, rows), outputs(plain, rows), strict=True):
        np.testing.assert_array_equal(found, before)


def integers() -> list[onnx.TensorProto]:
    values = {"zero": 0, "one": 1, "column": [1], "last": [2]}
    return [numpy_helper.from_array(np.array(value), name) for name, value in values.items()]
