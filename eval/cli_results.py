"""``casebook eval report | compare | gate | verify | abstain``: commands over stored runs."""

from __future__ import annotations

from dataclasses import asdict, fields
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.table import Table
from rich.text import Text

from eval.footnotes import commits_of, corpus_warning, corpus_warnings
from eval.terminal import (
    console_for,
    print_comparisons,
    print_flips,
    print_records,
    print_refusals,
)
from index.cli import AsJson
from rag.exits import errors_in_words

if TYPE_CHECKING:
    from collections.abc import Sequence

    from eval.result import Result

app = typer.Typer()

_BAD_INPUT = 2
_RUNS = Path("var/eval/runs")

Runs = Annotated[
    list[Path] | None,
    typer.Argument(help="评测结果的文件夹，或装着它们的文件夹；默认为全部结果。"),
]
Run = Annotated[Path, typer.Argument(help="一次评测结果的文件夹。")]


class Form(StrEnum):
    """What a report is written as."""

    HTML = "html"
    MARKDOWN = "md"
    JSON = "json"


@app.command()
def report(
    runs: Runs = None,
    *,
    form: Annotated[Form, typer.Option("--form", help="写成什么。")] = Form.HTML,
    out: Annotated[Path | None, typer.Option("--out", "-o", help="写到哪个文件。")] = None,
    target_risk: Annotated[
        float, typer.Option(min=0, max=1, help="拒答一节：回答中允许答错的比例。")
    ] = 0.05,
) -> None:
    """把评测结果写成一页：表、图、哪些题错了、错在哪一步。单个文件，不联网。

    退出码：0 完成；1 出错；2 参数有误。
    """
    from eval.archive import load_all  # noqa: PLC0415 -- numpy, ir_measures: not for --help
    from eval.report import report_html, report_json, report_markdown  # noqa: PLC0415

    with errors_in_words():
        results = load_all(runs or [_RUNS])
        _require_one_table(results)
        for warning in corpus_warnings(results):
            typer.echo(warning.zh, err=True)
        if form is Form.HTML:
            text = report_html(results, target_risk=target_risk)
        else:
            text = (report_markdown if form is Form.MARKDOWN else report_json)(results)
        if out is None and form is not Form.HTML:
            typer.echo(text, nl=False)
            return
        file = out or Path("var/eval/report.html")
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text, encoding="utf-8", newline="\n")
    typer.echo(f"已写出 {file}")


@app.command()
def compare(
    before: Run,
    after: Run,
    *,
    top_k: Annotated[int, typer.Option("--top-k", "-k", help="前几名算找到：1、5 或 10。")] = 5,
    as_json: AsJson = False,
) -> None:
    """逐题比较两次评测：差多少、能否区分、哪些题翻转了。

    退出码：0 完成；1 出错；2 参数有误。
    """
    from eval.archive import ArchiveError, load  # noqa: PLC0415
    from eval.misses import flips_of, found_measure  # noqa: PLC0415
    from eval.rows import compared, comparison_record, measures_of  # noqa: PLC0415

    if top_k not in {1, 5, 10}:
        what = "应为 1、5 或 10"
        raise typer.BadParameter(what, param_hint="--top-k")
    with errors_in_words():
        old, new = load(before), load(after)
        if old.provenance.questions_sha256 != new.provenance.questions_sha256:
            message = f"{old.name} 与 {new.name} 的题目不同，不能逐题比较"
            raise ArchiveError(message)
        measure = found_measure(new, top_k)
        for result in (old, new):
            if measure not in result.values:
                message = (
                    f"{result.name} 没有指标 {measure}，不能逐题比较；请重新运行：casebook eval run"
                )
                raise ArchiveError(message)
        comparisons = compared(old, new)
        headline = measures_of(new)[0]
        flips = flips_of(old, new, top_k)
    if (warning := corpus_warning((old, new))) is not None:
        typer.echo(warning.zh, err=True)
    if as_json:
        records = [comparison_record(c, headline=c.measure == headline) for c in comparisons]
        print_records([*records, *map(asdict, flips)])
        return
    print_comparisons(comparisons, headline, f"{old.name} → {new.name}")
    if old.provenance.commit != new.provenance.commit:
        typer.echo(commits_of((old, new)).zh)
    print_flips(flips, top_k)


