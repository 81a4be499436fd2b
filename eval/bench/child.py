"""The contender's side of the conversation: what `eval.bench.contender` starts and asks.

Peers run this in an environment of their own, so nothing is imported but the standard library, and
FastAPI and uvicorn where a server is asked for. A contender says that it is ready; from then on each
line it reads is an order, a JSON array: ``["ask", "dense", [questions], seconds]`` is answered with
the milliseconds of each question that it came to, ``["find", "dense", [questions]]`` with the texts of
the passages that each found, ``["serve"]`` with an `Address`. It ends with its input.
"""

from __future__ import annotations

import json
import os
import socket
import sys
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, TextIO

TOP = 10
"""Passages that every contender returns."""

Ask = Callable[[str], Sequence[object]]
"""A question in, its `TOP` passages out."""


@dataclass(frozen=True, slots=True)
class Address:
    """Where and how a contender is asked over HTTP.

    Attributes:
        port: On the loopback interface.
        path: Ends in what precedes the question, if that is part of the address.
        field: Name of the question in a JSON body; empty if it is part of the address.
        other: What else the body holds.
    """

    port: int
    path: str
    field: str = ""
    other: Mapping[str, Any] | None = None


def run(
    build: Callable[..., Mapping[str, float]] | None, answer: Callable[..., None] | None
) -> None:
    """Do what the command line says: ``build FOLDER …`` or ``answer FOLDER …``.

    Args:
        build: Makes what is needed of what is in the folder; returns the seconds of its stages.
        answer: Converses with what it is given, from an index in the folder.

    Raises:
        ValueError: If there is no such task.
    """
    task, folder, *more = sys.argv[1:]
    told = _private_output()
    if task == "build" and build is not None:
        _tell(told, dict(build(Path(folder), *more)))
    elif task == "answer" and answer is not None:
        answer(told, Path(folder), *more)
    else:
        message = f"nothing to {task} here"
        raise ValueError(message)


def _private_output() -> TextIO:
    """Keep standard output for the conversation: what libraries print goes to standard error."""
    kept = os.fdopen(os.dup(1), "w", encoding="utf-8")
    os.dup2(2, 1)
    return kept


def converse(
    told: TextIO,
    ways: Mapping[str, Ask],
    serve: Callable[[], Address] | None,
    text: Callable[[Any], str] = str,
) -> None:
    """Say ready, then do as told until the input ends.

    Args:
        told: Where answers go, a line each.
        ways: Ways to ask, by name.
        serve: Starts the server in the background; None where there is none.
        text: The text of a passage that a way by vectors found.

    Raises:
        ValueError: If a way does not return `TOP` passages, or an order is not known.
    """
    _tell(told, "ready")
    for line in sys.stdin:
        match json.loads(line):
            case ["ask", way, questions, seconds]:
                _tell(told, _times(ways[way], questions, seconds))
            case ["find", way, questions]:
                _tell(told, [[text(found) for found in ways[way](asked)] for asked in questions])
            case ["serve"] if serve is not None:
                _tell(told, asdict(serve()))
            case order:
                message = f"no contender can do {order}"
                raise ValueError(message)


def passages_in(folder: Path) -> list[str]:
    """Read the texts that every contender searches."""
    texts: list[str] = json.loads((folder / "passages.json").read_text(encoding="utf-8"))
    return texts


def search_app(search: Callable[[str], list[dict[str, Any]]]) -> Any:
    """Wrap a search in the least FastAPI application, for peers that have no server of their own."""
    from fastapi import FastAPI  # noqa: PLC0415 -- a contender that is not asked for it has none

    app = FastAPI()

    @app.get("/search")
    def _search(query: str) -> list[dict[str, Any]]:
        return search(query)

    return app


def serve_in_background(app: Any) -> int:
    """Serve an ASGI application on a free port; returns the port once it answers.

    Raises:
        RuntimeError: If it does not come up.
    """
    import uvicorn  # noqa: PLC0415 -- see search_app

    listener = socket.create_server(("127.0.0.1", 0))
    server = uvicorn.Server(uvicorn.Config(app, log_level="warning", access_log=False))
    thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]}, daemon=True)
    thread.start()
    while not server.started:
        if not thread.is_alive():
            message = "the server ended while it started"
            raise RuntimeError(message)
        time.sleep(0.01)
    port: int = listener.getsockname()[1]
    return port


def _times(ask: Ask, questions: Sequence[str], seconds: float) -> list[float]:
    """Milliseconds of each question, until the time is over; of the first in any case."""
    times: list[float] = []
    until = time.perf_counter() + seconds
    for question in questions:
        started = time.perf_counter()
        if times and started > until:
            break
        found = ask(question)
        times.append((time.perf_counter() - started) * 1000)
        if len(found) != TOP:
            message = f"{len(found)} passages instead of {TOP} for {question!r}"
            raise ValueError(message)
    return times


def _tell(told: TextIO, answer: object) -> None:
    told.write(json.dumps(answer) + "\n")
    told.flush()
