"""fp32 graph -> the same with fewer operators: attention and GELU as one each."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from rag.graph import TokenIds, feeds_of
from rag.preparation.probe import PAD_ID, observed

if TYPE_CHECKING:
    from onnx import ModelProto, NodeProto

# Attention's inputs by place: values, weights, their bias, mask, past, bias of the scores.
_MASK, _SCORES = 3, 5
_PADDING = "attention_mask_int32"

# ONNX Runtime's joined operators that take longer than their parts, see ``rag.graph``: what they are
# made of now. Places of what a joined normalisation takes and gives.
_VALUES, _RESIDUAL, _GAIN, _SHIFT, _BIAS = range(5)
_SUM = 3

# No constant is too large to be worked out: the largest are the weights that are joined.
_ANY_SIZE = 1 << 40


def fused(graph: Path, rows: Sequence[TokenIds]) -> ModelProto:
    """Read a graph and replace groups of its operators by ONNX Runtime's own.

    A question is so short that much of its time goes into starting operators: a layer of BERT has
    34 as exported, and 11 fused. What is not recognised stays as it is.

    Attention comes with the mask turned into a bias of its scores. Where that bias says nothing but
    which positions are padding, the mask itself takes its place: 8-bit attention needs that.

    Args:
        graph: As ``rag.preparation.export.write_graph`` writes it.
        rows: Token ids of texts, at least two of different length, the longest as long as can be:
            on them it is seen what a bias says.

    Returns:
        The graph in memory, without notes on where the exporter ran.
    """
    import onnx_ir as ir  # noqa: PLC0415 -- needed while preparing only
    from onnxscript import optimizer  # noqa: PLC0415 -- likewise
    from onnxscript.rewriter.ort_fusions import optimize_for_ort  # noqa: PLC0415 -- likewise

    parts = ir.external_data.load_to_model(ir.load(graph))
    optimize_for_ort(parts)
    # The weights of query, key and value are joined by an operator: once here, not each time.
    optimizer.fold_constants(parts, input_size_limit=_ANY_SIZE, output_size_limit=_ANY_SIZE)
    model = ir.to_proto(parts)
    _take_apart(model)
    _mask_by_padding(model, rows)
    optimizer.remove_unused_nodes(model)  # what made the bias
    # Shapes are found anew: dense layers become products with their weights turned over, whose
    # shapes as exported would then contradict them.
    del model.graph.value_info[:]
    for node in model.graph.node:
        del node.metadata_props[:]  # where in the exporter's source it came from
    return model


def _take_apart(model: ModelProto) -> None:
    """Undo the fusions that cost time: a sum before a normalisation, a bias before a GELU."""
    nodes = list(model.graph.node)
    del model.graph.node[:]
    for node in nodes:
        match node.op_type:
            case "SkipLayerNormalization":
                model.graph.node.extend(_normalisation_apart(node))
            case "BiasGelu":
                model.graph.node.extend(_gelu_apart(node))
            case _:
                model.graph.node.append(node)


def _normalisation_apart(node: NodeProto) -> Iterator[NodeProto]:
    """Give what adds values, their bias and the residual, and what normalises that sum."""
    from onnx import helper  # noqa: PLC0415 -- needed while preparing only

    given, normal = list(node.input), node.output[0]
    values = given[_VALUES]
    if any(given[_BIAS:]):
        values = f"{normal}_biased"  # beside the product, into which ONNX Runtime takes it
        yield helper.make_node("Add", [given[_VALUES], given[_BIAS]], [values])
    total = next(filter(None, node.output[_SUM:]), f"{normal}_sum")
    yield helper.make_node("Add", [values, given[_RESIDUAL]], [total])
    (epsilon,) = (part.f for part in node.attribute if part.name == "epsilon")
    yield helper.make_node(
        "LayerNormalization",
        [total, *filter(None, given[_GAIN : _SHIFT + 1])],
        [normal],
        epsilon=epsilon,
    )


def _gelu_apart(node: NodeProto) -> Iterator[NodeProto]:
    """Give what adds the bias, and GELU alone."""
    from onnx import helper  # noqa: PLC0415 -- needed while preparing only

    biased = f"{node.output[0]}_biased"
    yield helper.make_node("Add", list(node.input), [biased])
    yield helper.make_node("Gelu", [biased], list(node.output), domain=node.domain)


def _mask_by_padding(model: ModelProto, rows: Sequence[TokenIds]) -> None:
    """Give attention the mask itself instead of a bias, wherever that is the same."""
    import onnx  # noqa: PLC0415 -- needed while preparing only

    attentions = [node for node in model.graph.node if _has_bias_alone(node)]
    biases = sorted({node.input[_SCORES] for node in attentions})
    if not biases:
        return
    by_length = sorted(rows, key=len)
    batch = [by_length[0], by_length[-1]]
    (values,) = observed(model, biases, [batch])
    open_ = feeds_of(batch, PAD_ID)["attention_mask"][:, np.newaxis, np.newaxis, :] > 0
    padding = {
        name
        for name, value in zip(biases, values, strict=True)
        # Closed scores are far below any other: their share after the softmax is exactly 0.
        if np.all(np.where(open_, value == 0, value <= np.finfo(np.float32).min / 2))
    }
    masked = [node for node in attentions if node.input[_SCORES] in padding]
    for node in masked:
        del node.input[_MASK:]
        node.input.append(_PADDING)
    if masked:
        cast = onnx.helper.make_node(
            "Cast", ["attention_mask"], [_PADDING], to=onnx.TensorProto.INT32
        )
        model.graph.node.insert(0, cast)


def _has_bias_alone(node: NodeProto) -> bool:
    """Tell attention that takes a bias of its scores and no mask."""
    return (
        node.op_type == "Attention"
        and len(node.input) == _SCORES + 1
        and not any(node.input[_MASK:_SCORES])
    )
