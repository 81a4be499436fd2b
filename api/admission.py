"""How many requests compute at once, how many may wait for that, and what the others are told.

The places are few: beyond some to a processor, more at once answer no sooner, and each takes longer.
Turned away at once, a client can try again; left in a long queue, it gives up while its search still
takes the others' time.

A request passes twice. `Admission` looks before its body is read, so that thousands too many cost
next to nothing; `Turnstile` counts it in after its body was read, so that a client that sends a
byte a second holds no place.
"""

from __future__ import annotations

import asyncio
import random
from collections import deque
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from threading import Event

from starlette.requests import Request
from starlette.types import ASGIApp, Receive, Scope, Send

from api.handlers import Failure, Respond
from api.notes import ROUTE
from api.problems import CLIENT_LEFT, OVERLOADED, ProblemError

_BESIDE = 1
"""More than one to each processor: while it reads and writes, that one computes. Two processors answered
sixteen clients 46 to 51 times a second with three places and 44 to 50 with eight, given the same queue
(distinct questions, 5 s each, in turn, three and two runs): more places only share the processors."""
_QUEUE_PER_CPU = 8
"""So many take a third of a second; a whole office that asks at nine o'clock waits that long, and is answered."""
MOST = 20
"""Of the 40 threads that the pool has, with `_WRITTEN` and `_EMBEDDINGS`: look-ups and pages always find
one free."""
_WRITTEN = 12
"""Answers that a language model words: nearly all of their time is spent waiting for it."""
_EMBEDDINGS = 2
"""Each may take a minute of a core: more would leave searches none, and none is done within a queue's second."""
_PATIENCE_S = 1.0
_RETRY_S = (1, 5)
"""Each is told another time, so that those turned away together do not come back together."""
_DETAIL = "同时检索的人较多，请稍候几秒重试。"


def overloaded() -> Failure:
    """What a request is told that finds no place."""
    return Failure(OVERLOADED, _DETAIL, headers=_retry())


def _retry() -> dict[str, str]:
    return {"Retry-After": str(random.randint(*_RETRY_S))}  # noqa: S311 -- no secret


class Turnstile:
    """A FastAPI dependency that counts requests in and out, and turns away what is too many.

    It counts on the event loop, before a request takes a thread. Who waits longest goes first; who
    has waited too long, or has left, is dropped before anything is computed for it.

    Args:
        places: How many are let in at once.
        queue: How many may wait; by default half as many, so that waiting takes no longer than half
            of being served.
        patience_s: For how long.
    """

    def __init__(
        self, places: int = MOST, *, queue: int | None = None, patience_s: float = _PATIENCE_S
    ) -> None:
        self._free = places
        self._queue = places // 2 if queue is None else queue
        self._patience_s = patience_s
        self._waiting: deque[asyncio.Future[None]] = deque()

    @property
    def full(self) -> bool:
        """Whether the next one would be turned away."""
        return not self._free and len(self._waiting) >= self._queue

    @property
    def waiting(self) -> int:
        """How many wait."""
        return len(self._waiting)

    async def __call__(self, request: Request) -> AsyncIterator[None]:
        """Hold a place while the endpoint runs.

        Raises:
            ProblemError: `OVERLOADED`, if none is free in time; `CLIENT_LEFT`, if there is nobody
                left to answer.
        """
        async with self.place(request.receive):
            yield

    @asynccontextmanager
    async def place(self, receive: Receive | None = None) -> AsyncIterator[None]:
        """Hold a place.

        Args:
            receive: Tells when the client leaves; None where that cannot be known.

        Raises:
            ProblemError: See `__call__`.
        """
        if self._free:
            self._free -= 1
        elif self.full:
            raise ProblemError(OVERLOADED, _DETAIL, headers=_retry())
        else:
            await self._wait(receive)
        try:
            yield
        finally:
            self._leave()

    async def _wait(self, receive: Receive | None) -> None:
        turn = asyncio.get_running_loop().create_future()
        self._waiting.append(turn)
        leaving = None if receive is None else asyncio.ensure_future(_gone(receive))
        try:
            await asyncio.wait(
                {turn} if leaving is None else {turn, leaving},
                timeout=self._patience_s,
                return_when=asyncio.FIRST_COMPLETED,
            )
            _require(turn, leaving)
        except BaseException:
            if turn.done():
                self._leave()  # the place came in the same moment: whoever waits next has it
            else:
                self._waiting.remove(turn)
            raise
        finally:
            if leaving is not None:
                leaving.cancel()

    def _leave(self) -> None:
        if self._waiting:
            self._waiting.popleft().set_result(None)
        else:
            self._free += 1


async def leaving(request: Request) -> AsyncIterator[Event]:
    """A FastAPI dependency: an event that is set when the client leaves before it was answered."""
    left = Event()

    async def watch() -> None:
        await _gone(request.receive)
        left.set()

    watching = asyncio.create_task(watch())
    try:
        yield left
    finally:
        watching.cancel()


def _require(turn: asyncio.Future[None], leaving: asyncio.Future[None] | None) -> None:
    """Go on only with a place, and with somebody to answer."""
    if leaving is not None and leaving.done():
        leaving.result()
        raise ProblemError(CLIENT_LEFT, "客户端在等候时断开了连接。")
    if not turn.done():
        raise ProblemError(OVERLOADED, _DETAIL, headers=_retry())


async def _gone(receive: Receive) -> None:
    """Return when the client has left; its body was read, so nothing else can come."""
    while (await receive())["type"] != "http.disconnect":
        pass


@dataclass(frozen=True, slots=True)
class Turnstiles:
    """What requests are counted by; it outlives the version of the index that they ask.

    Attributes:
        searches: Whatever searches.
        answers: Whatever is answered in words; the same where these are the sources' own.
        embeddings: Whatever is encoded on request.
    """

    searches: Turnstile
    answers: Turnstile
    embeddings: Turnstile

    @property
    def waiting(self) -> int:
        """How many wait."""
        return sum(one.waiting for one in {self.searches, self.answers, self.embeddings})

    @classmethod
    def for_cpus(cls, cpus: int, *, worded: bool = False) -> Turnstiles:
        """Count as many as so many processors can do with.

        Args:
            cpus: Granted to this process.
            worded: Whether a language model words answers.
        """
        searches = Turnstile(min(cpus + _BESIDE, MOST), queue=cpus * _QUEUE_PER_CPU)
        return cls(
            searches, Turnstile(_WRITTEN) if worded else searches, Turnstile(_EMBEDDINGS, queue=0)
        )


@dataclass(frozen=True, slots=True)
class Door:
    """An address that computes.

    Attributes:
        turnstile: What is behind it.
        respond: Words a refusal as its protocol does.
    """

    turnstile: Turnstile
    respond: Respond


class Admission:
    """An ASGI middleware that turns requests away while there is no place, unread.

    Args:
        app: What is behind it.
        doors: By method and path. What is none of them always passes.
    """

    def __init__(self, app: ASGIApp, doors: Mapping[tuple[str, str], Door]) -> None:
        self._app = app
        self._doors = doors

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one connection."""
        if scope["type"] == "http":
            door = self._doors.get((scope["method"], scope["path"]))
            if door is not None and door.turnstile.full:
                scope[ROUTE] = scope["path"]
                await door.respond(Request(scope), overloaded())(scope, receive, send)
                return
        await self._app(scope, receive, send)
