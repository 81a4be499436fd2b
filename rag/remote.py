"""An encoder behind an OpenAI-compatible ``/v1/embeddings`` endpoint.

For sites that already run an embedding service. The endpoint's weights cannot be checked, so the
identity names the model and the address, and never holds the key.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from rag.encoder import EncoderIdentity
from rag.endpoint import Access, Endpoint, Reply
from rag.errors import EncoderUnavailableError

# What a question may spend on failed attempts and waits together before another one. A person is
# watching, and each search that waits takes the place of one that need not: a few seconds outlast
# a hiccup (three retries wait 2.6 s at most), beyond that the answer is that there is none now.
_QUESTION_PATIENCE_S = 5.0
# No attempt may be silent for longer either.
_QUESTION_SILENCE_S = 5.0

_PROBE = "优化营商环境"  # encoded once to learn the dimension


@dataclass(frozen=True, slots=True)
class RemoteOptions:
    """How to treat an endpoint.

    Attributes:
        dimension: Length of a vector; None asks the endpoint once.
        query_prompt: Put before every question.
        passage_prompt: Put before every passage.
        max_tokens: Longest input the model takes, in tokens.
        batch_items: Texts a request.
        batch_chars: Characters a request, prompts included; one long text goes alone.
        timeout_s: For connecting and for each silence while reading.
        retries: Further attempts after 429, 5xx and failed connections.
    """

    dimension: int | None = None
    query_prompt: str = ""
    passage_prompt: str = ""
    max_tokens: int = 512
    batch_items: int = 32
    batch_chars: int = 16_000
    timeout_s: float = 30.0
    retries: int = 3


_USUAL = RemoteOptions()


class RemoteEncoder:
    """An ``Encoder`` that asks an endpoint; safe to call from several threads.

    Args:
        base_url: Up to and including ``/v1``.
        model: Name of the model as the endpoint knows it.
        api_key: Sent as a bearer token and never shown; None or empty sends none.
        options: How to treat the endpoint.
        sleep: Waits between attempts; a test passes its own.

    Raises:
        ModelError: If the address is none, or has a password, which would end up in the index.
        EncoderUnavailableError: If the dimension is not given and the endpoint does not tell it.
    """

    def __init__(
        self,
        base_url: str,
        model: str,
        *,
        api_key: str | None = None,
        options: RemoteOptions = _USUAL,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self._model = model
        self._options = options
        access = Access(
            base_url,
            "embeddings",
            key_variable="CASEBOOK_ENCODER_KEY",
            api_key=api_key,
            timeout_s=options.timeout_s,
            retries=options.retries,
        )
        self._endpoint = Endpoint(access, unavailable=self._unavailable, sleep=sleep)
        dimension = options.dimension
        if dimension is None:
            dimension = self._request([_PROBE], None).shape[1]
        self._identity = EncoderIdentity(
            name=f"openai:{model}@{base_url.rstrip('/')}",
            revision="",
            weights_sha256="",
            dimension=dimension,
            max_tokens=options.max_tokens,
            query_prompt=options.query_prompt,
            passage_prompt=options.passage_prompt,
            pooling="",
            normalized=True,
        )

    @property
    def identity(self) -> EncoderIdentity:
        """What this encoder is, as far as can be known."""
        return self._identity

    def close(self) -> None:
        """Close the connections."""
        self._endpoint.close()

    def encode_query(self, question: str) -> NDArray[np.float32]:
        """Encode one question; see ``Encoder.encode_query``. Cutting it is left to the endpoint.

        Raises:
            EncoderUnavailableError: If the endpoint does not answer, not with such a vector, or
                asks for more patience than a person has.
        """
        text = self._identity.query_prompt + question
        vector: NDArray[np.float32] = self._request(
            [text],
            self._identity.dimension,
            patience_s=_QUESTION_PATIENCE_S,
            silence_s=min(_QUESTION_SILENCE_S, self._options.timeout_s),
        )[0]
        return vector

    def encode_passages(
        self, texts: Sequence[str], *, on_progress: Callable[[int], None] | None = None
    ) -> NDArray[np.float32]:
        """Encode passages; see ``Encoder.encode_passages``.

        A passage too long for the model is the endpoint's to refuse, since its tokens are not known
        here.

        Raises:
            EncoderUnavailableError: If the endpoint does not answer, or not with these vectors.
        """
        identity = self._identity
        vectors = np.empty((len(texts), identity.dimension), dtype=np.float32)
        done = 0
        for batch in self._batches([identity.passage_prompt + text for text in texts]):
            vectors[done : done + len(batch)] = self._request(batch, identity.dimension)
            done += len(batch)
            if on_progress is not None:
                on_progress(done)
        return vectors

    def count_tokens(self, text: str) -> int:
        """Bound the tokens of a passage from above: one a code point, and two special ones.

        The endpoint's tokenizer is unknown. Tokenizers merge characters, and hardly ever split one,
        so for Chinese the bound is close, and for Latin text about four times too high: passages
        cut by it always fit, at worst with room to spare. Rare characters that a byte-level
        tokenizer splits into several tokens are the exception.
        """
        return len(self._identity.passage_prompt) + len(text) + 2

    def count_query_tokens(self, question: str) -> int:
        """Bound the tokens of a question from above, as those of a passage."""
        return len(self._identity.query_prompt) + len(question) + 2

    def _batches(self, texts: Sequence[str]) -> Iterator[list[str]]:
        """Group texts in order, within both limits; a text over the limit goes alone."""
        batch: list[str] = []
        chars = 0
        for text in texts:
            full = len(batch) == self._options.batch_items
            if batch and (full or chars + len(text) > self._options.batch_chars):
                yield batch
                batch, chars = [], 0
            batch.append(text)
            chars += len(text)
        if batch:
            yield batch

    def _request(
        self,
        texts: Sequence[str],
        dimension: int | None,
        *,
        patience_s: float = math.inf,
        silence_s: float | None = None,
    ) -> NDArray[np.float32]:
        """Ask for one batch and check what comes back."""
        body = {"model": self._model, "input": list(texts), "encoding_format": "float"}
        reply = self._endpoint.post(body, patience_s=patience_s, silence_s=silence_s)
        return self._vectors(reply, len(texts), dimension)

    def _vectors(self, reply: Reply, count: int, dimension: int | None) -> NDArray[np.float32]:
        """Read the answer's vectors in the order of the texts; rows of the result have length 1."""
        try:
            data = reply.json()["data"]
            rows = {int(item["index"]): item["embedding"] for item in data}
            vectors = np.array([rows[i] for i in range(count)], dtype=np.float32)
        except (ValueError, TypeError, KeyError) as error:
            why = f"返回的内容里读不出 {count} 个向量：{reply.shown}"
            raise self._unavailable(why) from error
        if len(data) != count or vectors.ndim != 2:  # noqa: PLR2004 -- rows and columns
            why = f"返回 {len(data)} 个形状为 {vectors.shape[1:]} 的向量，应为 {count} 个一维数组"
            raise self._unavailable(why)
        if dimension is not None and vectors.shape[1] != dimension:
            why = f"返回的向量是 {vectors.shape[1]} 维，应为 {dimension} 维"
            raise self._unavailable(why)
        lengths = np.linalg.norm(vectors, axis=1, keepdims=True)
        if not np.all(np.isfinite(lengths) & (lengths > 0)):
            why = "返回了零向量或非数值的向量"
            raise self._unavailable(why)
        unit: NDArray[np.float32] = vectors / lengths
        return unit

    def _unavailable(self, why: str) -> EncoderUnavailableError:
        """Describe a failure, without the key."""
        return EncoderUnavailableError(
            f"{self._endpoint.url}（模型 {self._model}）{why}；"
            "请检查向量服务是否在运行，以及地址、模型名和密钥"
        )
