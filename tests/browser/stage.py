"""A service on a real port, with what a test wants to decide put in front of it."""

from __future__ import annotations

import asyncio
import json
import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from tests.servers import serving_app

HOST = "intranet.test"


@dataclass
class Gate:
    """A place where a reply stops until the test lets it go on."""

    opened: threading.Event = field(default_factory=threading.Event)

    def open(self) -> None:
        self.opened.set()


@dataclass
class Reply:
    """What a stage answers: the pieces are sent one by one, each as a chunk of its own."""

    pieces: Sequence[bytes | Gate] = ()
    status: int = 200
    headers: Mapping[str, str] = field(default_factory=dict)


@dataclass
class Asked:
    """A request to the interface, whoever answered it."""

    path: str
    query: str
    body: Any
    headers: Mapping[str, str]
    left: threading.Event = field(default_factory=threading.Event)  # the client went away early
    over: threading.Event = field(default_factory=threading.Event)


class Stage:
    """An application with pages and replies put in front of it.

    Attributes:
        url: Where a browser finds it.
        pages: Bodies and headers by path.
        replies: Replies by path, in turn; the last one stays.
        asked: What was asked of the interface, of the application and of replies alike.
    """

    def __init__(self, app: ASGIApp) -> None:
        self._app = app
        self.url = ""
        self.clear()

    def clear(self) -> None:
        """Take everything away again."""
        self.pages: dict[str, Reply] = {}
        self.replies: dict[str, list[Reply]] = {}
        self.asked: list[Asked] = []

    def page(self, html: str | bytes, *, path: str = "/portal", **headers: str) -> str:
        """Serve a page, and tell its address."""
        body = html.encode() if isinstance(html, str) else html
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        self.pages[path] = Reply([body], headers={"content-type": "text/html", **named})
        return self.url + path

    def answer(self, path: str, *replies: Reply) -> None:
        """Answer a path with these in turn."""
        self.replies[path] = list(replies)

    def asked_of(self, path: str) -> list[Asked]:
        """List what was asked of a path."""
        return [it for it in self.asked if it.path == path]

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        path = scope.get("path", "")
        if path == "/favicon.ico":
            await _send(Reply(status=204), send)  # the browser asks for one that no page mentions
        elif path in self.pages:
            await _send(self.pages[path], send)
        elif "/api/" in path:
            await self._hear(scope, receive, send)
        else:
            await self._app(scope, receive, send)

    async def _hear(self, scope: Scope, receive: Receive, send: Send) -> None:
        body = await _whole(receive)
        headers = {name.decode(): value.decode("latin-1") for name, value in scope["headers"]}
        query = scope["query_string"].decode()
        asked = Asked(scope["path"], query, json.loads(body) if body else None, headers)
        self.asked.append(asked)
        queue = self.replies.get(scope["path"])
        if queue is None:
            await self._app(scope, _again(body, receive), send)
        else:
            await _play(queue.pop(0) if len(queue) > 1 else queue[0], asked, receive, send)


async def _whole(receive: Receive) -> bytes:
    body, more = b"", True
    while more:
        message = await receive()
        body += message.get("body", b"")
        more = message.get("more_body", False)
    return body


def _again(body: bytes, receive: Receive) -> Receive:
    """Receive a body that was read already, and then what comes after it."""
    first: list[Message] = [{"type": "http.request", "body": body, "more_body": False}]

    async def replayed() -> Message:
        return first.pop() if first else await receive()

    return replayed


async def _play(reply: Reply, asked: Asked, receive: Receive, send: Send) -> None:
    playing = asyncio.ensure_future(_send(reply, send))
    leaving = asyncio.ensure_future(_until_left(receive))
    await asyncio.wait({playing, leaving}, return_when=asyncio.FIRST_COMPLETED)
    if not playing.done():
        asked.left.set()
    for task in (playing, leaving):
        task.cancel()
    asked.over.set()


async def _until_left(receive: Receive) -> None:
    message: Message = {"type": ""}
    while message["type"] != "http.disconnect":
        message = await receive()


async def _send(reply: Reply, send: Send) -> None:
    headers = [(name.encode(), value.encode()) for name, value in reply.headers.items()]
    await send({"type": "http.response.start", "status": reply.status, "headers": headers})
    for piece in reply.pieces:
        if isinstance(piece, Gate):
            while not piece.opened.is_set():  # noqa: ASYNC110  set from the test's thread
                await asyncio.sleep(0.01)
        else:
            await send({"type": "http.response.body", "body": piece, "more_body": True})
    await send({"type": "http.response.body", "body": b""})


@contextmanager
def serving(app: ASGIApp) -> Iterator[str]:
    """Put an application on a real port, at an address like an intranet's."""
    # A reply that is waited for in vain would hold up the end.
    with serving_app(app, log_level="critical", timeout_graceful_shutdown=1) as port:
        yield f"http://{HOST}:{port}"
