"""``/v1``: what clients of OpenAI know, as one application with their errors and behind the key."""

from __future__ import annotations

import time

from fastapi import FastAPI
from starlette.types import ASGIApp

from api.access import AccessKey, Guarded
from api.openai_embeddings import embedding_routes
from api.openai_errors import add_openai_handlers, refuse
from api.openai_models import CHAT_MODEL, model_routes, passage_model, query_model
from rag.encoder import Encoder


def openai_app(embedder: Encoder | None, *, key: AccessKey | None) -> ASGIApp:
    """Build the application; to be mounted at ``/v1``, so paths inside begin after it.

    Args:
        embedder: The encoder of the index; None offers no embeddings.
        key: What a request must carry; None asks for nothing.
    """
    app = FastAPI(openapi_url=None, redirect_slashes=False)
    add_openai_handlers(app)
    models = [CHAT_MODEL]
    if embedder is not None:
        models += [passage_model(embedder.identity), query_model(embedder.identity)]
        app.include_router(embedding_routes(embedder))
    app.include_router(model_routes(models, created=int(time.time())))
    return Guarded(app, key=key, refuse=refuse)
