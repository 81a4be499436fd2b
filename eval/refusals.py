"""How a system abstained in a run, and how it would by a learnt threshold."""

from __future__ import annotations

from dataclasses import asdict, dataclass, replace

from eval.abstention import Abstention, Counts, abstention_of, counts, judged_of
from eval.result import Result
from eval.risk import Judged
from eval.share import Area, Share
from rag.errors import CasebookError

SHOWN = 5
"""Passages that an answer shows, so that its evidence has to be among them."""


class RiskError(CasebookError):
    """A learnt threshold does not keep to the risk it was learnt for; the message has the counts."""


@dataclass(frozen=True, slots=True)
class Refusals:
    """How a system abstains.

    Attributes:
        judged: The questions.
        ran: Counts as the system answered and refused.
        summary: What a threshold would do.
        notes: In Chinese, what to keep in mind, a sentence each.
    """

    judged: tuple[Judged, ...]
    ran: Counts
    summary: Abstention
    notes: tuple[str, ...]

    @property
    def answerable(self) -> int:
        """Questions that something answers."""
        return sum(one.answerable for one in self.judged)


def refusals_of(result: Result, target_risk: float) -> Refusals | None:
    """Sum up how a system abstains; None if it was asked nothing, or states no confidence.

    What the run did follows from the reason that it gave (`Outcome.reason`), whatever threshold it
    ran with.

    Args:
        result: The run.
        target_risk: Share of wrong answers that a learnt threshold is to keep to, in [0, 1].

    Raises:
        ValueError: If the target is not in [0, 1].
    """
    judged = judged_of(result, SHOWN)
    if not judged:
        return None
    answered = {outcome.question_id: outcome.reason is None for outcome in result.outcomes}
    as_run = [replace(one, confidence=float(answered[one.question_id])) for one in judged]
    summary = abstention_of(judged, target_risk)
    notes = [summary.note] if summary.note else []
    dense = result.provenance.configuration.get("dense")
    if dense in (0, 1):
        leg = "向量" if dense else "字词"
        notes.append(
            f"{result.provenance.system} 只用{leg}一路，把握却是按两路一起校准的，"
            "它的风险与两路的系统不能直接相比。"
        )
    return Refusals(judged, counts(as_run, 0.5), summary, tuple(notes))


def require_risk(abstention: Abstention) -> None:
    """Check that a learnt threshold kept to its target where it was not learnt.

    The shares themselves are held against the target, not their intervals: with a few hundred
    questions hardly any upper bound would pass.

    Raises:
        RiskError: If the risk on the test half, or cross-fitted, is above the target or unknown.
    """
    wrong = []
    for name, tally in (("检验一半", abstention.counts), ("交叉校准", abstention.cross_fitted)):
        risk = tally.risk if tally else None
        if tally is None:
            wrong.append(f"{name}未成")
        elif risk is None:
            wrong.append(f"{name}一题也没有回答，答错率未知")
        elif risk.value > abstention.target_risk:
            bounds = f"95% 区间 {risk.low:.1%} 至 {risk.high:.1%}"
            wrong.append(
                f"{name}回答 {risk.n} 题，答错 {risk.some} 题，答错率 {risk.value:.1%}（{bounds}）"
            )
    if wrong:
        message = (
            f"学到的阈值守不住目标风险 {abstention.target_risk:.1%}：{'；'.join(wrong)}；没有写出。"
            "请放宽 --target-risk，或先改进检索；仍要写出请加 --force"
        )
        raise RiskError(message)


def record_of(refusals: Refusals) -> dict[str, object]:
    """Write it as a record, shares with their intervals; `None` for what does not exist."""
    summary = refusals.summary
    return {
        "ran": _counted(refusals.ran),
        **asdict(summary),
        "auroc": _with_bounds(summary.auroc),
        "counts": _counted(summary.counts),
        "cross_fitted": _counted(summary.cross_fitted),
        "note": "".join(refusals.notes),
    }


def _counted(tally: Counts | None) -> dict[str, object] | None:
    if tally is None:
        return None
    coverage, risk = _with_bounds(tally.coverage), _with_bounds(tally.risk)
    return {**asdict(tally), "coverage": coverage, "risk": risk}


def _with_bounds(share: Share | Area | None) -> dict[str, object] | None:
    if share is None:
        return None
    return {**asdict(share), "value": share.value, "low": share.low, "high": share.high}
