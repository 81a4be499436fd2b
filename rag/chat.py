"""A language model behind an OpenAI-compatible ``/v1/chat/completions`` endpoint.

Optional everywhere: whatever Casebook must be able to do, it does without one. The key is read from
the environment by whoever makes the configuration, and is shown nowhere.
"""

from __future__ import annotations

import math
import os
import threading
import time
from collections.abc import Callable, Generator, Sequence
from dataclasses import dataclass, field
from typing import Literal

from rag.deltas import DeltaError, DeltaReader
from rag.endpoint import Access, Endpoint, Reply
from rag.errors import ChatCutOffError, ChatTimeoutError, ChatUnavailableError, ModelError
from rag.feed import Feed
from rag.models import parse_remote

KEY_VARIABLE = "CASEBOOK_LLM_KEY"
"""Environment variable with the key of the endpoint."""


@dataclass(frozen=True, slots=True)
class ChatConfig:
    """A language model, and how to treat its endpoint.

    Attributes:
        base_url: Up to and including ``/v1``.
        model: Name of the model as the endpoint knows it.
        api_key: Sent as a bearer token and never shown; None or empty sends none.
        timeout_s: For connecting and for each silence while reading. Nothing comes before the whole
            answer is written, which a model on a processor does at a few tokens a second.
        retries: Further attempts after 429, 5xx and failed connections.
    """

    base_url: str
    model: str
    api_key: str | None = field(default=None, repr=False)
    timeout_s: float = 300.0
    retries: int = 3


@dataclass(frozen=True, slots=True)
class Message:
    """One turn of a conversation."""

    role: Literal["system", "user", "assistant"]
    content: str


@dataclass(frozen=True, slots=True)
class Deadline:
    """How long a streamed answer may take, in seconds from the asking.

    Attributes:
        total_s: Until its end.
        first_s: Until its first text. What a model thinks is not text, and somebody is waiting.
    """

    total_s: float
    first_s: float


@dataclass(frozen=True, slots=True)
class Completion:
    """What a model said.

    Attributes:
        text: As it came, not blank.
        cut_off: Whether it ended because the answer was longer than allowed.
    """

    text: str
    cut_off: bool


def config_of(name: str) -> ChatConfig:
    """Read what a user calls a language model; the key comes from ``CASEBOOK_LLM_KEY``.

    Args:
        name: ``openai:MODEL@URL``, as for a remote encoder.

    Raises:
        ModelError: If it is something else.
    """
    remote = parse_remote(name)
    if remote is None or not remote[0]:
        message = (
            f"语言模型应写作 openai:模型名@http://主机/v1，现在是“{name}”；"
            f"请改正后重试（密钥放在环境变量 {KEY_VARIABLE}）"
        )
        raise ModelError(message)
    model, url = remote
    return ChatConfig(url, model, os.environ.get(KEY_VARIABLE))


