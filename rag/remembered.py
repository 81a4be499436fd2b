"""An encoder that remembers what it was asked: the same question, with other filters, costs nothing.

One question is searched, then asked, then asked again with another district; the first question of
the day is asked by many. What is kept is what the encoder gave, for exactly that text, so answers
are the same with and without.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from threading import Lock

import numpy as np
from numpy.typing import NDArray

from rag.encoder import Encoder, EncoderIdentity, TokenEncoder

ROOM_BYTES = 12 * 1024 * 1024
"""Of vectors. A question of 26 tokens, with the vector of each, takes 41 KB (384 dimensions), so about 300
questions are kept; without token vectors 8,000."""

_Vector = NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class _Known:
    """What is known of a question.

    Attributes:
        vector: Its vector.
        tokens: Those of its tokens; None where nobody asked for them.
    """

    vector: _Vector
    tokens: _Vector | None

    @property
    def size(self) -> int:
        """Bytes."""
        return self.vector.nbytes + (0 if self.tokens is None else self.tokens.nbytes)


class _Remembering:
    """An ``Encoder`` in front of another; see `remembering`."""

    def __init__(self, encoder: Encoder, room_bytes: int) -> None:
        self._encoder = encoder
        self._room = room_bytes
        self._known: OrderedDict[str, _Known] = OrderedDict()  # the longest unasked first
        self._lock = Lock()

    @property
    def identity(self) -> EncoderIdentity:
        return self._encoder.identity

    def encode_query(self, question: str) -> _Vector:
        known = self._recall(question)
        if known is None:
            known = self._keep(question, _Known(self._encoder.encode_query(question), None))
        return known.vector

    def encode_passages(
        self, texts: Sequence[str], *, on_progress: Callable[[int], None] | None = None
    ) -> _Vector:
        return self._encoder.encode_passages(texts, on_progress=on_progress)

    def count_tokens(self, text: str) -> int:
        return self._encoder.count_tokens(text)

    def count_query_tokens(self, question: str) -> int:
        return self._encoder.count_query_tokens(question)

    def _recall(self, question: str) -> _Known | None:
        with self._lock:
            known = self._known.get(question)
            if known is not None:
                self._known.move_to_end(question)
            return known

    def _keep(self, question: str, known: _Known) -> _Known:
        """Keep it in place of the longest unasked; whoever gets it must not change it."""
        known.vector.setflags(write=False)
        if known.tokens is not None:
            known.tokens.setflags(write=False)
        with self._lock:
            before = self._known.pop(question, None)
            self._known[question] = known
            self._room += (before.size if before else 0) - known.size
            while self._room < 0:
                _, forgotten = self._known.popitem(last=False)
                self._room += forgotten.size
        return known


class _RememberingTokens(_Remembering):
    """The same of a ``TokenEncoder``."""

    def __init__(self, encoder: TokenEncoder, room_bytes: int) -> None:
        super().__init__(encoder, room_bytes)
        self._token_encoder = encoder

    def encode_query_tokens(self, question: str) -> tuple[_Vector, _Vector]:
        known = self._recall(question)
        if known is None or known.tokens is None:
            known = self._keep(question, _Known(*self._token_encoder.encode_query_tokens(question)))
        if known.tokens is None:
            raise TypeError(known)  # it was just encoded with its tokens
        return known.vector, known.tokens

    def encode_passage_tokens(self, texts: Sequence[str]) -> list[_Vector]:
        return self._token_encoder.encode_passage_tokens(texts)


def remembering(encoder: Encoder, room_bytes: int = ROOM_BYTES) -> Encoder:
    """Put a memory of questions in front of an encoder; it gives tokens if that one does.

    Only what was encoded is kept: a question that fails is encoded anew when it is asked again. Two
    threads that ask the same at once may both encode it. Vectors cannot be written to.

    Args:
        encoder: What encodes.
        room_bytes: Of the vectors kept; one question that is larger is encoded and not kept.
    """
    if isinstance(encoder, TokenEncoder):
        return _RememberingTokens(encoder, room_bytes)
    return _Remembering(encoder, room_bytes)
