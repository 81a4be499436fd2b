"""The one console command, ``casebook``: each package brings its own part."""

import typer

import api.cli
import api.cli_feedback
import api.cli_keys
import api.cli_mcp
import api.cli_state
import eval.cli
import eval.cli_lexicon
import index.cli
import index.cli_ask
import index.cli_expand
import index.cli_verify
import index.cli_versions
import rag.cli

app = typer.Typer(
    name="casebook", help="营商环境案例问答：每个回答都注明出处。", no_args_is_help=True
)
for part in (
    index.cli.app,
    index.cli_ask.app,
    index.cli_verify.app,
    index.cli_expand.app,
    index.cli_versions.app,
    api.cli.app,
    api.cli_feedback.app,
    api.cli_mcp.app,
):
    app.registered_commands.extend(part.registered_commands)
app.add_typer(api.cli_state.app)
app.add_typer(api.cli_keys.app)
app.add_typer(rag.cli.app)
app.add_typer(eval.cli.app)
app.add_typer(eval.cli_lexicon.app)

if __name__ == "__main__":
    app()
