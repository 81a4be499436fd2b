"""When to say nothing: where to draw the line, and what it does.

A question is answered when its confidence reaches a threshold. The threshold is learnt on some
questions and counted on others, never on the same; it then goes into the calibration file that
serving reads (`rag.confidence`).
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

from eval.parts import calibration_split, position_of
from eval.result import Result
from eval.risk import Judged, Point, augrc, aurc, auroc, nauc, risk_coverage
from eval.rows import answerable, first_of, ranks_of
from eval.share import Area, Share
from rag.confidence import Calibration
from rag.errors import CasebookError

_LEAST = 10
"""Unanswerable questions that each half needs: with 9, even if all are refused, the 95% interval
of the share answered reaches .30, and the threshold follows chance."""


class UnreachableRiskError(CasebookError):
    """No threshold keeps the risk as low as asked; the message says how low it gets."""


@dataclass(frozen=True, slots=True)
class Counts:
    """What a threshold does to questions, each counted once.

    A refusal is right whenever the answer would have been wrong, so also for an answerable question
    whose evidence was not found: its reader is spared wrong passages, and the fault lies in the
    ranking, where it is counted. Selective classification (El-Yaniv and Wiener 2010; Traub et al.
    2024) and NoMIRACL, which calls a question relevant by the passages shown, see it this way.

    Attributes:
        answered_right: Answered, and the evidence was there.
        answered_wrong: Answered without evidence: unanswerable, or not found.
        abstained_right: Refused, and there was no evidence to show.
        abstained_wrong: Refused although the evidence was there.
    """

    answered_right: int
    answered_wrong: int
    abstained_right: int
    abstained_wrong: int

    @property
    def coverage(self) -> Share:
        """Answered, of all."""
        answered = self.answered_right + self.answered_wrong
        return Share(answered, answered + self.abstained_right + self.abstained_wrong)

    @property
    def risk(self) -> Share | None:
        """Answered wrong, of those answered; None if none is."""
        answered = self.answered_right + self.answered_wrong
        return Share(self.answered_wrong, answered) if answered else None

    def __add__(self, other: Counts) -> Counts:
        """Add up the counts of other questions."""
        return Counts(
            self.answered_right + other.answered_right,
            self.answered_wrong + other.answered_wrong,
            self.abstained_right + other.abstained_right,
            self.abstained_wrong + other.abstained_wrong,
        )


def judged_of(result: Result, within: int = 5) -> tuple[Judged, ...]:
    """Judge every question of a result: is there an answer, and was it among the first?

    Args:
        result: The result.
        within: Ranks that count: as many passages as are returned unless more are asked for.

    Returns:
        One a question, in order; none where the run states no confidence, as an imported one does.
    """
    questions = {question.question_id: question for question in result.questions}
    judged = []
    for outcome in result.outcomes:
        if outcome.confidence is None:
            return ()
        rank = first_of(ranks_of(result, outcome))
        known = answerable(result, questions[outcome.question_id])
        correct = known and rank is not None and rank <= within
        judged.append(Judged(outcome.question_id, outcome.confidence, known, correct))
    return tuple(judged)


def counts(judged: Iterable[Judged], threshold: float) -> Counts:
    """Count answers and refusals, right and wrong; a confidence at the threshold is answered."""
    tally = Counts(0, 0, 0, 0)
    for one in judged:
        if one.confidence >= threshold:
            tally += Counts(int(one.correct), int(not one.correct), 0, 0)
        else:
            tally += Counts(0, 0, int(not one.correct), int(one.correct))
    return tally


def threshold_for(judged: Sequence[Judged], target_risk: float) -> float:
    """Find the threshold that answers most questions with no more than the target risk.

    It lies midway between the least confidence answered and the greatest refused (0 if none is):
    either end would bet on new questions scoring as one old question did, and the middle leaves
    both the same room.

    Raises:
        UnreachableRiskError: If the risk is above the target at every coverage.
        ValueError: If the target is not in [0, 1], or there is no question.
    """
    _require_risk(target_risk)
    curve = risk_coverage(judged)
    fitting = [i for i, point in enumerate(curve) if point.risk <= target_risk]
    if not fitting:
        best = min(curve, key=lambda point: (point.risk, -point.coverage))
        message = (
            f"没有阈值能使答错率不超过 {target_risk:.1%}：{len(judged)} 个问题上最低为 "
            f"{best.risk:.1%}（只回答 {best.coverage:.1%} 的问题）；请放宽目标，或先改进检索"
        )
        raise UnreachableRiskError(message)
    answered = curve[fitting[-1]].threshold
    refused = curve[fitting[-1] + 1].threshold if fitting[-1] + 1 < len(curve) else 0.0
    middle = (answered + refused) / 2
    # Between neighbouring floats there is no middle, and rounding would answer the refused.
    return middle if middle > refused else answered


def cross_fitted(
    judged: Sequence[Judged], target_risk: float, *, folds: int = 2, seed: int = 0
) -> Counts:
    """Count every question once, at a threshold learnt on the other folds.

    Folds go by `calibration_split`'s hash; two of them are its two halves, used both ways.

    Raises:
        UnreachableRiskError: If the target cannot be reached without some fold.
        ValueError: If the target is not in [0, 1], or all questions fall into one fold.
    """
    tally = Counts(0, 0, 0, 0)
    fold_of = [int(position_of(one.question_id, seed) * folds) for one in judged]
    for fold in sorted(set(fold_of)):
        others = [one for one, its in zip(judged, fold_of, strict=True) if its != fold]
        own = [one for one, its in zip(judged, fold_of, strict=True) if its == fold]
        tally += counts(own, threshold_for(others, target_risk))
    return tally


@dataclass(frozen=True, slots=True)
class Abstention:
    """How one system abstains on one dataset.

    Attributes:
        auroc: Answerable against not, by confidence; None without questions of both kinds.
        augrc: Over all questions.
        aurc: Over all questions.
        nauc: Over all questions; None if all are correct or none is.
        curve: Risk by coverage, over all questions.
        target_risk: What the threshold was to keep to.
        calibration_n: Questions that it was learnt on.
        test_n: The others.
        threshold: Learnt on the calibration half; None if that could not be done.
        counts: At that threshold, on the test half alone; None with it.
        cross_fitted: Counts over all questions, each at a threshold learnt on the other half; None
            if that could not be done.
        note: In Chinese, why something is None, one sentence each; empty if nothing is.
    """

    auroc: Area | None
    augrc: float
    aurc: float
    nauc: float | None
    curve: tuple[Point, ...]
    target_risk: float
    calibration_n: int
    test_n: int
    threshold: float | None
    counts: Counts | None
    cross_fitted: Counts | None
    note: str


def abstention_of(judged: Sequence[Judged], target_risk: float, *, seed: int = 0) -> Abstention:
    """Sum up how a system abstains; what cannot be known is None and the note says why.

    Args:
        judged: All questions, unanswerable ones included.
        target_risk: Share of wrong answers to keep to, in [0, 1].
        seed: Of the split in halves.

    Raises:
        ValueError: If there is no question, an id repeats, or the target is not in [0, 1].
    """
    _require_risk(target_risk)
    ids = set(calibration_split((one.question_id for one in judged), seed=seed)[0])
    learn = [one for one in judged if one.question_id in ids]
    test = [one for one in judged if one.question_id not in ids]
    notes = []
    if one_kind := len({one.answerable for one in judged}) == 1:
        kind = "有答案" if judged[0].answerable else "没有答案"
        notes.append(f"{len(judged)} 个问题都{kind}，AUROC 无从计算。")
    if (gain := nauc(judged)) is None:
        notes.append("所有问题的对错都相同，拒答无从改进，nAUC 无从计算。")
    threshold = crossed = None
    unanswerable = [sum(not one.answerable for one in half) for half in (learn, test)]
    if min(unanswerable) < _LEAST:
        notes.append(
            f"校准与检验两半各有 {unanswerable[0]} 与 {unanswerable[1]} 个无答案的问题，"
            f"每半至少要 {_LEAST} 个才能学出阈值；请增加无答案的问题。"
        )
    else:
        try:
            threshold = threshold_for(learn, target_risk)
            crossed = cross_fitted(judged, target_risk, seed=seed)
        except UnreachableRiskError as error:
            notes.append(f"{'交叉校准' if threshold is not None else '校准'}未成：{error}。")
    return Abstention(
        auroc=None if one_kind else auroc(judged),
        augrc=augrc(judged),
        aurc=aurc(judged),
        nauc=gain,
        curve=risk_coverage(judged),
        target_risk=target_risk,
        calibration_n=len(learn),
        test_n=len(test),
        threshold=threshold,
        counts=None if threshold is None else counts(test, threshold),
        cross_fitted=crossed,
        note="".join(notes),
    )


def calibrated(calibration: Calibration, threshold: float, provenance: str) -> Calibration:
    """Put a learnt threshold into a calibration.

    Returns:
        The same function with ``threshold`` as ``low``, and ``none`` lowered to it if it was above.

    Raises:
        ValueError: If the threshold is not in [0, 1] or the provenance is blank.
    """
    none = min(calibration.none, threshold)
    return replace(calibration, none=none, low=threshold, provenance=provenance)


def _require_risk(target_risk: float) -> None:
    if not 0 <= target_risk <= 1:
        message = f"target risk {target_risk} is not in [0, 1]"
        raise ValueError(message)
