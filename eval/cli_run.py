"""``casebook eval run | robustness | sweep``: commands that ask questions."""

from __future__ import annotations

import shlex
import sys
import time
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.table import Table

from eval.parts import Part
from eval.phrase import p_value
from eval.terminal import console_for, print_json, print_rows
from index.cli import AsJson, ModelsFolder, progress_bars
from rag.exits import errors_in_words
from rag.models import DEFAULT_FOLDER

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from eval.dataset import Dataset
    from eval.result import Result
    from eval.robustness import Variation
    from eval.statistics import Interval
    from eval.sweep import Trial
    from eval.systems import System
    from index.assemble import Progress

app = typer.Typer()

DEV_QUESTIONS = Path(__file__).parent / "dev_questions.jsonl"
_DATA = Path(__file__).parent.parent / "data"
_RUNS = Path("var/eval/runs")
VECTORS = Path("var/eval/vectors.sqlite")

Datasets = Annotated[
    list[Path] | None,
    typer.Argument(help="题集：问题文件（.jsonl、.csv、.tsv）或 BEIR 文件夹；默认为随附的开发集。"),
]
OneDataset = Annotated[
    Path, typer.Argument(help="题集：问题文件（.jsonl、.csv、.tsv）或 BEIR 文件夹。")
]
Sources = Annotated[
    list[Path] | None,
    typer.Option("--sources", help="问题文件的引文所在的原文，可重复；默认为随附的案例集。"),
]
Systems = Annotated[
    Path | None, typer.Option("--systems", help="声明系统的文件（TOML）；默认为随附的。")
]
Split = Annotated[str | None, typer.Option(help="BEIR 文件夹的哪一份判断，如 test。")]
Measure = Annotated[str, typer.Option(help="比较哪个指标，如 evidence@5；默认为首要指标。")]


@app.command()
def run(
    datasets: Datasets = None,
    *,
    sources: Sources = None,
    system: Annotated[
        list[str] | None, typer.Option(help="只跑这些系统，可重复；参照 bm25 总在其中。")
    ] = None,
    systems: Systems = None,
    split: Split = None,
    part: Annotated[
        Part, typer.Option(help="问哪些题：全部、调参用的三成，或留作检验的七成。")
    ] = Part.ALL,
    out: Annotated[Path, typer.Option(help="结果存放的文件夹。")] = _RUNS,
    models: ModelsFolder = DEFAULT_FOLDER,
    as_json: AsJson = False,
) -> None:
    """跑一张表：每个系统一行，与对照行成对比较，并存下结果。

    退出码：0 完成；1 出错；2 参数有误。
    """
    from eval.archive import save  # noqa: PLC0415 -- numpy, faiss, onnxruntime: not for --help
    from eval.parts import part_of, require_names  # noqa: PLC0415
    from eval.report import report_json  # noqa: PLC0415
    from eval.systems import BUNDLED, chosen, read_systems  # noqa: PLC0415

    started = time.perf_counter()
    results: list[Result] = []
    with errors_in_words(), progress_bars() as progress:
        declared = chosen(read_systems(systems or BUNDLED), system or [])
        collections = [
            part_of(loaded(dataset, sources, split), part)
            for dataset in datasets or [DEV_QUESTIONS]
        ]
        require_names(collections)
        for collection in collections:
            for result in _results(collection, declared, models, progress):
                save(result, out / result.provenance.dataset / result.provenance.system)
                results.append(result)
    if as_json:
        typer.echo(report_json(results))
        return
    print_rows(results)
    typer.echo(f"用时 {time.perf_counter() - started:.1f} 秒；结果在 {out}")


@app.command()
def robustness(
    dataset: OneDataset = DEV_QUESTIONS,
    *,
    sources: Sources = None,
    system: Annotated[str, typer.Option(help="哪个系统。")] = "hybrid",
    systems: Systems = None,
    split: Split = None,
    measure: Measure = "",
    models: ModelsFolder = DEFAULT_FOLDER,
    as_json: AsJson = False,
) -> None:
    """换一种写法再问：繁体、全角、错别字、无标点、不提区名、数字写法，逐题成对比较。

    退出码：0 完成；1 出错；2 参数有误。
    """
    from eval.robustness import variations_of  # noqa: PLC0415
    from eval.rows import measures_of  # noqa: PLC0415
    from eval.run import run as ask  # noqa: PLC0415
    from eval.workbench import Workbench  # noqa: PLC0415

    with errors_in_words(), progress_bars() as progress:
        one = _declared(system, systems)
        with Workbench(loaded(dataset, sources, split), models, VECTORS, progress) as bench:
            built = bench.build(one)
            base = ask(bench, built)
            variations = variations_of(
                bench,
                built,
                base,
                measure=measure,
                on_progress=lambda done, total: progress("换一种写法", done, total),
            )
    if as_json:
        print_json(variations)
        return
    _print_variations(variations, f"{base.name}：{measure or measures_of(base)[0]}")


