"""``casebook serve``: an index on disk, a service on a port."""

from __future__ import annotations

import ipaddress
import os
import signal
import socket
import sys
from functools import partial
from pathlib import Path
from types import FrameType
from typing import TYPE_CHECKING, NoReturn

import typer

from api import serve_options as options
from api.keeping import AUDIT_DAYS, QUERY_DAYS, STATE, Keeping
from rag.errors import CasebookError

if TYPE_CHECKING:
    from api.key_file import LiveKeys

app = typer.Typer()

_A_MINUTE = 1200
"""Searches a minute of one address or key: a whole office behind one address, twenty a second."""


@app.command(help="启动检索服务：检索页面与 HTTP 接口。")
def serve(
    host: options.Host = "127.0.0.1",
    port: options.Port = 8000,
    index: options.Index = Path("var/index"),
    models: options.Models = Path("var/models"),
    *,
    public: options.Public = False,
    public_url: options.PublicUrl = None,
    llm: options.Llm = None,
    allow_host: options.AllowHost = None,
    allow_origin: options.AllowOrigin = None,
    trusted_proxy: options.TrustedProxy = None,
    require_key: options.RequireKey = False,
    per_address: options.PerAddress = _A_MINUTE,
    per_key: options.PerKey = _A_MINUTE,
    docs: options.Docs = True,
    state: options.StateFolder = STATE,
    log_queries: options.LogQueries = False,
    query_days: options.QueryDays = QUERY_DAYS,
    audit: options.AuditOn = True,
    audit_days: options.AuditDays = AUDIT_DAYS,
    drain: options.DrainSeconds = 2.0,
) -> None:
    """Serve the search page and the HTTP interface until stopped.

    Exits with 0 when stopped by SIGTERM or Ctrl+C, 1 if the index, the model or the port cannot be
    had, 2 if the address may not be used.
    """
    # Until the server takes over, a signal ends the process at once; afterwards the server stops
    # gracefully and raises the signal again, which ends it here: stopping is a success.
    signal.signal(signal.SIGTERM, _exit)
    signal.signal(signal.SIGINT, _exit)
    try:
        keys = _keys(state, required=require_key)
        # The port is taken before the index is loaded, so that a port in use is told at once; it
        # listens only afterwards, so whoever can connect can also search.
        listener = _bind(host, port, public=public or require_key)
        # These take a second and more to import, which `casebook --help` should not.
        from api.addresses import is_loopback, trusted_proxies  # noqa: PLC0415
        from api.cross_origin import allowed_origins  # noqa: PLC0415
        from api.hosts import HostNames  # noqa: PLC0415
        from api.launch import Choices, launch  # noqa: PLC0415
        from api.quota import Limits  # noqa: PLC0415
        from api.safeguards import Safeguards  # noqa: PLC0415

        reachable = not is_loopback(listener.getsockname()[0])
        safeguards = Safeguards(
            keys,
            require_key=require_key,
            limits=Limits(per_address, per_key),
            closed=frozenset() if docs else frozenset({"/openapi.json"}),
            hosts=HostNames.of(allow_host or [], addresses=reachable, public_url=public_url),
            origins=allowed_origins(allow_origin or []),
            proxies=trusted_proxies(trusted_proxy or []),
            over_tls=(public_url or "").startswith("https:"),
        )
        keeping = Keeping(state, log_queries, query_days, audit, audit_days)
        launch(
            listener,
            Choices(index, models, public_url, llm, drain, keeping, safeguards),
            ready=partial(_listen, listener),
        )
    except CasebookError as error:
        _fail(str(error), code=1)


def _keys(state: Path, *, required: bool) -> LiveKeys:
    from api.key_file import KeyFile, LiveKeys  # noqa: PLC0415 - as above
    from api.keys import KEY_VARIABLE, configured_key  # noqa: PLC0415

    keys = LiveKeys(KeyFile(state), configured_key(os.environ.get(KEY_VARIABLE)))
    if required and not keys.guarded:
        _fail(
            "要求密钥（--require-key），但一个密钥也没有；请先发放："
            f"casebook keys create 名称 --state {state}",
            code=2,
        )
    return keys


def _listen(listener: socket.socket) -> None:
    """Let connections in, and say where."""
    try:
        listener.listen()
    except OSError as error:  # another process took the port while the index was loading
        _fail_to_listen(error, *listener.getsockname()[:2])
    address, port, *_ = listener.getsockname()
    name = f"[{address}]" if ":" in address else address
    typer.echo(f"已就绪：http://{name}:{port}/（按 Ctrl+C 停止）")
    sys.stdout.flush()  # whoever waits for this line may read it through a pipe


def _bind(host: str, port: int, *, public: bool) -> socket.socket:
    """Take a port without listening yet; exits with words if it cannot be had."""
    try:
        family, kind, protocol, _, address = socket.getaddrinfo(
            host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
        )[0]
    except socket.gaierror:
        _fail(f"无法解析地址 {host}；请写 IP 地址，如 --host 127.0.0.1", code=2)
    if not public and not ipaddress.ip_address(address[0]).is_loopback:
        _fail(
            f"{host} 不是本机地址，网络中的其他人将能访问本服务。请从下面选一种：\n"
            "  只让有密钥的进来：casebook keys create 名称，再加 --require-key\n"
            "  谁都可以检索：加 --public，并在前面设置网关或防火墙\n"
            "  仅在本机使用：--host 127.0.0.1",
            code=2,
        )
    try:
        listener = socket.socket(family, kind, protocol)
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind(address)
    except OSError as error:
        _fail_to_listen(error, host, port)
    return listener


def _fail_to_listen(error: OSError, host: str, port: int) -> NoReturn:
    _fail(
        f"无法监听 {host}:{port}（{error.strerror}）；"
        f"请停用占用该端口的程序，或换一个端口：casebook serve --port {port + 1}",
        code=1,
    )


def _exit(_signal: int, _frame: FrameType | None) -> NoReturn:
    raise SystemExit(0)


def _fail(message: str, *, code: int) -> NoReturn:
    typer.echo(message, err=True)
    raise typer.Exit(code)
