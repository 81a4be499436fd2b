"""How many searches are let in at once."""

from __future__ import annotations

from collections.abc import AsyncIterator

from api.problems import OVERLOADED, ProblemError

PLACES = 32
"""Of the 40 threads that the pool has, so that look-ups and pages always find one free."""


class Turnstile:
    """A FastAPI dependency that counts searches in and out, and turns away what is too many.

    It counts on the event loop, before a search takes a thread. Turned away at once, a client can
    try again; left in a queue, it gives up while its search still takes the others' time.

    Args:
        places: How many searches are let in at once.
    """

    def __init__(self, places: int = PLACES) -> None:
        self._free = places

    async def __call__(self) -> AsyncIterator[None]:
        """Hold a place while the endpoint runs.

        Raises:
            ProblemError: `OVERLOADED`, if none is free.
        """
        if not self._free:
            raise ProblemError(OVERLOADED, "同时检索的人较多，请稍候几秒重试。")
        self._free -= 1
        try:
            yield
        finally:
            self._free += 1
