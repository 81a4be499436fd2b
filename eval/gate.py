"""The gate: is a run as good as the one that was agreed on?"""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path

from eval.archive import load
from eval.measures import mean_of
from eval.phrase import p_equation
from eval.result import Result, Values
from eval.statistics import Comparison, compare
from rag.errors import CasebookError

FORMAT = 1
"""Bump when a baseline file changes its layout or meaning."""
_ROUNDING = 1e-9
"""Means of equal values may differ in their last digits; a question counts far more."""


class GateError(CasebookError):
    """Run and baseline cannot be compared: not a regression, but nothing to go by."""


@dataclass(frozen=True, slots=True)
class Baseline:
    """What a run must not fall behind: some measures of an earlier one, question by question.

    Attributes:
        system: Its name.
        dataset: Name of what it was asked.
        questions_sha256: Digest of the questions; others cannot be compared.
        corpus_sha256: Digest of the sources it answered from.
        commit: Of the code.
        values: The measures that are watched.
    """

    system: str
    dataset: str
    questions_sha256: str
    corpus_sha256: str
    commit: str
    values: Values

    @classmethod
    def of(cls, result: Result, measures: tuple[str, ...] = ()) -> Baseline:
        """Take a run as the baseline.

        Args:
            result: The run.
            measures: What is watched; empty for all it has.

        Raises:
            GateError: If the run lacks one of them.
        """
        p = result.provenance
        for measure in measures:
            _require(result, measure)
        watched = {m: result.values[m] for m in measures} if measures else result.values
        return cls(p.system, p.dataset, p.questions_sha256, p.corpus_sha256, p.commit, watched)

    def to_json(self) -> bytes:
        """Write it for `read_baseline`, a line a measure."""
        record = asdict(self)
        values = record.pop("values")
        lines = [f'"format": {FORMAT}']
        lines += [
            f'"{key}": {json.dumps(value, ensure_ascii=False)}' for key, value in record.items()
        ]
        measures = [
            f"  {json.dumps(m)}: {json.dumps(values[m], ensure_ascii=False, sort_keys=True)}"
            for m in sorted(values)
        ]
        lines.append('"values": {\n' + ",\n".join(measures) + "\n }")
        return ("{\n " + ",\n ".join(lines) + "\n}\n").encode()


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that was looked at.

    Attributes:
        ok: Whether it passes.
        measure: Its name.
        text: What was found and what was asked for.
    """

    ok: bool
    measure: str
    text: str


def read_baseline(path: Path) -> Baseline:
    """Read a baseline file, or take a stored run as one.

    Raises:
        GateError: If it is neither, or a value is not a finite number.
        ArchiveError: If the run is damaged.
    """
    if path.is_dir():
        return Baseline.of(load(path))
    try:
        record = json.loads(path.read_bytes())
        if record.pop("format") != FORMAT:
            message = f"{path}：基线的格式不是 {FORMAT}；请用 casebook eval gate --write 重新写出"
            raise GateError(message)
        baseline = Baseline(**record)
        _require_numbers(baseline.values)
    except FileNotFoundError:
        message = f"没有基线 {path}；请给出一次评测的文件夹，或用 casebook eval gate --write 写出"
        raise GateError(message) from None
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        message = f"{path}：不是基线文件（{error}）；请用 casebook eval gate --write 重新写出"
        raise GateError(message) from error
    return baseline


def check(
    result: Result,
    baseline: Baseline | None,
    *,
    max_drop: float = 0.0,
    minima: Mapping[str, float] | None = None,
) -> tuple[Finding, ...]:
    """Look at every watched measure.

    A measure fails if its mean is more than ``max_drop`` below the baseline's, whether or not that
    could be chance: the questions are the same, and so is a deterministic system. The paired
    interval and p beside it say what to make of a fall. A measure also fails if a question has lost
    its value: nothing that was judged is there any more, which is worse than a 0.

    Args:
        result: The run.
        baseline: What it is held against; None to look at ``minima`` alone.
        max_drop: How far a mean may fall, in the measure's own unit, at least 0.
        minima: Least mean, by measure.

    Returns:
        Findings: first those of ``minima``, then those of the baseline, each by measure.

    Raises:
        GateError: If the questions differ, the run lacks a watched measure, or there is nothing to
            look at: a measure that is not there passes no gate.
        ValueError: If ``max_drop`` is not 0 or more.
    """
    if not max_drop >= 0:
        message = f"a measure may drop by 0 or more, not {max_drop}"
        raise ValueError(message)
    for measure, least in (minima or {}).items():
        if not 0 <= least <= 1:
            message = f"{measure} 的下限是 {least:g}，应在 0 与 1 之间"
            raise GateError(message)
    findings = [_floor(result, measure, least) for measure, least in sorted((minima or {}).items())]
    if baseline is not None:
        findings += _drops(result, baseline, max_drop)
    if not findings:
        message = "没有可核对的：请给出 --baseline 或 --min"
        raise GateError(message)
    return tuple(findings)


def _require(result: Result, measure: str) -> None:
    if measure not in result.values:
        message = (
            f"{result.name} 没有指标 {measure}，无从核对；有：{'、'.join(result.values) or '无'}"
        )
        raise GateError(message)


def _require_numbers(values: Values) -> None:
    for measure, by_question in values.items():
        if not by_question:
            message = f"{measure} 没有值"
            raise ValueError(message)
        for question_id, value in by_question.items():
            if not isinstance(value, int | float) or not math.isfinite(value):
                message = f"{measure} {question_id} 是 {value!r}，应为有限的数"
                raise ValueError(message)


def _floor(result: Result, measure: str, least: float) -> Finding:
    _require(result, measure)
    mean = mean_of(result.values, measure)
    return Finding(
        mean >= least, measure, f"{mean:.3f}，n={len(result.values[measure])}，下限 {least:.3f}"
    )


def _drops(result: Result, baseline: Baseline, max_drop: float) -> list[Finding]:
    provenance = result.provenance
    if provenance.questions_sha256 != baseline.questions_sha256:
        message = (
            f"{result.name} 与基线 {baseline.system}@{baseline.dataset} 的题目不同，不能相比；"
            "题目改动后请用 --write 重新写出基线"
        )
        raise GateError(message)
    changed = "" if provenance.corpus_sha256 == baseline.corpus_sha256 else "；原文与基线不同"
    findings: list[Finding] = []
    for measure, before in sorted(baseline.values.items()):
        _require(result, measure)
        after = result.values[measure]
        if gone := sorted(before.keys() - after.keys()):
            what = f"基线有、这次没有的题：{'、'.join(gone[:5])}（共 {len(gone)} 个）"
            findings.append(Finding(ok=False, measure=measure, text=what + changed))
            continue
        new = {question_id: after[question_id] for question_id in before}
        comparison = compare(before, new, measure)
        ok = comparison.difference >= -max_drop - _ROUNDING
        findings.append(Finding(ok, measure, _words(before, new, comparison) + changed))
    return findings


def _words(before: Mapping[str, float], after: Mapping[str, float], c: Comparison) -> str:
    old, new = (sum(values.values()) / len(values) for values in (before, after))
    return (
        f"{old:.3f} → {new:.3f}（{c.difference:+.3f}，95% 区间 {c.low:+.3f} 至 {c.high:+.3f}，"
        f"{p_equation(c.p)}，n={c.n}，{c.wins} 题变好、{c.losses} 题变差）"
    )
