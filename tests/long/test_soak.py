"""Mixed use for long. CASEBOOK_SOAK_SECONDS says for how long."""

from __future__ import annotations

import asyncio
import os
import statistics
import time
from collections import Counter
from collections.abc import Iterator
from typing import Any

import pytest

from tests.long.load import Client, p99, questions
from tests.long.records import record
from tests.long.service import Service

pytestmark = [pytest.mark.long, pytest.mark.model]

SOAK_S = float(os.environ.get("CASEBOOK_SOAK_SECONDS", "600"))


@pytest.mark.timeout(SOAK_S + 120)  # the limit of all tests would end it just before its end
def test_a_service_in_use_for_long_stays_as_it_is(service: Service) -> None:
    said = {"verdict": "useful", "index_version": "v1", "mode": "search"}

    def kinds() -> Iterator[tuple[str, str, object]]:
        for asked in questions():
            yield "POST", "/api/v1/search", asked
            yield "POST", "/api/v1/ask", asked
            yield "GET", "/api/v1/suggest?q=%E9%80%80", None
            yield "GET", "/", None
            yield "POST", "/api/v1/search", {"query": "x" * 501}
            yield "POST", "/v1/chat/completions", {"model": "none", "messages": []}
            yield "POST", "/api/v1/feedback", {**said, **asked}
            yield "GET", "/nowhere", None

    async def scenario() -> dict[str, Any]:
        client, sent = Client(service.port), kinds()
        statuses: Counter[int] = Counter()
        samples: list[tuple[float, float, int, int]] = []
        searches: list[float] = []
        started = time.perf_counter()
        until = started + SOAK_S
        # A quarter of what it can take: long, not hard.
        while time.perf_counter() < until:
            batch = await asyncio.gather(*[client.send(*next(sent)) for _ in range(2)])
            statuses.update(reply.status for reply in batch)
            searches += [reply.seconds for reply in batch if reply.status == 200]
            at = time.perf_counter() - started
            if not samples or at - samples[-1][0] >= SOAK_S / 60:
                samples.append((at, service.rss_mb, service.descriptors, service.threads))
            await asyncio.sleep(0.05)
        client.close()
        settled = samples[len(samples) // 3 :]
        slope = statistics.linear_regression(
            [at / 60 for at, *_ in settled], [rss for _, rss, *_ in settled]
        ).slope
        third = len(searches) // 3
        return {
            "seconds": SOAK_S,
            "requests": statuses.total(),
            "statuses": dict(sorted(statuses.items())),
            "rss_mb": [round(settled[0][1], 1), round(settled[-1][1], 1)],
            "rss_mb_a_minute": round(slope, 2),
            "descriptors": [settled[0][2], settled[-1][2]],
            "threads": [settled[0][3], settled[-1][3]],
            "p99_ms_first_and_last_third": [p99(searches[:third]), p99(searches[-third:])],
        }

    figures = asyncio.run(scenario())
    errors = sum(count for status, count in figures["statuses"].items() if status >= 500)
    record("soak", figures["requests"], errors, "mixed use for long: errors of the server", figures)
    assert errors == 0
    first, last = figures["descriptors"]
    assert abs(last - first) <= 3
    # Until the memory of questions is full, it grows; 600 seconds fill it.
    assert figures["rss_mb_a_minute"] < (1 if SOAK_S >= 600 else 60)
