"""A running service follows its index, without an error and without a mixed answer."""

from __future__ import annotations

import json
import logging
import os
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path

import httpx
import pytest
from fastapi import FastAPI
from starlette.testclient import TestClient

from api.app import create_app
from api.feedback_store import FeedbackStore
from api.index_watch import IndexWatch
from api.reloading import Degraded, Reloading
from index.build import build
from index.rollback import rollback
from index.store import OpenIndex, open_index
from index.versions import VERSIONS, current_name, published
from rag.ask import Asker

SWAPS = Path(__file__).parents[1] / "swaps.py"


def application(state: Path) -> Callable[[OpenIndex, Degraded], FastAPI]:
    """Build applications as `casebook serve` does: the store is made once."""
    feedback = FeedbackStore(state)

    def over(opened: OpenIndex, degraded: Degraded) -> FastAPI:
        manifest = opened.version.manifest
        return create_app(
            Asker(opened.assistant),
            passages=manifest.passages,
            encoder=manifest.encoder.name,
            feedback=feedback,
            degraded=degraded,
        )

    return over


@pytest.fixture
def index(tmp_path: Path, collection: Path, encoder, monkeypatch) -> Path:
    """One version, to be opened as a service does."""
    monkeypatch.setattr("index.store.load_encoder", lambda *_args, **_prompts: encoder)
    build([collection], tmp_path / "index", encoder)
    return tmp_path / "index"


@pytest.fixture
def reloading(index: Path, tmp_path: Path) -> Reloading:
    return Reloading(open_index(index, tmp_path), application(tmp_path / "state"))


@pytest.fixture
def watch(reloading: Reloading, index: Path, tmp_path: Path) -> IndexWatch:
    return IndexWatch(reloading, index, tmp_path, retry_s=0)


@pytest.fixture
def publish(index: Path, collection: Path, encoder) -> Callable[[int], str]:
    """Publish a version whose every passage has a number."""

    def publish(number: int) -> str:
        text = f"排名1\n退税快办\n静安区退税{number}号，三日到账。\n排名2\n帮办代办\n嘉定区帮办{number}号。"
        (collection / "某市.txt").write_text(text, encoding="utf-8")
        return build([collection], index, encoder, force=True).version.name

    return publish


def test_a_new_version_is_served_after_the_next_look(reloading, watch, index, publish) -> None:
    first = current_name(index)
    client = TestClient(reloading)
    watch.look()
    assert client.get("/readyz").json()["index_version"] == first
    old = reloading.opened

    second = publish(7)
    assert client.get("/readyz").headers["x-index-version"] == first
    watch.look()

    ready = client.get("/readyz")
    assert ready.headers["x-index-version"] == ready.json()["index_version"] == second
    assert ready.json()["passages"] == 2
    answer = client.post("/api/v1/search", json={"query": "退税"}).json()
    assert answer["index_version"] == second
    assert "7号" in answer["passages"][0]["text"]
    assert reloading.opened.encoder is old.encoder
    rollback(index)
    watch.look()
    assert client.get("/readyz").json()["index_version"] == first


def test_every_response_names_its_version(reloading, index) -> None:
    client = TestClient(reloading, raise_server_exceptions=False)
    paths = ("/", "/livez", "/nowhere", "/api/v1/cases", "/openapi.json")
    responses = [client.get(path) for path in paths]
    responses.append(client.post("/api/v1/search", json={}))
    assert [response.status_code for response in responses] == [200, 200, 404, 200, 200, 422]
    assert {response.headers["x-index-version"] for response in responses} == {current_name(index)}


def test_a_version_that_cannot_be_opened_leaves_the_old_one_and_is_told_once(
    reloading, watch, index, publish, caplog
) -> None:
    first = current_name(index)
    client = TestClient(reloading)
    second = publish(7)
    damaged = index / VERSIONS / second / "dense.faiss"
    sound = damaged.read_bytes()
    damaged.write_bytes(b"")

    for _ in range(3):
        watch.look()
        ready = client.get("/readyz")
        assert ready.status_code == 200
        assert ready.json()["index_version"] == first
        assert ready.json()["degraded"] == (
            f"索引已损坏：{damaged} 有 0 字节，应为 {len(sound)}；请退回完好的版本：casebook rollback，"
            f"或重新建立：casebook build <文件或文件夹>；仍用版本 {first}"
        )
    told = [r.getMessage() for r in caplog.records if r.name.startswith("casebook")]
    assert told == [client.get("/readyz").json()["degraded"]]

    damaged.write_bytes(sound)  # repaired in place: the pointer does not change
    watch.look()
    assert client.get("/readyz").json()["index_version"] == second
    assert client.get("/readyz").json()["degraded"] is None


def test_a_pointer_that_is_lost_is_told_until_it_is_back(reloading, watch, index) -> None:
    client = TestClient(reloading)
    pointer = index / "CURRENT"
    data = pointer.read_bytes()
    pointer.unlink()
    watch.look()
    assert "CURRENT 不存在，而版本有 1 个" in client.get("/readyz").json()["degraded"]
    pointer.write_bytes(data)
    watch.look()
    assert client.get("/readyz").json()["degraded"] is None


