"""Rankers whose scores are written down."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Self

import numpy as np

from rag.ranking import Mask, Rows, Scores


@dataclass(frozen=True)
class Fixed:
    """A ranker whose scores are written down; what scores 0 is not put forward."""

    values: tuple[float, ...]

    def match(self, query: object) -> Self:
        return self

    def best(self, *, limit: int, allowed: Mask) -> Rows:
        scores = np.where(allowed, self.values, 0)
        order = np.argsort(-scores, kind="stable")[:limit]
        return order[scores[order] > 0]

    def scores(self, rows: Rows) -> Scores:
        return np.array(self.values, dtype=np.float32)[rows]

    def by_sentence(self, rows: Rows) -> list[Scores]:
        return [self.scores(np.array([row])) for row in rows]


class InOrder(Fixed):
    """The same, which puts rows forward as they come."""

    def best(self, *, limit: int, allowed: Mask) -> Rows:
        return np.flatnonzero(allowed)[:limit]
