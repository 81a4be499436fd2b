"""``casebook versions | rollback``: which versions of an index there are, and going back to one."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Annotated

import typer
from rich.console import Console
from rich.table import Table
from rich.text import Text

from index.cli import DEFAULT_INDEX, AsJson, IndexFolder
from rag.exits import errors_in_words

if TYPE_CHECKING:
    from index.listing import Listed

app = typer.Typer()


@app.command()
def versions(*, index: IndexFolder = DEFAULT_INDEX, as_json: AsJson = False) -> None:
    """列出索引的各个版本，并核对每个文件。

    退出码：0 全部完好；1 有版本不能用，或没有索引；2 参数有误。
    """
    from index.listing import listed  # noqa: PLC0415 -- takes a second, which --help should not

    with errors_in_words():
        found = listed(index)
    if as_json:
        records = [version.to_json() for version in found]
        typer.echo(json.dumps(records, ensure_ascii=False, indent=2))
    else:
        _print(found, str(index))
    if not any(version.current for version in found):
        typer.echo(
            "CURRENT 没有指向其中任何一个；请运行：casebook rollback（退回最新的完好版本）",
            err=True,
        )
        raise typer.Exit(1)
    if any(version.fault for version in found):
        raise typer.Exit(1)


@app.command()
def rollback(
    version: Annotated[
        str | None,
        typer.Argument(help="版本名，或连字符之前的部分；不写则退回现有版本之前最新的完好版本。"),
    ] = None,
    *,
    index: IndexFolder = DEFAULT_INDEX,
    as_json: AsJson = False,
) -> None:
    """启用较早的版本（或指定的任一版本）：先核对每个文件，再改指向；正在运行的服务会自己换过去。

    退出码：0 完成；1 失败，仍用原来的版本；2 参数有误。
    """
    from index.rollback import rollback as roll_back  # noqa: PLC0415 -- as above

    with errors_in_words():
        found = roll_back(index, version)
    manifest = found.manifest
    if as_json:
        record = {"version": found.name, "cases": manifest.cases, "passages": manifest.passages}
        typer.echo(json.dumps(record, ensure_ascii=False, indent=2))
    else:
        typer.echo(
            f"现在使用 {found.name}：{manifest.cases} 个案例，{manifest.passages} 个段落；"
            f"编码器 {manifest.encoder.name}"
        )


def _print(found: list[Listed], title: str) -> None:
    """Print a table; what is wrong with a version stands below it in full."""
    table = Table("版本", "建立时间", "案例", "段落", "编码器", "大小", "状态", title=title)
    for version in found:
        known = version.manifest
        state = Text("损坏或不能用", "bold red") if version.fault else Text("完好", "green")
        table.add_row(
            Text("→ " if version.current else "  ").append(version.name),
            f"{version.written_at.astimezone():%Y-%m-%d %H:%M}" if version.written_at else "",
            str(known.cases) if known else "",
            str(known.passages) if known else "",
            known.encoder.name if known else "",
            f"{version.size / 2**20:.1f} MB",
            state,
        )
    console = Console()
    console.print(table)
    for version in found:
        if version.fault:
            console.print(Text(f"{version.name}：{version.fault}"), soft_wrap=True)
