"""An ASGI application over whichever index is current: a whole application for each, swapped in one step.

Nothing of an index is shared between two applications, and a request belongs to one of them from
its first byte to its last. So no answer can be of two versions, whatever an endpoint does.
"""

from __future__ import annotations

import gc
from collections.abc import Callable
from dataclasses import dataclass

from fastapi.dependencies import models as fastapi_models
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from index.store import OpenIndex

HEADER = "X-Index-Version"
"""Sent with every response: the version that it was made from."""

Degraded = Callable[[], str | None]
"""Says what is wrong with the index that should be in use; None where nothing is."""


@dataclass(frozen=True, slots=True)
class _Serving:
    """An open index, and the application built over it."""

    opened: OpenIndex
    application: ASGIApp


class Reloading:
    """Hands each request to the application of the moment.

    What must outlive a swap (stores, keys, limits, metrics) is made outside of ``build``.

    Args:
        opened: What is served first.
        build: Makes an application over an index. It is given a `Degraded`, for ``/readyz``.
    """

    def __init__(self, opened: OpenIndex, build: Callable[[OpenIndex, Degraded], ASGIApp]) -> None:
        self._build = build
        self._degraded = opened.degraded
        self._serving = self._over(opened)

    @property
    def opened(self) -> OpenIndex:
        """What new requests are answered from."""
        return self._serving.opened

    @property
    def degraded(self) -> str | None:
        """What is wrong with the index that should be in use."""
        return self._degraded

    def keep(self, degraded: str | None) -> None:
        """Go on with what is served, and say why if it is not what should be."""
        self._degraded = degraded

    def swap(self, opened: OpenIndex) -> None:
        """Serve another index; requests under way finish on the one they began with.

        Not for the event loop: it builds an application, and searches once to warm it up.

        Raises:
            CasebookError: If it does not answer; the old one stays.
        """
        serving = self._over(opened)
        for case in opened.assistant.cases[:1]:
            opened.assistant.search(case.title or case.text)
        self._serving, self._degraded = serving, None
        _let_go()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one connection."""
        serving = self._serving  # looked up once
        name = serving.opened.version.name.encode()

        async def send_with_version(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = [*message.get("headers", ()), (HEADER.lower().encode(), name)]
                message = {**message, "headers": headers}
            await send(message)

        await serving.application(scope, receive, send_with_version)

    def _over(self, opened: OpenIndex) -> _Serving:
        return _Serving(opened, self._build(opened, lambda: self._degraded))


def _let_go() -> None:
    """Give the memory of what was swapped out back, as soon as no request uses it.

    FastAPI remembers of the last thousands of endpoints what kind of function they are, and with them
    whatever they stand on; without this, some hundred old indexes would stay. And the collector counts objects: it does
    not see that a few of them hold megabytes.
    """
    for remembered in vars(fastapi_models).values():
        if hasattr(remembered, "cache_clear"):
            remembered.cache_clear()
    gc.collect()
