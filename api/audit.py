"""Around the whole application: what was asked of it goes to the audit log, without a word of it."""

from __future__ import annotations

import time
from collections.abc import Callable

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from api.audit_log import AuditLog, Entry
from api.notes import CLIENT

ADDRESSES = (
    *("/api/v1/ask", "/api/v1/search", "/api/v1/suggest", "/api/v1/cases", "/api/v1/facets"),
    *("/api/v1/verify", "/api/v1/feedback"),
    *("/v1/chat/completions", "/v1/embeddings", "/v1/models", "/dify/retrieval", "/mcp"),
    *("/cases", "/embed", "/search", "/openapi.json", "/"),
)
"""What an entry names, with all that is below; ``/`` is the search page alone."""
SILENT = ("/livez", "/readyz", "/metrics", "/static", "/widget")
"""What leaves no entry: probes, and files that are the same for everyone."""
_METHODS = frozenset({"GET", "HEAD", "POST", "OPTIONS", "DELETE", "PUT", "PATCH"})


class Audit:
    """Notes every request once it is answered: who, what, when, the status, how long it took.

    Args:
        app: What is behind it.
        log: Where to.
        index_version: Tells the version that answers.
    """

    def __init__(self, app: ASGIApp, log: AuditLog, index_version: Callable[[], str]) -> None:
        self._app = app
        self._log = log
        self._index_version = index_version

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one connection."""
        if scope["type"] != "http" or _is_below(scope["path"], SILENT):
            await self._app(scope, receive, send)
            return
        method, path, version = scope["method"], scope["path"], self._index_version()
        started = time.perf_counter()
        status = 0

        async def send_and_see(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
            await send(message)

        try:
            await self._app(scope, receive, send_and_see)
        except Exception:
            status = status or 500  # which the server answers
            raise
        finally:
            took_ms = round((time.perf_counter() - started) * 1000)
            client = scope.get(CLIENT) or ""
            self._log.note(Entry(action_of(method, path), client, status, version, took_ms))


def action_of(method: str, path: str) -> str:
    """Name a request in words that nobody can choose.

    >>> action_of("GET", "/api/v1/cases/cfa95eaca4f"), action_of("BREW", "/13812345678")
    ('GET /api/v1/cases', 'other other')
    """
    known = next((address for address in ADDRESSES if _is_below(path, (address,))), "other")
    return f"{method if method in _METHODS else 'other'} {known}"


def _is_below(path: str, addresses: tuple[str, ...]) -> bool:
    return any(path == address or path.startswith(f"{address}/") for address in addresses)
