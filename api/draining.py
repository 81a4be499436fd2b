"""Stopping without failing anyone: first say so, then stop listening, then finish what is under way.

A balancer learns from ``/readyz`` that no more should come, and takes a moment to. Until it has, what
still comes is answered as ever.
"""

from __future__ import annotations

import signal
import time
from types import FrameType

import uvicorn
from starlette.requests import Request
from starlette.types import ASGIApp, Receive, Scope, Send

from api.handlers import Failure, as_problem
from api.notes import ROUTE
from api.problems import STOPPING

_READY = "/readyz"


class Drain:
    """Whether the service is about to stop, and since when.

    Args:
        wait_s: Seconds from saying so to stopping.
    """

    def __init__(self, wait_s: float) -> None:
        self._wait_s = wait_s
        self._until: float | None = None

    @property
    def begun(self) -> bool:
        """Whether it has begun."""
        return self._until is not None

    @property
    def over(self) -> bool:
        """Whether it is time to stop."""
        return self._until is not None and time.monotonic() >= self._until

    def begin(self) -> None:
        """Begin; again changes nothing."""
        if self._until is None:
            self._until = time.monotonic() + self._wait_s


class Draining:
    """Answers ``/readyz`` with 503 once the service is about to stop.

    Args:
        app: What is behind it.
        drain: Knows.
    """

    def __init__(self, app: ASGIApp, drain: Drain) -> None:
        self._app = app
        self._drain = drain

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one connection."""
        if self._drain.begun and scope["type"] == "http" and scope["path"] == _READY:
            scope[ROUTE] = _READY
            failure = Failure(STOPPING, "服务正在停止，不要再转来新的请求。")
            await as_problem(Request(scope), failure)(scope, receive, send)
            return
        await self._app(scope, receive, send)


class DrainingServer(uvicorn.Server):
    """uvicorn, which on SIGTERM drains before it stops; a person's Ctrl+C, or a second signal, stops at once.

    Args:
        config: uvicorn's own.
        drain: What it begins.
    """

    def __init__(self, config: uvicorn.Config, drain: Drain) -> None:
        super().__init__(config)
        self._drain = drain

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        """Take a signal."""
        if sig == signal.SIGTERM and not self._drain.begun:
            self._drain.begin()
            self._captured_signals.append(sig)
        else:
            super().handle_exit(sig, frame)

    async def on_tick(self, counter: int) -> bool:
        """Look whether it is time to stop; called ten times a second."""
        self.should_exit = self.should_exit or self._drain.over
        return await super().on_tick(counter)