@app.command()
def gate(
    run: Run,
    *,
    baseline: Annotated[
        Path | None, typer.Option(help="基线：一次评测的文件夹，或 --write 写出的文件。")
    ] = None,
    max_drop: Annotated[float, typer.Option(min=0, help="每个指标最多降多少个百分点。")] = 0.0,
    least: Annotated[
        list[str] | None, typer.Option("--min", help="下限，如 evidence@5=.9，可重复。")
    ] = None,
    write: Annotated[Path | None, typer.Option(help="不核对，而把这次评测写成基线文件。")] = None,
) -> None:
    """一次评测是否不差于基线。

    退出码：0 通过；1 退步；2 不能核对：结果损坏、题目不同、参数有误。
    """
    from eval.archive import load  # noqa: PLC0415
    from eval.gate import Baseline, check, read_baseline  # noqa: PLC0415
    from eval.rows import measures_of  # noqa: PLC0415

    if write is not None and (baseline or least):
        what = "写出基线时不核对：不能与 --baseline 或 --min 同用"
        raise typer.BadParameter(what, param_hint="--write")
    minima = _minima(least or [])
    with errors_in_words(_BAD_INPUT):
        result = load(run)
        if write is not None:
            write.write_bytes(Baseline.of(result, measures_of(result)).to_json())
            typer.echo(f"已把 {result.name} 写成基线 {write}")
            return
        against = read_baseline(baseline) if baseline else None
        findings = check(result, against, max_drop=max_drop / 100, minima=minima)
    table = Table("指标", "结果", "说明", title=f"{result.name} 对 {baseline or '下限'}")
    for finding in findings:
        mark = Text("通过", style="green") if finding.ok else Text("退步", style="bold red")
        table.add_row(finding.measure, mark, Text(finding.text))
    console_for().print(table)
    if not all(finding.ok for finding in findings):
        raise typer.Exit(1)


@app.command()
def verify(runs: Runs = None) -> None:
    """不用模型，从存下的排名与判断重算全部指标，逐题核对到 1e-6。

    退出码：0 相符；1 不符，或结果损坏；2 参数有误。
    """
    from eval.archive import discrepancies, load_all  # noqa: PLC0415

    bad = False
    with errors_in_words():
        for result in load_all(runs or [_RUNS]):
            wrong = discrepancies(result)
            count = sum(map(len, result.values.values()))
            bad = bad or bool(wrong)
            verdict = f"{len(wrong)} 处不符" if wrong else "相符"
            typer.echo(f"{result.name}：{len(result.values)} 个指标、{count} 个值，{verdict}")
            for line in wrong[:20]:
                typer.echo(f"  {line}", err=True)
    if bad:
        raise typer.Exit(1)


