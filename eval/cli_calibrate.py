"""``casebook eval calibrate``: learn when to refuse, from questions with and without answers."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.table import Table

from eval.terminal import console_for, print_records
from index.cli import AsJson, ModelsFolder, progress_bars
from rag.exits import errors_in_words
from rag.models import DEFAULT_FOLDER

if TYPE_CHECKING:
    from collections.abc import Sequence

    from eval.calibrate import Learnt
    from eval.dataset import Dataset
    from eval.observed import Asked, Others
    from eval.systems import System
    from index.assemble import Progress

app = typer.Typer()

_HERE = Path(__file__).parent
_DATA = _HERE.parent / "data"
_DEV_QUESTIONS = _HERE / "dev_questions.jsonl"
_UNANSWERABLE = _HERE / "unanswerable.jsonl"
_CHITCHAT = _HERE / "chitchat.jsonl"
_CACHE = Path("var/eval/vectors.sqlite")
_SYSTEMS = ["hybrid", "hybrid-text"]
"""One calibration serves indexes with question expansions and without."""


@app.command()
def calibrate(
    dataset: Annotated[
        Path, typer.Argument(help="题集：问题文件（.jsonl、.csv、.tsv）或 BEIR 文件夹。")
    ] = _DEV_QUESTIONS,
    *,
    unanswerable: Annotated[
        list[Path] | None,
        typer.Option(help="问到案例而原文没有答案的题，可重复；随附的题集默认用随附的一份。"),
    ] = None,
    elsewhere: Annotated[
        list[Path] | None,
        typer.Option(
            help="与案例无关的题（问题文件或 BEIR 文件夹），可重复，每份至多问 600 题；"
            "随附的寒暄与乱语总在其中。"
        ),
    ] = None,
    sources: Annotated[
        list[Path] | None,
        typer.Option("--sources", help="问题文件的引文所在的原文，可重复；默认为随附的案例集。"),
    ] = None,
    system: Annotated[
        list[str] | None,
        typer.Option(help="问哪些系统，可重复，一起拟合；默认为 hybrid 与 hybrid-text。"),
    ] = None,
    systems: Annotated[
        Path | None, typer.Option("--systems", help="声明系统的文件（TOML）；默认为随附的。")
    ] = None,
    split: Annotated[str | None, typer.Option(help="BEIR 文件夹的哪一份判断，如 test。")] = None,
    false_refusals: Annotated[
        float, typer.Option(min=0, max=1, help="有答案的题中允许误拒的比例，各系统都不超过。")
    ] = 0.05,
    denials: Annotated[
        float, typer.Option(min=0, max=1, help="有答案的题中允许误说成“未收录”的比例。")
    ] = 0.01,
    target_risk: Annotated[
        float | None,
        typer.Option(min=0, max=1, help="改按这一条定拒答线：回答的题中没有答案的比例。"),
    ] = None,
    out: Annotated[
        Path | None, typer.Option("--out", "-o", help="写成这个校准文件（calibration.json）。")
    ] = None,
    models: ModelsFolder = DEFAULT_FOLDER,
    as_json: AsJson = False,
) -> None:
    """拟合把握并定出拒答线；报告的数字都出自没有参与拟合的题。

    没有答案的题一半用来拟合，一半留作检验；其余的交叉检验。
    退出码：0 完成；1 出错；2 参数有误。
    """
    from eval.calibrate import Limits, learn  # noqa: PLC0415 -- numpy, faiss: not for --help
    from eval.load import load  # noqa: PLC0415
    from eval.systems import BUNDLED, chosen, read_systems  # noqa: PLC0415

    if denials > false_refusals:
        what = f"{denials} 大于 --false-refusals {false_refusals}：说成未收录也是拒答"
        raise typer.BadParameter(what, param_hint="--denials")
    if unanswerable is None:
        unanswerable = [_UNANSWERABLE] if dataset == _DEV_QUESTIONS else []
    with errors_in_words(), progress_bars() as progress:
        names = system or _SYSTEMS
        declared = [s for s in chosen(read_systems(systems or BUNDLED), names) if s.name in names]
        others = _others(unanswerable, [_CHITCHAT, *(elsewhere or [])])
        collection = load(dataset, sources or [_DATA], split)
        asked = _ask(declared, collection, others, models, progress)
        learnt = learn(asked, Limits(false_refusals, denials, target_risk))
        if out is not None:
            out.write_bytes(learnt.calibration(_provenance(learnt)).to_json())
    if as_json:
        print_records([asdict(learnt)])
        return
    _print(learnt)
    if out is not None:
        typer.echo(f"校准已写进 {out}")


def _others(unanswerable: Sequence[Path], elsewhere: Sequence[Path]) -> Others:
    from eval.load import load_questions, load_unanswerable  # noqa: PLC0415
    from eval.observed import Others  # noqa: PLC0415

    own = load_unanswerable(unanswerable)
    return Others(tuple(own), {path.resolve().stem: load_questions(path) for path in elsewhere})


def _ask(
    systems: Sequence[System], dataset: Dataset, others: Others, models: Path, progress: Progress
) -> list[Asked]:
    from eval.observed import ask_all  # noqa: PLC0415
    from eval.workbench import Workbench  # noqa: PLC0415

    asked: list[Asked] = []
    with Workbench(dataset, models, _CACHE, progress) as bench:
        for system in systems:
            if system.expansions and not dataset.expansions and len(systems) > 1:
                what = f"没有预设问法，{system.name} 不比别的系统多什么，略过"
                typer.echo(f"{dataset.name} {what}", err=True)
                continue
            stage = f"{dataset.name}：{system.name}"

            def show(done: int, total: int, stage: str = stage) -> None:
                progress(stage, done, total)

            retriever = bench.build(system).retriever
            asked += ask_all(system.name, retriever, dataset, others, show)
    return asked


def _provenance(learnt: Learnt) -> str:
    """What was run, on what code, and how well it did; paths by their names alone."""
    from eval.provenance import ran  # noqa: PLC0415

    area = learnt.area
    return (
        f"{ran()}："
        f"{learnt.n} 次提问，交叉检验 AUROC {area.value:.3f} [{area.low:.3f}, {area.high:.3f}]，"
        f"Brier {learnt.brier:.3f}，ECE {learnt.ece:.3f}"
    )


def _print(learnt: Learnt) -> None:
    area = learnt.area
    title = (
        f"拒答线 {learnt.low}（未收录 {learnt.none}）；AUROC {area.value:.3f} "
        f"[{area.low:.3f}, {area.high:.3f}]，Brier {learnt.brier:.3f}，ECE {learnt.ece:.3f}"
    )
    table = Table("系统", "问题", "怎样检验", "拒答", "比例", "AUROC", "95% 区间", title=title)
    for group in learnt.groups:
        shown = group.area
        table.add_row(
            group.system,
            group.name,
            "留出" if group.held_out else "交叉",
            f"{group.refused.some}/{group.refused.n}",
            f"{group.refused.value:.1%}",
            f"{shown.value:.3f}" if shown else "—",
            f"{shown.low:.3f} 至 {shown.high:.3f}" if shown else "—",
        )
    console_for().print(table)
    bins = Table("平均把握", "有答案的比例", "n", title="把握可信吗：两列应相近（加权）")
    for one in learnt.bins:
        bins.add_row(f"{one.confidence:.2f}", f"{one.answerable:.2f}", str(one.n))
    console_for().print(bins)
