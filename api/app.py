"""The HTTP edge: an `Asker` in, an ASGI application out.

Everything is passed in and nothing is global, so tests build as many applications as they like.
Searching is computation: the endpoints that do it are plain functions, which run in the thread
pool, a bounded number at a time (`Turnstile`); what stays on the event loop only hands out what is in memory.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from fastapi import FastAPI
from fastapi.openapi.utils import get_openapi
from starlette.middleware import Middleware

from api.admission import Turnstiles
from api.ask import ask_routes
from api.case_schemas import Facets
from api.catalogue import catalogue_routes
from api.dify import dify_app
from api.edge import BodyLimit, HeadAsGet, SecurityHeaders
from api.embed import embed_routes
from api.feedback import feedback_routes
from api.feedback_store import FeedbackStore
from api.handlers import add_handlers
from api.health import health_routes
from api.mcp_routes import mcp_routes
from api.openai_app import openai_app
from api.openai_embeddings import MAX_EMBEDDINGS_BYTES
from api.problems import Problem
from api.protocols import NO_OPTIONS, Protocols
from api.query_log import QueryLog
from api.search import search_routes
from api.site import site_routes
from api.suggest import suggest_routes
from api.verify import verify_routes
from api.widget_bundle import widget_script
from api.widget_delivery import Widget, widget_routes
from rag.ask import Asker
from rag.cpus import granted_cpus
from rag.verification import Verifier

_CONTRACT = "1.0"
"""Version of the HTTP contract; the 1 is the one in ``/api/v1``."""

_DESCRIPTION = (
    "面向政府优化营商环境案例集的检索服务：用日常的话提问，得到原文段落，逐字注明区、案例、章节与位置。"
    "出错时一律返回 `application/problem+json`（RFC 9457）。"
)


_LARGER = {
    "/v1/embeddings": MAX_EMBEDDINGS_BYTES,
    # Clients send the whole conversation each time.
    "/v1/chat/completions": 1024 * 1024,
    "/api/v1/ask": 512 * 1024,
}
"""Addresses that take larger bodies than a question, in bytes."""


def create_app(  # noqa: PLR0913 - tests and deployments choose each on its own
    asker: Asker,
    *,
    passages: int,
    encoder: str,
    turnstiles: Turnstiles | None = None,
    protocols: Protocols = NO_OPTIONS,
    feedback: FeedbackStore | None = None,
    degraded: Callable[[], str | None] = lambda: None,
    queries: QueryLog | None = None,
) -> FastAPI:
    """Build the application.

    Args:
        asker: Answers from an opened index.
        passages: How many passages it searches; for ``/readyz``.
        encoder: Name of its encoder; for ``/readyz``.
        turnstiles: How many requests compute at once.
        protocols: How the protocols of others are served.
        feedback: Where feedback is kept; without it none is taken.
        degraded: Says what is wrong with the index that should be in use; for ``/readyz``.
        queries: Where questions are kept; without it none is.
    """
    app = FastAPI(
        title="Casebook",
        version=_CONTRACT,
        description=_DESCRIPTION,
        # The interactive pages load scripts from elsewhere, which our policy forbids and an
        # intranet cannot reach. /openapi.json stays.
        docs_url=None,
        redoc_url=None,
        # A redirect would be built from the Host header, which anyone can send.
        redirect_slashes=False,
        middleware=[
            Middleware(SecurityHeaders),
            Middleware(HeadAsGet),
            Middleware(BodyLimit, larger=_LARGER),
        ],
    )
    turnstiles = turnstiles or Turnstiles.for_cpus(granted_cpus())
    turnstile = turnstiles.searches
    assistant = asker.assistant
    facets = Facets.from_cases(assistant.cases)
    verifier = Verifier(assistant.cases)
    widget = Widget.of(widget_script())
    add_handlers(app)
    app.include_router(search_routes(assistant, turnstile, queries))
    app.include_router(ask_routes(asker, turnstiles.answers, queries))
    app.include_router(verify_routes(verifier, turnstile))
    app.include_router(catalogue_routes(assistant, facets))
    app.include_router(suggest_routes(assistant))
    app.include_router(feedback_routes(feedback))
    app.include_router(
        health_routes(assistant, passages=passages, encoder=encoder, degraded=degraded)
    )
    app.include_router(mcp_routes(asker, facets, verifier, turnstile, protocols, queries))
    app.include_router(site_routes(assistant, facets, turnstile, queries))
    app.include_router(widget_routes(widget))
    app.include_router(embed_routes(widget, protocols.links))
    app.mount("/dify", dify_app(assistant, turnstile, queries))
    app.mount("/v1", openai_app(asker, turnstiles, protocols, queries))
    _document(app)
    return app


def _document(app: FastAPI) -> None:
    """Add to the OpenAPI document the schema that `problems.documented` refers to."""

    def openapi() -> dict[str, Any]:
        if app.openapi_schema is None:
            document = get_openapi(
                title=app.title,
                version=app.version,
                description=app.description,
                routes=app.routes,
            )
            problem = Problem.model_json_schema(ref_template="#/components/schemas/{model}")
            nested = problem.pop("$defs")
            document["components"]["schemas"].update(nested, Problem=problem)
            app.openapi_schema = document
        return app.openapi_schema

    app.openapi = openapi  # type: ignore[method-assign]  # FastAPI's documented way
