"""Small graphs to change, and what a graph gives."""

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

from rag.preparation.probe import observed

OUTPUTS = ["sentence_embedding", "token_embeddings"]


def outputs(model: onnx.ModelProto, rows: list[np.ndarray]) -> list[np.ndarray]:
    (found,) = observed(model, OUTPUTS, [rows])
    return list(found)


def floats(arrays: dict[str, np.ndarray]) -> list[TensorProto]:
    return [numpy_helper.from_array(a.astype(np.float32), name) for name, a in arrays.items()]


def model_of(nodes: list[onnx.NodeProto], fixed: list[TensorProto]) -> onnx.ModelProto:
    """An encoder's graph: token ids and mask in, both kinds of vectors out."""
    inputs = [
        helper.make_tensor_value_info(name, TensorProto.INT64, ["batch", "sequence"])
        for name in ("input_ids", "attention_mask")
    ]
    made = [helper.make_tensor_value_info(name, TensorProto.FLOAT, None) for name in OUTPUTS]
    opsets = [helper.make_opsetid("", 18), helper.make_opsetid("com.microsoft", 1)]
    graph = helper.make_graph(nodes, "encoder", inputs, made, fixed)
    return helper.make_model(graph, opset_imports=opsets, ir_version=10)
