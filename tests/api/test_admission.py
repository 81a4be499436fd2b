"""Who computes, who waits, who is turned away: places are never lost, whatever becomes of a request."""

from __future__ import annotations

import asyncio
import json
import socket
import threading
from collections.abc import Callable

import httpx
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from starlette.types import Message

from api.admission import Turnstile, Turnstiles, overloaded
from api.app import create_app
from api.draining import Drain
from api.metrics import Metrics
from api.problems import CLIENT_LEFT, OVERLOADED, ProblemError
from api.stack import Stack
from rag.ask import Asker
from rag.assistant import Assistant
from rag.filters import NO_FILTERS, Filters
from rag.retrieve import Retrieval
from rag.types import Case

SEARCH = {"query": "智能退税"}


async def served(turnstile: Turnstile, served: list[str], name: str, until: asyncio.Event) -> None:
    async with turnstile.place():
        served.append(name)
        await until.wait()


async def crowd(
    turnstile: Turnstile, names: str, until: asyncio.Event
) -> tuple[list[str], dict[str, asyncio.Task[None]]]:
    """Send requests one after the other; who is let in says so."""
    let_in: list[str] = []
    tasks = {}
    for name in names:
        tasks[name] = asyncio.ensure_future(served(turnstile, let_in, name, until))
        await asyncio.sleep(0)
    return let_in, tasks


def refusal(task: asyncio.Task[None]) -> ProblemError:
    error = task.exception()
    assert isinstance(error, ProblemError)
    return error


def test_who_waits_longest_goes_first_and_the_rest_is_turned_away() -> None:
    async def scenario() -> None:
        turnstile, until = Turnstile(2, queue=2, patience_s=60), asyncio.Event()
        let_in, tasks = await crowd(turnstile, "abcdef", until)
        assert (let_in, turnstile.waiting, turnstile.full) == (["a", "b"], 2, True)
        assert [name for name, task in tasks.items() if task.done()] == ["e", "f"]
        assert refusal(tasks["e"]).kind == OVERLOADED
        until.set()
        await asyncio.wait(tasks.values())
        assert let_in == ["a", "b", "c", "d"]
        assert (turnstile.waiting, turnstile.full) == (0, False)

    asyncio.run(scenario())


def test_who_has_waited_too_long_is_dropped_before_anything_is_computed() -> None:
    async def scenario() -> None:
        turnstile, until = Turnstile(1, queue=1, patience_s=0.01), asyncio.Event()
        let_in, tasks = await crowd(turnstile, "ab", until)
        await asyncio.wait({tasks["b"]})
        assert refusal(tasks["b"]).kind == OVERLOADED
        until.set()
        await tasks["a"]
        assert let_in == ["a"]
        async with turnstile.place():
            assert turnstile.waiting == 0

    asyncio.run(scenario())


def test_who_leaves_while_waiting_takes_no_place() -> None:
    async def scenario() -> None:
        turnstile = Turnstile(1, queue=2, patience_s=60)
        left = asyncio.Event()

        async def receive() -> Message:
            await left.wait()
            return {"type": "http.disconnect"}

        async def wait(served: list[str]) -> None:
            async with turnstile.place(receive):
                served.append("left")

        served_then: list[str] = []
        async with turnstile.place():
            waiting = asyncio.ensure_future(wait(served_then))
            await asyncio.sleep(0)
            left.set()
            await asyncio.wait({waiting})
            assert refusal(waiting).kind == CLIENT_LEFT
            assert turnstile.waiting == 0
        async with turnstile.place():
            assert served_then == []

    asyncio.run(scenario())


