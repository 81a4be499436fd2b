"""``POST /v1/embeddings``: the encoder of the index, for whoever keeps vectors of their own.

A retrieval model encodes questions and passages differently, and the protocol has no field for
which is meant: so it is two models, named after the encoder (`api.openai_models`).
"""

from __future__ import annotations

import base64
from collections.abc import Sequence
from typing import TYPE_CHECKING, Annotated, Any, Literal

from fastapi import APIRouter, Depends
from pydantic import BaseModel, ConfigDict, PlainValidator
from pydantic_core import PydanticCustomError

from api.admission import Turnstile
from api.fields import REFUSED
from api.openai_errors import OpenAIError
from api.openai_models import passage_model, query_model
from rag.encoder import Encoder

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

MAX_INPUTS = 2048
"""OpenAI's own bound, which clients batch by."""
MAX_TOKENS = 100_000
"""Of all inputs together; a third of OpenAI's. On two busy cores 18,236 tokens took 57 s, and clients
wait ten minutes."""
MAX_EMBEDDINGS_BYTES = 1024 * 1024
"""Room for that many tokens of Chinese, with every character escaped."""

_NOT_TEXT = (
    "是词元编号，而这里的模型用自己的分词，请直接发送文字"
    "（LangChain：OpenAIEmbeddings 加上 check_embedding_ctx_length=False）"
)
"""Token ids are another tokenizer's (clients count with OpenAI's): read with ours, they would give the
vector of some other text."""


def _texts(value: Any) -> list[str]:
    """Read the inputs: one text, or a list of them."""
    items: list[Any] = value if isinstance(value, list) else [value]
    if why := _why_refused(items):
        # The message goes in as a value: a brace in it must not be taken for a place of one.
        raise PydanticCustomError(REFUSED, "{message}", {"message": why})
    return items


def _why_refused(items: Sequence[Any]) -> str | None:
    """Say why inputs cannot be embedded; None if they can."""
    if not items:
        return "列表是空的"
    if len(items) > MAX_INPUTS:
        return f"最多 {MAX_INPUTS} 项，现有 {len(items)} 项"
    for number, item in enumerate(items, start=1):
        if not isinstance(item, str):
            return f"第 {number} 项{_NOT_TEXT if isinstance(item, (int, list)) else '应为文字'}"
        if not item:
            return f"第 {number} 项是空的"
        if any("\ud800" <= character <= "\udfff" for character in item):
            return f"第 {number} 项含有不成对的代理码位（如 \\ud800），不是合法的文字"
    return None


class EmbeddingRequest(BaseModel):
    """Texts and how to embed them; fields that are not known here are passed over."""

    model_config = ConfigDict(strict=True)

    input: Annotated[list[str], PlainValidator(_texts)]
    model: str
    encoding_format: Literal["float", "base64"] | None = None
    dimensions: int | None = None
    user: str | None = None


class EmbeddingOut(BaseModel):
    """The vector of one input."""

    model_config = ConfigDict(frozen=True)

    object: Literal["embedding"] = "embedding"
    index: int
    embedding: list[float] | str


class Usage(BaseModel):
    """Tokens, as the encoder counts them: its prompt and special tokens included."""

    model_config = ConfigDict(frozen=True)

    prompt_tokens: int
    total_tokens: int


class EmbeddingResponse(BaseModel):
    """The vectors, in the order of the inputs."""

    model_config = ConfigDict(frozen=True)

    object: Literal["list"] = "list"
    data: list[EmbeddingOut]
    model: str
    usage: Usage


def embed(
    encoder: Encoder, request: EmbeddingRequest, *, most_tokens: int = MAX_TOKENS
) -> EmbeddingResponse:
    """Embed as one request asks.

    Args:
        encoder: What embeds.
        request: Texts, and how to embed them.
        most_tokens: Of all of them together.

    Raises:
        OpenAIError: If there is no such model, or the request asks for more than it does. Nothing
            is cut: the vector of half a text finds the wrong half.
    """
    identity = encoder.identity
    as_questions = request.model == query_model(identity)
    if not as_questions and request.model != passage_model(identity):
        raise OpenAIError.no_such_model(request.model)
    if request.dimensions not in (None, identity.dimension):
        message = f"这个模型的向量只有 {identity.dimension} 维；请去掉这一项。"
        raise OpenAIError.invalid(message, param="dimensions")
    count = encoder.count_query_tokens if as_questions else encoder.count_tokens
    counts = [count(text) for text in request.input]
    _require_room(counts, identity.max_tokens, most_tokens)
    tokens = sum(counts)
    if as_questions:
        vectors: Sequence[NDArray[np.float32]] = [
            encoder.encode_query(question) for question in request.input
        ]
    else:
        vectors = list(encoder.encode_passages(request.input))
    return EmbeddingResponse(
        data=[
            EmbeddingOut(index=index, embedding=_written(vector, request.encoding_format))
            for index, vector in enumerate(vectors)
        ],
        model=request.model,
        usage=Usage(prompt_tokens=tokens, total_tokens=tokens),
    )


def _require_room(tokens: Sequence[int], longest: int, most: int) -> None:
    """Refuse inputs of which one is longer than ``longest``, or all together than ``most``.

    Raises:
        OpenAIError: With how many tokens there are.
    """
    for number, count in enumerate(tokens, start=1):
        if count > longest:
            message = f"第 {number} 项有 {count} 个词元，这个模型最多 {longest} 个；请截短。"
            raise OpenAIError.invalid(message, param="input", code="context_length_exceeded")
    if sum(tokens) > most:
        message = f"共有 {sum(tokens)} 个词元，一次最多 {most} 个；请分几次发送。"
        raise OpenAIError.invalid(message, param="input", code="max_tokens_per_request")


def _written(vector: NDArray[np.float32], form: str | None) -> list[float] | str:
    """Write a vector as numbers, or as the base64 of its little-endian float32."""
    if form == "base64":
        return base64.b64encode(vector.astype("<f4").tobytes()).decode("ascii")
    numbers: list[float] = vector.tolist()
    return numbers


def embedding_routes(encoder: Encoder, turnstile: Turnstile) -> APIRouter:
    """Route embeddings to an encoder.

    Args:
        encoder: That of the index.
        turnstile: How many requests are let in at once; a search has a turnstile of its own.
    """
    router = APIRouter()

    @router.post("/embeddings", dependencies=[Depends(turnstile, scope="function")])
    def create_embeddings(request: EmbeddingRequest) -> EmbeddingResponse:
        return embed(encoder, request)

    return router
