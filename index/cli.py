"""``casebook build | check | search``: the index on the command line."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    TaskID,
    TextColumn,
    TimeElapsedColumn,
)
from rich.table import Table
from rich.text import Text

from rag.chunk import DEFAULT_CUT, Cut
from rag.exits import errors_in_words
from rag.models import DEFAULT_FOLDER, DEFAULT_MODEL

app = typer.Typer()

IndexFolder = Annotated[
    Path, typer.Option("--index", envvar="CASEBOOK_INDEX", help="索引所在的文件夹。")
]
ModelsFolder = Annotated[
    Path, typer.Option("--models", envvar="CASEBOOK_MODELS", help="存放已准备模型的文件夹。")
]


AsJson = Annotated[bool, typer.Option("--json", help="以 JSON 输出。")]


def _worded(question: str) -> str:
    if not question.strip():
        what = "问题是空的"
        raise typer.BadParameter(what)
    if any("\ud800" <= character <= "\udfff" for character in question):
        # What Python makes of bytes that are no text.
        what = "问题不是合法的 UTF-8 文字"
        raise typer.BadParameter(what)
    return question


Question = Annotated[str, typer.Argument(callback=_worded, help="问题，日常的说法即可。")]
Districts = Annotated[list[str] | None, typer.Option("--district", help="只查这些区，可重复。")]
Collections = Annotated[
    list[str] | None, typer.Option("--collection", help="只查这些案例集，可重复。")
]
Years = Annotated[list[int] | None, typer.Option("--year", help="只查这些年份，可重复。")]

DEFAULT_INDEX = Path("var/index")
_EXIT_SKIPPED = 3


@app.command()
def build(
    paths: Annotated[list[Path], typer.Argument(help="案例文件（.txt、.md）或文件夹。")],
    *,
    index: IndexFolder = DEFAULT_INDEX,
    models: ModelsFolder = DEFAULT_FOLDER,
    model: Annotated[
        str, typer.Option(envvar="CASEBOOK_MODEL", help="已准备的模型名。")
    ] = DEFAULT_MODEL,
    max_tokens: Annotated[
        int, typer.Option(min=16, help="每个段落最多多少个词元（约等于字数）。")
    ] = DEFAULT_CUT.max_tokens,
    query_prompt: Annotated[
        str | None, typer.Option(help="远程编码器：加在每个问题前的指令。")
    ] = None,
    passage_prompt: Annotated[
        str | None, typer.Option(help="远程编码器：加在每段原文前的指令。")
    ] = None,
    force: Annotated[bool, typer.Option("--force", help="内容没有变化也重新建立。")] = False,
    as_json: AsJson = False,
) -> None:
    """用给出的文件建立索引，替换现有的索引。

    退出码：0 完成；1 失败，原有索引不变；2 参数有误；3 完成，但有文件读不了、已跳过。
    """
    # numpy, faiss and onnxruntime take a second to import, which `casebook --help` should not.
    from index.build import build as build_index  # noqa: PLC0415
    from index.recipe import Recipe  # noqa: PLC0415
    from rag.encoders import load_encoder  # noqa: PLC0415

    with errors_in_words(), progress_bars() as progress:
        encoder = load_encoder(
            model, models, query_prompt=query_prompt, passage_prompt=passage_prompt
        )
        report = build_index(
            paths, index, encoder, recipe=Recipe(Cut(max_tokens)), force=force, on_progress=progress
        )
    manifest = report.version.manifest
    if as_json:
        _print_json(
            {
                "version": report.version.name,
                "fresh": report.fresh,
                "cases": manifest.cases,
                "passages": manifest.passages,
                "sentences": manifest.sentences,
                "encoder": manifest.encoder.name,
                "skipped": [str(failure) for failure in report.failures],
            }
        )
    else:
        state = "已建立" if report.fresh else "没有变化，沿用"
        typer.echo(
            f"{state}索引 {report.version.name}：{len(manifest.sources)} 个文件，{manifest.cases} 个案例，"
            f"{manifest.passages} 个段落，{manifest.sentences} 个句子；编码器 {manifest.encoder.name}"
        )
        for failure in report.failures:
            typer.echo(f"已跳过 {failure}", err=True)
    if report.failures:
        raise typer.Exit(_EXIT_SKIPPED)


@app.command()
def check(
    *,
    index: IndexFolder = DEFAULT_INDEX,
    models: ModelsFolder = DEFAULT_FOLDER,
    version: Annotated[
        str | None, typer.Option("--version", help="核对哪个版本；默认是现在使用的。")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """核对索引：每个文件、每个引文位置、编码器，并用已知出处的问题试查。

    退出码：0 全部正常；1 有问题；2 参数有误。
    """
    from index.check import check as check_index  # noqa: PLC0415

    findings = check_index(index, models, version)
    if as_json:
        _print_json([{"check": f.name, "ok": f.ok, "detail": f.detail} for f in findings])
    else:
        table = Table("核对", "结果", "说明", title=str(index))
        for finding in findings:
            mark = Text("正常", style="green") if finding.ok else Text("有误", style="bold red")
            table.add_row(finding.name, mark, Text(finding.detail, overflow="fold"))
        Console().print(table)
    if not all(finding.ok for finding in findings):
        raise typer.Exit(1)


@app.command()
def search(
    question: Question,
    *,
    top_k: Annotated[int, typer.Option("--top-k", "-k", min=1, max=50, help="段落数。")] = 5,
    district: Districts = None,
    collection: Collections = None,
    year: Years = None,
    index: IndexFolder = DEFAULT_INDEX,
    models: ModelsFolder = DEFAULT_FOLDER,
    by_case: Annotated[
        bool, typer.Option("--by-case", help="把段落归在各自的案例下，编号仍是名次。")
    ] = False,
    as_json: AsJson = False,
) -> None:
    """查找能回答问题的段落，每段都注明出处。

    退出码：0 有结果；1 出错；2 参数有误；4 案例集没有回答，列出的只是最接近的段落。
    """
    from index.store import open_index  # noqa: PLC0415
    from index.terminal import print_findings  # noqa: PLC0415
    from rag.filters import Filters  # noqa: PLC0415

    filters = Filters(tuple(district or ()), tuple(collection or ()), tuple(year or ()))
    with errors_in_words():
        assistant = open_index(index, models).assistant
        findings = assistant.search(question, limit=top_k, filters=filters)
    if as_json:
        _print_json(findings.to_json(by_case=by_case))
    else:
        print_findings(findings, by_case=by_case)
    if findings.abstained:
        raise typer.Exit(4)


def _print_json(value: object) -> None:
    typer.echo(json.dumps(value, ensure_ascii=False, indent=2))


@contextmanager
def progress_bars() -> Iterator[Callable[[str, int, int], None]]:
    """Show a bar for each stage of a build, on stderr and only to a person."""
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn())
    console = Console(stderr=True)
    hidden = not console.is_terminal
    with Progress(*columns, TimeElapsedColumn(), console=console, disable=hidden) as bars:
        tasks: dict[str, TaskID] = {}

        def show(stage: str, done: int, total: int) -> None:
            if stage not in tasks:
                tasks[stage] = bars.add_task(stage, total=total)
            bars.update(tasks[stage], completed=done)

        yield show
