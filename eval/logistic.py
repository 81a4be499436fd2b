"""Logistic regression with a ridge and given signs, by Newton's method: a page of numpy.

scikit-learn's own would be a dependency for one function of four variables; the tests hold this
one against it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

Floats: TypeAlias = NDArray[np.float64]

_STEPS = 100
"""Newton doubles the digits at each step; a problem that needs more is not one of this kind."""
_SMALL = 1e-10


@dataclass(frozen=True, slots=True)
class Logistic:
    """log-odds = intercept + features . coefficients.

    Attributes:
        intercept: Log-odds where all features are 0.
        coefficients: One a feature.
    """

    intercept: float
    coefficients: tuple[float, ...]

    def odds(self, features: Floats) -> Floats:
        """Log-odds of each row."""
        return np.asarray(self.intercept + features @ np.array(self.coefficients))


def fit(features: Floats, labels: Floats, weights: Floats, *, ridge: float = 0.0) -> Logistic:
    """Fit by maximum likelihood, with a penalty on large coefficients.

    Minimises sum of weight * log loss + ridge / 2 * sum of squared coefficients; the intercept is
    not penalised. It is `sklearn.linear_model.LogisticRegression` with C = 1 / ridge.

    Args:
        features: Shape (n, k).
        labels: Shape (n,), 0 or 1.
        weights: Shape (n,), positive.
        ridge: 0 or more; with 0, classes that a plane separates have no solution.

    Raises:
        ValueError: If there is only one class, or no solution is found.

    Source:
        Iteratively reweighted least squares: Hastie, Tibshirani and Friedman, The Elements of
        Statistical Learning, 2nd edition, section 4.4.1; with halved steps where a whole one leads
        up.
    """
    if len(np.unique(labels)) < 2:  # noqa: PLR2004 -- a classifier tells two
        message = "a logistic regression needs questions of both kinds"
        raise ValueError(message)
    design = np.column_stack([np.ones(len(features)), features])
    penalty = np.full(design.shape[1], ridge)
    penalty[0] = 0.0
    beta = np.zeros(design.shape[1])
    loss = _loss(design, labels, weights, penalty, beta)
    for _ in range(_STEPS):
        p = 1 / (1 + np.exp(-np.clip(design @ beta, -500, 500)))
        gradient = design.T @ (weights * (p - labels)) + penalty * beta
        curvature = (design * (weights * p * (1 - p))[:, None]).T @ design + np.diag(penalty)
        step = np.linalg.lstsq(curvature, gradient, rcond=None)[0]
        shrink = 1.0
        while (new := _loss(design, labels, weights, penalty, beta - shrink * step)) > loss:
            shrink /= 2
            if shrink < _SMALL:
                break
        if shrink < _SMALL or float(np.abs(shrink * step).max()) < _SMALL:
            return Logistic(float(beta[0]), tuple(map(float, beta[1:])))
        beta, loss = beta - shrink * step, new
    message = f"no solution after {_STEPS} steps: the classes may be separable, use a ridge"
    raise ValueError(message)


def fit_with_signs(
    features: Floats, labels: Floats, weights: Floats, signs: Sequence[int], *, ridge: float
) -> Logistic:
    """Fit coefficients that have given signs; a feature that will not is left out.

    Features are brought to unit spread first, so that one ridge suits all, and the coefficients
    back to the features' own scale. Where some have the wrong sign, the one that is most wrong gets
    0 and the others are fitted again, until none has.

    Args:
        features: Shape (n, k).
        labels: Shape (n,), 0 or 1.
        weights: Shape (n,), positive.
        signs: 1 or -1 for each feature.
        ridge: On the coefficients of the scaled features, 0 or more.

    Raises:
        ValueError: If there is only one class, or no solution is found.
    """
    middle = np.average(features, axis=0, weights=weights)
    spread = np.sqrt(np.average((features - middle) ** 2, axis=0, weights=weights))
    kept = [column for column, width in enumerate(np.ptp(features, axis=0)) if width > 0]
    while True:
        scaled = features[:, kept] / spread[kept]
        found = fit(scaled, labels, weights, ridge=ridge)
        wrong = {
            column: value * signs[column]
            for column, value in zip(kept, found.coefficients, strict=True)
            if value * signs[column] < 0
        }
        if not wrong:
            break
        kept.remove(min(wrong, key=lambda column: wrong[column]))
    own = dict(zip(kept, found.coefficients, strict=True))
    coefficients = tuple(
        own[column] / float(spread[column]) if column in own else 0.0
        for column in range(features.shape[1])
    )
    return Logistic(found.intercept, coefficients)


def _loss(design: Floats, labels: Floats, weights: Floats, penalty: Floats, beta: Floats) -> float:
    odds = design @ beta
    losses = np.logaddexp(0, odds) - labels * odds
    return float(weights @ losses + penalty @ beta**2 / 2)
