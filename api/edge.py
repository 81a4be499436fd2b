"""What happens to every request before and after the routes: three pure ASGI middlewares.

Pure ASGI, because a middleware that wraps responses in tasks buffers streams and hides
disconnects.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from contextlib import suppress
from types import MappingProxyType

from starlette.datastructures import Headers, MutableHeaders
from starlette.exceptions import HTTPException
from starlette.types import ASGIApp, Message, Receive, Scope, Send

MAX_BODY_BYTES = 64 * 1024
"""A question has at most 500 characters; the rest is room for filters."""

SECURITY_HEADERS = {
    "Content-Security-Policy": (
        "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; "
        "img-src 'self' data:; base-uri 'none'; form-action 'self'; frame-ancestors 'none'; "
        "require-trusted-types-for 'script'; trusted-types 'none'"
    ),
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Permissions-Policy": "camera=(), geolocation=(), microphone=(), payment=(), usb=()",
}

OVER_TLS = {
    "Strict-Transport-Security": "max-age=31536000",
    # Over plain HTTP browsers ignore it, and complain in their consoles.
    "Cross-Origin-Opener-Policy": "same-origin",
}
"""What is sent besides where readers come by HTTPS."""


class SecurityHeaders:
    """Adds the security headers to every response that does not set them itself.

    Args:
        app: What is behind it.
        headers: Which ones.
    """

    def __init__(self, app: ASGIApp, headers: Mapping[str, str] = SECURITY_HEADERS) -> None:
        self._app = app
        self._headers = headers

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one connection."""

        async def send_with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                for name, value in self._headers.items():
                    headers.setdefault(name, value)
            await send(message)

        await self._app(scope, receive, send_with_headers if scope["type"] == "http" else send)


_FOUND = ("route", "root_path")
"""What routing notes in a scope, for whoever counts requests by route."""


class HeadAsGet:
    """Answers HEAD wherever GET is answered: the same headers, no body.

    FastAPI's routes know no HEAD of their own.
    """

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one connection."""
        if scope["type"] != "http" or scope["method"] != "HEAD":
            await self._app(scope, receive, send)
            return

        async def send_without_body(message: Message) -> None:
            if message["type"] == "http.response.body":
                message = {**message, "body": b""}
            await send(message)

        # A copy: the server must go on seeing HEAD, or it would wait for the body.
        as_get = {**scope, "method": "GET"}
        try:
            await self._app(as_get, receive, send_without_body)
        finally:
            scope.update({name: as_get[name] for name in _FOUND if name in as_get})


_SWALLOWED = 16
"""Up to so many times the limit, a body that is refused is read and dropped: a client that is cut off
while it writes sees a broken connection, and sends everything again."""
_SWALLOWED_S = 1.0
"""For so long at most: a client may as well wait to be told before it writes."""


_WHOLE_BODY_S = 20.0
"""A body of 64 KiB takes half a second by the slowest line that anyone works at (1 Mbit/s), one of a megabyte 8."""


class BodyTooLargeError(HTTPException):
    """A request's body is larger than its address takes.

    Attributes:
        limit: What it takes, in bytes.
    """

    def __init__(self, limit: int) -> None:
        self.limit = limit
        super().__init__(413)


class BodyTooSlowError(HTTPException):
    """A request's body does not come.

    Attributes:
        limit_s: In how many seconds it should have.
    """

    def __init__(self, limit_s: float) -> None:
        self.limit_s = limit_s
        super().__init__(408)


class BodyLimit:
    """Refuses bodies that are too large, by their declared length before a byte is kept, or too slow.

    Starlette's own ``max_body_size`` does the same, but says so in plain text.

    Args:
        app: What is behind it.
        larger: Addresses that take more than `MAX_BODY_BYTES`, and how many bytes.
        whole_s: Seconds that a body may take, from the moment it is wanted.

    Raises:
        BodyTooLargeError: Out of ``receive``, also where a body of undeclared length grows too
            long; the exception handlers word it.
        BodyTooSlowError: Likewise.
    """

    def __init__(
        self,
        app: ASGIApp,
        *,
        larger: Mapping[str, int] = MappingProxyType({}),
        whole_s: float = _WHOLE_BODY_S,
    ) -> None:
        self._app = app
        self._whole_s = whole_s
        self._larger = larger

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one connection."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        declared = Headers(scope=scope).get("content-length", "")
        room = limit = self._larger.get(scope["path"], MAX_BODY_BYTES)
        receive_in_time = _in_time(receive, self._whole_s)

        async def receive_within_limit() -> Message:
            nonlocal room
            if declared.isdecimal() and int(declared) > limit:
                if int(declared) <= limit * _SWALLOWED:
                    with suppress(TimeoutError):
                        async with asyncio.timeout(_SWALLOWED_S):
                            while (await receive()).get("more_body"):
                                pass
                raise BodyTooLargeError(limit)
            message = await receive_in_time()
            if message["type"] == "http.request":
                room -= len(message.get("body", b""))
                if room < 0:
                    raise BodyTooLargeError(limit)
            return message

        await self._app(scope, receive_within_limit, send)


def _in_time(receive: Receive, whole_s: float) -> Receive:
    """Receive a body within so many seconds, from when it is first asked for."""
    until: float | None = None
    whole = False

    async def receive_in_time() -> Message:
        nonlocal until, whole
        if whole:  # what is waited for now is that the client leaves
            return await receive()
        if until is None:
            until = asyncio.get_running_loop().time() + whole_s
        try:
            async with asyncio.timeout_at(until):
                message = await receive()
        except TimeoutError:
            raise BodyTooSlowError(whole_s) from None
        whole = not message.get("more_body")
        return message

    return receive_in_time
