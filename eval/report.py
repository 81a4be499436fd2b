"""Results -> one report: a page to read, a table to paste, numbers to compute with.

All three say the same (`eval.rows`). The page is one file without script that matters, network or
fonts of its own: it can be mailed, printed and kept beside the run that it is about.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict, fields
from html import escape
from importlib.resources import files

from jinja2 import Environment, StrictUndefined
from markupsafe import Markup

from eval import charts, figures
from eval.chapter import SHOWN, chapters_of
from eval.phrase import ABSENT, Phrase, decimal, signed
from eval.result import Provenance, Result
from eval.rows import Row, report_rows
from eval.statistics import Comparison, Interval
from eval.wording import WORDS, named


def report_html(results: Sequence[Result], *, target_risk: float = 0.05) -> str:
    """Lay the results out as one page, in Chinese and English.

    Args:
        results: Several systems on one or more datasets; on each, the last one is what the page
            is about.
        target_risk: Share of wrong answers that the learnt threshold is to keep to, in [0, 1].

    Raises:
        ValueError: If there is no result, two are of the same system and dataset, or the target
            is not in [0, 1].
    """
    chapters = chapters_of(results, target_risk)
    environment = Environment(
        autoescape=True,
        undefined=StrictUndefined,
        finalize=_finalized,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    folder = files("eval")
    return environment.from_string(folder.joinpath("report.html").read_text("utf-8")).render(
        chapters=chapters,
        results=results,
        css=Markup(folder.joinpath("report.css").read_text("utf-8")),  # noqa: S704 -- the project's own file
        w=WORDS,
        words=_words,
        named=named,
        decimal=decimal,
        signed=signed,
        ranks=_ranks,
        fields=_fields,
        figures=figures,
        balance=charts.balance,
        svg=Markup,  # charts escape what they are given
        shown=SHOWN,
    )


def report_markdown(results: Sequence[Result]) -> str:
    """Write the table as Markdown, a table a dataset, headed by its name where there are several.

    Means stand with their 95% intervals; a value that does not exist is `ABSENT`.

    Raises:
        ValueError: If two results are of the same system and dataset.
    """
    rows = report_rows(results)
    datasets = dict.fromkeys(row.dataset for row in rows)
    tables = [_table([row for row in rows if row.dataset == dataset]) for dataset in datasets]
    if len(tables) == 1:
        return tables[0]
    headed = zip(datasets, tables, strict=True)
    return "\n".join(f"### {_cell(dataset)}\n\n{table}" for dataset, table in headed)


def report_json(results: Sequence[Result]) -> str:
    """Write the same numbers as JSON, not rounded: a list of rows, `null` for what does not exist.

    Raises:
        ValueError: If two results are of the same system and dataset.
    """
    rows = [_record(row) for row in report_rows(results)]
    return json.dumps(rows, ensure_ascii=False, indent=2, allow_nan=False) + "\n"


def _finalized(value: object) -> object:
    """Write both languages of a phrase; the page shows the one that is chosen."""
    if not isinstance(value, Phrase):
        return value
    if value.zh == value.en:
        return value.zh
    return Markup(
        '<span class="zh" lang="zh">{}</span><span class="en" lang="en">{}</span>'
    ).format(value.zh, value.en)


def _words(comparison: Comparison) -> Phrase:
    return Phrase(comparison.in_words("zh"), comparison.in_words("en"))


def _ranks(ranks: Sequence[int | None], between: str = " · ") -> str:
    return between.join(ABSENT if rank is None else str(rank) for rank in ranks)


def _fields(provenance: Provenance) -> tuple[tuple[str, str], ...]:
    """Every field of a provenance as text, in order; the command stands apart."""
    pairs = ((field.name, getattr(provenance, field.name)) for field in fields(provenance))
    return tuple(
        (
            name,
            value
            if isinstance(value, str)
            else json.dumps(value, ensure_ascii=False, default=dict),
        )
        for name, value in pairs
        if name != "command"
    )


def _table(rows: Sequence[Row]) -> str:
    measures = rows[0].measures
    head = ["系统", *measures, f"与对照行比（{measures[0]}）"]
    head += ["p50 / p95（毫秒）", "内存（MB）", "建立（秒）", "索引（MB）"]
    lines = [head, ["---"] + ["---:"] * (len(measures)) + ["---"] + ["---:"] * 4]
    lines += [[_cell(cell) for cell in _cells(row)] for row in rows]
    return "".join(f"| {' | '.join(line)} |\n" for line in lines)


def _cells(row: Row) -> list[str]:
    return [
        row.system,
        *(_interval(row.cells.get(measure)) for measure in row.measures),
        _verdict(row),
        f"{decimal(row.p50, 1)} / {decimal(row.p95, 1)}",
        decimal(row.peak_rss_mb, 0),
        decimal(row.build_s, 1),
        decimal(row.index_mb, 1),
    ]


def _interval(interval: Interval | None) -> str:
    if interval is None:
        return ABSENT
    return f"{decimal(interval.mean)} [{decimal(interval.low)}, {decimal(interval.high)}]"


def _verdict(row: Row) -> str:
    if (pair := row.headline) is None:
        return ABSENT
    bounds = f"{signed(pair.difference)} [{signed(pair.low)}, {signed(pair.high)}]"
    counts = f"胜 {pair.wins}，平 {pair.ties}，负 {pair.losses}"
    return f"比 {row.above}：{bounds}，p={decimal(pair.p_holm)}，{counts}：{pair.in_words()}"


def _cell(text: str) -> str:
    """Keep a text in its cell: a bar would begin another, a line end another row."""
    return " ".join(escape(text, quote=False).replace("|", "\\|").split())


def _record(row: Row) -> dict[str, object]:
    pairs = row.comparisons
    return {
        "system": row.system,
        "dataset": row.dataset,
        "about": row.about,
        "above": row.above,
        "measures": {
            measure: asdict(row.cells[measure]) if measure in row.cells else None
            for measure in row.measures
        },
        "comparisons": None
        if pairs is None
        else [{**asdict(pair), "verdict": pair.verdict} for pair in pairs],
        "p50_ms": row.p50,
        "p95_ms": row.p95,
        "cost": asdict(row.cost) if row.cost else None,
    }
