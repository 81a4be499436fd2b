"""``POST /mcp``: the Model Context Protocol in the process that serves everything else."""

from __future__ import annotations

from functools import cache

from fastapi import APIRouter
from starlette.concurrency import run_in_threadpool
from starlette.responses import Response
from starlette.types import ASGIApp, Receive, Scope, Send

from api.admission import Turnstile
from api.case_schemas import Facets
from api.mcp_tools import tools_of
from api.protocols import NO_OPTIONS, Protocols
from api.query_log import QueryLog
from rag.ask import Asker
from rag.verification import Verifier


class _Handover(Response):
    """A response that another application gives."""

    def __init__(self, application: ASGIApp) -> None:
        super().__init__()
        self._application = application

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        await self._application(scope, receive, send)


def mcp_routes(
    asker: Asker,
    facets: Facets,
    verifier: Verifier,
    turnstile: Turnstile,
    protocols: Protocols = NO_OPTIONS,
    queries: QueryLog | None = None,
) -> APIRouter:
    """Route MCP clients to the tools. They are no part of the OpenAPI document.

    GET, which would open a stream for a server's own messages, and DELETE, which would end a
    session, are answered 405, as the protocol has it for servers that offer neither.

    Args:
        asker: Answers from an opened index.
        facets: Its filter values.
        verifier: Checks quotations against its cases.
        turnstile: How many searches are let in at once.
        protocols: How the protocols of others are served.
        queries: Where questions are kept, if anywhere.
    """
    router = APIRouter(include_in_schema=False)

    @cache
    def build() -> ASGIApp:
        # Takes a second and 25 MB, which whoever never connects should not pay.
        from api.mcp_server import http_application, mcp_server  # noqa: PLC0415

        tools = tools_of(asker, facets, verifier, queries)
        server = mcp_server(asker.assistant, tools, turnstile)
        return http_application(server, protocols.hosts)

    async def application(scope: Scope, receive: Receive, send: Send) -> None:
        await (await run_in_threadpool(build))(scope, receive, send)

    # A route of FastAPI's and no mount: no address with a slash at its end comes with it.
    @router.post("/mcp")
    async def exchange() -> Response:
        return _Handover(application)

    return router
