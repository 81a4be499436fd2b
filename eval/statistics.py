"""How sure a mean is, and whether one system is better than another.

Questions are the sample. Two systems are asked the same ones, so what is tested is the difference
question by question. Every figure follows from the values alone: questions are sorted by id first,
and the seed is fixed (`eval.resampling`).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from math import ceil, sqrt
from statistics import NormalDist
from typing import Literal, TypeAlias

import numpy as np

from eval.resampling import ROUNDING, Floats, bounds_of, randomization_p

ALPHA = 0.05
"""Two-sided; intervals cover 95%."""
POWER = 0.80
"""With which the smallest detectable difference would be detected."""
WORTH_SEEING = 0.01
"""The difference that `Comparison.needed` is about: one point, the least that a hybrid
typically gains over its better half."""

FEW = 10
"""Questions from which on a mean says something: with 9, one question moves it .11."""

Verdict: TypeAlias = Literal["better", "worse", "indistinct"]
Language: TypeAlias = Literal["zh", "en"]


@dataclass(frozen=True, slots=True)
class Interval:
    """A mean and its 95% interval.

    Attributes:
        mean: Over the questions.
        low: Lower bound.
        high: Upper bound.
        n: Questions.
    """

    mean: float
    low: float
    high: float
    n: int

    @property
    def few(self) -> bool:
        """Whether there are too few questions for the mean to say anything."""
        return self.n < FEW


@dataclass(frozen=True, slots=True)
class Comparison:
    """A system b against a system a, in one measure, on the same questions.

    Attributes:
        measure: Its name.
        n: Questions.
        difference: Mean of b less mean of a.
        low: Lower bound of its 95% bootstrap interval.
        high: Upper bound.
        p: Of the two-sided randomization test.
        p_holm: The same after Holm's correction over a family; `holm` sets it, until then it is p.
        wins: Questions on which b has the higher value.
        ties: Questions on which both have the same.
        losses: Questions on which a has the higher value.
        detectable: The smallest true difference that a test with this many questions detects with
            `POWER` at `ALPHA` / `family`, Bonferroni's level: Holm's tests at least at that one, so
            it is a bound. None where the differences do not vary, so that nothing is known.
        needed: Questions that it takes to detect `WORTH_SEEING` at the same level; None likewise.
        family: Comparisons that p_holm and detectable are corrected over, 1 for none; set by
            `holm`. The interval is never corrected.
    """

    measure: str
    n: int
    difference: float
    low: float
    high: float
    p: float
    p_holm: float
    wins: int
    ties: int
    losses: int
    detectable: float | None
    needed: int | None
    family: int = 1

    @property
    def verdict(self) -> Verdict:
        """Whether b is better or worse than a, or cannot be told from it: p_holm below `ALPHA`."""
        if self.p_holm >= ALPHA:
            return "indistinct"
        return "better" if self.difference > 0 else "worse"

    def in_words(self, lang: Language = "zh") -> str:
        """Say the verdict; where there is none, say what this many questions could have shown."""
        words = _WORDS[lang]
        if self.verdict != "indistinct":
            return words[self.verdict]
        if self.wins == self.losses == 0:
            return words["equal"]
        if self.detectable is None:
            return words["few"].format(n=self.n)
        least = f"{self.detectable:.3f}".removeprefix("0")
        return words["indistinct"].format(n=self.n, least=least)


_WORDS: Mapping[Language, Mapping[str, str]] = {
    "zh": {
        "better": "更好",
        "worse": "更差",
        "equal": "没有差别（逐题相同）",
        "few": "无法区分（n={n}，题数太少）",
        "indistinct": "无法区分（n={n} 时只能看出 ≥{least} 的差别）",
    },
    "en": {
        "better": "better",
        "worse": "worse",
        "equal": "no difference (equal on every question)",
        "few": "cannot tell (n={n} is too few)",
        "indistinct": "cannot tell (n={n} shows only differences ≥{least})",
    },
}


def interval_of(values: Mapping[str, float], clusters: Mapping[str, str] | None = None) -> Interval:
    """Average values, with the percentile bootstrap's interval.

    Questions are drawn anew, with repetition. Where several share a source,
    they are not independent: given `clusters`, whole clusters are drawn, and the interval is as
    wide as the number of sources warrants.

    One question, one cluster, or values that are all equal give an interval of no width. The
    bootstrap cannot know of what it has not seen; `n` stands beside it to say so.

    Args:
        values: By question, in any order.
        clusters: Question -> its source document or case; at least for these questions.

    Raises:
        ValueError: If there is no value, one is not finite, or a question has no cluster.

    >>> interval_of({"a": 0.5, "b": 0.5})
    Interval(mean=0.5, low=0.5, high=0.5, n=2)
    """
    sample = _vector(values)
    if clusters is None:
        sums, sizes = sample, np.ones(len(sample))
    else:
        sums, sizes = _clustered(values, clusters)
    low, high = bounds_of(sums, sizes)
    return Interval(float(sample.mean()), low, high, len(sample))


def compare(a: Mapping[str, float], b: Mapping[str, float], measure: str) -> Comparison:
    """Compare b with a, question by question.

    The test is Fisher's randomization test (see `eval.resampling.randomization_p`), the interval
    the bootstrap's, over the differences.

    The smallest detectable difference is that of a normal approximation:
    (z(1 - alpha/2) + z(power)) * sd / sqrt(n), with sd the standard deviation of the differences.

    Args:
        a: The values of the system compared with, by question.
        b: Those of the other system, of the same questions.
        measure: Name of the measure.

    Raises:
        ValueError: If the questions differ, there are none, or a value is not finite.

    Source:
        Sakai, Laboratory Experiments in Information Retrieval, 2018, for the size of the sample.

    >>> result = compare({"q1": 0.0, "q2": 0.5}, {"q1": 1.0, "q2": 0.5}, "R@1")
    >>> result.difference, result.p, result.wins, result.ties, result.verdict
    (0.5, 1.0, 1, 1, 'indistinct')
    """
    if unpaired := sorted(a.keys() ^ b.keys()):
        message = f"{measure}: {len(unpaired)} questions are in one of two only: {unpaired[:5]}"
        raise ValueError(message)
    differences = _vector(b) - _vector(a)
    n = len(differences)
    low, high = bounds_of(differences, np.ones(n))
    p = randomization_p(differences)
    deviation = float(differences.std(ddof=1)) if np.ptp(differences) > ROUNDING else None
    detectable = None if deviation is None else _reach(1) * deviation / sqrt(n)
    return Comparison(
        measure=measure,
        n=n,
        difference=float(differences.mean()),
        low=low,
        high=high,
        p=p,
        p_holm=p,
        wins=int((differences > 0).sum()),
        ties=int((differences == 0).sum()),
        losses=int((differences < 0).sum()),
        detectable=detectable,
        needed=_needed(detectable, n),
    )


def holm(comparisons: Sequence[Comparison]) -> tuple[Comparison, ...]:
    """Correct the p of a family of comparisons, by Holm's step-down procedure.

    The i-th smallest of m is multiplied by m - i + 1, is at least the one before, and at most 1.
    The chance of any false verdict in the family is then at most `ALPHA`.

    Returns:
        The comparisons in the order given, with `p_holm` set from `p`, and `detectable` and
        `needed` at the family's level.

    Source:
        Holm, Scandinavian Journal of Statistics 6(2), 1979.
    """
    corrected = list(comparisons)
    least = 0.0
    order = sorted(range(len(corrected)), key=lambda place: corrected[place].p)
    for step, place in enumerate(order):
        least = min(1.0, max(least, (len(order) - step) * corrected[place].p))
        corrected[place] = replace(_within(corrected[place], len(order)), p_holm=least)
    return tuple(corrected)


def _within(comparison: Comparison, family: int) -> Comparison:
    """Put what it could detect at the level of a family."""
    if comparison.detectable is None or comparison.family == family:
        return replace(comparison, family=family)
    detectable = comparison.detectable * _reach(family) / _reach(comparison.family)
    needed = _needed(detectable, comparison.n)
    return replace(comparison, detectable=detectable, needed=needed, family=family)


def _reach(family: int) -> float:
    """Standard errors between no difference and one that is detected."""
    return NormalDist().inv_cdf(1 - ALPHA / family / 2) + NormalDist().inv_cdf(POWER)


def _needed(detectable: float | None, n: int) -> int | None:
    return None if detectable is None else ceil(n * (detectable / WORTH_SEEING) ** 2)


def _vector(values: Mapping[str, float]) -> Floats:
    """Values in the order of their questions' ids."""
    if not values:
        message = "there is no value: no mean, no interval and no test"
        raise ValueError(message)
    vector = np.array([values[question_id] for question_id in sorted(values)], dtype=np.float64)
    if not np.isfinite(vector).all():
        wrong = [
            question_id for question_id in sorted(values) if not np.isfinite(values[question_id])
        ]
        message = f"values that are not finite, of questions {wrong[:5]}"
        raise ValueError(message)
    return vector


def _clustered(values: Mapping[str, float], clusters: Mapping[str, str]) -> tuple[Floats, Floats]:
    """Sum and size of each cluster, in the order in which sorted questions reach them."""
    sums: dict[str, list[float]] = {}
    for question_id in sorted(values):
        if question_id not in clusters:
            message = f"question {question_id} has no cluster"
            raise ValueError(message)
        sums.setdefault(clusters[question_id], []).append(values[question_id])
    return (
        np.array([sum(members) for members in sums.values()], dtype=np.float64),
        np.array([len(members) for members in sums.values()], dtype=np.float64),
    )
