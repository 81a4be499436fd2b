"""Around everything: an id for every request, one line of log, and its counts.

The line has the template of the route, never the address, which can hold a question.
"""

from __future__ import annotations

import logging
import re
import time
import uuid

from starlette.datastructures import Headers, MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from api.logs import DETAILS, request_id
from api.metrics import Metrics
from api.notes import CLIENT, route_of

HEADER = "X-Request-ID"
_ID = re.compile(r"[A-Za-z0-9._-]{1,64}")
"""Ids that are taken over: what cannot break a line of log, nor make it long."""
_VERSION = "X-Index-Version"
"""Header of a response that says which index it was made from."""

_LOG = logging.getLogger("casebook.access")


class Observed:
    """Gives every request an id, taken over from the client where it has a sound one, and notes it.

    Args:
        app: What is behind it.
        metrics: Counts.
    """

    def __init__(self, app: ASGIApp, metrics: Metrics) -> None:
        self._app = app
        self._metrics = metrics

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one connection."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        asked = Headers(scope=scope).get(HEADER, "")
        name = asked if _ID.fullmatch(asked) else uuid.uuid4().hex
        status, version = 0, ""

        async def send_with_id(message: Message) -> None:
            nonlocal status, version
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                headers[HEADER] = name
                status, version = message["status"], headers.get(_VERSION, "")
            await send(message)

        token = request_id.set(name)
        started = time.perf_counter()
        self._metrics.began()
        try:
            await self._app(scope, receive, send_with_id)
        finally:
            seconds = time.perf_counter() - started
            self._metrics.ended(scope, status, seconds)
            details = {
                "route": route_of(scope),
                "method": scope["method"],
                "status": status,
                "ms": round(seconds * 1000, 1),
                "index_version": version,
                "client": scope.get(CLIENT, ""),
            }
            _LOG.info("request", extra={DETAILS: details})
            request_id.reset(token)