class ChatClient:
    """Asks a language model; safe to call from several threads.

    Args:
        config: The model and its endpoint.
        sleep: Waits between attempts; what it raises ends the asking.

    Raises:
        ModelError: If the address or the key cannot be used.
    """

    def __init__(
        self, config: ChatConfig, *, sleep: Callable[[float], object] = time.sleep
    ) -> None:
        self._model = config.model
        access = Access(
            config.base_url,
            "chat/completions",
            key_variable=KEY_VARIABLE,
            api_key=config.api_key,
            timeout_s=config.timeout_s,
            retries=config.retries,
        )
        self._endpoint = Endpoint(access, unavailable=self._unavailable, sleep=sleep)

    @property
    def model(self) -> str:
        """Name of the model."""
        return self._model

    def close(self) -> None:
        """Close the connections."""
        self._endpoint.close()

    def complete(
        self,
        messages: Sequence[Message],
        *,
        temperature: float = 0.0,
        max_tokens: int | None = None,
        patience_s: float = math.inf,
    ) -> Completion:
        """Have the model continue a conversation.

        Args:
            messages: The turns so far, at least one.
            temperature: 0 asks for the likeliest answer.
            max_tokens: Of the answer; None leaves it to the endpoint.
            patience_s: What failed attempts and waits may take together before another one.

        Raises:
            ValueError: If there are no messages.
            ChatUnavailableError: If the endpoint does not answer, or not with a text.
        """
        body = self._body(messages, temperature, max_tokens, stream=False)
        return self._completion(self._endpoint.post(body, patience_s=patience_s))

    def stream(
        self,
        messages: Sequence[Message],
        *,
        deadline: Deadline,
        temperature: float = 0.0,
        max_tokens: int | None = None,
        left: threading.Event | None = None,
    ) -> Generator[str, None, None]:
        """Have the model continue a conversation, and hear it while it speaks.

        It is asked once: whoever waits has something else to show by the deadline.

        Args:
            messages: The turns so far, at least one.
            deadline: For the whole and for its beginning, whatever the endpoint does.
            temperature: 0 asks for the likeliest answer.
            max_tokens: Of the answer; None leaves it to the endpoint.
            left: Set when nobody waits for it any more.

        Returns:
            Pieces of text as they come, none empty. Nothing is asked before the first is wanted;
            closing it closes the connection.

        Raises:
            ValueError: If there are no messages.
            ChatTimeoutError: Out of the pieces, if a deadline passes.
            AbandonedError: Likewise, if nobody waits any more.
            ChatCutOffError: Likewise, if the answer ended before the model had finished.
            ChatUnavailableError: Likewise, if the endpoint does not answer, or not with a text.
        """
        return self._pieces(
            self._body(messages, temperature, max_tokens, stream=True), deadline, left
        )

    def _pieces(
        self, body: object, deadline: Deadline, left: threading.Event | None
    ) -> Generator[str, None, None]:
        """Read a reply until it says that it has ended, or the connection does."""
        started = time.monotonic()
        reader, spoken = DeltaReader(), False
        feed = Feed(lambda: self._endpoint.stream(body, silence_s=deadline.total_s), left)
        try:
            while not reader.done:
                limit_s = deadline.total_s if spoken else min(deadline.first_s, deadline.total_s)
                piece = feed.take(started + limit_s - time.monotonic())
                text = reader.read(piece or b"")
                if text:
                    spoken = True
                    yield text
                if piece is None:
                    break
        except TimeoutError as error:
            why = f"在 {limit_s:g} 秒内没有{'写完' if spoken else '开始'}回答"
            raise ChatTimeoutError(self._described(why)) from error
        except DeltaError as error:
            shown = f"：{self._endpoint.shown(error.data)}" if error.data else ""
            why = f"{error.why}{shown}"
            raise self._unavailable(why) from error
        except ChatUnavailableError as error:
            if not spoken:
                raise
            raise ChatCutOffError(str(error)) from error
        finally:
            feed.close()
        ended = reader.done or reader.reason is not None
        if not (ended or spoken):
            why = "返回的内容里读不出回答"
            raise self._unavailable(why)
        if not ended or reader.reason == "length":
            why = "的回答中断了" if reader.reason is None else "的回答超过了允许的长度"
            raise ChatCutOffError(self._described(why))

    def _body(
        self,
        messages: Sequence[Message],
        temperature: float,
        max_tokens: int | None,
        *,
        stream: bool,
    ) -> dict[str, object]:
        """Write a request.

        Raises:
            ValueError: If there are no messages.
        """
        if not messages:
            message = "a conversation needs at least one message"
            raise ValueError(message)
        limit = {} if max_tokens is None else {"max_tokens": max_tokens}
        return {
            "model": self._model,
            "messages": [{"role": turn.role, "content": turn.content} for turn in messages],
            "temperature": temperature,
            "stream": stream,
            **limit,
        }

    def _completion(self, reply: Reply) -> Completion:
        """Read the first choice, the only one that is asked for."""
        try:
            choice = reply.json()["choices"][0]
            text, reason = choice["message"]["content"], choice.get("finish_reason")
        except (ValueError, TypeError, KeyError, IndexError, AttributeError) as error:
            why = f"返回的内容里读不出回答：{reply.shown}"
            raise self._unavailable(why) from error
        if not isinstance(text, str) or not text.strip():
            why = f"返回的回答是空的：{reply.shown}"
            raise self._unavailable(why)
        # Half a surrogate pair, as a broken stream of tokens can leave it, could not be written down.
        whole = text.encode("utf-8", "replace").decode("utf-8")
        return Completion(whole, cut_off=reason == "length")

    def _unavailable(self, why: str) -> ChatUnavailableError:
        return ChatUnavailableError(self._described(why))

    def _described(self, why: str) -> str:
        """Describe a failure, without the key."""
        return (
            f"{self._endpoint.url}（模型 {self._model}）{why}；"
            "请检查语言模型服务是否在运行，以及地址、模型名和密钥"
        )
