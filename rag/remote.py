"""An encoder behind an OpenAI-compatible ``/v1/embeddings`` endpoint.

For sites that already run an embedding service. The endpoint's weights cannot be checked, so the
identity names the model and the address, and never holds the key.
"""

from __future__ import annotations

import ipaddress
import math
import random
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import httpx
import numpy as np
from numpy.typing import NDArray

from rag.encoder import EncoderIdentity
from rag.errors import EncoderUnavailableError, ModelError

# Waiting doubles from a quarter of a second and never passes a minute: a build goes on by itself,
# and asks again soon after the server is back.
_FIRST_WAIT_S = 0.25
_LONGEST_WAIT_S = 60.0

# What a question may spend on failed attempts and waits together before another one. A person is
# watching, and each search that waits takes the place of one that need not: a few seconds outlast
# a hiccup (three retries wait 2.6 s at most), beyond that the answer is that there is none now.
_QUESTION_PATIENCE_S = 5.0

# The request never arrived, or the connection was cut. A slow endpoint, in contrast, is not made
# faster by asking again.
_WORTH_RETRYING = (httpx.ConnectError, httpx.ConnectTimeout, httpx.RemoteProtocolError)

_SHOWN_CHARS = 200  # of an unexpected answer, in an error message

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
        url = httpx.URL(base_url)
        if url.scheme not in ("http", "https") or not url.host or url.userinfo:
            message = (
                "向量服务的地址应形如 http://主机/v1，不带用户名和密码"
                "（密钥放在环境变量 CASEBOOK_ENCODER_KEY）；请改正地址后重试"
            )
            raise ModelError(message)
        self._model = model
        self._options = options
        self._sleep = sleep
        headers = {"Authorization": f"Bearer {api_key}"} if api_key else {}
        # With a transport of its own, the client looks for no proxy in the environment.
        direct = httpx.HTTPTransport() if is_loopback(url.host) else None
        self._client = httpx.Client(headers=headers, timeout=options.timeout_s, transport=direct)
        self._url = f"{base_url.rstrip('/')}/embeddings"
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
        self._client.close()

    def encode_query(self, question: str) -> NDArray[np.float32]:
        """Encode one question; see ``Encoder.encode_query``. Cutting it is left to the endpoint.

        Raises:
            EncoderUnavailableError: If the endpoint does not answer, not with such a vector, or
                asks for more patience than a person has.
        """
        text = self._identity.query_prompt + question
        vector: NDArray[np.float32] = self._request(
            [text], self._identity.dimension, patience_s=_QUESTION_PATIENCE_S
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
        self, texts: Sequence[str], dimension: int | None, *, patience_s: float = math.inf
    ) -> NDArray[np.float32]:
        """Ask for one batch, again if it may help and time is left, and check what comes back."""
        body = {"model": self._model, "input": list(texts), "encoding_format": "float"}
        attempts = self._options.retries + 1
        wait_s, spent_s = _FIRST_WAIT_S, 0.0
        for attempt in range(1, attempts + 1):
            asked_s = 0.0
            started = time.monotonic()
            try:
                response = self._client.post(self._url, json=body)
            except httpx.HTTPError as error:
                kind = "超时" if isinstance(error, httpx.TimeoutException) else "连接出错"
                said = f"{type(error).__name__}: {error}" if str(error) else type(error).__name__
                reason = f"{kind}（{said}）"
                again = isinstance(error, _WORTH_RETRYING)
            else:
                if response.is_success:
                    return self._vectors(response, len(texts), dimension)
                reason = f"返回 HTTP {response.status_code}，内容是 {_shown(response)}"
                again = response.status_code == httpx.codes.TOO_MANY_REQUESTS
                again = again or response.is_server_error
                asked_s = _retry_after_s(response)
            reason += f"，已尝试 {attempt} 次（最多 {attempts} 次）"
            if not again or attempt == attempts:
                raise self._unavailable(reason)
            # Jitter spreads clients that were turned away together.
            pause_s = max(asked_s, wait_s * random.uniform(0.5, 1.5))  # noqa: S311 -- no secret
            spent_s += time.monotonic() - started
            if spent_s + pause_s > patience_s:
                reason += f"，已用 {spent_s:.1f} 秒，再试须等 {pause_s:.1f} 秒，而一个问题最多等 {patience_s:g} 秒"
                raise self._unavailable(reason)
            pause_s = min(pause_s, _LONGEST_WAIT_S)
            self._sleep(pause_s)
            spent_s += pause_s
            wait_s *= 2
        raise AssertionError  # the last attempt returned or raised

    def _vectors(
        self, response: httpx.Response, count: int, dimension: int | None
    ) -> NDArray[np.float32]:
        """Read the answer's vectors in the order of the texts; rows of the result have length 1."""
        try:
            data = response.json()["data"]
            rows = {int(item["index"]): item["embedding"] for item in data}
            vectors = np.array([rows[i] for i in range(count)], dtype=np.float32)
        except (ValueError, TypeError, KeyError) as error:
            why = f"返回的内容里读不出 {count} 个向量：{_shown(response)}"
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
            f"{self._url}（模型 {self._model}）{why}；"
            "请检查向量服务是否在运行，以及地址、模型名和密钥"
        )


def is_loopback(host: str) -> bool:
    """Whether a host is this machine, which no proxy can reach on our behalf.

    >>> is_loopback("127.0.0.1"), is_loopback("localhost"), is_loopback("10.0.0.7")
    (True, True, False)
    """
    if host == "localhost" or host.endswith(".localhost"):
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:  # a name
        return False


def _shown(response: httpx.Response) -> str:
    """Show the start of an answer in one line."""
    return repr(" ".join(response.text.split())[:_SHOWN_CHARS])


def _retry_after_s(response: httpx.Response) -> float:
    """Read ``Retry-After`` where it is a number of seconds; a date is left to our own waiting."""
    value = response.headers.get("Retry-After", "")
    return float(value) if value.isascii() and value.isdigit() else 0.0
