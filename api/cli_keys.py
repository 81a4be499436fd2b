"""``casebook keys``: who may use the service by a key."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from rag.exits import errors_in_words

if TYPE_CHECKING:
    from api.keys import Key

app = typer.Typer(name="keys", help="发放、列出和停用密钥。", no_args_is_help=True)

_State = Annotated[
    Path,
    typer.Option(envvar="CASEBOOK_STATE", help="服务的 --state 文件夹，密钥在其中的 keys.json"),
]
_STATE = Path("var/state")
_WARNED_DAYS = 30


@app.command(help="发放一个密钥。密钥只显示这一次，存下的只有它的哈希。")
def create(
    name: Annotated[str, typer.Argument(help="发给谁：1 到 32 个字母、数字、汉字或 . - _")],
    scope: Annotated[
        list[str] | None, typer.Option(help="权限：ask 提问（默认），admin 看运行指标；可重复")
    ] = None,
    expires_days: Annotated[
        int | None, typer.Option(min=1, max=3650, help="多少天后失效；默认不失效")
    ] = None,
    per_minute: Annotated[
        int | None, typer.Option(min=1, help="每分钟最多检索多少次；默认随服务的 --per-key")
    ] = None,
    state: _State = _STATE,
) -> None:
    """Make a key: the secret alone on stdout, the rest on stderr.

    A second one for a name is the successor of the first; a third is refused. A running service takes it at once.
    """
    from api.key_file import KeyFile, KeyFileError  # noqa: PLC0415 - pydantic and file locks
    from api.keys import Key, digest_of, new_secret, scopes_of  # noqa: PLC0415 - as above

    now = datetime.now(UTC).replace(microsecond=0)
    secret = new_secret()
    with errors_in_words():
        scopes = scopes_of(scope or ["ask"])
        expires = None if expires_days is None else now + timedelta(days=expires_days)
        try:
            key = Key(name, digest_of(secret), scopes, now, expires=expires, per_minute=per_minute)
        except ValueError as error:
            message = f"{name!r} 不能作为名称；请用 1 到 32 个字母、数字、汉字或 . - _"
            raise KeyFileError(message) from error
        KeyFile(state).add(key)
    typer.echo(f"{_line(key, now)}\n密钥只显示这一次，请现在保存：", err=True)
    typer.echo(secret)


@app.command(name="list", help="列出发放过的密钥，先发放的在前。")
def listing(
    state: _State = _STATE,
    *,
    as_json: Annotated[bool, typer.Option("--json", help="每行一条 JSON")] = False,
) -> None:
    """List the keys; no secret is known any more."""
    from api.key_file import KeyFile  # noqa: PLC0415 - as above

    with errors_in_words():
        keys = KeyFile(state).read()
    now = datetime.now(UTC)
    for key in keys:
        typer.echo(
            json.dumps(_record(key, now), ensure_ascii=False) if as_json else _line(key, now)
        )
    if not keys:
        typer.echo(f"{state} 里还没有密钥；发放一个：casebook keys create 名称", err=True)


@app.command(help="停用一个密钥，正在运行的服务立即生效。")
def revoke(
    key_id: Annotated[str, typer.Argument(metavar="编号", help="casebook keys list 的第一列")],
    state: _State = _STATE,
) -> None:
    """Revoke a key; one that is revoked already stays as it is."""
    from api.key_file import KeyFile  # noqa: PLC0415 - as above

    now = datetime.now(UTC).replace(microsecond=0)
    with errors_in_words():
        key = KeyFile(state).revoke(key_id, now)
    typer.echo(_line(key, now))


def _line(key: Key, now: datetime) -> str:
    quota = "" if key.per_minute is None else f"  每分钟 {key.per_minute} 次"
    scopes = "+".join(sorted(key.scopes))
    return (
        f"{key.id}  {key.name}  {scopes}  {key.created:%Y-%m-%d} 发放  {_standing(key, now)}{quota}"
    )


def _record(key: Key, now: datetime) -> dict[str, Any]:
    return {
        "id": key.id,
        "name": key.name,
        "scopes": sorted(key.scopes),
        "created": key.created.isoformat(),
        "expires": key.expires and key.expires.isoformat(),
        "revoked": key.revoked and key.revoked.isoformat(),
        "per_minute": key.per_minute,
        "live": key.live(now),
    }


def _standing(key: Key, now: datetime) -> str:
    if key.revoked is not None:
        return f"{key.revoked:%Y-%m-%d} 停用"
    if key.expires is None:
        return "可用"
    if not key.live(now):
        return f"{key.expires:%Y-%m-%d} 过期"
    days = (key.expires - now).days
    soon = f"，还有 {days} 天" if days < _WARNED_DAYS else ""
    return f"可用到 {key.expires:%Y-%m-%d}{soon}"
