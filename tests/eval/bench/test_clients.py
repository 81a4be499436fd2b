"""Clients in a closed loop, against a real server."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from urllib.parse import parse_qs, urlsplit

import pytest

from eval.bench.child import Address
from eval.bench.clients import Done, Task, ask_all


@contextmanager
def server(status: int = 200) -> Iterator[tuple[int, list[tuple[int, str]]]]:
    """A server, and the connection and question of all that it was sent."""
    heard: list[tuple[int, str]] = []

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            self.reply(parse_qs(urlsplit(self.path).query)["q"][0])

        def do_POST(self) -> None:
            body = json.loads(self.rfile.read(int(self.headers["content-length"])))
            assert body["top_k"] == 10
            self.reply(body["query"])

        def reply(self, question: str) -> None:
            heard.append((self.client_address[1], question))
            self.send_response(status)
            self.send_header("Content-Length", "2")
            self.end_headers()
            self.wfile.write(b"[]")

        def log_message(self, *_: object) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as running:
        thread = Thread(target=running.serve_forever, args=(0.01,))
        thread.start()
        yield running.server_address[1], heard
        running.shutdown()
        thread.join()


def asked(address: Address, clients: int, questions: list[str], seconds: float = 60) -> Done:
    return asyncio.run(ask_all(Task(address, clients, questions, seconds)))


QUESTIONS = [f"第{number}个问题？&" for number in range(40)]


@pytest.mark.parametrize("form", ["address", "body"])
def test_every_question_is_asked_once_over_as_many_connections_as_clients(form: str) -> None:
    with server() as (port, heard):
        address = Address(port, "/s?q=")
        if form == "body":
            address = Address(port, "/s", "query", {"top_k": 10})
        done = asked(address, 4, QUESTIONS)
    assert sorted(question for _, question in heard) == sorted(QUESTIONS)
    assert len({connection for connection, _ in heard}) == 4
    assert len(done.times) == 40
    assert 0 < max(done.times) <= done.elapsed_s * 1000


def test_no_question_is_sent_when_the_time_is_over() -> None:
    with server() as (port, heard):
        done = asked(Address(port, "/s?q="), 3, QUESTIONS, seconds=0)
    assert len(done.times) == len(heard) == 3


def test_an_answer_that_is_not_good_stops_everything() -> None:
    with server(status=503) as (port, _), pytest.raises(ExceptionGroup) as caught:
        asked(Address(port, "/s?q="), 2, QUESTIONS)
    assert "expected a 200 with a length, got 'HTTP/1.1 503" in str(caught.value.exceptions[0])
