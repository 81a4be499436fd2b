"""The encoder that serves: a prepared folder run by ONNX Runtime, without torch.

Tokens come from the model's own ``tokenizer.json``, vectors from graphs that hold the whole
pipeline of the original model including its pooling: ``model.onnx`` for passages, which are encoded
once and kept, and the smaller and faster ``model.int8.onnx`` for questions, which somebody waits
for.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from tokenizers import Encoding, Tokenizer

from rag.encoder import EncoderIdentity
from rag.encoder_file import GRAPH_NAME, TOKENIZER_NAME, read_encoder_file, verify_files
from rag.errors import ModelError
from rag.graph import SENTENCE, TOKENS, Graph, TokenIds

# Tokens of a batch, padding included. Measured on the bundled corpus with m3e-small: 1024 to 8192
# encode equally fast within the noise, while the peak grows from 230 to 610 MB.
_BATCH_TOKENS = 1024

# Texts tokenized at a time: enough to keep the tokenizer's threads busy, few enough that their
# offsets and strings, which are not needed, never pile up.
_TOKENIZE_TEXTS = 512


class OnnxEncoder:
    """A ``TokenEncoder`` over a folder made by ``casebook model prepare``.

    The graph of passages is verified and opened when the first passage is encoded: a service, which
    encodes questions only, never reads it.

    Args:
        folder: Prepared folder with ``encoder.json``, ``tokenizer.json`` and its graphs.
        shared: Whether several questions will be asked at once, see `rag.graph.Graph`.

    Raises:
        ModelError: If the folder is not a prepared model, or a file in it has changed; that of the
            passages' graph, when they are first encoded.
    """

    def __init__(self, folder: Path, *, shared: bool = False) -> None:
        self._folder = folder
        self._record = read_encoder_file(folder)
        self._identity = self._record.identity
        verify_files(folder, self._record, only={TOKENIZER_NAME})
        self._tokenizer = Tokenizer.from_file(str(folder / TOKENIZER_NAME))
        # Both are done here instead: lengths must be seen uncut, and rows padded by our batches.
        self._tokenizer.no_truncation()
        self._tokenizer.no_padding()
        questions = self._record.question_graph_name
        self._for_questions = Graph(folder, self._record, questions, shared=shared)
        self._for_passages: Graph | None = None
        if questions == GRAPH_NAME:
            self._for_passages = self._for_questions
        self._opening = threading.Lock()

    @property
    def identity(self) -> EncoderIdentity:
        """What this encoder is."""
        return self._identity

    def encode_query(self, question: str) -> NDArray[np.float32]:
        """Encode one question; see ``Encoder.encode_query``."""
        rows = [self.query_ids(question)]
        vector: NDArray[np.float32] = self._unit(*self._for_questions.run(rows, [SENTENCE]))[0]
        return vector

    def encode_query_tokens(self, question: str) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        """Encode one question and its tokens; see ``TokenEncoder.encode_query_tokens``."""
        tokens = self._tokenize_query(question)
        vectors, hidden = self._for_questions.run([_ids(tokens)], [SENTENCE, TOKENS])
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
            (found,) = self._passage_graph().run([rows[i] for i in batch], [SENTENCE])
            vectors[batch] = self._unit(found)
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
            rows = [_ids(encodings[i]) for i in batch]
            (hidden,) = self._passage_graph().run(rows, [TOKENS])
            for i, vectors in zip(batch, hidden, strict=True):
                found[i] = self._unit(vectors[_own(encodings[i], len(prompt))])
        return [found[i] for i in range(len(texts))]

    def count_tokens(self, text: str) -> int:
        """Count the tokens of a passage; see ``Encoder.count_tokens``."""
        return len(self._tokenizer.encode(self._identity.passage_prompt + text))

    def count_query_tokens(self, question: str) -> int:
        """Count the tokens of a question; see ``Encoder.count_query_tokens``."""
        return len(self._tokenizer.encode(self._identity.query_prompt + question))

    def query_ids(self, question: str) -> TokenIds:
        """Tokens of a question as the graph is given them, prompt and all."""
        return _ids(self._tokenize_query(question))

    def _tokenize_query(self, question: str) -> Encoding:
        """Tokens of a question, cut at what the encoder takes."""
        whole = self._identity.query_prompt + question
        tokens = self._tokenizer.encode(whole)
        if len(tokens) <= self._identity.max_tokens:
            return tokens
        tokens = self._tokenizer.encode(whole, add_special_tokens=False)
        room = self._identity.max_tokens - self._tokenizer.num_special_tokens_to_add(is_pair=False)
        tokens.truncate(room)
        return self._tokenizer.post_process(tokens)

    def _tokenize(self, texts: Sequence[str]) -> list[TokenIds]:
        """Token ids of each passage, none longer than the encoder takes."""
        prompt = self._identity.passage_prompt
        rows: list[TokenIds] = []
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

    def _passage_graph(self) -> Graph:
        """Open the graph of passages once, whichever thread comes first."""
        with self._opening:
            if self._for_passages is None:
                self._for_passages = Graph(self._folder, self._record, GRAPH_NAME)
            return self._for_passages

    def _unit(self, vectors: NDArray[np.float32]) -> NDArray[np.float32]:
        """Scale rows to length 1."""
        # One call, where numpy's norm makes five of it: a question waits for three such.
        lengths = np.sqrt(np.einsum("ij,ij->i", vectors, vectors))[:, np.newaxis]
        if len(lengths) and not 0 < lengths.min() <= lengths.max() < np.inf:  # nor not a number
            message = f"{self._identity.name} 算出了零向量或非数值的向量；请换用其他模型"
            raise ModelError(message)
        unit: NDArray[np.float32] = vectors / lengths
        return unit


def _ids(tokens: Encoding) -> TokenIds:
    return np.array(tokens.ids, dtype=np.int64)


def _own(tokens: Encoding, prompt: int) -> NDArray[np.intp]:
    """Where the tokens of the text itself stand: not those of its prompt, nor those around both.

    Args:
        tokens: Of prompt and text.
        prompt: Characters of the prompt.
    """
    pairs = zip(tokens.offsets, tokens.special_tokens_mask, strict=True)
    own = [place for place, ((_, end), special) in enumerate(pairs) if end > prompt and not special]
    return np.array(own, dtype=np.intp)


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
