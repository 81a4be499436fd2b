"""``casebook eval``: how well does this index answer?"""

from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.progress import track
from rich.table import Table

from rag.errors import CasebookError
from rag.models import DEFAULT_FOLDER

app = typer.Typer(name="eval", help="检索评测。", no_args_is_help=True)

_DEV_QUESTIONS = Path(__file__).parent / "dev_questions.jsonl"


@app.callback()
def _group() -> None:
    """检索评测。"""


@app.command("run")
def run_command(
    questions: Annotated[
        Path, typer.Argument(help="带原文引文的问题（JSONL），默认为随附的开发集。")
    ] = _DEV_QUESTIONS,
    *,
    index: Annotated[Path, typer.Option(envvar="CASEBOOK_INDEX", help="索引所在的文件夹。")] = Path(
        "var/index"
    ),
    models: Annotated[
        Path, typer.Option(envvar="CASEBOOK_MODELS", help="存放已准备模型的文件夹。")
    ] = DEFAULT_FOLDER,
    as_json: Annotated[bool, typer.Option("--json", help="以 JSON 输出。")] = False,
) -> None:
    """用一组问题评测现有索引：证据排在第几？

    退出码：0 完成；1 出错；2 参数有误。
    """
    from eval.questions import read_questions, require_quotes  # noqa: PLC0415 -- see index.cli
    from eval.run import run, summarize  # noqa: PLC0415
    from index.store import current_version, open_index  # noqa: PLC0415
    from rag.encoders import load_encoder  # noqa: PLC0415

    try:
        asked = read_questions(questions)
        encoder = load_encoder(current_version(index).manifest.encoder.name, models)
        assistant = open_index(index, encoder)
        require_quotes(asked, {case.source.text for case in assistant.cases})
    except CasebookError as error:
        typer.echo(f"错误：{error}", err=True)
        raise typer.Exit(1) from None
    shown = track(asked, description="评测", console=Console(stderr=True), transient=True)
    outcomes = [outcome for question in shown for outcome in run(assistant, [question])]
    types = dict.fromkeys(outcome.question.type for outcome in outcomes if outcome.ranks)
    summaries = [summarize("all", outcomes)] + [
        summarize(kind, [o for o in outcomes if o.question.type == kind]) for kind in types
    ]
    if as_json:
        typer.echo(json.dumps([asdict(summary) for summary in summaries], indent=2))
        return
    table = Table("type", "n", "R@1", "R@5", "R@10", "RR@10", "误拒", title=assistant.index_version)
    for s in summaries:
        means = (s.recall_1, s.recall_5, s.recall_10, s.rr_10)
        table.add_row(s.name, str(s.n), *(f"{value:.3f}" for value in means), str(s.refused))
    console = Console()
    console.print(table)
    total = summaries[0]
    console.print(f"无答案的问题：{total.unanswerable} 个，拒答 {total.unanswerable_refused} 个")
