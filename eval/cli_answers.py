"""``casebook eval answers | calibrate-answers``: how answers do, and what they are chosen by."""

from __future__ import annotations

import json
import shlex
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.table import Table

from eval.cli_run import DEV_QUESTIONS, VECTORS, OneDataset, Sources, Split, Systems, loaded
from eval.phrase import ABSENT, decimal
from eval.terminal import console_for, print_records
from index.cli import AsJson, ModelsFolder, progress_bars
from rag.exits import errors_in_words
from rag.models import DEFAULT_FOLDER

if TYPE_CHECKING:
    from collections.abc import Sequence

    from eval.answer_learning import Learnt, Studied
    from eval.answer_run import AnswerRun
    from eval.dataset import Dataset
    from eval.questions import Question
    from eval.statistics import Interval
    from eval.systems import System
    from index.assemble import Progress

app = typer.Typer()

_UNANSWERABLE = Path(__file__).parent / "unanswerable.jsonl"
_RUNS = Path("var/eval/answers")
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
_SYSTEMS = ["hybrid"]
"""Fitted on these, a function does as well on an index without question expansions."""


@app.command()
def answers(
    dataset: OneDataset = DEV_QUESTIONS,
    *,
    sources: Sources = None,
    unanswerable: Annotated[
        list[Path] | None,
        typer.Option(help="另外几份没有答案的题，可重复；随附的题集默认用随附的一份。"),
    ] = None,
    system: Annotated[str, typer.Option(help="由哪个系统找段落。")] = "hybrid",
    systems: Systems = None,
    split: Split = None,
    out: Annotated[Path, typer.Option(help="结果存放的文件夹。")] = _RUNS,
    models: ModelsFolder = DEFAULT_FOLDER,
    as_json: AsJson = False,
) -> None:
    """逐题作答，核对每句的出处、证据、区、数字与拒答，并存下每题的回答。

    退出码：0 完成；1 出错；2 参数有误。
    """
    from eval.answer_report import record_of  # noqa: PLC0415 -- numpy, faiss: not for --help
    from eval.answer_run import Answerer, assistant_of, run_answers  # noqa: PLC0415
    from eval.workbench import Workbench  # noqa: PLC0415
    from rag.ask import Asker  # noqa: PLC0415

    if unanswerable is None:
        unanswerable = [_UNANSWERABLE] if dataset == DEV_QUESTIONS else []
    with errors_in_words(), progress_bars() as progress:
        (declared,) = _declared([system], systems)
        collection = loaded(dataset, sources, split)
        others = _others(collection, unanswerable)
        with Workbench(collection, models, VECTORS, progress) as bench:
            built = bench.build(declared)
            assistant = assistant_of(built)
            run = run_answers(
                bench,
                built,
                Answerer(Asker(assistant).ask, assistant.search),
                unanswerable=others,
                command=_command(),
                on_progress=lambda done, total: progress("作答", done, total),
            )
        record = record_of(run)
        file = out / collection.name / f"{declared.name}.json"
        file.parent.mkdir(parents=True, exist_ok=True)
        text = json.dumps(record, ensure_ascii=False, indent=1)
        file.write_text(f"{text}\n", encoding="utf-8", newline="\n")
    if as_json:
        print_records([record])
        return
    _print_run(run)
    typer.echo(f"每题的回答在 {file}")


@app.command("calibrate-answers")
def calibrate_answers(
    dataset: OneDataset = DEV_QUESTIONS,
    *,
    sources: Sources = None,
    system: Annotated[
        list[str] | None,
        typer.Option(help="由哪些系统找段落，可重复，一起拟合；默认为 hybrid。"),
    ] = None,
    systems: Systems = None,
    split: Split = None,
    threshold: Annotated[
        float, typer.Option(min=0, max=1, help="多大的可能就显示；是给定的，不是学来的。")
    ] = 0.1,
    out: Annotated[
        Path | None, typer.Option("--out", "-o", help="写成这个文件（likelihood.toml）。")
    ] = None,
    models: ModelsFolder = DEFAULT_FOLDER,
    as_json: AsJson = False,
) -> None:
    """从带引文的题学一句话像不像答案；报告的数字都出自没有参与拟合的题。

    退出码：0 完成；1 出错；2 参数有误。
    """
    from eval.answer_learning import learn, toml_of  # noqa: PLC0415 -- numpy, faiss: not for --help

    with errors_in_words(), progress_bars() as progress:
        declared = _declared(system or _SYSTEMS, systems)
        collection = loaded(dataset, sources, split)
        studied = _study(declared, collection, models, progress)
        texts = {source.name: source.text for source in collection.sources}
        learnt = learn(studied, texts, threshold)
        if out is not None:
            out.write_text(toml_of(learnt, _provenance()), encoding="utf-8", newline="\n")
    if as_json:
        from dataclasses import asdict  # noqa: PLC0415

        print_records([asdict(learnt)])
        return
    _print_learnt(learnt)
    if out is not None:
        typer.echo(f"已写进 {out}")


def _declared(names: Sequence[str], file: Path | None) -> list[System]:
    """The systems of these names, as declared."""
    from eval.systems import BUNDLED, chosen, read_systems  # noqa: PLC0415

    return [s for s in chosen(read_systems(file or BUNDLED), names) if s.name in names]


def _others(dataset: Dataset, files: Sequence[Path]) -> list[Question]:
    """Questions that nothing answers, of some files."""
    from eval.calibrate import CalibrateError  # noqa: PLC0415
    from eval.load import load_questions  # noqa: PLC0415
    from eval.questions import listed  # noqa: PLC0415

    taken = {question.question_id for question in dataset.questions}
    others: list[Question] = []
    for file in files:
        own = load_questions(file)
        if quoted := [question.question_id for question in own if question.quotes]:
            message = f"{file}：应是没有答案的问题，但{listed(quoted)}有引文；请作为题集给出"
            raise CalibrateError(message)
        if again := [question.question_id for question in own if question.question_id in taken]:
            message = f"{file}：{listed(again)}的 id 已在别的题里；请改用别的编号"
            raise CalibrateError(message)
        taken |= {question.question_id for question in own}
        others += own
    return others


def _study(
    systems: Sequence[System], dataset: Dataset, models: Path, progress: Progress
) -> list[Studied]:
    from eval.answer_learning import study  # noqa: PLC0415
    from eval.answer_run import assistant_of  # noqa: PLC0415
    from eval.reference import references_of  # noqa: PLC0415
    from eval.workbench import Workbench  # noqa: PLC0415

    studied: list[Studied] = []
    with Workbench(dataset, models, VECTORS, progress) as bench:
        for system in systems:
            built = bench.build(system)
            located = list(zip(bench.evidence, built.holders, strict=True))
            references = references_of(dataset.questions, located, built.cases)
            studied += study(system.name, assistant_of(built), references)
    return studied


def _command() -> str:
    return shlex.join(["casebook", *sys.argv[1:]])


def _provenance() -> str:
    """What was run, when and on what code; paths by their names alone."""
    from datetime import UTC, datetime  # noqa: PLC0415

    from eval.provenance import commit  # noqa: PLC0415

    words = [Path(word).name if "/" in word else word for word in sys.argv[1:]]
    ran = shlex.join(["casebook", *words])
    return f"{ran}（{datetime.now(UTC).date()}，commit {commit() or '未知'}）"


def _print_run(run: AnswerRun) -> None:
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


def _print_learnt(learnt: Learnt) -> None:
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
