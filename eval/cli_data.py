"""``casebook eval import | export | list``: test collections and runs, in and out."""

from __future__ import annotations

import shlex
import sys
from pathlib import Path
from typing import Annotated

import typer
from rich.table import Table

from eval.terminal import console_for, print_json, print_rows
from index.cli import AsJson, ModelsFolder
from rag.exits import errors_in_words
from rag.models import DEFAULT_FOLDER

app = typer.Typer()

_DATA = Path(__file__).parent.parent / "data"
Sources = Annotated[
    list[Path] | None,
    typer.Option("--sources", help="引文所在的原文，可重复；默认为随附的案例集。"),
]
Split = Annotated[str | None, typer.Option(help="BEIR 文件夹的哪一份判断，如 test。")]


@app.command("list")
def list_command(
    folder: Annotated[Path, typer.Argument(help="装着题集的文件夹。")] = Path(__file__).parent,
    *,
    as_json: AsJson = False,
) -> None:
    """列出一个文件夹里的题集；读不了的说明为什么。

    退出码：0 完成；1 出错；2 参数有误。
    """
    from eval.load import list_datasets  # noqa: PLC0415 -- numpy: not for --help

    with errors_in_words():
        found = list_datasets(folder)
    if as_json:
        print_json(found)
        return
    table = Table("题集", "形式", "题数", "有答案", "文档", "说明", title=str(folder))
    for one in found:
        counts = (one.questions, one.answerable, one.documents)
        shown = ("—" if count is None else str(count) for count in counts)
        table.add_row(one.name, one.kind, *shown, one.fault)
    console_for().print(table)


@app.command("import")
def import_command(
    run: Annotated[Path, typer.Argument(help="别的系统的排名（TREC run 文件，六列）。")],
    dataset: Annotated[Path, typer.Argument(help="它回答的题集：问题文件或 BEIR 文件夹。")],
    *,
    name: Annotated[str, typer.Option(help="把那个系统叫做什么。")],
    qrels: Annotated[
        Path | None, typer.Option(help="对它排出的文档的判断（TREC qrels 文件，四列）。")
    ] = None,
    sources: Sources = None,
    split: Split = None,
    out: Annotated[Path, typer.Option(help="结果存放的文件夹。")] = Path("var/eval/runs"),
) -> None:
    """导入别的系统的排名，与这里的结果同样计算、比较、出报告。

    存下的结果本身就是 TREC 文件（run.txt、qrels.txt），别的工具可直接读。
    退出码：0 完成；1 出错；2 参数有误。
    """
    from eval.archive import save  # noqa: PLC0415 -- numpy, ir_measures: not for --help
    from eval.imported import imported  # noqa: PLC0415
    from eval.load import load  # noqa: PLC0415
    from eval.trec import read_qrels, read_run  # noqa: PLC0415

    with errors_in_words():
        collection = load(dataset, sources or [_DATA], split)
        asked = {question.question_id for question in collection.questions}
        result = imported(
            collection,
            read_run(run),
            name,
            qrels=read_qrels(qrels, asked) if qrels else None,
            command=shlex.join(["casebook", *sys.argv[1:]]),
        )
        _print_notes(result.notes)
        folder = out / result.provenance.dataset / name
        save(result, folder)
    print_rows([result])
    typer.echo(f"结果在 {folder}")


@app.command("export")
def export_command(
    dataset: Annotated[Path, typer.Argument(help="题集：问题文件或 BEIR 文件夹。")],
    to: Annotated[
        Path, typer.Argument(help="写到哪里：.jsonl、.csv、.tsv 文件，或 BEIR 文件夹（没有后缀）。")
    ],
    *,
    sources: Sources = None,
    split: Split = None,
    models: ModelsFolder = DEFAULT_FOLDER,
) -> None:
    """把题集写成另一种形式；表格填好的题目也这样变成问题文件。

    引文写成 BEIR 文件夹时，文档就是默认切分的段落。
    退出码：0 完成；1 出错；2 参数有误。
    """
    from eval.load import export, load  # noqa: PLC0415 -- numpy: not for --help
    from eval.qrels import judged_passages  # noqa: PLC0415
    from rag.encoders import load_encoder  # noqa: PLC0415
    from rag.models import DEFAULT_MODEL  # noqa: PLC0415

    with errors_in_words():
        collection = load(dataset, sources or [_DATA], split)
        _print_notes(collection.notes)
        if to.suffix or collection.by_document:
            export(collection, to)
        else:
            count = load_encoder(DEFAULT_MODEL, models).count_tokens
            export(collection, to, *judged_passages(collection, count))
    typer.echo(f"已把 {collection.name}（{len(collection.questions)} 题）写到 {to}")


def _print_notes(notes: tuple[str, ...]) -> None:
    for note in notes:
        typer.echo(note, err=True)