@settings(max_examples=60, deadline=None)
@given(
    places=st.integers(1, 3),
    queue=st.integers(0, 3),
    steps=st.lists(st.sampled_from(["come", "go", "cancel", "fail"]), max_size=40),
)
def test_whatever_becomes_of_requests_no_place_is_lost_or_given_twice(
    places: int, queue: int, steps: list[str]
) -> None:
    async def scenario() -> None:
        turnstile = Turnstile(places, queue=queue, patience_s=60)
        inside: list[asyncio.Event] = []
        tasks: list[asyncio.Task[None]] = []
        for step in steps:
            if step == "go" and inside:
                inside[0].set()
            elif step == "cancel" and tasks:
                tasks[len(tasks) // 2].cancel()
            else:
                tasks.append(asyncio.ensure_future(visit(turnstile, inside, fails=step == "fail")))
            for _ in range(6):
                await asyncio.sleep(0)
            assert len(inside) <= places
            assert turnstile.waiting <= queue
            assert not turnstile.waiting or len(inside) == places
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        assert turnstile.waiting == 0
        for _ in range(places):
            await turnstile.place().__aenter__()
        assert turnstile.full == (queue == 0)

    asyncio.run(scenario())


async def visit(turnstile: Turnstile, inside: list[asyncio.Event], *, fails: bool) -> None:
    async with turnstile.place():
        done = asyncio.Event()
        inside.append(done)
        try:
            if fails:
                raise RuntimeError
            await done.wait()
        finally:
            inside.remove(done)


def test_processors_decide_how_many_compute_and_a_language_model_is_waited_for_apart() -> None:
    two, many = Turnstiles.for_cpus(2), Turnstiles.for_cpus(64, worded=True)

    assert two.answers is two.searches
    assert many.answers is not many.searches
    assert two.waiting == 0


def test_each_is_told_another_time() -> None:
    told = {overloaded().headers["Retry-After"] for _ in range(200)}

    assert told == {"1", "2", "3", "4", "5"}


class Busy:
    """A retriever that is busy until it is told to stop."""

    def __init__(self) -> None:
        self.busy = threading.Semaphore(0)
        self.stop = threading.Event()
        self.asked: list[str] = []

    def retrieve(self, question: str, *, limit: int, filters: Filters = NO_FILTERS) -> Retrieval:
        self.asked.append(question)
        self.busy.release()
        assert self.stop.wait(60)
        return Retrieval((), 0.0, "not_in_collection")


Service = tuple[str, Busy, Turnstile]


@pytest.fixture(scope="module")
def service(cases: tuple[Case, ...], serve: Callable[..., str]) -> Service:
    """One place, one that waits."""
    busy, turnstile = Busy(), Turnstile(1, queue=1, patience_s=60)
    turnstiles = Turnstiles(turnstile, turnstile, turnstile)
    app = create_app(
        Asker(Assistant(cases, busy, "v1")), passages=0, encoder="none", turnstiles=turnstiles
    )
    stack = Stack(turnstiles, Metrics(lambda: "v1"), Drain(0))
    return serve(stack.around(app, lambda inside: inside)), busy, turnstile


def full(turnstile: Turnstile) -> None:
    """Wait until it is."""
    for _ in range(1000):
        if turnstile.full:
            return
        threading.Event().wait(0.02)
    raise AssertionError(turnstile)


def test_a_service_without_a_place_refuses_unread_in_every_protocols_words_and_serves_the_rest(
    service: Service,
) -> None:
    url, busy, turnstile = service
    busy.stop.clear()
    with httpx.Client(base_url=url, timeout=60, trust_env=False) as client:
        answers: list[int] = []

        def ask() -> None:
            answers.append(httpx.post(f"{url}/api/v1/search", json=SEARCH, timeout=60).status_code)

        held = [threading.Thread(target=ask) for _ in range(2)]
        for thread in held:
            thread.start()
        full(turnstile)
        ours = client.post("/api/v1/search", json=SEARCH)
        page = client.get("/search?q=税", headers={"Accept": "text/html"})
        # Whatever is in the body: it is not read.
        openai = client.post("/v1/chat/completions", content=b"{")
        dify = client.post("/dify/retrieval", content=b"{")
        free = [
            client.get(path).status_code for path in ("/livez", "/readyz", "/", "/static/search.js")
        ]
        free.append(client.get("/widget/v1/casebook.js").status_code)
        free.append(client.get("/api/v1/search").status_code)
        busy.stop.set()
        for thread in held:
            thread.join()
        after = client.post("/api/v1/search", json=SEARCH)

    assert [it.status_code for it in (ours, page, openai, dify)] == [503, 503, 429, 503]
    assert {it.headers["retry-after"] for it in (ours, page, openai, dify)} <= set("12345")
    assert ours.headers["content-type"] == "application/problem+json"
    assert ours.json()["type"] == "/problems/overloaded"
    assert "<title>服务繁忙" in page.text
    assert openai.json()["error"]["code"] == "rate_limit_exceeded"
    assert dify.json()["error_code"] == 503
    assert free == [200, 200, 200, 200, 200, 405]
    assert answers == [200, 200]
    assert after.status_code == 200


def test_whoever_leaves_while_waiting_is_never_searched_for(service: Service) -> None:
    url, busy, turnstile = service
    busy.stop.clear()
    busy.asked.clear()
    address = ("127.0.0.1", int(url.rpartition(":")[2]))
    body = json.dumps({"query": "离开"}).encode()
    head = f"POST /api/v1/search HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n"
    thread = threading.Thread(
        target=httpx.post, args=(f"{url}/api/v1/search",), kwargs={"json": SEARCH, "timeout": 60}
    )
    thread.start()
    while not turnstile_busy(turnstile):
        threading.Event().wait(0.02)
    with socket.create_connection(address) as leaver:
        leaver.sendall(head.encode() + body)
        full(turnstile)
    for _ in range(1000):
        if not turnstile.waiting:
            break
        threading.Event().wait(0.02)
    assert turnstile.waiting == 0
    busy.stop.set()
    thread.join()

    assert "离开" not in busy.asked


def turnstile_busy(turnstile: Turnstile) -> bool:
    return turnstile._free == 0  # noqa: SLF001 -- nothing outside tells one place from none
