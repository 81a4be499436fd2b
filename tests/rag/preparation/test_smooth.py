"""Smoothing: the same products, of values that lie nearer together."""

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper

from rag.preparation.probe import observed
from rag.preparation.smooth import smooth, weighted_products

# Ids are the values themselves here: a channel reaches 100 times as far as the other.
TABLE = np.array([[1, 100], [-2, 50], [0.5, -200]], np.float32)
MATRIX = np.array([[1, 2], [4, -1]], np.float32)
ROWS = [np.array([0, 1]), np.array([2])]


def model(products: int = 1) -> onnx.ModelProto:
    fixed = [numpy_helper.from_array(TABLE, "table"), numpy_helper.from_array(MATRIX, "matrix")]
    nodes = [helper.make_node("Gather", ["table", "input_ids"], ["value0"])]
    nodes += [
        helper.make_node("MatMul", [f"value{n}", "matrix"], [f"value{n + 1}"])
        for n in range(products)
    ]
    ids = helper.make_tensor_value_info("input_ids", TensorProto.INT64, ["batch", "sequence"])
    out = helper.make_tensor_value_info(f"value{products}", TensorProto.FLOAT, None)
    graph = helper.make_graph(nodes, "one product", [ids], [out], fixed)
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 18)], ir_version=10)


def values(made: onnx.ModelProto, name: str) -> np.ndarray:
    ((found,),) = observed(made, [name], [[np.array([0, 1, 2])]])
    return found[0]


def test_the_product_stays_what_it_is_and_its_channels_come_nearer() -> None:
    made = model()
    smooth(made, ROWS)
    np.testing.assert_allclose(values(made, "value1"), TABLE @ MATRIX, rtol=1e-5)
    reach = np.abs(values(made, "value1_smoothed")).max(axis=0)
    # 200 over 2 before; of that factor ^.7 goes into the weights, less their own ratio of 2 ^.3.
    assert reach[1] / reach[0] == pytest.approx(100 ** (1 - 0.7) * 2**0.3, rel=1e-5)


def test_weights_have_taken_over_what_the_values_lost() -> None:
    made = model()
    smooth(made, ROWS)
    stored = {w.name: numpy_helper.to_array(w) for w in made.graph.initializer}
    np.testing.assert_allclose(
        stored["matrix"] * stored["matrix_smooth"][:, None], MATRIX, rtol=1e-6
    )


def test_weights_that_two_products_share_are_left_alone() -> None:
    """Each would need other factors."""
    made = model(products=2)
    before = made.SerializeToString()
    smooth(made, ROWS)
    assert not list(weighted_products(made))
    assert made.SerializeToString() == before


def after_attention(wanted: str = "result") -> onnx.ModelProto:
    """A product of what one attention of two heads gives."""
    random = np.random.default_rng(1)
    arrays = {
        "table": TABLE[:, [0, 1, 0, 1]],
        "attending": random.normal(size=(4, 12)),
        "bias": random.normal(size=12),
        "matrix": random.normal(size=(4, 2)) * [[1], [9], [1], [30]],
    }
    fixed = [numpy_helper.from_array(a.astype(np.float32), name) for name, a in arrays.items()]
    nodes = [
        helper.make_node("Gather", ["table", "input_ids"], ["values"]),
        helper.make_node(
            "Attention",
            ["values", "attending", "bias"],
            ["attended"],
            domain="com.microsoft",
            num_heads=2,
        ),
        helper.make_node("MatMul", ["attended", "matrix"], ["result"]),
    ]
    ids = helper.make_tensor_value_info("input_ids", TensorProto.INT64, ["batch", "sequence"])
    out = helper.make_tensor_value_info(wanted, TensorProto.FLOAT, None)
    opsets = [helper.make_opsetid("", 18), helper.make_opsetid("com.microsoft", 1)]
    graph = helper.make_graph(nodes, "attention", [ids], [out], fixed)
    return helper.make_model(graph, opset_imports=opsets, ir_version=10)


def test_what_attention_gives_to_a_product_is_divided_by_its_weights() -> None:
    made = after_attention()
    before = values(made, "result")
    smooth(made, ROWS)
    np.testing.assert_allclose(values(made, "result"), before, rtol=1e-4)
    # One before attention, none behind it.
    assert [node.op_type for node in made.graph.node] == ["Gather", "Mul", "Attention", "MatMul"]


def test_what_attention_gives_to_others_too_stays_what_it_is() -> None:
    made = after_attention(wanted="attended")
    before = values(made, "attended")
    smooth(made, ROWS)
    np.testing.assert_allclose(values(made, "attended"), before, rtol=1e-4)
    assert [node.op_type for node in made.graph.node].count("Mul") == 2
