"""What flows inside a graph: the values of any of its tensors for given texts."""

from __future__ import annotations

import tempfile
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from rag.graph import TokenIds, feeds_of

if TYPE_CHECKING:
    from onnx import ModelProto

PAD_ID = 0
"""Fills up shorter texts; any would do, since the mask hides it."""


def observed(
    model: ModelProto, names: Sequence[str], batches: Iterable[Sequence[TokenIds]]
) -> Iterator[list[NDArray[np.float32]]]:
    """Run a graph and yield the values of some of its tensors, batch by batch.

    Args:
        model: The graph; it is left as it is.
        names: Tensors of it, each once; at least one.
        batches: Of texts, what to run it on.

    Yields:
        An array for each name, in that order.
    """
    import onnx  # noqa: PLC0415 -- needed while preparing only
    import onnxruntime  # noqa: PLC0415 -- likewise
    from onnxscript import optimizer  # noqa: PLC0415 -- likewise

    part = onnx.ModelProto()
    part.CopyFrom(model)
    del part.graph.output[:]
    part.graph.output.extend(onnx.ValueInfoProto(name=name) for name in names)
    optimizer.remove_unused_nodes(part)  # what is not asked for is not worked out
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "observed.onnx"  # a message in memory ends at 2 GiB
        onnx.save(part, file, save_as_external_data=True, location="observed.data")
        session = onnxruntime.InferenceSession(file, providers=["CPUExecutionProvider"])
        taken = [node.name for node in session.get_inputs()]
        for rows in batches:
            given = feeds_of(rows, PAD_ID)
            yield session.run(list(names), {name: given[name] for name in taken})
