"""How well confidence tells right answers from wrong ones, whatever the threshold.

A question that is not answered rightly (nothing answers it, or its evidence was not found) is
better refused. The curve says what each coverage costs in wrong answers; the areas under it, one
number each, compare systems before any threshold is chosen.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from eval.share import Area

_Array: TypeAlias = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Judged:
    """One question as asked and judged.

    Attributes:
        question_id: The question.
        confidence: Of the first passage, in [0, 1].
        answerable: Whether the collection answers it.
        correct: Whether evidence is among the first k, k being the caller's; False if unanswerable.

    Raises:
        ValueError: If the confidence is not in [0, 1], or an unanswerable question is correct.
    """

    question_id: str
    confidence: float
    answerable: bool
    correct: bool

    def __post_init__(self) -> None:
        """Refuse what cannot be."""
        if not 0 <= self.confidence <= 1:
            message = f"{self.question_id}: confidence {self.confidence} is not in [0, 1]"
            raise ValueError(message)
        if self.correct and not self.answerable:
            message = f"{self.question_id}: nothing answers it, so it cannot be correct"
            raise ValueError(message)


@dataclass(frozen=True, slots=True)
class Point:
    """One point of the risk-coverage curve.

    Attributes:
        coverage: Share of the questions that are answered, in (0, 1].
        risk: Share of the answered ones that are answered wrong, in [0, 1].
        threshold: Least confidence that is answered.
    """

    coverage: float
    risk: float
    threshold: float


def risk_coverage(judged: Sequence[Judged]) -> tuple[Point, ...]:
    """Risk at every coverage that a threshold can reach.

    Returns:
        One point for each distinct confidence, coverage rising: questions of equal confidence are
        answered together or not at all.

    Raises:
        ValueError: If there is no question.
    """
    confidence, wrong = _arrays(judged)
    thresholds, sizes, errors = _groups(confidence, wrong)
    answered, failed = np.cumsum(sizes), np.cumsum(errors)
    return tuple(
        Point(float(a) / len(confidence), float(f / a), float(t))
        for a, f, t in zip(answered, failed, thresholds, strict=True)
    )


def auroc(judged: Sequence[Judged]) -> Area:
    """Chance that an answerable question is surer than an unanswerable one; ties count half.

    Raises:
        ValueError: If all questions are answerable, or none is.
    """
    yes = np.array([one.confidence for one in judged if one.answerable])
    no = np.sort([one.confidence for one in judged if not one.answerable])
    if not len(yes) or not len(no):
        message = f"AUROC needs both kinds: {len(yes)} answerable, {len(no)} unanswerable"
        raise ValueError(message)
    below = np.searchsorted(no, yes, side="left") + np.searchsorted(no, yes, side="right")
    return Area(float(below.sum() / (2 * len(yes) * len(no))), len(yes), len(no))


def augrc(judged: Sequence[Judged]) -> float:
    """Mean over all coverages of the share of all questions that is answered wrong.

    The area under the generalised risk-coverage curve, whose risk is divided by all questions and
    not by those answered: unlike `aurc` it is not ruled by the few surest ones. Between points the
    curve is a line, which averages over the orders of ties.

    Returns:
        In [0, 1/2]; lower is better. With a share e of wrong answers, e²/2 is the best ranking and
        e/2 a random one.

    Raises:
        ValueError: If there is no question.

    Source:
        Traub et al., NeurIPS 2024, arXiv 2407.01032.
    """
    confidence, wrong = _arrays(judged)
    _, sizes, errors = _groups(confidence, wrong)
    failed = np.cumsum(errors)
    return float(np.sum(sizes * (failed - errors / 2)) / len(confidence) ** 2)


def aurc(judged: Sequence[Judged]) -> float:
    """Mean of the risk over answering the surest question, the surest two, up to all.

    Questions of equal confidence each count as their mean: the average over the orders of ties.

    Returns:
        In [0, 1]; lower is better.

    Raises:
        ValueError: If there is no question.

    Source:
        Geifman, Uziel and El-Yaniv, ICLR 2019, arXiv 1805.08206.
    """
    confidence, wrong = _arrays(judged)
    answered = np.arange(1, len(wrong) + 1)
    return float(np.mean(np.cumsum(_averaged(confidence, wrong)) / answered))


def nauc(judged: Sequence[Judged]) -> float | None:
    """Gain from abstaining by confidence, from 0 (at random) to 1 (an oracle); needs no threshold.

    The share of correct answers is averaged over abstention rates 0, .1, ... .9 (trapezoids) and
    scaled between that of no ranking and that of the best. Ties are averaged over their orders.

    Returns:
        At most 1; negative if confidence misleads. None if all are correct or none is, so that
        nothing is to be gained.

    Raises:
        ValueError: If there is no question.

    Source:
        Gisserot-Boukhlef et al., arXiv 2402.12997, as computed by MTEB.
    """
    confidence, wrong = _arrays(judged)
    right = 1 - wrong
    if right.min() == right.max():
        return None
    oracle = _abstention_area(np.sort(right)[::-1])
    flat = 0.9 * float(right.mean())
    return (_abstention_area(_averaged(confidence, right)) - flat) / (oracle - flat)


def _arrays(judged: Sequence[Judged]) -> tuple[_Array, _Array]:
    """Confidence, and 1 for what would be answered wrong, by question."""
    if not judged:
        message = "abstention needs at least one question"
        raise ValueError(message)
    confidence = np.array([one.confidence for one in judged])
    return confidence, np.array([float(not one.correct) for one in judged])


def _groups(confidence: _Array, values: _Array) -> tuple[_Array, NDArray[np.int64], _Array]:
    """Distinct confidences, falling; how many questions have each, and the sum of their values."""
    distinct, group, sizes = np.unique(-confidence, return_inverse=True, return_counts=True)
    sums: _Array = np.bincount(group, weights=values).astype(np.float64)
    return -distinct, sizes, sums


def _averaged(confidence: _Array, values: _Array) -> _Array:
    """Values, surest question first; those of equal confidence replaced by their mean."""
    _, sizes, sums = _groups(confidence, values)
    return np.repeat(sums / sizes, sizes)


def _abstention_area(right: _Array) -> float:
    """Area under the mean of what is left, from all answered to the surest tenth."""
    rates = np.linspace(0, 1, 11)[:-1]
    refused = [min(round(rate * len(right)), len(right) - 1) for rate in rates]
    return float(np.trapezoid([right[: len(right) - n].mean() for n in refused], rates))
