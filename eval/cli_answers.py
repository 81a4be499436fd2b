"""``casebook eval answers | calibrate-answers``: how answers do, and what they are chosen by."""

from __future__ import annotations

import json
import shlex
import sys
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from eval.answer_terminal import print_answers, print_learnt
from eval.cli_run import DEV_QUESTIONS, VECTORS, OneDataset, Sources, Split, Systems, loaded
from eval.terminal import print_records
from index.cli import AsJson, ModelsFolder, progress_bars
from rag.exits import errors_in_words
from rag.models import DEFAULT_FOLDER

if TYPE_CHECKING:
    from collections.abc import Sequence

    from eval.answer_learning import Studied
    from eval.dataset import Dataset
    from eval.systems import System
    from index.assemble import Progress

app = typer.Typer()

_UNANSWERABLE = Path(__file__).parent / "unanswerable.jsonl"
_RUNS = Path("var/eval/answers")
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
    llm: Annotated[
        str | None,
        typer.Option(
            help="由语言模型行文：openai:模型名@http://主机/v1；密钥放在环境变量 CASEBOOK_LLM_KEY。"
        ),
    ] = None,
    out: Annotated[Path, typer.Option(help="结果存放的文件夹。")] = _RUNS,
    models: ModelsFolder = DEFAULT_FOLDER,
    as_json: AsJson = False,
) -> None:
    """逐题作答，核对每句的出处、证据、区、数字与拒答，并存下每题的回答。

    退出码：0 完成；1 出错；2 参数有误。
    """
    from eval.answer_record import record_of  # noqa: PLC0415 -- numpy, faiss: not for --help
    from eval.answer_run import Answerer, assistant_of, run_answers  # noqa: PLC0415
    from eval.load import load_unanswerable  # noqa: PLC0415
    from eval.support import clauses_stand  # noqa: PLC0415
    from eval.workbench import Workbench  # noqa: PLC0415
    from rag.ask import Asker  # noqa: PLC0415
    from rag.writer import writer_of  # noqa: PLC0415

    if unanswerable is None:
        unanswerable = [_UNANSWERABLE] if dataset == DEV_QUESTIONS else []
    with errors_in_words(), progress_bars() as progress:
        (declared,) = _declared([system], systems)
        collection = _quoted(dataset, sources, split)
        others = load_unanswerable(
            unanswerable, {question.question_id for question in collection.questions}
        )
        with Workbench(collection, models, VECTORS, progress) as bench:
            built = bench.build(declared)
            assistant = assistant_of(built)
            asker = Asker(assistant, writer_of(llm) if llm else None)
            answer = partial(asker.ask, worded=llm is not None)
            run = run_answers(
                bench,
                built,
                Answerer(answer, assistant.search, clauses_stand),
                unanswerable=others,
                command=_command(),
                on_progress=lambda done, total: progress("作答", done, total),
            )
        record = record_of(run)
        name = f"{declared.name}-llm" if llm else declared.name
        file = out / collection.name / f"{name}.json"
        file.parent.mkdir(parents=True, exist_ok=True)
        text = json.dumps(record, ensure_ascii=False, indent=1)
        file.write_text(f"{text}\n", encoding="utf-8", newline="\n")
    if as_json:
        print_records([record])
        return
    print_answers(run)
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
    from eval.provenance import ran  # noqa: PLC0415

    with errors_in_words(), progress_bars() as progress:
        declared = _declared(system or _SYSTEMS, systems)
        collection = _quoted(dataset, sources, split)
        studied = _study(declared, collection, models, progress)
        texts = {source.name: source.text for source in collection.sources}
        learnt = learn(studied, texts, threshold)
        if out is not None:
            out.write_text(toml_of(learnt, ran()), encoding="utf-8", newline="\n")
    if as_json:
        from dataclasses import asdict  # noqa: PLC0415

        print_records([asdict(learnt)])
        return
    print_learnt(learnt)
    if out is not None:
        typer.echo(f"已写进 {out}")


def _declared(names: Sequence[str], file: Path | None) -> list[System]:
    """The systems of these names, as declared."""
    from eval.systems import BUNDLED, chosen, read_systems  # noqa: PLC0415

    return [s for s in chosen(read_systems(file or BUNDLED), names) if s.name in names]


def _quoted(path: Path, sources: list[Path] | None, split: str | None) -> Dataset:
    """Load a dataset whose evidence is quotes.

    Raises:
        DatasetError: If whole documents are judged: that one is cited does not say what is right.
    """
    from eval.load import DatasetError  # noqa: PLC0415

    dataset = loaded(path, sources, split)
    if dataset.by_document:
        message = (
            f"{path}：判断的是整篇文档，没有引文，无从核对回答；"
            "请给出带引文的问题文件（.jsonl、.csv、.tsv）"
        )
        raise DatasetError(message)
    return dataset


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
