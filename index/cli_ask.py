"""``casebook ask``: an answer on the command line."""

from __future__ import annotations

import json
from typing import Annotated

import typer

from index.cli import (
    DEFAULT_INDEX,
    AsJson,
    Collections,
    Districts,
    IndexFolder,
    ModelsFolder,
    Question,
    Years,
)
from rag.exits import errors_in_words
from rag.models import DEFAULT_FOLDER

app = typer.Typer()


@app.command()
def ask(
    question: Question,
    *,
    top_k: Annotated[
        int, typer.Option("--top-k", "-k", min=1, max=50, help="最多依据几个段落。")
    ] = 5,
    district: Districts = None,
    collection: Collections = None,
    year: Years = None,
    llm: Annotated[
        str | None,
        typer.Option(
            envvar="CASEBOOK_LLM",
            help="为回答行文的语言模型：openai:模型名@http://主机/v1，逐句核对；"
            "密钥放在环境变量 CASEBOOK_LLM_KEY；不给则只用原文语句。",
        ),
    ] = None,
    index: IndexFolder = DEFAULT_INDEX,
    models: ModelsFolder = DEFAULT_FOLDER,
    as_json: AsJson = False,
) -> None:
    """回答问题，每句都注明出处；不给语言模型时只用原文语句。

    退出码：0 有回答；1 出错；2 参数有误；4 案例集没有回答，列出的只是最接近的段落。
    """
    from index.answer_terminal import print_answer  # noqa: PLC0415
    from index.store import open_index  # noqa: PLC0415
    from rag.ask import Asker  # noqa: PLC0415
    from rag.filters import Filters  # noqa: PLC0415

    filters = Filters(tuple(district or ()), tuple(collection or ()), tuple(year or ()))
    with errors_in_words():
        writer = None
        if llm:
            from rag.writer import writer_of  # noqa: PLC0415

            writer = writer_of(llm)
        asker = Asker(open_index(index, models).assistant, writer)
        answer = asker.ask(question, limit=top_k, filters=filters, worded=writer is not None)
    if as_json:
        typer.echo(json.dumps(answer.to_json(), ensure_ascii=False, indent=2))
    else:
        print_answer(answer)
    if answer.abstained:
        raise typer.Exit(4)
