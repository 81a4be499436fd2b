"""Products of small integers are exact."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import onnx
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from onnx import TensorProto, helper

import index.integers
from index.integers import LARGEST, products

GRAPH = Path(index.integers.__file__).with_name("integers.onnx")


def one_product() -> onnx.ModelProto:
    """Make the graph that the package holds: (many - 128) times few."""
    value = helper.make_tensor_value_info
    return helper.make_model(
        helper.make_graph(
            [helper.make_node("MatMulInteger", ["many", "few", "middle"], ["products"])],
            "products",
            [
                value("many", TensorProto.UINT8, ["n", "dimension"]),
                value("few", TensorProto.INT8, ["dimension", "k"]),
            ],
            [value("products", TensorProto.INT32, ["n", "k"])],
            [helper.make_tensor("middle", TensorProto.UINT8, [], [128])],
        ),
        opset_imports=[helper.make_opsetid("", 10)],
        ir_version=5,
        producer_name="casebook",
    )


def test_the_graph_in_the_package_is_the_one_made_here() -> None:
    assert GRAPH.read_bytes() == one_product().SerializeToString(deterministic=True)


@given(st.data())
def test_products_are_those_of_wide_integers(data: st.DataObject) -> None:
    columns, width = (data.draw(st.integers(1, most)) for most in (20, 130))
    lengths = data.draw(st.lists(st.integers(0, 40), min_size=1, max_size=4))
    many = [data.draw(hnp.arrays(np.int8, (rows, width))) for rows in lengths]
    few = data.draw(hnp.arrays(np.int8, (columns, width), elements=st.integers(-LARGEST, LARGEST)))
    found = products(many, few)
    assert found.dtype == np.int32
    np.testing.assert_array_equal(
        found, np.concatenate(many).astype(np.int64) @ few.T.astype(np.int64)
    )


def test_the_farthest_that_integers_reach_does_not_overflow() -> None:
    many = np.full((4, 128), -128, np.int8)
    few = np.full((18, 128), LARGEST, np.int8)
    assert set(products([many], few).ravel().tolist()) == {-128 * LARGEST * 128}
    assert set(products([~many], few).ravel().tolist()) == {127 * LARGEST * 128}


def test_no_rows_have_no_products() -> None:
    none = np.empty((0, 3), np.int8)
    some = np.ones((2, 3), np.int8)
    assert products([none], some).shape == (0, 2)
    assert products([some], none).shape == (2, 0)
    assert products([], some).shape == (0, 2)


def test_rows_of_unequal_length_are_refused() -> None:
    with pytest.raises(ValueError, match=r"cannot multiply rows of \(2, 3\) with rows of \(1, 4\)"):
        products([np.ones((2, 3), np.int8)], np.ones((1, 4), np.int8))
