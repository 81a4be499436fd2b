"""How much one client may ask: so many searches a minute, some of them at once.

The generic cell rate algorithm: of each client one number is kept, the time at which all it asked for
would have been due at an even pace. Whoever is too far ahead of time waits.

Source: ITU-T I.371, annex A (virtual scheduling).
"""

from __future__ import annotations

import math
import time
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass

_MINUTE_S = 60.0
_AHEAD_S = 15.0
"""How far ahead of an even pace a client may be: a quarter of a minute's searches at once."""
_CLIENTS = 65_536
"""Clients remembered, about 10 MB; the one that asked longest ago goes first."""


@dataclass(frozen=True, slots=True)
class Limits:
    """Searches a minute; 0 is no limit.

    An office of 500 behind one address, of whom every second asks something in the same minute: 250 answers,
    as many searches, and at a tenth each 2,500 suggestions and 500 pages, which makes 800.

    Attributes:
        per_address: Of whoever comes without a key, by address.
        per_key: Of each key that has none of its own.
    """

    per_address: int = 1200
    per_key: int = 1200


class Quota:
    """Searches a minute for each of many clients; not safe to share between threads.

    Args:
        per_minute: For each client; 0 is no limit.
        clients: How many are remembered. Whoever has more addresses than that starts afresh with
            each; what everybody together may ask is `Turnstile`'s business.
        clock: Seconds that never go back.
    """

    def __init__(
        self,
        per_minute: int,
        *,
        clients: int = _CLIENTS,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._per_minute = per_minute
        self._clients = clients
        self._clock = clock
        self._due: OrderedDict[str, float] = OrderedDict()

    def take(self, client: str, cost: float = 1.0, per_minute: int | None = None) -> int:
        """Count a request, unless it is too much.

        Args:
            client: Whose.
            cost: What it costs, in searches; positive.
            per_minute: The client's own quota; None goes by that of all.

        Returns:
            0 where it was counted, else the whole seconds until it would be.
        """
        rate = per_minute or self._per_minute
        if not rate:
            return 0
        now = self._clock()
        due = max(now, self._due.get(client, now))
        wait_s = due - _AHEAD_S - now
        if wait_s > 0:
            return math.ceil(wait_s)
        self._due[client] = due + cost * _MINUTE_S / rate
        self._due.move_to_end(client)
        if len(self._due) > self._clients:
            self._due.popitem(last=False)
        return 0
