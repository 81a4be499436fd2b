"""fp32 graph -> 8-bit graph, for questions: faster, and smaller in memory."""

from __future__ import annotations

import logging
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from rag.encoder_file import data_name

if TYPE_CHECKING:
    from onnx import ModelProto, NodeProto


def write_int8_graph(graph: Path, path: Path) -> None:
    """Write a graph anew with its matrices in 8 bits, one scale for each column.

    What flows between them is turned into 8 bits while it runs, each time by its own range. Only
    products with weights are changed: attention, normalisation and lookups stay fp32. So do products
    that narrow (1536 to 384), the second of each feed-forward layer: what enters them has a few values
    far above the rest, which take the range. Without them the mean cosine to fp32 is .9990 instead of
    .9972 (multilingual-e5-small), for a fifth of the time.

    The weights are put beside the graph, in ``<path>.data``, whatever their size: ONNX Runtime maps
    that file instead of reading it, so of the vocabulary only the rows that are asked for take
    memory (see docs/decisions/0005).

    Args:
        graph: The fp32 graph.
        path: Where to write; neither file may be there yet.
    """
    import onnx  # noqa: PLC0415 -- needed while preparing only
    from onnxruntime.quantization import QuantType, quantize_dynamic  # noqa: PLC0415 -- likewise

    model = onnx.load(graph)
    # Shapes are found anew: dense layers become products with their weights turned over, whose
    # shapes as exported would then contradict them.
    del model.graph.value_info[:]
    for node in model.graph.node:
        del node.metadata_props[:]  # where in the exporter's source it came from
    narrowing = _narrowing(model)
    previous = logging.root.manager.disable
    logging.disable(logging.WARNING)  # it recommends a step that is for images
    try:
        quantize_dynamic(
            model,
            path,
            op_types_to_quantize=["MatMul"],
            nodes_to_exclude=narrowing,
            weight_type=QuantType.QInt8,
            per_channel=True,
            # Weights in 7 bits: a processor without VNNI adds two products in 16 bits, which 8 bits
            # overflow; m3e-small's vectors then keep a cosine of .59.
            reduce_range=True,
            use_external_data_format=True,
        )
    finally:
        logging.disable(previous)
    # It comes readable by its writer alone; the service may be somebody else.
    path.with_name(data_name(path.name)).chmod(path.stat().st_mode)


def _narrowing(model: ModelProto) -> list[str]:
    """Name the products whose weights have more rows than columns."""
    shapes = {weight.name: tuple(weight.dims) for weight in model.graph.initializer}
    return [
        node.name
        for node in model.graph.node
        if node.op_type == "MatMul"
        and any(rows > columns for rows, columns in _matrices(node, shapes))
    ]


def _matrices(node: NodeProto, shapes: Mapping[str, tuple[int, ...]]) -> Iterator[tuple[int, int]]:
    for name in node.input:
        match shapes.get(name):
            case (rows, columns):
                yield rows, columns