@app.command()
def sweep(
    dataset: OneDataset = DEV_QUESTIONS,
    *,
    grid: Annotated[list[str], typer.Option(help="如 dense=0:1:.1 或 k1=.9,1.2，可重复。")],
    sources: Sources = None,
    system: Annotated[str, typer.Option(help="从哪个系统出发。")] = "hybrid",
    systems: Systems = None,
    split: Split = None,
    measure: Measure = "",
    models: ModelsFolder = DEFAULT_FOLDER,
    as_json: AsJson = False,
) -> None:
    """在调参用的那部分题上试一组取值；其余的题不看，留作检验。

    退出码：0 完成；1 出错；2 参数有误。
    """
    from eval.parts import part_of  # noqa: PLC0415
    from eval.sweep import parse_grid  # noqa: PLC0415
    from eval.sweep import sweep as try_all  # noqa: PLC0415
    from eval.workbench import Workbench  # noqa: PLC0415

    with errors_in_words(), progress_bars() as progress:
        one = _declared(system, systems)
        whole = loaded(dataset, sources, split)
        with Workbench(part_of(whole, Part.TUNING), models, VECTORS, progress) as bench:
            trials = try_all(
                bench,
                one,
                [parse_grid(text) for text in grid],
                measure=measure,
                on_progress=lambda done, total: progress("试取值", done, total),
            )
    if as_json:
        print_json(trials)
        return
    shown = measure or "首要指标"
    _print_trials(trials, f"{system}：{shown}，调参用 {trials[0].interval.n} 题")
    typer.echo(
        "最好的一行是挑出来的，会偏乐观；请写进系统声明，用 eval run --part held-out 与原来的比较。"
    )


def loaded(path: Path, sources: list[Path] | None, split: str | None) -> Dataset:
    """Load a dataset and print its notes; the bundled sources where none are named."""
    from eval.load import load  # noqa: PLC0415

    dataset = load(path, sources or [_DATA], split)
    for note in dataset.notes:
        typer.echo(note, err=True)
    return dataset


def _declared(name: str, file: Path | None) -> System:
    """The system of that name."""
    from eval.systems import BUNDLED, chosen, read_systems  # noqa: PLC0415

    (one,) = (s for s in chosen(read_systems(file or BUNDLED), [name]) if s.name == name)
    return one


def _results(
    dataset: Dataset, systems: tuple[System, ...], models: Path, progress: Progress
) -> Iterator[Result]:
    """Run the systems one after the other.

    Each is compared with the one it names, if that was run, else with the one before.
    """
    from eval.run import run as ask  # noqa: PLC0415
    from eval.workbench import Workbench  # noqa: PLC0415

    command = shlex.join(["casebook", *sys.argv[1:]])
    done: list[str] = []
    with Workbench(dataset, models, VECTORS, progress) as bench:
        for system in systems:
            twin = next((s.name for s in systems if s == _plain(system, s)), None)
            if twin and system.expansions and not dataset.expansions:
                what = f"没有预设问法，{system.name} 与 {twin} 相同，略过"
                typer.echo(f"{dataset.name} {what}", err=True)
                continue
            built = bench.build(system)
            stage = f"{dataset.name}：{system.name}"
            show = _counting(progress, stage, len(dataset.questions))
            above = system.against if system.against in done else "".join(done[-1:])
            yield ask(bench, built, above=above, command=command, on_progress=show)
            done.append(system.name)


def _plain(system: System, other: System) -> System:
    """The system without expansions, under another's name."""
    return replace(
        system, expansions=False, name=other.name, about=other.about, against=other.against
    )


def _counting(progress: Progress, stage: str, total: int) -> Callable[[int], None]:
    return lambda done: progress(stage, done, total)


def _print_variations(variations: tuple[Variation, ...], title: str) -> None:
    columns = ("写法", "说明", "n", "原来", "换写后", "差", "95% 区间", "p（Holm）", "结论")
    table = Table(*columns, title=title)
    for v in variations:
        c = v.comparison
        if c is None or v.before is None or v.after is None:
            table.add_row(v.name, v.about, "0", *["—"] * 5, "没有适用的题")
            continue
        numbers = (f"{v.before:.3f}", f"{v.after:.3f}", f"{c.difference:+.3f}")
        interval = f"{c.low:+.3f} 至 {c.high:+.3f}"
        table.add_row(
            v.name, v.about, str(v.n), *numbers, interval, p_value(c.p_holm), c.in_words()
        )
    console_for().print(table)


def _print_trials(trials: tuple[Trial, ...], title: str) -> None:
    table = Table("取值", "均值", "95% 区间", "与原来的差", "结论", title=title)
    for trial in trials:
        values = "，".join(f"{field}={value}" for field, value in trial.values.items())
        c = trial.comparison
        against = ("—", "—") if c is None else (f"{c.difference:+.3f}", c.in_words())
        mean, interval = _interval(trial.interval)
        table.add_row(values or "（原来的）", mean, interval, *against)
    console_for().print(table)


def _interval(interval: Interval) -> tuple[str, str]:
    return f"{interval.mean:.3f}", f"{interval.low:.3f} 至 {interval.high:.3f}"
