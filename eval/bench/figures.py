"""Times -> percentiles and ratios."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import chain
from statistics import median

Times = tuple[float, ...]
"""Milliseconds of the questions of one round."""


def percentile(times: Sequence[float], share: float) -> float:
    """Interpolate a percentile, as numpy does by default.

    Args:
        times: At least one, in any order.
        share: In [0, 1].

    Raises:
        ValueError: If there are no times, or the share is none.

    >>> percentile([4.0, 1.0, 3.0, 2.0], 0.5)
    2.5
    """
    if not times or not 0 <= share <= 1:
        message = f"no percentile {share} of {len(times)} times"
        raise ValueError(message)
    ordered = sorted(times)
    place = share * (len(ordered) - 1)
    below = int(place)
    above = min(below + 1, len(ordered) - 1)
    return ordered[below] + (place - below) * (ordered[above] - ordered[below])


@dataclass(frozen=True, slots=True)
class Latency:
    """How long questions took, round by round; at least one round, none of them empty."""

    rounds: tuple[Times, ...]

    @property
    def count(self) -> int:
        """Count the questions of all rounds."""
        return sum(map(len, self.rounds))

    def at(self, share: float) -> float:
        """Milliseconds at a percentile of all rounds together."""
        return percentile(list(chain.from_iterable(self.rounds)), share)

    @property
    def medians(self) -> Times:
        """The median of each round."""
        return tuple(median(times) for times in self.rounds)


@dataclass(frozen=True, slots=True)
class Load:
    """What clients got in a closed loop, one entry a round.

    Attributes:
        latency: Of each question.
        per_second: Questions answered a second.
        client_share: Of one core, what the clients themselves took; near 1 they are the limit.
    """

    latency: Latency
    per_second: Times
    client_share: Times


@dataclass(frozen=True, slots=True)
class Ratio:
    """How many times one is the other: the median over rounds, and the lowest and highest.

    Rounds are compared with themselves, since a machine drifts between rounds.

    >>> str(Ratio.of([30.0, 20.0, 44.0], [10.0, 10.0, 11.0]))
    '3.0 (2.0–4.0)'
    """

    middle: float
    low: float
    high: float

    @classmethod
    def of(cls, ones: Sequence[float], others: Sequence[float]) -> Ratio:
        """Divide round by round.

        Raises:
            ValueError: If there are not as many rounds of both, or none.
        """
        if len(ones) != len(others) or not ones:
            message = f"cannot compare {len(ones)} rounds with {len(others)}"
            raise ValueError(message)
        ratios = [one / other for one, other in zip(ones, others, strict=True)]
        return cls(median(ratios), min(ratios), max(ratios))

    def __str__(self) -> str:
        """As a table shows it."""
        return f"{self.middle:.1f} ({self.low:.1f}–{self.high:.1f})"
