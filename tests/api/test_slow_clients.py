"""Clients that take their time: connections end, tasks end, and nobody else notices."""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager

import pytest
import uvicorn
from starlette.applications import Starlette
from starlette.responses import Response
from starlette.routing import Route
from starlette.testclient import TestClient

from api.connections import HEADERS_BYTES, PatientConnection
from api.edge import BodyLimit
from api.handlers import add_handlers


class Hasty(PatientConnection):
    headers_s = 0.3
    reading_s = 0.3


async def large(_: object) -> Response:
    return Response(b"x" * 50_000_000)


async def small(_: object) -> Response:
    return Response(b"ok")


@contextmanager
def running() -> Iterator[tuple[int, uvicorn.Server]]:
    app = Starlette(routes=[Route("/large", large), Route("/small", small)])
    listener = socket.create_server(("127.0.0.1", 0))
    config = uvicorn.Config(app, http=Hasty, log_level="warning", lifespan="off", ws="none")
    server = uvicorn.Server(config)
    thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]})
    thread.start()
    try:
        yield listener.getsockname()[1], server
    finally:
        server.should_exit = True
        thread.join(30)
        listener.close()


@pytest.fixture(scope="module")
def patient() -> Iterator[tuple[int, uvicorn.Server]]:
    with running() as it:
        yield it


def closed(connection: socket.socket) -> bool:
    """Wait for the service to hang up."""
    connection.settimeout(30)
    try:
        while connection.recv(65536):
            pass
    except ConnectionResetError:
        pass
    return True


def test_who_says_nothing_or_half_a_request_is_hung_up_on(
    patient: tuple[int, uvicorn.Server],
) -> None:
    port, server = patient
    starts = (b"", b"GET /small HTTP/1.1\r\n", b"GET /small HTTP/1.1\r\nHost: x\r\nA: b")
    for start in starts:
        with socket.create_connection(("127.0.0.1", port)) as slow:
            slow.sendall(start)
            assert closed(slow)
    assert not server.server_state.connections


def test_a_further_request_in_half_is_hung_up_on_too(patient: tuple[int, uvicorn.Server]) -> None:
    port, _ = patient
    with socket.create_connection(("127.0.0.1", port)) as slow:
        slow.sendall(b"GET /small HTTP/1.1\r\nHost: x\r\n\r\n")
        assert slow.recv(65536).startswith(b"HTTP/1.1 200 OK")
        slow.sendall(b"GET /small HTTP/1.1\r\n")
        assert closed(slow)


@pytest.mark.parametrize("ended", [False, True])
def test_headers_without_end_are_refused_before_they_fill_the_memory(
    patient: tuple[int, uvicorn.Server], *, ended: bool
) -> None:
    port, server = patient
    line = b"a: " + b"b" * 997
    with socket.create_connection(("127.0.0.1", port)) as endless:
        endless.sendall(b"GET /small HTTP/1.1\r\nHost: x\r\n")
        if ended:  # the first request may be as large as is allowed, and the next is counted anew
            endless.sendall(b"\r\n".join([line] * 15) + b"\r\n\r\n")
            assert endless.recv(65536).startswith(b"HTTP/1.1 200 OK")
            endless.sendall(b"GET /small HTTP/1.1\r\nHost: x\r\n")
        endless.sendall(b"\r\n".join([line] * (HEADERS_BYTES // 1000 + 1)))
        assert endless.recv(65536).startswith(b"HTTP/1.1 431 Request Header Fields Too Large\r\n")
        assert closed(endless)
    assert not server.server_state.connections


def test_who_never_reads_is_hung_up_on_and_its_task_ends(
    patient: tuple[int, uvicorn.Server],
) -> None:
    port, server = patient
    with socket.socket() as deaf:
        deaf.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        deaf.connect(("127.0.0.1", port))
        deaf.sendall(b"GET /large HTTP/1.1\r\nHost: x\r\n\r\n")
        for _ in range(1500):
            if not server.server_state.connections and server.server_state.total_requests:
                break
            threading.Event().wait(0.02)
        assert not server.server_state.connections
        assert not server.server_state.tasks


def test_a_body_that_does_not_come_is_not_waited_for() -> None:
    from fastapi import FastAPI

    app = FastAPI()
    add_handlers(app)

    @app.post("/")
    def take(body: dict[str, int]) -> dict[str, int]:
        return body

    sent = threading.Event()

    def slowly() -> Iterator[bytes]:
        yield b'{"a":'
        sent.wait(0.5)
        yield b" 1}"

    with TestClient(BodyLimit(app, whole_s=60)) as client:
        assert client.post(
            "/", content=slowly(), headers={"Content-Type": "application/json"}
        ).json() == {"a": 1}


@pytest.mark.parametrize("start", [b"", b'{"a":'])
def test_a_slow_body_is_told_so(start: bytes) -> None:
    from fastapi import FastAPI

    app = FastAPI()
    add_handlers(app)

    @app.post("/")
    def take(body: dict[str, int]) -> dict[str, int]:
        return body

    listener = socket.create_server(("127.0.0.1", 0))
    config = uvicorn.Config(
        BodyLimit(app, whole_s=0.2), log_level="warning", lifespan="off", ws="none"
    )
    server = uvicorn.Server(config)
    thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]})
    thread.start()
    try:
        with socket.create_connection(listener.getsockname()) as slow:
            slow.sendall(
                b"POST / HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n"
                b"Content-Length: 20\r\n\r\n" + start
            )
            slow.settimeout(30)
            answer = b""
            while chunk := slow.recv(65536):
                answer += chunk
    finally:
        server.should_exit = True
        thread.join(30)
        listener.close()

    assert answer.startswith(b"HTTP/1.1 408 ")
    assert "请在 0.2 秒内发完请求体".encode() in answer
