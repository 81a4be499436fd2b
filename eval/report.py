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
from eval.chapter import chapters_of
from eval.footnotes import caption_of, commits_of, corpus_warning, footnotes_of
from eval.phrase import ABSENT, Phrase, decimal, p_equation, p_value, signed
from eval.refusals import SHOWN
from eval.result import Provenance, Result
from eval.rows import Row, all_cells, comparison_record, report_rows
from eval.share import Area, Share
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
        p_value=p_value,
        p_equation=p_equation,
        share=_share,
        area=_area,
        commits=commits_of(results),
        ranks=_ranks,
        fields=_fields,
        figures=figures,
        balance=charts.balance,
        svg=Markup,  # charts escape what they are given
        shown=SHOWN,
    )


def report_markdown(results: Sequence[Result]) -> str:
    """Write the table as Markdown, a table a dataset under its name, in Chinese.

    Means stand with their 95% intervals, those of fewer than 10 questions marked with ``*``; a
    value that does not exist is `ABSENT`. Below stands what the numbers do not say themselves.

    Raises:
        ValueError: If two results are of the same system and dataset.
    """
    rows = report_rows(results)
    datasets = dict.fromkeys(row.dataset for row in rows)
    parts = []
    for dataset in datasets:
        own = [row for row in rows if row.dataset == dataset]
        shown = [result for result in results if result.provenance.dataset == dataset]
        warning = corpus_warning(shown)
        paragraphs = [
            f"### {_cell(dataset)}",
            *([f"**{_cell(warning.zh)}**"] if warning else []),
            _cell(f"{caption_of(own).zh}；{commits_of(shown).zh}"),
            _table(own),
            *(_cell(note.zh).replace("*", "\\*") for note in footnotes_of(own)),
        ]
        parts.append("\n\n".join(paragraphs) + "\n")
    return "\n".join(parts)


def report_json(results: Sequence[Result]) -> str:
    """Write the same numbers as JSON, not rounded: a list of rows, `null` for what does not exist.

    Every measure is there, the primary ones named. Of the comparisons the headline alone has a
    verdict and a corrected p.

    Raises:
        ValueError: If two results are of the same system and dataset.
    """
    pairs = zip(report_rows(results), results, strict=True)
    rows = [_record(row, result) for row, result in pairs]
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


def _share(share: Share | None) -> Phrase:
    if share is None:
        return Phrase(ABSENT, ABSENT)
    return WORDS["share"].filled(
        value=decimal(share.value),
        low=decimal(share.low),
        high=decimal(share.high),
        some=share.some,
        n=share.n,
    )


def _area(area: Area | None) -> Phrase:
    if area is None:
        return Phrase(ABSENT, ABSENT)
    return WORDS["auroc"].filled(
        value=decimal(area.value),
        low=decimal(area.low),
        high=decimal(area.high),
        yes=area.answerable,
        no=area.unanswerable,
    )


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
    head += ["p50 / p95（毫秒）", "内存峰值（MB）", "建库（秒）", "索引（MB）"]
    lines = [head, ["---"] + ["---:"] * (len(measures)) + ["---"] + ["---:"] * 4]
    lines += [[_cell(cell) for cell in _cells(row)] for row in rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


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
    mark = "\\*" if interval.few else ""
    return f"{decimal(interval.mean)}{mark} [{decimal(interval.low)}, {decimal(interval.high)}]"


def _verdict(row: Row) -> str:
    if (pair := row.headline) is None:
        return ABSENT
    bounds = f"{signed(pair.difference)} [{signed(pair.low)}, {signed(pair.high)}]"
    counts = f"胜 {pair.wins}，平 {pair.ties}，负 {pair.losses}"
    return f"比 {row.above}：{bounds}，{p_equation(pair.p_holm)}，{counts}：{pair.in_words()}"


def _cell(text: str) -> str:
    """Keep a text in its cell: a bar would begin another, a line end another row."""
    return " ".join(escape(text, quote=False).replace("|", "\\|").split())


def _record(row: Row, result: Result) -> dict[str, object]:
    cells = all_cells(result)
    return {
        "system": row.system,
        "dataset": row.dataset,
        "about": row.about,
        "above": row.above,
        "corpus_sha256": result.provenance.corpus_sha256,
        "commit": result.provenance.commit,
        "primary": row.measures,
        "measures": {
            measure: asdict(cells[measure]) if measure in cells else None
            for measure in dict.fromkeys((*row.measures, *cells))
        },
        "comparisons": None
        if row.comparisons is None
        else [
            comparison_record(pair, headline=pair.measure == row.measures[0])
            for pair in row.comparisons
        ],
        "p50_ms": row.p50,
        "p95_ms": row.p95,
        "stages_ms": {stage: {"p50": p50, "p95": p95} for stage, (p50, p95) in row.stages.items()},
        "cost": asdict(row.cost) if row.cost else None,
    }
