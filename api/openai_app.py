"""``/v1``: what clients of OpenAI know, as one application with their errors."""

from __future__ import annotations

import time

from fastapi import FastAPI

from api.admission import Turnstiles
from api.openai_chat import chat_routes
from api.openai_embeddings import embedding_routes
from api.openai_errors import add_openai_handlers
from api.openai_models import CHAT_MODELS, model_routes, passage_model, query_model
from api.protocols import Protocols
from api.query_log import QueryLog
from rag.ask import Asker


def openai_app(
    asker: Asker, turnstiles: Turnstiles, protocols: Protocols, queries: QueryLog | None = None
) -> FastAPI:
    """Build the application; to be mounted at ``/v1``, so paths inside begin after it.

    Args:
        asker: Answers conversations.
        turnstiles: Count answers, with those of our own protocol, and embeddings.
        protocols: How the protocols of others are served.
        queries: Where questions are kept, if anywhere.
    """
    embedder = protocols.embedder
    app = FastAPI(openapi_url=None, redirect_slashes=False)
    add_openai_handlers(app)
    count = embedder.count_tokens if embedder else len
    app.include_router(chat_routes(asker, turnstiles.answers, protocols.links, count, queries))
    models = list(CHAT_MODELS)
    if embedder is not None:
        models += [passage_model(embedder.identity), query_model(embedder.identity)]
        app.include_router(embedding_routes(embedder, turnstiles.embeddings))
    app.include_router(model_routes(models, created=int(time.time())))
    return app
