"""What an encoder is: a name that pins it down, and text -> unit vectors.

``rag.embed`` implements the protocol over a prepared folder, ``rag.remote`` over HTTP. The identity
is written into every index, because vectors of two encoders must never meet.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol, runtime_checkable

if TYPE_CHECKING:  # a fifth of a second, which every `--help` would take
    import numpy as np
    from numpy.typing import NDArray


@dataclass(frozen=True, slots=True)
class EncoderIdentity:
    """Everything that decides which vector a passage gets; equal identities give equal vectors.

    That is what an index holds, and what it needs of the encoder that opens it. A question's vector
    may come from a smaller graph of the same weights, which is left out here: it is a few
    thousandths away, a prepared folder records how far, and no index has to be built anew for it.

    Attributes:
        name: Name the user gives it: a known model, a hub name, a folder's name or an endpoint.
        revision: Release, commit or package version of the weights; empty where none is known.
        weights_sha256: Digest of the original's weight files, which does not change when the model
            is exported anew; empty for a remote encoder, whose weights cannot be seen.
        dimension: Length of a vector.
        max_tokens: Longest input in tokens, prompt and special tokens included.
        query_prompt: Put before every question, verbatim; often empty.
        passage_prompt: Put before every passage, verbatim; often empty.
        pooling: How token vectors become one vector, such as ``mean`` or ``cls``; for people.
        normalized: Whether the vectors handed out have length 1.
    """

    name: str
    revision: str
    weights_sha256: str
    dimension: int
    max_tokens: int
    query_prompt: str
    passage_prompt: str
    pooling: str
    normalized: bool


class Encoder(Protocol):
    """Turns text into unit vectors whose dot product is their cosine.

    Implementations can be called from several threads at once.
    """

    @property
    def identity(self) -> EncoderIdentity:
        """What this encoder is; written into the index and compared on load."""
        ...

    def encode_query(self, question: str) -> NDArray[np.float32]:
        """Encode one question, cut at ``identity.max_tokens``.

        Returns:
            Shape ``(dimension,)``, float32, length 1.
        """
        ...

    def encode_passages(
        self, texts: Sequence[str], *, on_progress: Callable[[int], None] | None = None
    ) -> NDArray[np.float32]:
        """Encode passages, in the order given.

        Args:
            texts: Passages without the prompt; it is added here.
            on_progress: Called after each batch with the number of passages done so far.

        Returns:
            Shape ``(len(texts), dimension)``, float32, rows of length 1; no text gives no rows.

        Raises:
            ValueError: If a text is longer than ``identity.max_tokens``: cut off in silence, its
                end could never be found.
        """
        ...

    def count_tokens(self, text: str) -> int:
        """Count the tokens of a passage as encoded: prompt and special tokens included, uncut."""
        ...

    def count_query_tokens(self, question: str) -> int:
        """Count the tokens of a question likewise: before `encode_query` cuts it."""
        ...


@runtime_checkable
class TokenEncoder(Encoder, Protocol):
    """An encoder that also gives the vector of every token, which late interaction compares.

    Prepared models are; an endpoint of ``/v1/embeddings`` cannot be. Tokens of a prompt and those
    that open and close a text are left out: they say nothing of their own.
    """

    def encode_query_tokens(self, question: str) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        """Encode one question once for both.

        Returns:
            What `encode_query` gives, and one row for each token: shape (n tokens, dimension),
            float32, length 1; no rows for a question without tokens.
        """
        ...

    def encode_passage_tokens(self, texts: Sequence[str]) -> list[NDArray[np.float32]]:
        """Encode the tokens of passages, in the order given.

        Returns:
            For each passage, shape (n tokens, dimension), float32, rows of length 1.

        Raises:
            ValueError: If a text is longer than ``identity.max_tokens``.
        """
        ...