def test_a_service_that_started_on_an_older_version_says_so_until_one_is_chosen(
    index, tmp_path, publish
) -> None:
    first = current_name(index)
    second = publish(7)
    (index / VERSIONS / second / "dense.faiss").unlink()
    reloading = Reloading(open_index(index, tmp_path), application(tmp_path / "state"))
    client = TestClient(reloading)
    ready = client.get("/readyz").json()
    assert ready["index_version"] == first
    assert ready["degraded"].endswith(f"现在用的是完好的版本 {first}")
    rollback(index)
    IndexWatch(reloading, index, tmp_path).look()
    assert client.get("/readyz").json()["degraded"] is None


def test_whatever_goes_wrong_the_next_version_is_followed(
    reloading, watch, index, publish, monkeypatch, caplog
) -> None:
    first = current_name(index)
    publish(7)
    with monkeypatch.context() as patched:
        patched.setattr("api.index_watch.open_current", lambda *_, **__: 1 // 0)
        watch.look()
    assert TestClient(reloading).get("/readyz").json()["degraded"] == (
        f"ZeroDivisionError：integer division or modulo by zero；仍用版本 {first}"
    )
    assert any(r.levelno == logging.ERROR and r.exc_info for r in caplog.records)
    third = publish(8)
    watch.look()
    assert reloading.opened.version.name == third


def test_an_index_that_does_not_answer_is_not_swapped_in(
    reloading, watch, index, publish, monkeypatch
) -> None:
    first = current_name(index)
    publish(7)
    monkeypatch.setattr("rag.assistant.Assistant.search", lambda *_args, **_named: 1 // 0)
    watch.look()
    assert reloading.opened.version.name == first
    assert reloading.degraded is not None


def test_mcp_goes_on_after_a_swap(reloading, watch, index, publish) -> None:
    client = TestClient(reloading, base_url="http://127.0.0.1")

    def search() -> str:
        call = {"name": "search_cases", "arguments": {"query": "退税"}}
        body = {"jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": call}
        accept = {"Accept": "application/json, text/event-stream"}
        answer = client.post("/mcp", json=body, headers=accept)
        found = answer.json()["result"]["structuredContent"]["index_version"]
        assert answer.headers["x-index-version"] == found
        return str(found)

    first = search()
    publish(7)
    watch.look()
    assert [first, search()] == published(index)


def test_a_request_under_way_finishes_on_the_version_it_began_with(
    reloading, watch, index, publish, serve, monkeypatch
) -> None:
    first = current_name(index)
    begun, go_on = threading.Event(), threading.Event()
    search = type(reloading.opened.assistant).search

    def slow(self, question: str, **more: object) -> object:
        if question == "慢退税":
            begun.set()
            assert go_on.wait(30)
        return search(self, question, **more)

    monkeypatch.setattr("rag.assistant.Assistant.search", slow)
    address = serve(reloading)
    responses: list[httpx.Response] = []

    def ask() -> None:
        body = {"query": "慢退税"}
        responses.append(httpx.post(f"{address}/api/v1/search", json=body, trust_env=False))

    asking = threading.Thread(target=ask)
    asking.start()
    assert begun.wait(30)
    second = publish(7)
    watch.look()
    assert httpx.get(f"{address}/readyz", trust_env=False).json()["index_version"] == second
    go_on.set()
    asking.join()
    assert responses[0].json()["index_version"] == first
    assert responses[0].headers["x-index-version"] == first
    assert "7号" not in responses[0].text


def test_under_load_swaps_cost_no_request_and_mix_no_answer(tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, str(SWAPS), str(tmp_path), "10"],
        cwd=SWAPS.parents[1],
        env={**os.environ, "PYTHONPATH": str(SWAPS.parents[1])},
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    report = json.loads(done.stdout)
    assert report["failures"] == []
    assert report["versions"] >= 10
    assert report["n"] > 50


@pytest.mark.model
def test_the_commands_fall_back_and_a_running_service_follows_the_next_build(
    copied_index: Path, models: Path, corpus: Path
) -> None:
    first = current_name(copied_index)
    encoder = open_index(copied_index, models).encoder
    second = build([corpus], copied_index, encoder, force=True).version.name
    (copied_index / VERSIONS / second / "dense.faiss").write_bytes(b"")
    casebook = [sys.executable, "-m", "casebook"]
    places = ["--index", str(copied_index), "--models", str(models)]

    def run(*arguments: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [*casebook, *arguments], capture_output=True, text=True, timeout=120, check=False
        )

    found = run("search", "退税几天到账", "--json", *places)
    assert found.returncode == 0
    assert json.loads(found.stdout)["index_version"] == first
    assert found.stderr.startswith("索引已损坏：")
    assert found.stderr.endswith(f"；现在用的是完好的版本 {first}\n")
    assert run("check", *places).returncode == 1

    serve = [*casebook, "serve", "--port", "0", "--state", str(copied_index / "state"), *places]
    with subprocess.Popen(
        serve, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout is not None
        address = process.stdout.readline().removeprefix("已就绪：").partition("（")[0]

        def ready() -> dict[str, str | None]:
            return dict(httpx.get(f"{address}readyz", trust_env=False).json())

        before = ready()
        build([corpus], copied_index, encoder, force=True)
        while (after := ready())["index_version"] == first:
            time.sleep(0.1)
        process.terminate()
        _, errors = process.communicate(timeout=60)
    assert before["index_version"] == first
    assert "casebook rollback" in (before["degraded"] or "")
    assert after["index_version"] == current_name(copied_index)
    assert after["degraded"] is None
    assert errors.startswith("索引已损坏：")
    assert process.returncode == 0
