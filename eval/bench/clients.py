"""Clients that ask over HTTP in a closed loop: each sends its next question when it has an answer.

A process of their own, so that they take nothing from the event loop that they measure, and plain
sockets, since an HTTP library takes longer for a request than the fastest contender for an answer.
Reads a `Task` as JSON from standard input and writes a `Done`.
"""

from __future__ import annotations

import asyncio
import json
import sys
import time
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from urllib.parse import quote

from eval.bench.child import Address

_END = b"\r\n\r\n"


@dataclass(frozen=True, slots=True)
class Task:
    """What is to be asked.

    Attributes:
        address: Whom.
        clients: How many ask at once; each keeps one connection.
        questions: Each is asked once at most.
        seconds: After these no further question is sent.
    """

    address: Address
    clients: int
    questions: Sequence[str]
    seconds: float


@dataclass(frozen=True, slots=True)
class Done:
    """What came of it.

    Attributes:
        times: Milliseconds of each answered question.
        elapsed_s: From the first question to the last answer.
        cpu_s: What the clients themselves took of a processor.
    """

    times: tuple[float, ...]
    elapsed_s: float
    cpu_s: float


async def ask_all(task: Task) -> Done:
    """Ask as many clients at once until the questions or the time are used up.

    Raises:
        ValueError: If an answer is not a 200 with a length.
    """
    questions = iter(task.questions)
    times: list[float] = []
    streams = [
        await asyncio.open_connection("127.0.0.1", task.address.port) for _ in range(task.clients)
    ]
    started, cpu = time.perf_counter(), time.process_time()
    until = started + task.seconds
    try:
        async with asyncio.TaskGroup() as group:
            for reader, writer in streams:
                group.create_task(_ask(task.address, questions, until, times, (reader, writer)))
        return Done(tuple(times), time.perf_counter() - started, time.process_time() - cpu)
    finally:
        for _, writer in streams:
            writer.close()
            await writer.wait_closed()


async def _ask(
    address: Address,
    questions: Iterator[str],
    until: float,
    times: list[float],
    stream: tuple[asyncio.StreamReader, asyncio.StreamWriter],
) -> None:
    reader, writer = stream
    for question in questions:
        message = request(address, question)
        started = time.perf_counter()
        writer.write(message)
        await writer.drain()
        body = await reader.readexactly(_length(await reader.readuntil(_END)))
        times.append((time.perf_counter() - started) * 1000)
        if not body or time.perf_counter() > until:
            return


def request(address: Address, question: str) -> bytes:
    r"""Write one request.

    >>> request(Address(80, "/s?q="), "区 ").decode()
    'GET /s?q=%E5%8C%BA%20 HTTP/1.1\r\nHost: 127.0.0.1:80\r\nAccept: */*\r\n\r\n'
    """
    head = f"HTTP/1.1\r\nHost: 127.0.0.1:{address.port}\r\nAccept: */*\r\n"
    if not address.field:
        return f"GET {address.path}{quote(question, safe='')} {head}\r\n".encode()
    body = json.dumps({address.field: question, **(address.other or {})}).encode()
    head += f"Content-Type: application/json\r\nContent-Length: {len(body)}\r\n"
    return f"POST {address.path} {head}\r\n".encode() + body


def _length(head: bytes) -> int:
    """Read how long the body of a good answer is."""
    status, *headers = head.decode("latin-1").split("\r\n")
    values = dict(line.lower().split(": ", 1) for line in headers if line)
    if status.split(" ")[1] != "200" or "content-length" not in values:
        message = f"expected a 200 with a length, got {status!r} with {values}"
        raise ValueError(message)
    return int(values["content-length"])


if __name__ == "__main__":
    order = json.load(sys.stdin)
    todo = Task(**order | {"address": Address(**order["address"])})
    json.dump(asdict(asyncio.run(ask_all(todo))), sys.stdout)
