"""Learn a calibration: what the signals of answered questions look like, and of others.

Three kinds of questions are asked of one index: those it answers, those about its cases that it does
not answer (near misses among them), and questions about something else. Every number reported is of
questions that the function was not fitted on: those used for fitting are cross-fitted, and half of
the unanswerable ones are held out for good.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np

from eval.abstention import threshold_for
from eval.logistic import Floats, Logistic, fit_with_signs
from eval.observed import Asked, Kind
from eval.parts import calibration_split, position_of
from eval.risk import Judged, auroc
from eval.share import Area, Share
from rag.confidence import Calibration
from rag.errors import CasebookError
from rag.signals import FALLING, SIGNALS, Signals

FOLDS = 10
_RIDGE = 1.0
"""On signals of unit spread. It keeps a signal finite that separates the few it is there for."""
_BINS = 10
_DIGITS = 10_000
"""Thresholds are multiples of one part in these."""
_ROUNDING = 1e-9
"""5% of 20 is 1, whatever the floats say."""
_LEAST = 20
"""Answerable questions, at least; with fewer, 5% of them is less than one."""


class CalibrateError(CasebookError):
    """A calibration cannot be learnt from these questions."""


@dataclass(frozen=True, slots=True)
class Limits:
    """What the thresholds are to keep to.

    Attributes:
        false_refusals: Share of the answerable questions that any system may refuse, in [0, 1].
        denials: Share of them of which it may be said that the collection does not deal with them;
            not above ``false_refusals``.
        target_risk: Share of the answered questions that may be unanswerable, in [0, 1]; where it is
            given, ``low`` follows from it and not from ``false_refusals``.

    Raises:
        ValueError: If a share is out of range, or the denials are above the refusals.
    """

    false_refusals: float = 0.05
    denials: float = 0.01
    target_risk: float | None = None

    def __post_init__(self) -> None:
        """Refuse what cannot be meant."""
        if not 0 <= self.denials <= self.false_refusals <= 1:
            message = (
                f"need 0 <= denials <= refusals <= 1, got {self.denials}, {self.false_refusals}"
            )
            raise ValueError(message)
        if self.target_risk is not None and not 0 <= self.target_risk <= 1:
            message = f"target risk {self.target_risk} is not in [0, 1]"
            raise ValueError(message)


@dataclass(frozen=True, slots=True)
class Group:
    """How questions of one group fare, by confidences of functions not fitted on them.

    Attributes:
        system: Which was asked.
        name: The group's.
        held_out: Whether they were held out for good rather than cross-fitted.
        refused: How many are below ``low``.
        area: The system's answerable questions against these; None for answerable ones.
    """

    system: str
    name: str
    held_out: bool
    refused: Share
    area: Area | None


@dataclass(frozen=True, slots=True)
class Bin:
    """Questions of similar confidence.

    Attributes:
        confidence: Their mean, weighted.
        answerable: Share that is answerable, weighted.
        n: How many.
    """

    confidence: float
    answerable: float
    n: int


@dataclass(frozen=True, slots=True)
class Learnt:
    """A calibration and how it does.

    Attributes:
        logistic: The function.
        none: Threshold.
        low: Threshold.
        n: Questions fitted on.
        area: Answerable against all others, cross-fitted.
        brier: Mean squared error of the cross-fitted confidence, weighted; .25 is a coin.
        ece: Mean distance of confidence and share answerable over the bins, weighted.
        bins: Ten of equal width, empty ones left out.
        groups: By name, those cross-fitted first.
    """

    logistic: Logistic
    none: float
    low: float
    n: int
    area: Area
    brier: float
    ece: float
    bins: tuple[Bin, ...]
    groups: tuple[Group, ...]

    def calibration(self, provenance: str) -> Calibration:
        """Put it into the form that serving reads, to four digits: no data knows more."""
        weights = Signals(*(round(value, 4) for value in self.logistic.coefficients))
        intercept = round(self.logistic.intercept, 4)
        return Calibration(intercept, weights, self.none, self.low, provenance)


def learn(asked: Sequence[Asked], limits: Limits) -> Learnt:
    """Fit the function and choose the thresholds.

    The answerable questions weigh as much as all the others; of these, the ones about the index's
    cases as much as the ones about something else, where there are both. Half of the others, by
    `calibration_split`, is not fitted on.

    Args:
        asked: Questions as asked of one system or several.
        limits: What the thresholds keep to, on cross-fitted confidences.

    Raises:
        CalibrateError: If there are fewer than 20 answerable questions, or too few others that each
            half has some.
        UnreachableRiskError: If the target risk is given and cannot be kept.
    """
    fitted, held_out = _halves(asked)
    crossed = np.empty(len(fitted))
    fold_of = np.array([int(position_of(one.question_id, 1) * FOLDS) for one in fitted])
    for fold in np.unique(fold_of):
        others = [one for one, its in zip(fitted, fold_of, strict=True) if its != fold]
        own = fold_of == fold
        crossed[own] = _confidences(
            _fit(others), [one for one, mine in zip(fitted, own, strict=True) if mine]
        )
    logistic = _fit(fitted)
    judged = [_judged(one, float(c)) for one, c in zip(fitted, crossed, strict=True)]
    if limits.target_risk is None:
        low = _threshold(fitted, crossed, limits.false_refusals)
    else:
        low = threshold_for(judged, limits.target_risk)
    topics = [replace(one, signals=one.signals.of_topic()) for one in fitted]
    none = min(low, _threshold(topics, _confidences(logistic, topics), limits.denials))
    weights, labels = _weights(fitted), _labels(fitted)
    by_system = [(one.system, its) for one, its in zip(fitted, judged, strict=True)]
    later = [
        _judged(one, float(c))
        for one, c in zip(held_out, _confidences(logistic, held_out), strict=True)
    ]
    return Learnt(
        logistic=logistic,
        none=none,
        low=low,
        n=len(fitted),
        area=auroc(judged),
        brier=float(np.average((crossed - labels) ** 2, weights=weights)),
        ece=_ece(crossed, labels, weights),
        bins=tuple(_bins(crossed, labels, weights)),
        groups=(
            *_groups(fitted, judged, by_system, low, held_out=False),
            *_groups(held_out, later, by_system, low, held_out=True),
        ),
    )


def _halves(asked: Sequence[Asked]) -> tuple[list[Asked], list[Asked]]:
    """Questions to fit on, and those held out."""
    others = dict.fromkeys(one.question_id for one in asked if one.kind is not Kind.ANSWERABLE)
    kept = set(calibration_split(others)[1])
    fitted = [o for o in asked if o.kind is Kind.ANSWERABLE or o.question_id not in kept]
    held_out = [o for o in asked if o.kind is not Kind.ANSWERABLE and o.question_id in kept]
    answerable = len({o.question_id for o in fitted if o.kind is Kind.ANSWERABLE})
    if answerable < _LEAST or len(fitted) == len(asked) or len(kept) == len(others):
        message = (
            f"有答案的问题 {answerable} 个，没有答案的 {len(others)} 个（留作检验 {len(kept)} 个）；"
            f"至少要有 {_LEAST} 个有答案的，没有答案的两半都要有：请增加问题，"
            "或用 --unanswerable、--elsewhere 给出没有答案的问题"
        )
        raise CalibrateError(message)
    return fitted, held_out


def _fit(asked: Sequence[Asked]) -> Logistic:
    signs = [-1 if name in FALLING else 1 for name in SIGNALS]
    return fit_with_signs(_features(asked), _labels(asked), _weights(asked), signs, ridge=_RIDGE)


def _features(asked: Sequence[Asked]) -> Floats:
    return np.array([one.signals.values for one in asked], dtype=np.float64).reshape(
        len(asked), len(SIGNALS)
    )


def _labels(asked: Sequence[Asked]) -> Floats:
    return np.array([float(one.kind is Kind.ANSWERABLE) for one in asked])


def _weights(asked: Sequence[Asked]) -> Floats:
    """Weights that sum up to the number of questions; see `learn`."""
    counts = {kind: sum(one.kind is kind for one in asked) for kind in Kind}
    others = sum(counts[kind] > 0 for kind in Kind if kind is not Kind.ANSWERABLE)
    shares = {kind: 0.5 / (1 if kind is Kind.ANSWERABLE else others) for kind in Kind}
    return np.array([len(asked) * shares[one.kind] / counts[one.kind] for one in asked])


def _confidences(logistic: Logistic, asked: Sequence[Asked]) -> Floats:
    odds = logistic.odds(_features(asked))
    return np.asarray(1 / (1 + np.exp(-np.clip(odds, -500, 500))))


def _judged(asked: Asked, confidence: float) -> Judged:
    known = asked.kind is Kind.ANSWERABLE
    return Judged(asked.question_id, confidence, known, known)


def _threshold(asked: Sequence[Asked], confidences: Floats, share: float) -> float:
    """Highest threshold below which no more than a share of any system's answerable lies.

    Midway between the greatest refused and the least answered, as in `threshold_for`, rounded down.
    """
    middles = []
    for system in dict.fromkeys(one.system for one in asked):
        own = [one.kind is Kind.ANSWERABLE and one.system == system for one in asked]
        ordered = np.sort(confidences[own])
        refused = int(share * len(ordered) + _ROUNDING)
        if refused < len(ordered):
            below = float(ordered[refused - 1]) if refused else 0.0
            middles.append((below + float(ordered[refused])) / 2)
    return math.floor(min(middles, default=1.0) * _DIGITS) / _DIGITS


def _groups(
    asked: Sequence[Asked],
    judged: Sequence[Judged],
    fitted: Sequence[tuple[str, Judged]],
    low: float,
    *,
    held_out: bool,
) -> Iterator[Group]:
    places: dict[tuple[str, str], list[Judged]] = {}
    for one, its in zip(asked, judged, strict=True):
        places.setdefault((one.system, one.group), []).append(its)
    for (system, name), own in places.items():
        answerable = [one for its, one in fitted if its == system and one.answerable]
        refused = Share(sum(one.confidence < low for one in own), len(own))
        others = [one for one in own if not one.answerable]
        area = auroc([*answerable, *others]) if others else None
        yield Group(system, name, held_out, refused, area)


def _bins(confidences: Floats, labels: Floats, weights: Floats) -> Iterator[Bin]:
    place = np.minimum((confidences * _BINS).astype(int), _BINS - 1)
    for number in np.unique(place):
        own = place == number
        yield Bin(
            float(np.average(confidences[own], weights=weights[own])),
            float(np.average(labels[own], weights=weights[own])),
            int(own.sum()),
        )


def _ece(confidences: Floats, labels: Floats, weights: Floats) -> float:
    """Expected calibration error over bins of equal width (Guo et al., ICML 2017)."""
    place = np.minimum((confidences * _BINS).astype(int), _BINS - 1)
    gaps = np.bincount(place, weights=weights * (confidences - labels), minlength=_BINS)
    return float(np.abs(gaps).sum() / weights.sum())
