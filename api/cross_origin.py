"""Which pages of other sites may use the service from a browser: those of the origins on a list.

Starlette's own middleware says neither ``Vary`` to an origin that is not on the list, so that a cache
would give its answer to one that is, nor anything about addresses, and answers a preflight that it
refuses with headers of CORS. This one wraps the whole application: an error that nobody foresaw is
answered outside of every middleware inside, and a page could not read it.
"""

from __future__ import annotations

from collections.abc import Iterable
from urllib.parse import urlsplit

from starlette.datastructures import Headers, MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from rag.errors import CasebookError

ORIGINS_VARIABLE = "CASEBOOK_ALLOWED_ORIGINS"
"""Environment variable for the origins, parted by spaces."""

_PATHS = frozenset(f"/api/v1/{name}" for name in ("ask", "search", "suggest", "facets", "feedback"))
_FOLDER = "/widget/"
"""What the widget asks for; nothing else is ever offered to other origins."""

_PREFLIGHT = {
    "Access-Control-Allow-Methods": "GET, POST",
    "Access-Control-Allow-Headers": "Content-Type",
    "Access-Control-Max-Age": "7200",  # two hours: the most that Chromium keeps
}
_EXPOSED = "Retry-After"
"""What a page may read beside the few headers that it always may."""
_DEFAULT_PORTS = {"http": 80, "https": 443}


class OriginError(CasebookError):
    """A configured origin is none that a browser would send."""


def allowed_origins(origins: Iterable[str]) -> frozenset[str]:
    """Write origins as browsers do: lower case, IDNA, without a port that goes without saying.

    Raises:
        OriginError: If one is no origin; ``*`` and ``null`` are not, on purpose.

    >>> sorted(allowed_origins(["HTTPS://Portal.Example:443/", "http://10.1.2.3:8080"]))
    ['http://10.1.2.3:8080', 'https://portal.example']
    """
    return frozenset(map(_origin, origins))


def _origin(written: str) -> str:
    try:
        parts = urlsplit(written)
        host = (parts.hostname or "").encode("idna").decode()
        port = parts.port
    except ValueError:  # UnicodeError included
        parts, host, port = urlsplit(""), "", None
    beyond = parts.path.removesuffix("/") or parts.query or parts.fragment
    plain = host and not set(host) & set("*@%\\ ,;'\"<>")
    if parts.scheme not in _DEFAULT_PORTS or not plain or beyond or "@" in parts.netloc:
        message = (
            f"{written!r} 不是网站的源；应写协议和主机，有端口再写端口，如 https://portal.example 或 "
            f"http://10.1.2.3:8080，不写路径，也不能用 * 或 null。请改正 --allow-origin 或环境变量 {ORIGINS_VARIABLE}"
        )
        raise OriginError(message)
    name = f"[{host}]" if ":" in host else host
    shown = "" if port in {None, _DEFAULT_PORTS[parts.scheme]} else f":{port}"
    return f"{parts.scheme}://{name}{shown}"


class CrossOrigin:
    """Lets pages of listed origins use what the widget uses, without credentials.

    Args:
        app: What is behind it.
        origins: As browsers send them; see `allowed_origins`. Empty: only pages of this service.
    """

    def __init__(self, app: ASGIApp, origins: frozenset[str] = frozenset()) -> None:
        self._app = app
        self._origins = origins

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one connection."""
        if scope["type"] != "http" or not _offered(scope["path"]):
            await self._app(scope, receive, send)
            return
        asked = Headers(scope=scope)
        origin = asked.get("origin", "")
        allowed = origin in self._origins

        async def send_with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                headers.add_vary_header("Origin")
                if allowed:
                    headers["Access-Control-Allow-Origin"] = origin
                    headers["Access-Control-Expose-Headers"] = _EXPOSED
            await send(message)

        if allowed and scope["method"] == "OPTIONS" and "access-control-request-method" in asked:
            headers = MutableHeaders(
                {**_PREFLIGHT, "Access-Control-Allow-Origin": origin, "Vary": "Origin"}
            )
            await send({"type": "http.response.start", "status": 204, "headers": headers.raw})
            await send({"type": "http.response.body", "body": b""})
            return
        await self._app(scope, receive, send_with_headers)


def _offered(path: str) -> bool:
    return path in _PATHS or path.startswith(_FOLDER)
