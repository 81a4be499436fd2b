"""The encoder that serves: a prepared folder run by ONNX Runtime, without torch.

Tokens come from the model's own ``tokenizer.json``, vectors from ``model.onnx``, which holds the
whole pipeline of the original model including its pooling.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import TypeAlias

import numpy as np
import onnxruntime
from numpy.typing import NDArray
from tokenizers import Encoding, Tokenizer

from rag.encoder import EncoderIdentity
from rag.encoder_file import (
    GRAPH_NAME,
    TOKENIZER_NAME,
    prepare_command,
    read_encoder_file,
    verify_files,
)
from rag.errors import ModelError

# Tokens of a batch, padding included. Measured on the bundled corpus with m3e-small: 1024 to 8192
# encode equally fast within the noise, while the peak grows from 230 to 610 MB.
_BATCH_TOKENS = 1024

# Texts tokenized at a time: enough to keep the tokenizer's threads busy, few enough that their
# offsets and strings, which are not needed, never pile up.
_TOKENIZE_TEXTS = 512

_OUTPUT = "sentence_embedding"
_TOKENS = "token_embeddings"
# What a graph may ask for; many models do without segment numbers.
_INPUTS = frozenset({"input_ids", "attention_mask", "token_type_ids"})

_Tokens: TypeAlias = NDArray[np.int64]


class OnnxEncoder:
    """A ``TokenEncoder`` over a folder made by ``casebook model prepare``.

    Args:
        folder: Prepared folder with ``encoder.json``, ``tokenizer.json`` and ``model.onnx``.

    Raises:
        ModelError: If the folder is not a prepared model, or a file in it has changed.
    """

    def __init__(self, folder: Path) -> None:
        record = read_encoder_file(folder)
        verify_files(folder, record)
        self._identity = record.identity
        self._pad_id = record.pad_id
        self._tokenizer = Tokenizer.from_file(str(folder / TOKENIZER_NAME))
        # Both are done here instead: lengths must be seen uncut, and rows padded by our batches.
        self._tokenizer.no_truncation()
        self._tokenizer.no_padding()
        self._session = _open_session(folder / GRAPH_NAME)
        self._inputs = tuple(node.name for node in self._session.get_inputs())
        outputs = [node.name for node in self._session.get_outputs()]
        if not _INPUTS.issuperset(self._inputs) or not {_OUTPUT, _TOKENS}.issubset(outputs):
            message = (
                f"{folder / GRAPH_NAME} 的输入是 {list(self._inputs)}，输出是 {outputs}；"
                f"输入应在 {sorted(_INPUTS)} 之内，输出应有 {_OUTPUT} 和 {_TOKENS}；"
                f"请运行：{prepare_command(record.source)} --force"
            )
            raise ModelError(message)

    @property
    def identity(self) -> EncoderIdentity:
        """What this encoder is."""
        return self._identity

    def encode_query(self, question: str) -> NDArray[np.float32]:
        """Encode one question; see ``Encoder.encode_query``."""
        vector: NDArray[np.float32] = self._encode([_ids(self._tokenize_query(question))])[0]
        return vector

    def encode_query_tokens(self, question: str) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        """Encode one question and its tokens; see ``TokenEncoder.encode_query_tokens``."""
        tokens = self._tokenize_query(question)
        vectors, hidden = self._run([_ids(tokens)], [_OUTPUT, _TOKENS])
        own = _own(tokens, len(self._identity.query_prompt))
        return self._unit(vectors)[0], self._unit(hidden[0, own])

    def encode_passages(
        self, texts: Sequence[str], *, on_progress: Callable[[int], None] | None = None
    ) -> NDArray[np.float32]:
        """Encode passages; see ``Encoder.encode_passages``."""
        rows = self._tokenize(texts)
        vectors = np.empty((len(rows), self._identity.dimension), dtype=np.float32)
        done = 0
        for batch in _batches([len(row) for row in rows]):
            vectors[batch] = self._encode([rows[i] for i in batch])
            done += len(batch)
            if on_progress is not None:
                on_progress(done)
        return vectors

    def encode_passage_tokens(self, texts: Sequence[str]) -> list[NDArray[np.float32]]:
        """Encode the tokens of passages; see ``TokenEncoder.encode_passage_tokens``."""
        prompt = self._identity.passage_prompt
        encodings = self._tokenizer.encode_batch([prompt + text for text in texts])
        for number, tokens in enumerate(encodings):
            self._require_room(len(tokens), number, texts[number])
        found: dict[int, NDArray[np.float32]] = {}
        for batch in _batches([len(tokens) for tokens in encodings]):
            (hidden,) = self._run([_ids(encodings[i]) for i in batch], [_TOKENS])
            for i, vectors in zip(batch, hidden, strict=True):
                found[i] = self._unit(vectors[_own(encodings[i], len(prompt))])
        return [found[i] for i in range(len(texts))]

    def count_tokens(self, text: str) -> int:
        """Count the tokens of a passage; see ``Encoder.count_tokens``."""
        return len(self._tokenizer.encode(self._identity.passage_prompt + text))

    def _tokenize_query(self, question: str) -> Encoding:
        """Tokens of a question, cut at what the encoder takes."""
        tokens = self._tokenizer.encode(
            self._identity.query_prompt + question, add_special_tokens=False
        )
        room = self._identity.max_tokens - self._tokenizer.num_special_tokens_to_add(is_pair=False)
        if len(tokens) > room:
            tokens.truncate(room)
        return self._tokenizer.post_process(tokens)

    def _tokenize(self, texts: Sequence[str]) -> list[_Tokens]:
        """Token ids of each passage, none longer than the encoder takes."""
        prompt = self._identity.passage_prompt
        rows: list[_Tokens] = []
        for start in range(0, len(texts), _TOKENIZE_TEXTS):
            window = [prompt + text for text in texts[start : start + _TOKENIZE_TEXTS]]
            for tokens in self._tokenizer.encode_batch_fast(window):
                self._require_room(len(tokens), len(rows), texts[len(rows)])
                rows.append(_ids(tokens))
        return rows

    def _require_room(self, tokens: int, number: int, text: str) -> None:
        """Refuse a passage that the encoder would cut off."""
        if tokens > self._identity.max_tokens:
            message = (
                f"passage {number} has {tokens} tokens, {self._identity.name} takes "
                f"{self._identity.max_tokens}: {text[:20]}…; cut it into shorter passages"
            )
            raise ValueError(message)

    def _encode(self, rows: Sequence[_Tokens]) -> NDArray[np.float32]:
        """Encode one batch of token ids; rows of the result have length 1."""
        return self._unit(self._run(rows, [_OUTPUT])[0])

    def _run(self, rows: Sequence[_Tokens], outputs: list[str]) -> list[NDArray[np.float32]]:
        """Run the graph on one batch of token ids."""
        longest = max(len(row) for row in rows)
        ids = np.full((len(rows), longest), self._pad_id, dtype=np.int64)
        mask = np.zeros_like(ids)
        for i, row in enumerate(rows):
            ids[i, : len(row)] = row
            mask[i, : len(row)] = 1
        # One text alone is one segment, so every segment number is 0.
        feeds = {"input_ids": ids, "attention_mask": mask, "token_type_ids": np.zeros_like(ids)}
        found: list[NDArray[np.float32]] = self._session.run(
            outputs, {name: feeds[name] for name in self._inputs}
        )
        return found

    def _unit(self, vectors: NDArray[np.float32]) -> NDArray[np.float32]:
        """Scale rows to length 1."""
        lengths = np.linalg.norm(vectors, axis=1, keepdims=True)
        if not np.all(np.isfinite(lengths) & (lengths > 0)):
            message = f"{self._identity.name} 算出了零向量或非数值的向量；请换用其他模型"
            raise ModelError(message)
        unit: NDArray[np.float32] = vectors / lengths
        return unit


def _ids(tokens: Encoding) -> _Tokens:
    return np.array(tokens.ids, dtype=np.int64)


def _own(tokens: Encoding, prompt: int) -> NDArray[np.intp]:
    """Where the tokens of the text itself stand: not those of its prompt, nor those around both.

    Args:
        tokens: Of prompt and text.
        prompt: Characters of the prompt.
    """
    ends = np.array([end for _, end in tokens.offsets], dtype=np.int64)
    special = np.array(tokens.special_tokens_mask, dtype=bool)
    return np.flatnonzero((ends > prompt) & ~special)


def _open_session(graph: Path) -> onnxruntime.InferenceSession:
    """Open the graph; a session can run on several threads at once."""
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = _cores()
    options.inter_op_num_threads = 1
    options.execution_mode = onnxruntime.ExecutionMode.ORT_SEQUENTIAL
    # A question is thirty small parallel steps. Threads that sleep between two of them take longer
    # to wake than to work (p50 10.1 ms against 7.8), so they wait 50 microseconds awake; between
    # questions they sleep, so that an idle service costs nothing and a busy one loses no throughput.
    options.add_session_config_entry("session.intra_op.spin_duration_us", "50")
    options.add_session_config_entry("session.force_spinning_stop", "1")
    options.enable_cpu_mem_arena = False
    return onnxruntime.InferenceSession(
        str(graph), sess_options=options, providers=["CPUExecutionProvider"]
    )


def _cores() -> int:
    """Count the cores this process may run on, which in a container are fewer than there are."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def _batches(lengths: Sequence[int]) -> Iterator[list[int]]:
    """Group rows of similar length, longest first, so that little is spent on padding.

    >>> list(_batches([3, 2000, 5, 900]))
    [[1], [3], [2, 0]]
    """
    batch: list[int] = []
    for i in sorted(range(len(lengths)), key=lambda i: (-lengths[i], i)):
        # The first of a batch is its longest, and every row is padded to it.
        if batch and (len(batch) + 1) * lengths[batch[0]] > _BATCH_TOKENS:
            yield batch
            batch = []
        batch.append(i)
    if batch:
        yield batch
