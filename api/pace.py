"""How many of something are let through in a span of time."""

from __future__ import annotations

import math
import time
from collections import deque
from collections.abc import Callable


class Pace:
    """At most so many in any span of so many seconds; whoever shares it takes turns by a lock.

    Args:
        most: How many.
        span_s: Seconds.
        clock: Seconds that never go back.
    """

    def __init__(
        self, most: int, span_s: float, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._span_s = span_s
        self._clock = clock
        self._passed: deque[float] = deque(maxlen=most)

    def wait_s(self) -> int:
        """Whole seconds until one more is let through; 0 if it is now."""
        if len(self._passed) < (self._passed.maxlen or 0):
            return 0
        return max(0, math.ceil(self._passed[0] + self._span_s - self._clock()))

    def note(self) -> None:
        """Count one."""
        self._passed.append(self._clock())
