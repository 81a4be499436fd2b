"""Ranges of what enters a product moved into its weights, so that 8 bits suit both."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from rag.graph import TokenIds
from rag.preparation.probe import observed

if TYPE_CHECKING:
    from onnx import ModelProto, NodeProto, TensorProto

# How much of a channel's range goes into the weights. Cosine of token vectors to fp32, mean of 160
# questions (worst): multilingual-e5-small .959 (.886) at .3, .9967 (.982) at .5, .9988 (.997) at .7,
# .9978 (.991) at .85; without any .9955 (.985).
_SHARE = 0.7

_SMALLEST = 1e-5


def smooth(model: ModelProto, rows: Sequence[TokenIds]) -> None:
    """Divide what enters each product by a number a channel, and multiply its weights by the same.

    A few channels reach up to fifty times as far as the others. In 8 bits with one scale for all, they take
    the range and leave the rest a handful of steps; weights have a scale for each column and can
    bear it. In exact arithmetic nothing changes. See Xiao et al., "SmoothQuant" (ICML 2023).

    What comes straight from attention need not be divided while it runs: each of its channels is a
    mean of one channel of the values, whose weights are divided instead.

    Args:
        model: Products with weights of two dimensions in it are changed in place, except where
            weights are used twice.
        rows: Token ids of texts whose ranges are taken.
    """
    import onnx  # noqa: PLC0415 -- needed while preparing only
    from onnx import numpy_helper  # noqa: PLC0415 -- likewise

    weights = {weight.name: weight for weight in model.graph.initializer}
    products = list(weighted_products(model))
    if not products:
        return
    reaches = _reaches(model, sorted({node.input[0] for node in products}), rows)
    divided: dict[str, NodeProto] = {}
    attentions = _attentions_for_one(model, products)
    for node in products:
        weight = weights[node.input[1]]
        matrix = numpy_helper.to_array(weight)
        reach = np.maximum(reaches[node.input[0]], _SMALLEST)
        own = np.maximum(np.abs(matrix).max(axis=1), _SMALLEST)
        factors = reach**_SHARE / own ** (1 - _SHARE)
        # The product's own scale is free; around 1 nothing under- or overflows.
        factors = (factors / np.exp(np.log(factors).mean())).astype(np.float32)
        weight.CopyFrom(numpy_helper.from_array(matrix * factors[:, np.newaxis], weight.name))
        if attention := attentions.get(node.input[0]):
            for name in attention.input[1:3]:  # weights and bias, if there is one
                if name:
                    _divide_values(weights[name], factors)
            continue
        inverse = numpy_helper.from_array(1 / factors, f"{weight.name}_smooth")
        model.graph.initializer.append(inverse)
        smoothed = f"{node.output[0]}_smoothed"
        divided[node.output[0]] = onnx.helper.make_node(
            "Mul", [node.input[0], inverse.name], [smoothed], name=smoothed
        )
        node.input[0] = smoothed
    nodes = list(model.graph.node)
    del model.graph.node[:]
    for node in nodes:
        if divider := divided.get(node.output[0]):
            model.graph.node.append(divider)
        model.graph.node.append(node)


def weighted_products(model: ModelProto) -> Iterator[NodeProto]:
    """Yield what multiplies by a matrix of weights that nothing else uses: products and attention."""
    weights: dict[str, TensorProto] = {weight.name: weight for weight in model.graph.initializer}
    uses = Counter(name for node in model.graph.node for name in node.input)
    for node in model.graph.node:
        if node.op_type in {"MatMul", "Attention"}:
            weight = weights.get(node.input[1])
            if weight is not None and len(weight.dims) == 2 and uses[weight.name] == 1:  # noqa: PLR2004 -- rows, columns
                yield node


def _attentions_for_one(model: ModelProto, products: Sequence[NodeProto]) -> dict[str, NodeProto]:
    """Find attention that is asked by one product alone and whose weights are its own, by output."""
    asked = Counter(name for node in model.graph.node for name in node.input)
    asked.update(output.name for output in model.graph.output)
    own = {weight.name for weight in model.graph.initializer if asked[weight.name] == 1}
    return {
        node.output[0]: node
        for node in products
        if node.op_type == "Attention"
        and asked[node.output[0]] == 1
        and own.issuperset(filter(None, node.input[1:3]))
    }


def _divide_values(tensor: TensorProto, factors: NDArray[np.float32]) -> None:
    """Divide what attention's values, which come last of query, key and value, are made with."""
    from onnx import numpy_helper  # noqa: PLC0415 -- needed while preparing only

    divided = numpy_helper.to_array(tensor).copy()
    divided[..., -len(factors) :] /= factors
    tensor.CopyFrom(numpy_helper.from_array(divided, tensor.name))


def _reaches(
    model: ModelProto, names: Sequence[str], rows: Sequence[TokenIds]
) -> dict[str, NDArray[np.float32]]:
    """Find how far each channel of a tensor goes from 0, over all texts."""
    reaches: dict[str, NDArray[np.float32]] = {}
    for values in observed(model, names, ([row] for row in rows)):
        for name, value in zip(names, values, strict=True):
            furthest = np.abs(value).reshape(-1, value.shape[-1]).max(axis=0)
            reaches[name] = np.maximum(reaches.get(name, furthest), furthest)
    return reaches
