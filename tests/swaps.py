"""Swaps of an index under load, as a program of its own so that its memory can be told.

    python tests/swaps.py ROOT TIMES

Serves an index over HTTP as `casebook serve` does, with an encoder to compute by hand, publishes TIMES
versions while four clients ask, and looks whether every answer is whole and of the version it names.
Prints a JSON object.
"""

from __future__ import annotations

import json
import re
import socket
import sys
import threading
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))

import httpx
import uvicorn

import index.store
from api.admission import Turnstiles
from api.app import create_app
from api.index_watch import IndexWatch
from api.reloading import Reloading
from index.build import build
from index.store import open_index
from rag.ask import Asker
from tests.conftest import CountingEncoder

CLIENTS = 4
WAIT_S = 60
ENCODER = CountingEncoder()


def publish(root: Path, number: int) -> str:
    """Publish a version whose every passage has its number."""
    folder = root / "cases"
    folder.mkdir(exist_ok=True)
    text = f"排名1\n退税快办\n静安区退税{number}号，三日到账。\n排名2\n帮办代办\n嘉定区帮办{number}号。"
    (folder / "某市.txt").write_text(text, encoding="utf-8")
    return build([folder], root / "index", ENCODER, force=True).version.name


def rss_mb() -> float:
    status = Path("/proc/self/status").read_text(encoding="ascii")
    found = re.search(r"VmRSS:\s+(\d+) kB", status)
    return int(found[1]) / 1024 if found else 0.0


def ask(address: str, row: int, stop: threading.Event, seen: list[tuple[int, str, str]]) -> None:
    """Ask until told to stop; one client in four reads a stream."""
    with httpx.Client(base_url=address, trust_env=False, timeout=WAIT_S) as client:
        while not stop.is_set():
            path, headers = "search", {}
            if row == 0:
                path, headers = "ask", {"Accept": "text/event-stream"}
            try:
                response = client.post(
                    f"/api/v1/{path}", json={"query": "退税帮办"}, headers=headers
                )
            except httpx.HTTPError as error:
                seen.append((0, "", repr(error)))
                continue
            version = response.headers.get("x-index-version", "")
            seen.append((response.status_code, version, response.text))


def fault(numbers: dict[str, int], status: int, version: str, text: str) -> str | None:
    """What is wrong with a response; None if nothing is."""
    if status != httpx.codes.OK:
        return f"{status}: {text[:200]}"
    named = set(re.findall(r"v\d{6}-[0-9a-f]{10}", text))
    found = set(map(int, re.findall(r"(?:退税|帮办)(\d+)号", text)))
    if named != {version} or found != {numbers[version]}:
        return f"{version} ({numbers.get(version)}) answers with {named} and {found}"
    return None


def wait_for(name: str, seen: list[tuple[int, str, str]]) -> None:
    """Wait until a version has answered."""
    until = time.monotonic() + WAIT_S
    while all(version != name for _, version, _ in seen):
        if time.monotonic() > until:
            raise TimeoutError(name)
        time.sleep(0.005)


def run(root: Path, times: int) -> dict[str, object]:
    numbers = {publish(root, 0): 0}
    turnstiles = Turnstiles.for_cpus(2)
    reloading = Reloading(
        open_index(root / "index", root),
        lambda opened, degraded: create_app(
            Asker(opened.assistant),
            passages=opened.version.manifest.passages,
            encoder=opened.encoder.identity.name,
            turnstiles=turnstiles,
            degraded=degraded,
        ),
    )
    listener = socket.create_server(("127.0.0.1", 0))
    server = uvicorn.Server(uvicorn.Config(reloading, log_level="warning", lifespan="off"))
    serving = threading.Thread(target=server.run, kwargs={"sockets": [listener]})
    serving.start()
    address = f"http://127.0.0.1:{listener.getsockname()[1]}"
    stop, seen = threading.Event(), list[tuple[int, str, str]]()
    asking = [
        threading.Thread(target=ask, args=(address, row, stop, seen)) for row in range(CLIENTS)
    ]
    failures: list[str] = []
    rss: list[float] = []
    asked = 0
    versions: set[str] = set()
    with IndexWatch(reloading, root / "index", root, pause_s=0.01):
        for thread in asking:
            thread.start()
        for number in range(1, times + 1):
            name = publish(root, number)
            numbers[name] = number
            wait_for(name, seen)
            done = seen[:]
            del seen[: len(done)]
            if number % max(1, times // 10) == 0:
                rss.append(round(rss_mb(), 1))
            asked += len(done)
            versions |= {version for _, version, _ in done}
            failures += [found for response in done if (found := fault(numbers, *response))]
        stop.set()
        for thread in asking:
            thread.join()
    failures += [found for response in seen if (found := fault(numbers, *response))]
    server.should_exit = True
    serving.join()
    return {
        "n": asked + len(seen),
        "versions": len(versions),
        "rss_mb": rss,
        "failures": failures[:20],
    }


if __name__ == "__main__":
    index.store.load_encoder = lambda *_args, **_prompts: ENCODER
    sys.stdout.write(json.dumps(run(Path(sys.argv[1]), int(sys.argv[2])), ensure_ascii=False))
