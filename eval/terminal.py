"""Results on the terminal."""

from __future__ import annotations

import json
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

import typer
from rich.console import Console
from rich.table import Table
from rich.text import Text

from eval.footnotes import caption_of, corpus_warnings, footnotes_of
from eval.phrase import ABSENT, p_equation, p_value
from eval.wording import WORDS

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from eval.abstention import Counts
    from eval.misses import Flip
    from eval.refusals import Refusals
    from eval.result import Result
    from eval.rows import Row
    from eval.share import Share
    from eval.statistics import Comparison

_WIDE = 150
"""Columns where nobody watches: a file or a pipe has no edge to wrap at."""


def console_for() -> Console:
    """A console for wide tables: the terminal's width, or wide enough in a file or pipe."""
    console = Console()
    return console if console.is_terminal else Console(width=_WIDE)


def print_json(values: Sequence[Any]) -> None:
    """Print frozen values as JSON."""
    print_records([asdict(value) for value in values])


def print_records(records: Sequence[Mapping[str, object]]) -> None:
    """Print records as JSON."""
    typer.echo(json.dumps(records, ensure_ascii=False, indent=2, default=str))  # str: a path


def print_rows(results: Sequence[Result]) -> None:
    """Print a table a dataset: a row a system, and what follows from it in words."""
    from eval.rows import report_rows  # noqa: PLC0415 -- numpy: not for --help

    console = console_for()
    rows = report_rows(results)
    for warning in corpus_warnings(results):
        console.print(Text(warning.zh, "bold red"))
    for dataset in dict.fromkeys(row.dataset for row in rows):
        own = [row for row in rows if row.dataset == dataset]
        console.print(_table(dataset, own))
        for note in footnotes_of(own):
            console.print(note.zh)
    for result in results:
        if result.faults:
            console.print(f"{result.name}：{len(result.faults)} 处引文被段落边界切断")
    # Systems that share an index share its cost.
    costs = (result.cost for result in results if result.cost is not None)
    for encoded, encode_s in dict.fromkeys((cost.encoded, cost.encode_s) for cost in costs):
        if encoded:
            console.print(f"编码 {encoded} 条，每秒 {encoded / encode_s:.0f} 条，其余取自缓存")


def print_comparisons(comparisons: tuple[Comparison, ...], headline: str, title: str) -> None:
    """Print a comparison of two systems: a verdict for the headline, figures for the others."""
    from eval.statistics import FEW  # noqa: PLC0415 -- numpy: not for --help

    table = Table("指标", "n", "差", "95% 区间", "p（未校正）", "胜/平/负", "结论", title=title)
    for c in comparisons:
        interval, counts = f"{c.low:+.3f} 至 {c.high:+.3f}", f"{c.wins}/{c.ties}/{c.losses}"
        n = f"{c.n}*" if c.n < FEW else str(c.n)
        numbers = (n, f"{c.difference:+.3f}", interval, p_value(c.p), counts)
        table.add_row(c.measure, *numbers, c.in_words() if c.measure == headline else "只作描述")
    console = console_for()
    console.print(table)
    family = max((c.family for c in comparisons if c.measure == headline), default=1)
    how = f"{family} 个比较为一族，按 Holm 校正" if family > 1 else "只此一个比较，p 无需校正"
    console.print(f"结论只看 {headline}：{how}。区间与其余指标的 p 都未校正，只作描述。")
    if any(c.n < FEW for c in comparisons):
        console.print(WORDS["few"].zh)


def print_flips(flips: tuple[Flip, ...], top_k: int) -> None:
    """Print each question that one of two systems finds and the other does not, with its texts."""
    console = console_for()
    lost = sum(not flip.gained for flip in flips)
    console.print(f"前 {top_k} 名：{len(flips) - lost} 题新找到，{lost} 题丢失\n")
    for flip in flips:
        question = flip.story.question
        mark = Text("新找到 ", "green") if flip.gained else Text("丢失 ", "bold red")
        mark.append(f"{question.question_id}（{question.type}）{question.text}", "bold")
        console.print(mark)
        console.print(f"  名次 {_ranks(flip.before)} → {_ranks(flip.story.ranks)}")
        for quote in question.quotes:
            console.print(Text(f"  证据：{quote}"))
        for shown in (flip.story.first, flip.story.holder):
            if shown is not None:
                line = Text(f"  第 {shown.rank} 名 {shown.label or shown.unit_id}\n    ", "dim")
                for piece in shown.pieces:
                    line.append(piece.text, "bold yellow" if piece.evidence else "dim")
                console.print(line)
        console.print()


