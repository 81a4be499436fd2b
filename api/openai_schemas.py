"""JSON of ``/v1/chat/completions``, as OpenAI's clients write and read it."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, PlainValidator
from pydantic_core import PydanticCustomError

from api.fields import REFUSED
from api.schemas import SearchFilters


def _text_of(value: Any) -> str:
    """Read a message's content: a text, or parts of which all are texts; null is none."""
    if value is None:
        return ""
    parts: list[Any] = value if isinstance(value, list) else [value]
    texts: list[str] = []
    for part in parts:
        text = part.get("text") if isinstance(part, dict) else part
        if not isinstance(text, str):
            raise PydanticCustomError(REFUSED, "应为文字；图片、音频和文件读不了")
        texts.append(text)
    if any("\ud800" <= character <= "\udfff" for text in texts for character in text):
        raise PydanticCustomError(REFUSED, "含有不成对的代理码位（如 \\ud800），不是合法的文字")
    return "\n".join(texts)


class ChatMessage(BaseModel):
    """One message of a conversation; fields that are not known here are passed over."""

    role: Literal["system", "developer", "user", "assistant", "tool", "function"]
    content: Annotated[str, PlainValidator(_text_of)] = ""


class StreamOptions(BaseModel):
    """How to stream."""

    include_usage: bool | None = None


class Own(BaseModel):
    """What only Casebook knows, as the request's field ``casebook``."""

    model_config = ConfigDict(extra="forbid", strict=True)

    top_k: int = Field(default=5, ge=1, le=50)
    filters: SearchFilters = Field(default_factory=SearchFilters)
    mode: Literal["extractive", "llm", "auto"] = "auto"


class ChatRequest(BaseModel):
    """A conversation to go on with; what steers a model's dice, such as ``temperature``, is passed over."""

    model: str
    messages: list[ChatMessage] = Field(min_length=1)
    stream: bool | None = None
    stream_options: StreamOptions | None = None
    n: int | None = None
    casebook: Own = Field(default_factory=Own)


class UrlCitation(BaseModel):
    """A link behind some characters of the content."""

    model_config = ConfigDict(frozen=True)

    start_index: int = Field(description="First character, in code points of the content.")
    end_index: int = Field(description="Last character, itself included.")
    title: str
    url: str


class Annotation(BaseModel):
    """What is known of some characters of the content."""

    model_config = ConfigDict(frozen=True)

    type: Literal["url_citation"] = "url_citation"
    url_citation: UrlCitation


class AnswerMessage(BaseModel):
    """What the assistant says."""

    model_config = ConfigDict(frozen=True)

    role: Literal["assistant"] = "assistant"
    content: str
    refusal: None = None
    annotations: list[Annotation]


class Choice(BaseModel):
    """The one answer."""

    model_config = ConfigDict(frozen=True)

    index: Literal[0] = 0
    message: AnswerMessage
    logprobs: None = None
    finish_reason: Literal["stop"] = "stop"


class ChatUsage(BaseModel):
    """Tokens of question and answer, as the index's encoder counts them."""

    model_config = ConfigDict(frozen=True)

    prompt_tokens: int
    completion_tokens: int
    total_tokens: int


class Completion(BaseModel):
    """A whole answer."""

    model_config = ConfigDict(frozen=True)

    id: str
    object: Literal["chat.completion"] = "chat.completion"
    created: int
    model: str
    system_fingerprint: str
    choices: list[Choice]
    usage: ChatUsage


def _absent(value: object) -> bool:
    """Clients tell a chunk's kind by the keys that it has, so what is not said has none."""
    return value is None


class Delta(BaseModel):
    """How the answer goes on."""

    model_config = ConfigDict(frozen=True)

    role: Literal["assistant"] | None = Field(default=None, exclude_if=_absent)
    content: str | None = Field(default=None, exclude_if=_absent)
    annotations: list[Annotation] | None = Field(default=None, exclude_if=_absent)


class ChunkChoice(BaseModel):
    """A piece of the one answer."""

    model_config = ConfigDict(frozen=True)

    index: Literal[0] = 0
    delta: Delta
    logprobs: None = None
    finish_reason: Literal["stop"] | None = None


class Chunk(BaseModel):
    """A piece of an answer as it streams."""

    model_config = ConfigDict(frozen=True)

    id: str
    object: Literal["chat.completion.chunk"] = "chat.completion.chunk"
    created: int
    model: str
    system_fingerprint: str
    choices: list[ChunkChoice]
    usage: ChatUsage | None = Field(default=None, exclude_if=_absent)
