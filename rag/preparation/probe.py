"""What flows inside a graph: the values of any of its tensors for given texts."""

from __future__ import annotations

import tempfile
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, TypeAlias

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    from onnx import ModelProto

Batch: TypeAlias = tuple[NDArray[np.int64], NDArray[np.int64]]
"""Token ids and attention mask, each of shape (texts, longest)."""


def batch_of(rows: Sequence[NDArray[np.int64]]) -> Batch:
    """Put token ids of texts under each other, filled up with token 0 behind the mask.

    >>> batch_of([np.array([7, 8]), np.array([9])])[1].tolist()
    [[1, 1], [1, 0]]
    """
    mask = np.zeros((len(rows), max(len(row) for row in rows)), dtype=np.int64)
    ids = np.zeros_like(mask)
    for number, row in enumerate(rows):
        ids[number, : len(row)] = row
        mask[number, : len(row)] = 1
    return ids, mask


def observed(
    model: ModelProto, names: Sequence[str], batches: Iterable[Batch]
) -> Iterator[list[NDArray[np.float32]]]:
    """Run a graph and yield the values of some of its tensors, batch by batch.

    Args:
        model: The graph; it is left as it is.
        names: Tensors of it, each once; at least one.
        batches: What to run it on.

    Yields:
        An array for each name, in that order.
    """
    import onnx  # noqa: PLC0415 -- needed while preparing only
    import onnxruntime  # noqa: PLC0415 -- likewise

    copy = onnx.ModelProto()
    copy.CopyFrom(model)
    known = {output.name for output in copy.graph.output}
    copy.graph.output.extend(
        onnx.helper.make_tensor_value_info(name, onnx.TensorProto.FLOAT, None)
        for name in names
        if name not in known
    )
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "observed.onnx"  # a message in memory ends at 2 GiB
        onnx.save(copy, file, save_as_external_data=True, location="observed.data")
        session = onnxruntime.InferenceSession(file, providers=["CPUExecutionProvider"])
        taken = [node.name for node in session.get_inputs()]
        for ids, mask in batches:
            given = {"input_ids": ids, "attention_mask": mask, "token_type_ids": ids * 0}
            yield session.run(list(names), {name: given[name] for name in taken})