def _ranks(ranks: tuple[int | None, ...]) -> str:
    return "、".join(ABSENT if rank is None else str(rank) for rank in ranks)


def print_refusals(refusals: Refusals, title: str) -> None:
    """Print how a system abstained and would abstain, shares with their intervals."""
    head = ("", "阈值", "答对", "答错", "拒对", "误拒", "作答比例", "答错率")
    table = Table(*head, title=f"{title}：拒答（区间为 95% Wilson）", show_lines=True)
    summary = refusals.summary
    learnt = f"学到的（{summary.calibration_n} 题上学，{summary.test_n} 题上数）"
    at = ABSENT if summary.threshold is None else f"{summary.threshold:.3f}"
    _add_counts(table, "现用的，全部题", ABSENT, refusals.ran)
    _add_counts(table, learnt, at, summary.counts)
    _add_counts(table, "交叉校准，全部题", ABSENT, summary.cross_fitted)
    console = console_for()
    console.print(table)
    area = summary.auroc
    if area is not None:
        bounds = f"[{area.low:.3f}, {area.high:.3f}]"
        kinds = f"有答案的 {area.answerable} 题与没有答案的 {area.unanswerable} 题"
        console.print(Text(f"AUROC {area.value:.3f} {bounds}（{kinds}）"))
    nauc = ABSENT if summary.nauc is None else f"{summary.nauc:.3f}"
    console.print(f"AUGRC {summary.augrc:.3f}，nAUC {nauc}")
    for note in refusals.notes:
        console.print(Text(note))


def _add_counts(table: Table, name: str, threshold: str, tally: Counts | None) -> None:
    if tally is None:
        return
    numbers = (
        tally.answered_right,
        tally.answered_wrong,
        tally.abstained_right,
        tally.abstained_wrong,
    )
    shares = (_share(tally.coverage), _share(tally.risk))
    table.add_row(name, threshold, *map(str, numbers), *shares)


def _share(share: Share | None) -> str:
    if share is None:
        return ABSENT
    return f"{share.value:.3f}（{share.some}/{share.n}）\n{share.low:.3f}–{share.high:.3f}"


def _table(dataset: str, rows: Sequence[Row]) -> Table:
    table = Table(title=f"{dataset}，{caption_of(rows).zh}", show_lines=True)
    table.add_column("系统", min_width=20)
    for measure in rows[0].measures:
        table.add_column(measure, justify="right", no_wrap=True)
    table.add_column(f"{rows[0].measures[0]} 与对照行比", min_width=32)
    for column in ("毫秒\np50/p95", "建库\n秒", "索引\nMB", "内存\nMB"):
        table.add_column(column, justify="right", no_wrap=True)
    for row in rows:
        table.add_row(
            f"{row.system}\n{row.about}",
            *(_cell(row, measure) for measure in row.measures),
            _verdict(row),
            f"{_number(row.p50)}/{_number(row.p95)}",
            _number(row.build_s),
            _number(row.index_mb),
            _number(row.peak_rss_mb, 0),
        )
    return table


def _cell(row: Row, measure: str) -> str:
    interval = row.cells.get(measure)
    if interval is None:
        return ABSENT
    mark = "*" if interval.few else ""
    return f"{interval.mean:.3f}{mark}\n{interval.low:.2f}–{interval.high:.2f}"


def _verdict(row: Row) -> str:
    c = row.headline
    if c is None:
        return ABSENT
    return (
        f"比 {row.above}：\n{c.difference:+.3f}（{c.low:+.3f} 至 {c.high:+.3f}）\n"
        f"{p_equation(c.p_holm)}，{c.wins} 胜 {c.ties} 平 {c.losses} 负\n{c.in_words()}"
    )


def _number(value: float | None, digits: int = 1) -> str:
    return ABSENT if value is None else f"{value:.{digits}f}"
