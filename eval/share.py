"""Shares of questions, with intervals that stay honest where nothing, or everything, went wrong."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from statistics import NormalDist

_Z2 = NormalDist().inv_cdf(0.975) ** 2
"""Square of the normal quantile that bounds 95%."""
_HALVINGS = 60
"""Of [0, 1], until a float knows no middle."""


@dataclass(frozen=True, slots=True)
class Share:
    """Some of a number of questions, with the 95% Wilson interval of the rate.

    Unlike the bootstrap, which makes [0, 0] of no errors in 20, it stays honest at 0 and 1.

    Source:
        Wilson, JASA 22 (1927), doi:10.1080/01621459.1927.10502953.

    >>> Share(0, 20).value, round(Share(0, 20).high, 3)
    (0.0, 0.161)
    """

    some: int
    n: int

    @property
    def value(self) -> float:
        """The share, in [0, 1]."""
        return self.some / self.n

    @property
    def low(self) -> float:
        """Lower end of its interval."""
        return max(0.0, self._middle - self._half)

    @property
    def high(self) -> float:
        """Upper end of its interval."""
        return min(1.0, self._middle + self._half)

    @property
    def _middle(self) -> float:
        return (self.some + _Z2 / 2) / (self.n + _Z2)

    @property
    def _half(self) -> float:
        spread = self.some * (self.n - self.some) / self.n + _Z2 / 4
        return math.sqrt(_Z2 * spread) / (self.n + _Z2)


@dataclass(frozen=True, slots=True)
class Area:
    """An AUROC, with the 95% score interval from Hanley and McNeil's variance.

    The bounds are the areas whose own standard error puts the observed one 1.96 away. Unlike those
    around the observed area, and the bootstrap's, they have a width where all pairs are in order.

    Attributes:
        value: Chance that a question of the first kind is surer than one of the second, in [0, 1].
        answerable: Questions of the first kind, at least 1.
        unanswerable: Questions of the second, at least 1.

    Source:
        Newcombe, Statistics in Medicine 25 (2006), doi:10.1002/sim.2324, method 5; the variance is
        that of Hanley and McNeil, Radiology 143 (1982), doi:10.1148/radiology.143.1.7063747.

    >>> round(Area(1.0, 20, 20).low, 3), Area(1.0, 20, 20).high
    (0.899, 1.0)
    """

    value: float
    answerable: int
    unanswerable: int

    @property
    def low(self) -> float:
        """Lower end of its interval."""
        return 1 - _highest(lambda area: self._within(1 - area), 1 - self.value)

    @property
    def high(self) -> float:
        """Upper end of its interval."""
        return _highest(self._within, self.value)

    def _within(self, area: float) -> bool:
        """Whether the observed area is to be expected where this is the true one."""
        others = (self.answerable + self.unanswerable) / 2 - 1
        spread = 1 + others * ((1 - area) / (2 - area) + area / (1 + area))
        pairs = self.answerable * self.unanswerable
        return (self.value - area) ** 2 <= _Z2 * area * (1 - area) * spread / pairs


def _highest(holds: Callable[[float], bool], least: float) -> float:
    """Halve towards the highest number up to 1 that holds; those from ``least`` to it all do."""
    if holds(1.0):
        return 1.0
    low, high = least, 1.0
    for _ in range(_HALVINGS):
        middle = (low + high) / 2
        low, high = (middle, high) if holds(middle) else (low, middle)
    return low
