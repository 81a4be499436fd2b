"""Clients that are slow, that do not read, and that leave in the middle."""

from __future__ import annotations

import asyncio
import json
from typing import Any

import pytest

from tests.long.load import HOST, Client, closed_loop, questions
from tests.long.records import record
from tests.long.service import Service, gauge

pytestmark = [pytest.mark.long, pytest.mark.model]

LEAVERS = 1000
QUESTION = json.dumps({"query": "退税几天到账"}).encode()


def asking(path: str, length: int, accept: str = "*/*") -> bytes:
    """The head of a request."""
    return (
        f"POST {path} HTTP/1.1\r\nHost: {HOST}\r\nAccept: {accept}\r\n"
        f"Content-Type: application/json\r\nContent-Length: {length}\r\n\r\n"
    ).encode()


STREAM = asking("/api/v1/ask", len(QUESTION), "text/event-stream") + QUESTION
SLOW = (
    *(b"GET / HTTP/1.1\r\nA: ",) * 200,
    *(asking("/api/v1/search", 60_000) + b"{",) * 100,
    *(STREAM,) * 50,
)


async def connect(port: int, said: bytes) -> asyncio.StreamWriter:
    _, writer = await asyncio.open_connection(HOST, port)
    writer.write(said)
    await writer.drain()
    return writer


async def leave(port: int, *, at_once: bool) -> None:
    """Leave before an answer that streams, or in the middle of it."""
    reader, writer = await asyncio.open_connection(HOST, port)
    writer.write(STREAM)
    if not at_once:
        await asyncio.wait_for(reader.read(200), 60)
    writer.transport.abort()


async def drip(writer: asyncio.StreamWriter) -> None:
    """Send a byte a second."""
    while not writer.is_closing():
        writer.write(b" ")
        await asyncio.sleep(1)


async def misbehave(service: Service) -> dict[str, Any]:
    client, asked = Client(service.port), questions()
    await closed_loop(client, asked, 3)
    client.close()
    await asyncio.sleep(1)
    before = service.descriptors
    slow = [await connect(service.port, said) for said in SLOW]
    dripping = [asyncio.create_task(drip(writer)) for writer in slow[200:300]]
    held = service.descriptors
    async with asyncio.TaskGroup() as group:
        for number in range(LEAVERS):
            group.create_task(leave(service.port, at_once=number % 2 == 0))
            if number % 10 == 9:
                await asyncio.sleep(0.05)
    others = Client(service.port)
    served = [await others.send("POST", "/api/v1/search", next(asked)) for _ in range(20)]
    others.close()
    # Longer than the service waits for a body, and for headers.
    for _ in range(90):
        await asyncio.sleep(0.5)
        if service.descriptors <= before:
            break
    after = service.descriptors
    for task in dripping:
        task.cancel()
    for writer in slow:
        writer.transport.abort()
    return {
        "misbehaving": len(slow) + LEAVERS,
        "others_not_served": sum(reply.status != 200 for reply in served),
        "descriptors": [before, held, after],
        "in_flight_after": await gauge(service, "casebook_requests_in_flight") - 1,
    }


def test_clients_that_misbehave_leave_nothing_behind_and_hinder_nobody(
    service: Service,
) -> None:
    figures = asyncio.run(misbehave(service))

    before, held, after = figures["descriptors"]
    leaked = max(0, after - before) + max(0, figures["in_flight_after"])
    what = (
        "slow headers (200), bodies of 1 B/s (100), streams that nobody reads (50) and clients that leave "
        f"in the middle ({LEAVERS}): descriptors and requests left behind, others not served"
    )
    failures = leaked + figures["others_not_served"]
    record("slow-clients", figures["misbehaving"], failures, what, figures)
    assert held > before + 200
    assert failures == 0
