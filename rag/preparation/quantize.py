"""fp32 graph -> 8-bit graph, for questions: faster, and smaller in memory."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from rag.encoder_file import data_name
from rag.graph import TokenIds
from rag.preparation.alone import for_one_text
from rag.preparation.fuse import fused
from rag.preparation.smooth import smooth, weighted_products

if TYPE_CHECKING:
    from onnx import ModelProto, NodeProto

# A processor without VNNI adds two products of 8 bits in 16, which 8 bits of weights overflow:
# m3e-small's vectors then keep a cosine of .59. In 7 bits nothing overflows on any.
_LARGEST_WEIGHT = 63

# What there is an 8-bit form for: values, weights, bias, and perhaps a mask; and these options.
_MASK = 3
_KNOWN_OPTIONS = {"num_heads", "scale", "qkv_hidden_sizes"}


def write_int8_graph(graph: Path, path: Path, rows: Sequence[TokenIds], longest: int) -> None:
    """Write a graph anew, for one text at a time, fused and with its matrices in 8 bits.

    Matrices have one scale for each column. What flows between them is turned into 8 bits while it runs, each time by its own range. Only
    products with weights are changed: attention's own, normalisation and lookups stay fp32.

    The weights are put beside the graph, in ``<path>.data``, whatever their size: ONNX Runtime maps
    that file instead of reading it, so of the vocabulary only the rows that are asked for take
    memory (see docs/decisions/0005).

    Args:
        graph: The fp32 graph.
        path: Where to write; neither file may be there yet.
        rows: Token ids of texts as the graph will be given them; see ``fused`` and ``smooth``.
        longest: Tokens of the longest text that it will be given.
    """
    import onnx  # noqa: PLC0415 -- needed while preparing only
    from onnxruntime.quantization import QuantType, quantize_dynamic  # noqa: PLC0415 -- likewise

    model = fused(graph, rows)
    for_one_text(model, longest)
    smooth(model, rows)
    _quantize_attention(model)
    previous = logging.root.manager.disable
    logging.disable(logging.WARNING)  # it recommends a step that is for images
    try:
        quantize_dynamic(
            model,
            path,
            op_types_to_quantize=["MatMul"],
            weight_type=QuantType.QInt8,
            per_channel=True,
            reduce_range=True,  # to ``_LARGEST_WEIGHT``
            use_external_data_format=True,
            # It cannot tell what a fused operator gives.
            extra_options={"DefaultTensorType": onnx.TensorProto.FLOAT},
        )
    finally:
        logging.disable(previous)
    # It comes readable by its writer alone; the service may be somebody else.
    path.with_name(data_name(path.name)).chmod(path.stat().st_mode)


def _quantize_attention(model: ModelProto) -> None:
    """Turn attention into its 8-bit form, which ``quantize_dynamic`` leaves alone.

    Attention with a bias of its scores, or with heads of unequal size, has no such form and stays;
    so does what shares its weights.
    """
    alone = {node.output[0] for node in weighted_products(model)}
    nodes = list(model.graph.node)
    del model.graph.node[:]
    for node in nodes:
        if node.op_type == "Attention" and node.output[0] in alone and _has_8_bit_form(node):
            model.graph.node.extend(_in_8_bits(model, node))
        else:
            model.graph.node.append(node)


def _in_8_bits(model: ModelProto, node: NodeProto) -> tuple[NodeProto, NodeProto]:
    """Put a node's weights into 8 bits, and give what takes its place."""
    import onnx  # noqa: PLC0415 -- needed while preparing only
    from onnx import numpy_helper  # noqa: PLC0415 -- likewise

    values, weight, bias = node.input[:_MASK]
    mask = next(iter(node.input[_MASK:]), "")
    (stored,) = (each for each in model.graph.initializer if each.name == weight)
    matrix = numpy_helper.to_array(stored)
    scales = (np.abs(matrix).max(axis=0) / _LARGEST_WEIGHT).astype(np.float32)
    scales = np.where(scales > 0, scales, np.float32(1))  # a column of zeros
    parts = {
        f"{weight}_quantized": np.rint(matrix / scales).astype(np.int8),
        f"{weight}_scale": scales,
        f"{weight}_zero_point": np.zeros(len(scales), np.int8),
    }
    model.graph.initializer.remove(stored)
    model.graph.initializer.extend(
        numpy_helper.from_array(array, name) for name, array in parts.items()
    )
    # Not as ``quantize_dynamic`` names what it makes of the output.
    entering = [f"attended_{node.output[0]}_{part}" for part in ("values", "scale", "zero_point")]
    in_8_bits, scale, zero_point = entering
    own_in_8_bits, own_scale, own_zero_point = parts
    options = _options(node)
    return (
        onnx.helper.make_node("DynamicQuantizeLinear", [values], entering),
        onnx.helper.make_node(
            "QAttention",
            [in_8_bits, own_in_8_bits, bias, scale, own_scale, mask, zero_point, own_zero_point],
            list(node.output),
            domain=node.domain,
            **{name: options[name] for name in ("num_heads", "scale") if name in options},
        ),
    )


def _has_8_bit_form(node: NodeProto) -> bool:
    """Tell attention with weights, their bias and perhaps a mask, and nothing else."""
    options = _options(node)
    sizes = options.get("qkv_hidden_sizes")
    equal = not isinstance(sizes, list) or len(set(sizes)) == 1
    return len(node.input) in (_MASK, _MASK + 1) and equal and options.keys() <= _KNOWN_OPTIONS


def _options(node: NodeProto) -> dict[str, Any]:
    import onnx  # noqa: PLC0415 -- needed while preparing only

    return {part.name: onnx.helper.get_attribute_value(part) for part in node.attribute}
