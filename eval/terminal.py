"""Results on the terminal."""

from __future__ import annotations

import json
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

import typer
from rich.console import Console
from rich.table import Table

if TYPE_CHECKING:
    from collections.abc import Sequence

    from eval.result import Result
    from eval.rows import Row

_WIDE = 150
"""Columns where nobody watches: a file or a pipe has no edge to wrap at."""


_SMALLEST = 0.001
"""A p below is written as such: 10,000 random assignments know no more digits."""


def console_for() -> Console:
    """A console for wide tables: the terminal's width, or wide enough in a file or pipe."""
    console = Console()
    return console if console.is_terminal else Console(width=_WIDE)


def print_json(values: Sequence[Any]) -> None:
    """Print frozen values as JSON."""
    records = [asdict(value) for value in values]
    typer.echo(json.dumps(records, ensure_ascii=False, indent=2, default=str))  # str: a path


def print_rows(results: Sequence[Result]) -> None:
    """Print a table a dataset: a row a system, and what follows from it in words."""
    from eval.rows import report_rows  # noqa: PLC0415 -- numpy: not for --help

    console = console_for()
    rows = report_rows(results)
    for dataset in dict.fromkeys(row.dataset for row in rows):
        own = [row for row in rows if row.dataset == dataset]
        console.print(_table(dataset, own))
    for result in results:
        if result.faults:
            console.print(f"{result.name}：{len(result.faults)} 处引文被段落边界切断")
    # Systems that share an index share its cost.
    costs = (result.cost for result in results if result.cost is not None)
    for encoded, encode_s in dict.fromkeys((cost.encoded, cost.encode_s) for cost in costs):
        if encoded:
            console.print(f"编码 {encoded} 条，每秒 {encoded / encode_s:.0f} 条，其余取自缓存")


def _table(dataset: str, rows: Sequence[Row]) -> Table:
    n = max((cell.n for row in rows for cell in row.cells.values()), default=0)
    table = Table(title=f"{dataset}，n={n}，均值与 95% 区间", show_lines=True)
    table.add_column("系统", min_width=20)
    for measure in rows[0].measures:
        table.add_column(measure, justify="right", no_wrap=True)
    table.add_column(f"{rows[0].measures[0]} 与上一行比", min_width=32)
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
        return "—"
    return f"{interval.mean:.3f}\n{interval.low:.2f}–{interval.high:.2f}"


def _verdict(row: Row) -> str:
    c = row.headline
    if c is None:
        return "—"
    return (
        f"{c.difference:+.3f}（{c.low:+.3f} 至 {c.high:+.3f}）\n"
        f"{_p(c.p_holm)}，{c.wins} 胜 {c.ties} 平 {c.losses} 负\n{c.in_words()}"
    )


def _p(value: float) -> str:
    return "p<0.001" if value < _SMALLEST else f"p={value:.3f}"


def _number(value: float | None, digits: int = 1) -> str:
    return "—" if value is None else f"{value:.{digits}f}"
