"""``casebook serve``: an index on disk, a service on a port."""

from __future__ import annotations

import ipaddress
import os
import signal
import socket
import sys
from dataclasses import dataclass
from pathlib import Path
from types import FrameType
from typing import TYPE_CHECKING, Annotated, NoReturn

import typer

from rag.errors import CasebookError, StateUnavailableError

if TYPE_CHECKING:
    from starlette.types import ASGIApp

    from rag.writer import ModelWriter

app = typer.Typer()

_GRACE_S = 25
"""Seconds that requests under way have to finish; service managers kill after 30 and more."""


@app.command(help="启动检索服务：检索页面与 HTTP 接口。")
def serve(
    host: Annotated[str, typer.Option(help="监听的地址")] = "127.0.0.1",
    port: Annotated[int, typer.Option(min=0, max=65535, help="监听的端口；0 为任选")] = 8000,
    index: Annotated[Path, typer.Option(envvar="CASEBOOK_INDEX", help="索引所在的文件夹")] = Path(
        "var/index"
    ),
    models: Annotated[
        Path, typer.Option(envvar="CASEBOOK_MODELS", help="已准备的向量模型所在的文件夹")
    ] = Path("var/models"),
    *,
    public: Annotated[bool, typer.Option("--public", help="允许监听本机以外的地址")] = False,
    public_url: Annotated[
        str | None,
        typer.Option(
            envvar="CASEBOOK_PUBLIC_URL",
            help="读者打开本服务的地址，如 https://主机/路径；其他平台里的出处链接以它开头，默认取请求的地址",
        ),
    ] = None,
    llm: Annotated[
        str | None,
        typer.Option(
            envvar="CASEBOOK_LLM",
            help="为回答行文的语言模型：openai:模型名@http://主机/v1（OpenAI 兼容），逐句核对；"
            "密钥放在环境变量 CASEBOOK_LLM_KEY；不给则只用原文语句。",
        ),
    ] = None,
    allow_host: Annotated[
        list[str] | None,
        typer.Option(
            envvar="CASEBOOK_ALLOWED_HOSTS",
            help="MCP 客户端可以用来连接的域名或地址，本机的除外；可重复",
        ),
    ] = None,
    allow_origin: Annotated[
        list[str] | None,
        typer.Option(
            envvar="CASEBOOK_ALLOWED_ORIGINS",
            help="可以嵌入检索框的网站，如 https://portal.example；可重复，默认没有",
        ),
    ] = None,
    state: Annotated[
        Path, typer.Option(envvar="CASEBOOK_STATE", help="存放读者意见的文件夹")
    ] = Path("var/state"),
) -> None:
    """Serve the search page and the HTTP interface until stopped.

    Exits with 0 when stopped by SIGTERM or Ctrl+C, 1 if the index, the model or the port cannot be
    had, 2 if the address may not be used.
    """
    # Until the server takes over, a signal ends the process at once; afterwards the server stops
    # gracefully and raises the signal again, which ends it here: stopping is a success.
    signal.signal(signal.SIGTERM, _exit)
    signal.signal(signal.SIGINT, _exit)
    # The port is taken before the index is loaded, so that a port in use is told at once; it
    # listens only afterwards, so whoever can connect can also search.
    listener = _bind(host, port, public=public)
    try:
        _serve(
            listener,
            _Choices(
                index,
                models,
                state,
                public_url,
                tuple(allow_host or ()),
                tuple(allow_origin or ()),
                llm,
            ),
        )
    except CasebookError as error:
        _fail(str(error), code=1)


@dataclass(frozen=True, slots=True)
class _Choices:
    """What the operator chose, as typed."""

    index: Path
    models: Path
    state: Path
    public_url: str | None
    hosts: tuple[str, ...]
    origins: tuple[str, ...]
    llm: str | None


def _serve(listener: socket.socket, chosen: _Choices) -> None:
    # These take a second and more to import, which `casebook --help` should not.
    import uvicorn  # noqa: PLC0415

    from api.access import KEY_VARIABLE, AccessKey  # noqa: PLC0415
    from api.admission import Turnstile  # noqa: PLC0415
    from api.app import create_app  # noqa: PLC0415
    from api.cross_origin import CrossOrigin, allowed_origins  # noqa: PLC0415
    from api.feedback_store import FeedbackStore  # noqa: PLC0415
    from api.index_watch import IndexWatch  # noqa: PLC0415
    from api.links import Links  # noqa: PLC0415
    from api.protocols import Protocols  # noqa: PLC0415
    from api.reloading import Degraded, Reloading  # noqa: PLC0415
    from index.store import OpenIndex, open_index  # noqa: PLC0415
    from rag.ask import Asker  # noqa: PLC0415

    key = AccessKey.configured(os.environ.get(KEY_VARIABLE))
    links = Links(chosen.public_url)
    origins = allowed_origins(chosen.origins)
    writer = _writer(chosen.llm) if chosen.llm else None
    feedback = FeedbackStore(chosen.state)
    turnstile = Turnstile()

    def application(opened: OpenIndex, degraded: Degraded) -> ASGIApp:
        manifest = opened.version.manifest
        return create_app(
            Asker(opened.assistant, writer),
            passages=manifest.passages,
            encoder=manifest.encoder.name,
            turnstile=turnstile,
            protocols=Protocols(key, opened.encoder, links, chosen.hosts),
            feedback=feedback,
            degraded=degraded,
        )

    reloading = Reloading(open_index(chosen.index, chosen.models), application)
    try:
        feedback.open()
    except StateUnavailableError as error:
        typer.echo(f"现在收不了意见，检索照常：{error}", err=True)
    server = uvicorn.Server(
        uvicorn.Config(
            CrossOrigin(reloading, origins),
            lifespan="off",
            ws="none",
            log_level="warning",
            access_log=False,  # addresses of the search page hold people's questions
            server_header=False,
            proxy_headers=False,  # anyone can send them
            timeout_graceful_shutdown=_GRACE_S,
        )
    )
    try:
        listener.listen()
    except OSError as error:  # another process took the port while the index was loading
        _fail_to_listen(error, *listener.getsockname()[:2])
    address, port, *_ = listener.getsockname()
    name = f"[{address}]" if ":" in address else address
    typer.echo(f"已就绪：http://{name}:{port}/（按 Ctrl+C 停止）")
    sys.stdout.flush()  # whoever waits for this line may read it through a pipe
    with IndexWatch(reloading, chosen.index, chosen.models):
        server.run(sockets=[listener])


def _writer(llm: str) -> ModelWriter:
    # Its HTTP client takes time and memory that a service without a model can do without.
    from rag.writer import writer_of  # noqa: PLC0415

    return writer_of(llm)


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
            f"{host} 不是本机地址，网络中的其他人将能访问本服务，而它不验证身份。\n"
            "确需对外提供时请加 --public，并在前面设置网关或防火墙；仅在本机使用请用 --host 127.0.0.1",
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
