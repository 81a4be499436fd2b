"""Fusing changes how a graph computes, not what."""

from collections import Counter
from pathlib import Path

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper

from rag.preparation.fuse import fused
from rag.preparation.prepare import Preparation
from tests.rag.preparation.graphs import floats, model_of, outputs

ROWS = [np.array([2, 9, 3]), np.array([2, *range(5, 120), 3])]


@pytest.mark.parametrize("rows", [ROWS[:1], ROWS[1:], ROWS], ids=["short", "long", "padded"])
def test_the_fused_graph_gives_what_the_exported_one_gives(
    tiny_prepared: Preparation, rows: list[np.ndarray]
) -> None:
    file = tiny_prepared.folder / "model.onnx"
    sentences, tokens = outputs(fused(file, ROWS), rows)
    plain_sentences, plain_tokens = outputs(onnx.load(file), rows)
    np.testing.assert_allclose(sentences, plain_sentences, atol=2e-6)
    for row, found, plain in zip(rows, tokens, plain_tokens, strict=True):
        # What stands at padding concerns nobody.
        np.testing.assert_allclose(found[: len(row)], plain[: len(row)], atol=2e-5)


def test_a_mask_that_only_marks_padding_is_given_as_such(tiny_prepared: Preparation) -> None:
    model = fused(tiny_prepared.folder / "model.onnx", ROWS)
    attentions = [node for node in model.graph.node if node.op_type == "Attention"]
    assert [node.input[3:] for node in attentions] == [["attention_mask_int32"]] * 2
    assert "Where" not in {node.op_type for node in model.graph.node}  # nothing makes a bias


def test_attention_that_also_counts_distances_keeps_its_bias(tmp_path: Path) -> None:
    """As MPNet and T5 do: which positions are padding is not all that their bias says."""
    file = tmp_path / "model.onnx"
    onnx.save(with_distances(), file)
    model = fused(file, ROWS)
    (attention,) = [node for node in model.graph.node if node.op_type == "Attention"]
    assert list(attention.input)[3:] == ["", "", "bias"]


def test_sums_and_biases_stay_operators_of_their_own(tiny_prepared: Preparation) -> None:
    """ONNX Runtime takes longer for both in one."""
    model = fused(tiny_prepared.folder / "model.onnx", ROWS)
    operators = Counter(node.op_type for node in model.graph.node)
    assert not operators.keys() & {"SkipLayerNormalization", "BiasGelu"}
    assert operators["LayerNormalization"] == 1 + 2 * 2
    assert operators["Gelu"] == 2


def test_a_sum_that_is_wanted_besides_its_normalisation_is_kept(tmp_path: Path) -> None:
    """As where layers normalise what they take, not what they give."""
    file = tmp_path / "model.onnx"
    onnx.save(normalised_first(), file)
    model = fused(file, ROWS)
    assert [node.op_type for node in model.graph.node].count("LayerNormalization") == 1
    for found, plain in zip(outputs(model, ROWS), outputs(onnx.load(file), ROWS), strict=True):
        np.testing.assert_allclose(found, plain, atol=1e-5)


def normalised_first() -> onnx.ModelProto:
    """A normalised sum, to which the sum itself is added."""
    random = np.random.default_rng(1)
    arrays = {
        "table": random.normal(size=(200, 8)),
        "other": random.normal(size=(200, 8)),
        "bias": random.normal(size=8),
        "gain": random.normal(size=8),
        "shift": random.normal(size=8),
    }
    fixed = [*floats(arrays), numpy_helper.from_array(np.array([1]), "column")]
    nodes = [
        helper.make_node("Gather", ["table", "input_ids"], ["unbiased"]),
        helper.make_node("Gather", ["other", "input_ids"], ["residual"]),
        helper.make_node("Add", ["unbiased", "bias"], ["values"]),
        helper.make_node("Add", ["values", "residual"], ["sum"]),
        helper.make_node("LayerNormalization", ["sum", "gain", "shift"], ["normal"]),
        helper.make_node("Add", ["normal", "sum"], ["token_embeddings"]),
        helper.make_node("ReduceMean", ["token_embeddings", "column"], ["sentence_embedding"]),
    ]
    return model_of(nodes, fixed)


def with_distances() -> onnx.ModelProto:
    """One attention of two heads whose scores fall with the distance of two tokens."""
    random = np.random.default_rng(1)
    arrays = {
        "table": random.normal(size=(200, 8)),
        "weights": random.normal(size=(8, 24)),
        "own": random.normal(size=24),
    }
    fixed = floats(arrays)
    fixed += [
        numpy_helper.from_array(np.array(value, dtype), name)
        for name, value, dtype in (
            ("zero", 0, np.int64),
            ("one", 1, np.int64),
            ("column", [1], np.int64),
            ("first", [0], np.int64),
            ("second", [0, 1], np.int64),
        )
    ]
    nodes = [
        helper.make_node("Gather", ["table", "input_ids"], ["values"]),
        helper.make_node("Shape", ["input_ids"], ["shape"]),
        helper.make_node("Gather", ["shape", "one"], ["tokens"]),
        helper.make_node("Range", ["zero", "tokens", "one"], ["places"]),
        helper.make_node("Unsqueeze", ["places", "column"], ["down"]),
        helper.make_node("Sub", ["down", "places"], ["apart"]),
        helper.make_node("Abs", ["apart"], ["distance"]),
        helper.make_node("Neg", ["distance"], ["nearness"]),
        helper.make_node("Cast", ["nearness"], ["near"], to=TensorProto.FLOAT),
        helper.make_node("Unsqueeze", ["near", "second"], ["bias"]),
        helper.make_node(
            "Attention",
            ["values", "weights", "own", "", "", "bias"],
            ["token_embeddings"],
            domain="com.microsoft",
            num_heads=2,
        ),
        helper.make_node("ReduceMean", ["token_embeddings", "column"], ["sentence_embedding"]),
    ]
    return model_of(nodes, fixed)
