"""``casebook state``: what a service keeps, backed up, checked, read and erased; it may be running."""

from __future__ import annotations

import getpass
import json
from collections.abc import Iterator
from contextlib import closing
from dataclasses import asdict
from datetime import datetime
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from api.keeping import STATE
from rag.exits import errors_in_words

if TYPE_CHECKING:
    from api.state_file import Schema

app = typer.Typer(
    name="state", help="服务留存的内容：读者意见、提问记录、审计日志。", no_args_is_help=True
)

_Folder = Annotated[
    Path, typer.Option("--state", envvar="CASEBOOK_STATE", help="存放这些内容的文件夹")
]


class Erasable(StrEnum):
    """What can be erased before its time."""

    FEEDBACK = "feedback"
    QUERIES = "queries"


class Kept(StrEnum):
    """What can be read."""

    FEEDBACK = "feedback"
    QUERIES = "queries"
    AUDIT = "audit"


@app.command(help="备份到一个新的文件夹；服务可以照常运行。")
def backup(
    to: Annotated[Path, typer.Argument(help="要新建的文件夹")], state: _Folder = STATE
) -> None:
    """Copy what is kept into a new folder, each file checked.

    Exits with 0, or with 1 if it cannot be copied; then there is no folder.
    """
    from api.state import SCHEMAS  # noqa: PLC0415 - opens SQLite, as below
    from api.state_file import back_up  # noqa: PLC0415

    with errors_in_words():
        _note(state, "state backup")
        copies = back_up(state, to, SCHEMAS)
    for copy in copies:
        typer.echo(f"{copy}（{copy.stat().st_size} 字节）")


@app.command(help="检查各文件是否完好，审计日志的哈希链是否连续。")
def check(
    state: _Folder = STATE,
    *,
    known: Annotated[
        str | None,
        typer.Option("--hash", help="以前记下的一条审计日志的哈希；没有这一条则报错"),
    ] = None,
) -> None:
    """Read every file as a whole, and follow the chain of the audit log.

    Exits with 0, or with 1 at what is damaged or was changed.
    """
    from api import audit_log, query_log, state_file  # noqa: PLC0415
    from api.state import SCHEMAS  # noqa: PLC0415
    from rag.errors import StateUnavailableError  # noqa: PLC0415

    with errors_in_words():
        present = [schema for schema in SCHEMAS if (state / schema.file).is_file()]
        if not present:
            message = f"{state} 里什么也没有；若存在别处，请用 --state 指明那个文件夹"
            raise StateUnavailableError(message)
        for schema in present:
            rows = state_file.check(state, schema)
            typer.echo(f"{schema.what}：完好，{rows} 条")
            if schema is query_log.SCHEMA and (lost := query_log.lost_queries(state)):
                typer.echo(f"  另有 {lost} 条来不及写")
        if audit_log.SCHEMA in present:
            last = audit_log.verified(state, known=known)
            if last is not None:
                typer.echo(f"  哈希链连续，到第 {last.number} 条，哈希 {last.hash}")
        elif known is not None:
            message = f"{state} 里没有审计日志，无从核对 --hash"
            raise StateUnavailableError(message)


@app.command(help="导出，每行一条 JSON。")
def export(
    what: Annotated[Kept, typer.Argument(help="feedback 意见、queries 提问、audit 审计日志")],
    state: _Folder = STATE,
) -> None:
    """Write what is kept to the standard output.

    Exits with 0, or with 1 if nothing has been kept there or it cannot be read.
    """
    with errors_in_words():
        _note(state, f"state export {what}")
        for record in _records(what, state):
            typer.echo(json.dumps(record, ensure_ascii=False))


@app.command(help="删除意见或提问，不留痕迹；至少给出一个条件，给出几个则须同时满足。")
def purge(
    what: Annotated[Erasable, typer.Argument(help="feedback 意见、queries 提问")],
    before: Annotated[
        datetime | None,
        typer.Option(formats=["%Y-%m-%d"], help="删除这一天（零点，UTC）以前的"),
    ] = None,
    containing: Annotated[
        str | None, typer.Option(help="删除含有这些字的，例如要求删除的人的姓名")
    ] = None,
    state: _Folder = STATE,
) -> None:
    """Erase feedback or questions, and note in the audit log that it was done.

    Exits with 0, 1 if it cannot be done, 2 if no condition is given.
    """
    from api.state_file import StateFile, reading  # noqa: PLC0415

    if before is None and not containing:
        typer.echo("请给出 --before 或 --containing", err=True)
        raise typer.Exit(2)
    schema, time, texts = _place(what)
    conditions, values = list[str](), list[str]()
    if before is not None:
        conditions.append(f"{time} < ?")
        values.append(before.strftime("%Y-%m-%d"))
    if containing:
        conditions.append("(" + " OR ".join(f"instr({text}, ?)" for text in texts) + ")")
        values += [containing] * len(texts)
    with errors_in_words(), closing(StateFile(state, schema)) as file:
        with reading(state, schema):
            pass  # an error where there is none, instead of a new one
        _note(state, f"state purge {what}")
        rows = file.erase(" AND ".join(conditions), values)
    typer.echo(f"已删除{schema.what} {rows} 条；以前的备份里还有，请一并处理")


def _place(what: Erasable) -> tuple[Schema, str, tuple[str, ...]]:
    """Name a file, its column of times and those of texts."""
    from api import feedback_store, query_log  # noqa: PLC0415

    if what is Erasable.FEEDBACK:
        return feedback_store.SCHEMA, "received_at", ("query", "coalesce(comment, '')")
    return query_log.SCHEMA, "asked_at", ("query",)


def _records(what: Kept, state: Path) -> Iterator[dict[str, Any]]:
    from api import audit_log, feedback_store, query_log  # noqa: PLC0415

    if what is Kept.FEEDBACK:
        for said in feedback_store.read_feedback(state):
            yield {
                "id": said.number,
                "received_at": said.received_at,
                **asdict(said.feedback),
            }
    elif what is Kept.QUERIES:
        for query in query_log.read_queries(state):
            yield {"id": query.number, "asked_at": query.asked_at, **asdict(query.asked)}
    else:
        for entry in audit_log.read_entries(state):
            yield {
                "number": entry.number,
                "at": entry.at,
                **asdict(entry.entry),
                "hash": entry.hash,
            }


def _note(state: Path, action: str) -> None:
    """Note in the audit log, where there is one, who reads or erases what is kept."""
    from api.audit_log import SCHEMA, AuditLog, Entry  # noqa: PLC0415

    if (state / SCHEMA.file).is_file():
        with closing(AuditLog(state)) as log:
            log.append(Entry(action, client=f"user:{getpass.getuser()}"))
