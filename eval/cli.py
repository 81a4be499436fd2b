"""``casebook eval``: the commands, gathered."""

from __future__ import annotations

import typer

import eval.cli_answers
import eval.cli_calibrate
import eval.cli_data
import eval.cli_results
import eval.cli_run

app = typer.Typer(
    name="eval",
    help="检索评测：跑出一张带区间的表，看哪些题错了、错在哪一步。",
    no_args_is_help=True,
)
for part in (
    eval.cli_run.app,
    eval.cli_answers.app,
    eval.cli_calibrate.app,
    eval.cli_results.app,
    eval.cli_data.app,
):
    app.registered_commands.extend(part.registered_commands)


@app.callback()
def _group() -> None:
    """检索评测：跑出一张带区间的表，看哪些题错了、错在哪一步。"""
