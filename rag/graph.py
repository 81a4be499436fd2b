"""A graph of a prepared folder, run by ONNX Runtime: rows of token ids -> vectors."""

from __future__ import annotations

import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TypeAlias

import numpy as np
import onnxruntime
from numpy.typing import NDArray

from rag.cpus import granted_cpus
from rag.encoder_file import EncoderFile, prepare_command, verify_files
from rag.errors import ModelError

SENTENCE = "sentence_embedding"
TOKENS = "token_embeddings"
_IDS, _MASK = "input_ids", "attention_mask"
# What a graph may ask for; many models do without segment numbers, and one text without a mask.
_INPUTS = frozenset({_IDS, _MASK, "token_type_ids"})

_SLOW_FUSIONS = ["SkipLayerNormFusion", "BiasGeluFusion"]
"""What ONNX Runtime would join although the parts take less. Milliseconds of the 160 development questions
on average (24 tokens; one thread, AVX-512): 24 normalisations 1.31 joined with the sum before them, .37
apart; 12 GELU with their bias .48, .30 apart, since a product in 8 bits adds the bias itself."""

TokenIds: TypeAlias = NDArray[np.int64]
"""The tokens of one text."""


class Graph:
    """A graph whose file is what ``encoder.json`` says; several threads may run it at once.

    Args:
        folder: The prepared folder.
        record: Its ``encoder.json``.
        name: The graph's file.
        shared: Whether runs will often meet. A run that is alone then still has all processors,
            but one that meets another has one of them: together they get half as much more done
            than if each took all. It takes the memory of the weights twice.

    Raises:
        ModelError: If a file of the graph is missing or has changed, or if the graph takes or gives
            something else than an encoder does.
    """

    def __init__(
        self, folder: Path, record: EncoderFile, name: str, *, shared: bool = False
    ) -> None:
        verify_files(folder, record, only={name})
        self._pad_id = record.pad_id
        processors = granted_cpus()
        self._alone = _open_session(folder / name, processors)
        self._among_others = self._alone
        if shared and processors > 1:
            self._among_others = _open_session(folder / name, 1)
        self._running = 0
        self._lock = threading.Lock()
        self._inputs = tuple(node.name for node in self._alone.get_inputs())
        outputs = [node.name for node in self._alone.get_outputs()]
        if not _INPUTS.issuperset(self._inputs) or not {SENTENCE, TOKENS}.issubset(outputs):
            message = (
                f"{folder / name} 的输入是 {list(self._inputs)}，输出是 {outputs}；"
                f"输入应在 {sorted(_INPUTS)} 之内，输出应有 {SENTENCE} 和 {TOKENS}；"
                f"请运行：{prepare_command(record.source)} --force"
            )
            raise ModelError(message)

    def run(self, rows: Sequence[TokenIds], outputs: Sequence[str]) -> list[NDArray[np.float32]]:
        """Run the graph on one batch, padded to its longest row.

        Args:
            rows: At least one; of one length for a graph that takes no mask.
            outputs: ``SENTENCE``, of shape (rows, dimension), and ``TOKENS``, of shape (rows,
                longest, dimension).

        Returns:
            What was asked for, in that order; lengths of vectors are as the model gives them.

        Raises:
            ValueError: If rows would need a mask that the graph does not take.
        """
        if len({len(row) for row in rows}) > 1 and _MASK not in self._inputs:
            message = f"a graph without a mask takes texts of one length, got {[*map(len, rows)]}"
            raise ValueError(message)
        if self._inputs == (_IDS,):
            asked = {_IDS: np.stack(rows)}
        else:
            feeds = feeds_of(rows, self._pad_id)
            asked = {name: feeds[name] for name in self._inputs}
        with self.session() as session:
            found: list[NDArray[np.float32]] = session.run(list(outputs), asked)
        return found

    @contextmanager
    def session(self) -> Iterator[onnxruntime.InferenceSession]:
        """Give the session that suits how many runs there are, and count one more until it is left."""
        with self._lock:
            alone = not self._running
            self._running += 1
        try:
            yield self._alone if alone else self._among_others
        finally:
            with self._lock:
                self._running -= 1


def feeds_of(rows: Sequence[TokenIds], pad_id: int) -> dict[str, NDArray[np.int64]]:
    """Make of texts what a graph may ask for, each of shape (texts, longest).

    >>> feeds_of([np.array([7, 8]), np.array([9])], pad_id=1)["input_ids"].tolist()
    [[7, 8], [9, 1]]
    """
    longest = max(len(row) for row in rows)
    ids = np.full((len(rows), longest), pad_id, dtype=np.int64)
    mask = np.zeros_like(ids)
    for i, row in enumerate(rows):
        ids[i, : len(row)] = row
        mask[i, : len(row)] = 1
    # One text alone is one segment, so every segment number is 0.
    return {_IDS: ids, _MASK: mask, "token_type_ids": np.zeros_like(ids)}


def _open_session(graph: Path, threads: int) -> onnxruntime.InferenceSession:
    """Open the graph; a session can run on several threads at once."""
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads
    options.inter_op_num_threads = 1
    options.execution_mode = onnxruntime.ExecutionMode.ORT_SEQUENTIAL
    # A question is thirty small parallel steps. Threads that sleep between two of them take longer
    # to wake than to work (one client: 1.26 times as long without, n = 240), so they wait 50
    # microseconds awake. It costs a busy service a tenth of its throughput (4 and 16 clients); between
    # questions they sleep, so that an idle one costs nothing.
    options.add_session_config_entry("session.intra_op.spin_duration_us", "50")
    options.add_session_config_entry("session.force_spinning_stop", "1")
    options.enable_cpu_mem_arena = False
    return onnxruntime.InferenceSession(
        str(graph),
        sess_options=options,
        providers=["CPUExecutionProvider"],
        disabled_optimizers=_SLOW_FUSIONS,
    )
