"""``casebook eval``: how well does this index answer?"""

from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.progress import Progress
from rich.table import Table

from index.cli import DEFAULT_INDEX, AsJson, IndexFolder, ModelsFolder
from rag.exits import errors_in_words
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
    index: IndexFolder = DEFAULT_INDEX,
    models: ModelsFolder = DEFAULT_FOLDER,
    as_json: AsJson = False,
) -> None:
    """用一组问题评测现有索引：证据排在第几？

    退出码：0 完成；1 出错；2 参数有误。
    """
    # numpy, faiss and onnxruntime take a second to import, which `casebook --help` should not.
    from eval.questions import read_questions, require_quotes  # noqa: PLC0415
    from eval.run import run, summarize  # noqa: PLC0415
    from index.store import open_index  # noqa: PLC0415

    with errors_in_words():
        asked = read_questions(questions)
        assistant = open_index(index, models).assistant
        require_quotes(asked, {case.source.text for case in assistant.cases})
        with Progress(console=Console(stderr=True), transient=True) as bars:
            task = bars.add_task("评测", total=len(asked))
            outcomes = run(
                assistant, asked, on_progress=lambda done: bars.update(task, completed=done)
            )
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
