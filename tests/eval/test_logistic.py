"""Logistic regression, held against scikit-learn's."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.linear_model import LogisticRegression

from eval.logistic import Floats, fit, fit_with_signs


def sample(seed: int, n: int = 80) -> tuple[Floats, Floats, Floats]:
    random = np.random.default_rng(seed)
    features = random.normal(size=(n, 3)) * [1.0, 5.0, 0.1]
    odds = features @ [1.0, -0.3, 4.0] + random.logistic(size=n)
    labels = (odds > 0).astype(float)
    labels[:2] = 0, 1
    return features, labels, random.uniform(0.2, 3, size=n)


@settings(max_examples=25, deadline=None)
@given(st.integers(0, 10_000), st.sampled_from([0.1, 1.0, 10.0]))
def test_coefficients_are_those_of_scikit_learn(seed: int, ridge: float) -> None:
    features, labels, weights = sample(seed)
    other = LogisticRegression(C=1 / ridge, tol=1e-10, max_iter=10_000, solver="newton-cholesky")
    other.fit(features, labels, sample_weight=weights)
    found = fit(features, labels, weights, ridge=ridge)
    assert found.intercept == pytest.approx(other.intercept_[0], abs=1e-5)
    assert found.coefficients == pytest.approx(tuple(other.coef_[0]), abs=1e-5)
    assert found.odds(features) == pytest.approx(other.decision_function(features), abs=1e-4)


def test_a_feature_of_the_wrong_sign_or_without_spread_counts_for_nothing() -> None:
    features, labels, weights = sample(1)
    features[:, 0] = 0.1  # a float whose mean is not quite itself
    found = fit_with_signs(features, labels, weights, [1, 1, 1], ridge=1.0)
    assert found.coefficients[:2] == (0.0, 0.0)
    assert found.coefficients[2] > 0
    alone = fit_with_signs(features[:, 2:], labels, weights, [1], ridge=1.0)
    assert found.coefficients[2] == pytest.approx(alone.coefficients[0])


def test_the_scale_of_a_feature_changes_nothing() -> None:
    features, labels, weights = sample(2)
    once = fit_with_signs(features, labels, weights, [1, -1, 1], ridge=1.0)
    again = fit_with_signs(features * [1, 1, 1000], labels, weights, [1, -1, 1], ridge=1.0)
    assert once.odds(features) == pytest.approx(again.odds(features * [1, 1, 1000]), abs=1e-6)


def test_one_class_is_refused() -> None:
    with pytest.raises(ValueError, match="needs questions of both kinds"):
        fit(np.ones((3, 1)), np.ones(3), np.ones(3))


def test_a_ridge_keeps_separable_classes_finite() -> None:
    features, labels = np.array([[0.0], [1.0]]), np.array([0.0, 1.0])
    (found,) = fit(features, labels, np.ones(2), ridge=1.0).coefficients
    assert 0 < found < 2
