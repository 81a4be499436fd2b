"""Answers on the terminal."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rich.table import Table

from eval.phrase import ABSENT, decimal
from eval.terminal import console_for

if TYPE_CHECKING:
    from eval.answer_learning import Learnt
    from eval.answer_run import AnswerRun
    from eval.statistics import Interval

_SHOWN = (
    "contained",
    "cited",
    "precision",
    "sentence_precision",
    "facts",
    "sentences",
    "characters",
)
"""Measures of the table by type."""
_HEADS = dict(
    zip(
        _SHOWN,
        ("证据在句中", "引用召回", "引用精确", "句子精确", "数字名称", "句数", "字数"),
        strict=True,
    )
)


def print_answers(run: AnswerRun) -> None:
    """Print the figures of answers, a row by type, the time, and the misses."""
    from eval.answer_report import (  # noqa: PLC0415
        figures_of,
        latency_of,
        misses_of,
        types_of,
    )

    console = console_for()
    name = f"{run.provenance.system}@{run.provenance.dataset}"
    table = Table("指标", "值", "95% 区间", "n", title=f"{name}：回答")
    for figure in figures_of(run.scores):
        digits = 1 if figure.key in {"sentences", "characters"} else 3
        interval = ABSENT
        if figure.low is not None and figure.high is not None:
            interval = f"{decimal(figure.low, digits)} 至 {decimal(figure.high, digits)}"
        n = str(figure.n) if figure.some is None else f"{figure.some}/{figure.n}"
        table.add_row(figure.zh, decimal(figure.value, digits), interval, n)
    console.print(table)
    by_type = Table(
        "题型", "n", "误拒", *(_HEADS[key] for key in _SHOWN), title="有答案的题，按题型"
    )
    for row in types_of(run):
        cells = (_cell(key, row.means.get(key)) for key in _SHOWN)
        by_type.add_row(row.type, str(row.n), str(row.refused), *cells)
    console.print(by_type)
    if (latency := latency_of(run.paces)) is not None:
        console.print(
            f"作答与检索之比：p50 {latency.ratio_p50:.2f}（{latency.ask_p50:.1f} / "
            f"{latency.search_p50:.1f} 毫秒），p95 {latency.ratio_p95:.2f}（{latency.ask_p95:.1f} / "
            f"{latency.search_p95:.1f} 毫秒），n={latency.n}，轮流先后"
        )
    misses = misses_of(run.scores)
    asked = {one.question.question_id: one.question.text for one in run.references}
    for what, ids in (
        ("句子不在其出处", misses.unsupported),
        ("引到别的区", misses.elsewhere),
        ("误拒", misses.refused),
        ("证据不全在句中", misses.uncontained),
    ):
        console.print(f"{what}：{len(ids)} 题")
        for question_id in ids:
            console.print(f"  {question_id} {asked[question_id]}", markup=False, highlight=False)
    console.print(f"没有答案而作答：{len(misses.unrefused)} 题，见结果文件")


def print_learnt(learnt: Learnt) -> None:
    """Print a learnt function, and how it does where it was not fitted."""
    weights = learnt.likelihood.weights
    console = console_for()
    console.print(
        f"截距 {learnt.likelihood.intercept}，{weights}，阈值 {learnt.likelihood.threshold}"
    )
    table = Table(
        *("系统", "一条引文", "任一即可", "几条都要", "句数", "字数"),
        title=f"证据在句中，十折交叉检验：{learnt.questions} 题，{learnt.positive}/{learnt.rows} 句含引文",
    )
    for one in learnt.answered:
        table.add_row(
            one.system,
            *(_whole(each) for each in (one.single, one.alternatives, one.several)),
            *(_cell("sentences", each) for each in (one.sentences, one.characters)),
        )
    console.print(table)


def _whole(interval: Interval | None) -> str:
    if interval is None:
        return ABSENT
    bounds = f"{decimal(interval.low)} 至 {decimal(interval.high)}"
    return f"{decimal(interval.mean)}\n{bounds}\nn={interval.n}"


def _cell(key: str, interval: Interval | None) -> str:
    if interval is None:
        return ABSENT
    digits = 1 if key in {"sentences", "characters"} else 3
    return decimal(interval.mean, digits) + ("*" if interval.few else "")
