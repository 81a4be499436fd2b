"""Load over loopback: clients that keep their connections, in closed and in open loops."""

from __future__ import annotations

import asyncio
import json
import random
import statistics
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

HOST = "127.0.0.1"
"""What requests call the service: other names are turned away."""

_ROOT = Path(__file__).parents[2]
_CLIENTS = 8


@dataclass(frozen=True, slots=True)
class Reply:
    """One request: its status, when it was sent, how long it took, and its Retry-After."""

    status: int
    at: float
    seconds: float
    retry: str


class Client:
    """Sends requests over connections that it keeps."""

    def __init__(self, port: int) -> None:
        self._port = port
        self._idle: list[tuple[asyncio.StreamReader, asyncio.StreamWriter]] = []

    async def send(self, method: str, path: str, body: object = None) -> Reply:
        content = b"" if body is None else json.dumps(body).encode()
        head = (
            f"{method} {path} HTTP/1.1\r\nHost: {HOST}\r\nContent-Type: application/json\r\n"
            f"Content-Length: {len(content)}\r\n\r\n"
        )
        started = time.perf_counter()
        fresh = not self._idle
        reader, writer = await self._open() if fresh else self._idle.pop()
        try:
            writer.write(head.encode() + content)
            answer = await reader.readuntil(b"\r\n\r\n")
        except (ConnectionError, asyncio.IncompleteReadError):
            writer.close()
            if fresh:
                raise
            return await self.send(method, path, body)  # it was closed while it was idle
        except asyncio.CancelledError:
            writer.close()
            raise
        headers = dict(
            line.lower().split(": ", 1) for line in answer.decode().split("\r\n")[1:] if line
        )
        await reader.readexactly(int(headers.get("content-length", 0)))
        self._idle.append((reader, writer))
        seconds = time.perf_counter() - started
        return Reply(int(answer[9:12]), started, seconds, headers.get("retry-after", ""))

    async def _open(self) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        return await asyncio.open_connection(HOST, self._port)

    def close(self) -> None:
        for _, writer in self._idle:
            writer.close()


def questions() -> Iterator[dict[str, Any]]:
    """Questions, no two alike, so that none is remembered."""
    file = _ROOT / "eval" / "dev_questions.jsonl"
    asked = [json.loads(line)["question"] for line in file.read_text().splitlines()]
    for number in range(10**9):
        yield {"query": f"{asked[number % len(asked)]}{number}"}


async def closed_loop(client: Client, asked: Iterator[Any], seconds: float) -> list[Reply]:
    """A few clients, so that the service is never idle; each asks again when it is answered."""
    until = time.perf_counter() + seconds

    async def one() -> list[Reply]:
        replies = []
        while time.perf_counter() < until:
            replies.append(await client.send("POST", "/api/v1/search", next(asked)))
        return replies

    return [
        reply for mine in await asyncio.gather(*[one() for _ in range(_CLIENTS)]) for reply in mine
    ]


async def open_loop(
    client: Client, asked: Iterator[Any], rate: float, seconds: float
) -> list[Reply]:
    """Requests at random moments, whatever becomes of those before (a Poisson process)."""
    chance = random.Random(7)  # noqa: S311 -- the same moments each time
    started = due = time.perf_counter()
    sent = []
    while due < started + seconds:
        due += chance.expovariate(rate)
        wait_s = due - time.perf_counter()
        if wait_s > 0:
            await asyncio.sleep(wait_s)
        sent.append(asyncio.create_task(client.send("POST", "/api/v1/search", next(asked))))
        if len(sent) % 16 == 0:
            await asyncio.sleep(0)
    return await asyncio.gather(*sent)


def p99(seconds: list[float]) -> float:
    """In milliseconds."""
    return round(sorted(seconds)[int(len(seconds) * 0.99)] * 1000, 1) if seconds else 0.0


def median(seconds: list[float]) -> float:
    """In milliseconds."""
    return round(statistics.median(seconds) * 1000, 1) if seconds else 0.0
