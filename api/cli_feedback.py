"""``casebook feedback``: what people have said of answers."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from api.keeping import STATE
from rag.exits import errors_in_words

if TYPE_CHECKING:
    from api.feedback_store import KeptFeedback

app = typer.Typer()

_REASONS = {
    "wrong_place": "出处不对",
    "wrong_district": "不是要找的区",
    "outdated": "已过时",
    "incomplete": "不完整",
    "off_topic": "答非所问",
    "other": "其他",
}


@app.command(help="列出收到的意见，先到的在前。")
def feedback(
    state: Annotated[
        Path, typer.Option(envvar="CASEBOOK_STATE", help="存放读者意见的文件夹")
    ] = STATE,
    *,
    as_json: Annotated[bool, typer.Option("--json", help="每行一条 JSON")] = False,
) -> None:
    """List the feedback that is kept; the service may be running.

    Exits with 0, or with 1 if nothing has been kept there or it cannot be read.
    """
    from api.feedback_store import read_feedback  # noqa: PLC0415 - opens SQLite

    with errors_in_words():
        kept = read_feedback(state)
    for one in kept:
        typer.echo(
            json.dumps(_record(one), ensure_ascii=False) if as_json else "\n".join(_lines(one))
        )


def _record(kept: KeptFeedback) -> dict[str, Any]:
    said = kept.feedback
    return {
        "id": kept.number,
        "received_at": kept.received_at,
        "query": said.query,
        "verdict": said.verdict,
        "reasons": list(said.reasons),
        "index_version": said.index_version,
        "passage_ids": list(said.passage_ids),
        "mode": said.mode,
        "comment": said.comment,
    }


def _lines(kept: KeptFeedback) -> Iterator[str]:
    said = kept.feedback
    reasons = "、".join(_REASONS[reason] for reason in said.reasons)
    verdict = "有用" if said.verdict == "useful" else "没有用"
    yield f"{kept.received_at} {verdict}{f'（{reasons}）' if reasons else ''}：{_shown(said.query)}"
    if said.comment is not None:
        yield f"  {_shown(said.comment)}"


def _shown(text: str) -> str:
    """Keep what strangers wrote from steering the terminal."""
    return "".join(character if character.isprintable() else " " for character in text)
