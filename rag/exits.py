"""How a command ends when something is wrong: one sentence on stderr, exit code 1."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import typer

from rag.errors import CasebookError


@contextmanager
def errors_in_words(code: int = 1) -> Iterator[None]:
    """Turn what Casebook raises on purpose, and what the disk refuses, into one sentence.

    Args:
        code: The exit code.

    Raises:
        typer.Exit: With that code.
    """
    try:
        yield
    except CasebookError as error:
        typer.echo(f"错误：{error}", err=True)
        raise typer.Exit(code) from None
    except OSError as error:
        where = f"{error.filename}：" if error.filename else ""
        typer.echo(f"错误：{where}{error.strerror or error}；请检查路径、权限和磁盘空间", err=True)
        raise typer.Exit(code) from None
