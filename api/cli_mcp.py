"""``casebook mcp``: the Model Context Protocol over stdin and stdout."""

from __future__ import annotations

import asyncio
import os
import signal
from pathlib import Path
from types import FrameType
from typing import Annotated, NoReturn

import typer

from rag.exits import errors_in_words

app = typer.Typer()


@app.command(help="以 MCP 协议经标准输入输出提供检索，由 MCP 客户端启动。")
def mcp(
    index: Annotated[Path, typer.Option(envvar="CASEBOOK_INDEX", help="索引所在的文件夹")] = Path(
        "var/index"
    ),
    models: Annotated[
        Path, typer.Option(envvar="CASEBOOK_MODELS", help="已准备的向量模型所在的文件夹")
    ] = Path("var/models"),
) -> None:
    """Serve one client until it closes stdin; stdout carries the protocol alone, stderr the rest.

    Exits with 0 when the client is done or on SIGTERM or Ctrl+C, 1 if the index or the model cannot be had.
    """
    signal.signal(signal.SIGTERM, _exit)
    signal.signal(signal.SIGINT, _exit)
    with errors_in_words():
        _serve(index, models)


def _serve(index: Path, models: Path) -> None:
    # These take two seconds and more to import, which `casebook --help` should not.
    from api.admission import Turnstile  # noqa: PLC0415
    from api.case_schemas import Facets  # noqa: PLC0415
    from api.mcp_server import mcp_server, serve_stdio  # noqa: PLC0415
    from api.mcp_tools import tools_of  # noqa: PLC0415
    from index.store import open_index  # noqa: PLC0415
    from rag.ask import Asker  # noqa: PLC0415
    from rag.verification import Verifier  # noqa: PLC0415

    assistant = open_index(index, models).assistant
    cases = assistant.cases
    tools = tools_of(Asker(assistant), Facets.from_cases(cases), Verifier(cases))
    asyncio.run(serve_stdio(mcp_server(assistant, tools, Turnstile())))


def _exit(_signal: int, _frame: FrameType | None) -> NoReturn:
    # At once: a thread waits for the next line of stdin, and nothing is open that would need closing.
    os._exit(0)
