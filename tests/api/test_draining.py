"""Stopping: first said, then done, and nobody who was let in is failed."""

from __future__ import annotations

import signal
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager

import httpx
import pytest
import uvicorn
from fastapi import FastAPI
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse
from starlette.routing import Route

from api.draining import Drain, Draining, DrainingServer


class Clinic:
    """A service with one slow address."""

    def __init__(self) -> None:
        self.asked = threading.Event()
        self.answer = threading.Event()
        self.app = Starlette(routes=[Route("/readyz", self.ready), Route("/slow", self.slow)])

    async def ready(self, _: Request) -> PlainTextResponse:
        return PlainTextResponse("ready")

    def slow(self, _: Request) -> PlainTextResponse:
        self.asked.set()
        assert self.answer.wait(60)
        return PlainTextResponse("done")


@contextmanager
def running(clinic: Clinic, wait_s: float) -> Iterator[tuple[str, DrainingServer]]:
    drain = Drain(wait_s)
    listener = socket.create_server(("127.0.0.1", 0))
    config = uvicorn.Config(
        Draining(clinic.app, drain), log_level="warning", lifespan="off", ws="none"
    )
    server = DrainingServer(config, drain)
    thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]})
    thread.start()
    try:
        yield f"http://127.0.0.1:{listener.getsockname()[1]}", server
    finally:
        server.should_exit = True
        thread.join(60)
        listener.close()


def test_a_service_that_stops_says_so_and_serves_on_until_it_does() -> None:
    clinic = Clinic()
    with running(clinic, wait_s=60) as (url, server):
        before = httpx.get(f"{url}/readyz", trust_env=False).status_code
        server.handle_exit(signal.SIGTERM, None)
        during = httpx.get(f"{url}/readyz", trust_env=False)
        clinic.answer.set()
        served = httpx.get(f"{url}/slow", trust_env=False).text
        assert not server.should_exit
        server.handle_exit(signal.SIGTERM, None)
        assert server.should_exit  # whoever asks twice does not want to wait

    assert before == 200
    assert during.status_code == 503
    assert during.headers["retry-after"] == "10"
    assert during.json()["type"] == "/problems/stopping"
    assert served == "done"


def test_what_is_under_way_is_finished_after_the_port_is_closed() -> None:
    clinic = Clinic()
    answers: list[str] = []
    with running(clinic, wait_s=0) as (url, server):
        asking = threading.Thread(
            target=lambda: answers.append(
                httpx.get(f"{url}/slow", timeout=60, trust_env=False).text
            )
        )
        asking.start()
        assert clinic.asked.wait(60)
        server.handle_exit(signal.SIGTERM, None)
        for _ in range(1500):
            try:
                httpx.get(f"{url}/readyz", trust_env=False)
            except httpx.ConnectError:
                break
            threading.Event().wait(0.02)
        with pytest.raises(httpx.ConnectError):
            httpx.get(f"{url}/readyz", trust_env=False)
        clinic.answer.set()
        asking.join()

    assert answers == ["done"]


def test_a_person_who_interrupts_does_not_wait() -> None:
    drain = Drain(60)
    server = DrainingServer(uvicorn.Config(FastAPI()), drain)

    server.handle_exit(signal.SIGINT, None)

    assert server.should_exit
    assert not drain.begun
