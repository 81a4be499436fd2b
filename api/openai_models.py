"""``GET /v1/models``: what can be asked for below ``/v1``."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

from fastapi import APIRouter
from pydantic import BaseModel, ConfigDict

from api.openai_errors import OpenAIError
from rag.encoder import EncoderIdentity
from rag.models import parse_remote

CHAT_MODEL = "casebook"
"""The model that answers questions."""
WITH_LIST = "casebook-sources"
"""The same with a list of its sources below each answer, for clients that drop annotations."""
WITH_EVENTS = "casebook-openwebui"
"""The same with the passages as Open WebUI shows them (`api.openwebui`)."""
CHAT_MODELS = (CHAT_MODEL, WITH_LIST, WITH_EVENTS)
_QUERY = ":query"


class ModelOut(BaseModel):
    """A model, as OpenAI describes one."""

    model_config = ConfigDict(frozen=True)

    id: str
    object: Literal["model"] = "model"
    created: int
    owned_by: str = "casebook"


class ModelList(BaseModel):
    """All models."""

    model_config = ConfigDict(frozen=True)

    object: Literal["list"] = "list"
    data: list[ModelOut]


def passage_model(identity: EncoderIdentity) -> str:
    """Name the model that embeds passages: the encoder's name, without the address of a remote one."""
    remote = parse_remote(identity.name)
    return remote[0] if remote else identity.name


def query_model(identity: EncoderIdentity) -> str:
    """Name the model that embeds questions."""
    return passage_model(identity) + _QUERY


def model_routes(ids: Sequence[str], *, created: int) -> APIRouter:
    """Route look-ups of models.

    Args:
        ids: What is served, in the order of the list.
        created: Unix time, in seconds, that every model bears; clients want one and use none.
    """
    router = APIRouter()
    models = {id_: ModelOut(id=id_, created=created) for id_ in ids}

    @router.get("/models")
    async def list_models() -> ModelList:
        return ModelList(data=list(models.values()))

    # Names on a hub have a slash, which clients send as %2F and servers decode.
    @router.get("/models/{model:path}")
    async def get_model(model: str) -> ModelOut:
        if model not in models:
            raise OpenAIError.no_such_model(model)
        return models[model]

    return router
