"""``casebook verify``: whether quotations stand in the cases."""

from __future__ import annotations

import json
import sys
from typing import TYPE_CHECKING, Annotated

import typer
from rich.console import Console
from rich.table import Table
from rich.text import Text

from index.cli import DEFAULT_INDEX, AsJson, IndexFolder
from rag.exits import errors_in_words

if TYPE_CHECKING:
    from rag.verification import QuotedPlace, Verification, VerifiedQuote

app = typer.Typer()

_EXIT_NOT_EXACT = 4
_WORDS = {"exact": "一致", "fuzzy": "有出入", "absent": "没有"}
_STYLES = {"exact": "green", "fuzzy": "bold yellow", "absent": "bold red"}
_FOLDS = {"space": "空白", "width": "全半角", "punctuation": "标点", "script": "繁简"}
_MOST_ROWS = 3
"""Places listed of one quotation; `--json` has more."""


@app.command()
def verify(
    text: Annotated[str, typer.Argument(help="带引文的文字；写 - 则从标准输入读。")],
    *,
    case: Annotated[
        str | None, typer.Option("--case", help="文中注明的案例编号；不写则在全部案例里找。")
    ] = None,
    sentences: Annotated[
        bool, typer.Option("--sentences", help="不管引号，逐句核对全文。")
    ] = False,
    index: IndexFolder = DEFAULT_INDEX,
    as_json: AsJson = False,
) -> None:
    """核对引文：原文是不是这样写的，在哪里；只用案例原文，不用模型。

    核对引号里的文字；没有引号，或每一句连同引号都见于原文时，逐句核对。全角半角、空白、标点写法、
    繁简之别算一致，并会注明；数字不同绝不算一致。

    退出码：0 全部一致；1 出错；2 参数有误；4 有的引文有出入，或原文没有。
    """
    from index.store import open_cases  # noqa: PLC0415 -- these take a while, which --help should not
    from rag.verification import CitedPlace, verify_text  # noqa: PLC0415 -- as above

    if text == "-":
        text = sys.stdin.read()
    with errors_in_words():
        verification = verify_text(
            open_cases(index),
            text,
            None if case is None else CitedPlace(case),
            scope="sentences" if sentences else "auto",
        )
    if as_json:
        typer.echo(json.dumps(verification.to_json(), ensure_ascii=False, indent=2))
    else:
        _print(verification)
    if verification.verdict != "exact":
        raise typer.Exit(_EXIT_NOT_EXACT)


def _print(verification: Verification) -> None:
    table = Table("引文", "结果", "原文", show_lines=True)
    for quote in verification.quotes:
        verdict = Text(_WORDS[quote.verdict], style=_STYLES[quote.verdict])
        table.add_row(Text(quote.text, overflow="fold"), verdict, _origin(quote))
    Console(highlight=False).print(table)


def _origin(quote: VerifiedQuote) -> Text:
    """Say where a quotation stands, and what of it is otherwise there."""
    rows: list[str] = []
    for place in quote.places[:_MOST_ROWS]:
        rows += [row for row in _rows(place) if row not in rows]  # a case is named once
    if quote.found > _MOST_ROWS:
        rows.append(f"……共 {quote.found} 处")
    for place in quote.elsewhere[:_MOST_ROWS]:
        rows += ["所注的出处没有，另见：", *_rows(place)]
    return Text("\n".join(rows), overflow="fold")


def _rows(place: QuotedPlace) -> list[str]:
    rows = [place.citation.label]
    rows.append(f"{place.citation.file} [{place.citation.start}:{place.citation.end}]")
    if place.folds:
        rows.append("写法不同：" + "、".join(_FOLDS[fold] for fold in place.folds))
    if place.differences:
        rows.append(f"原文：{place.text}")
        changes = "，".join(f"“{it.quoted}”应为“{it.found}”" for it in place.differences)
        rows.append(f"{changes}（相似度 {place.similarity:.3f}）")
    if place.numbers_differ:
        rows.append("注意：数字不同")
    return rows