@app.command()
def abstain(
    run: Run,
    *,
    target_risk: Annotated[float, typer.Option(min=0, max=1, help="回答中允许答错的比例。")] = 0.05,
    write: Annotated[
        Path | None, typer.Option(help="把学到的阈值写进这个索引文件夹，检索时即用。")
    ] = None,
    force: Annotated[bool, typer.Option("--force", help="阈值守不住目标也写出。")] = False,
    as_json: AsJson = False,
) -> None:
    """何时该拒答：在一半题上学阈值，在另一半上报告。

    退出码：0 完成；1 出错，或要求写出的阈值学不出、守不住目标；2 参数有误。
    """
    from eval.abstention import calibrated  # noqa: PLC0415
    from eval.archive import ArchiveError, load  # noqa: PLC0415
    from eval.refusals import record_of, refusals_of, require_risk  # noqa: PLC0415
    from rag.confidence import CALIBRATION, read_calibration  # noqa: PLC0415

    with errors_in_words():
        result = load(run)
        refusals = refusals_of(result, target_risk)
        if refusals is None:
            message = (
                f"{result.name} 没有逐题的把握（导入的排名没有），无从谈拒答；"
                "请给出 casebook eval run 的结果"
            )
            raise ArchiveError(message)
        abstention = refusals.summary
        if write is not None:
            if abstention.threshold is None:
                message = f"{result.name} 学不出阈值，没有写出：{abstention.note}"
                raise ArchiveError(message)
            if not force:
                require_risk(abstention)
            _require_same_system(write, result)
            p = result.provenance
            origin = (
                f"{result.name}（{p.started}，commit {p.commit or '未知'}）："
                f"{abstention.calibration_n} 题上按目标风险 {target_risk:.0%} 学出"
            )
            learnt = calibrated(read_calibration(write), abstention.threshold, origin)
            (write / CALIBRATION).write_bytes(learnt.to_json())
    if as_json:
        print_records([record_of(refusals)])
        return
    print_refusals(refusals, result.name)
    if write is not None:
        typer.echo(f"阈值已写进 {write / CALIBRATION}；重启 casebook serve 后生效")


def _minima(texts: Sequence[str]) -> dict[str, float]:
    minima: dict[str, float] = {}
    for text in texts:
        measure, _, value = text.rpartition("=")
        try:
            least = float(value)
        except ValueError:
            measure = ""
        if not measure:
            what = f"{text!r} 应写作 指标=下限，如 evidence@5=.9"
            raise typer.BadParameter(what, param_hint="--min")
        if measure in minima:
            what = f"{measure} 给了不止一个下限"
            raise typer.BadParameter(what, param_hint="--min")
        minima[measure] = least
    return minima


def _require_one_table(results: Sequence[Result]) -> None:
    """Refuse what cannot stand in one table: a system twice, or other questions by one name."""
    from eval.archive import ArchiveError  # noqa: PLC0415

    seen: set[str] = set()
    questions: dict[str, Result] = {}
    for result in results:
        if result.name in seen:
            message = f"有不止一次 {result.name} 的结果；请只给出其中一次"
            raise ArchiveError(message)
        seen.add(result.name)
        p = result.provenance
        first = questions.setdefault(p.dataset, result)
        if first.provenance.questions_sha256 != p.questions_sha256:
            message = (
                f"{first.name} 与 {result.name} 的题目不同，不能放在一张表里；"
                "请用同样的题目重新运行：casebook eval run"
            )
            raise ArchiveError(message)


def _require_same_system(index: Path, result: Result) -> None:
    """Refuse an index that another system serves: confidence means something else there."""
    from eval.archive import ArchiveError  # noqa: PLC0415
    from eval.systems import System, system_of  # noqa: PLC0415
    from index.versions import current_version  # noqa: PLC0415
    from rag.lexicon import NO_LEXICON, read_lexicon  # noqa: PLC0415
    from rag.lexicon_file import LEXICON, LexiconFile  # noqa: PLC0415
    from rag.tuning import Tuning  # noqa: PLC0415

    manifest = current_version(index).manifest
    recorded = result.provenance.configuration
    declared = {f.name: recorded[f.name] for f in fields(System) if f.name in recorded}
    declared.pop("name", None)
    system = system_of(result.provenance.system, declared, result.name)
    lexicon = read_lexicon(Path(system.lexicon)) if system.lexicon else NO_LEXICON
    served = LexiconFile(index / LEXICON).current()
    differs = [
        name
        for name, same in (
            ("编码器", asdict(manifest.encoder) == result.provenance.encoder),
            ("建立方式", manifest.recipe == system.recipe),
            ("权重或词表", Tuning(system.weights, lexicon) == Tuning(lexicon=served)),
        )
        if not same
    ]
    if differs:
        message = (
            f"{result.name} 与索引 {index} 的{'、'.join(differs)}不同，阈值不能通用；"
            "请给出与该索引相同的系统的评测结果"
        )
        raise ArchiveError(message)
