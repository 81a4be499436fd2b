"""A small language model, served on loopback for as long as the tests run."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import httpx
import pytest

VAR = Path(__file__).parents[2] / "var"
LLM = VAR / "llm"
START_S = 120


@pytest.fixture(scope="session")
def record() -> Callable[[str, int, int, str], None]:
    """Write down a row of docs/reliability.md: its name, how many were tried, how many failed, and what it is."""

    def record(name: str, n: int, failures: int, what: str) -> None:
        folder = VAR / "reliability"
        folder.mkdir(parents=True, exist_ok=True)
        row = {"name": name, "n": n, "failures": failures, "what": what}
        text = json.dumps(row, ensure_ascii=False, indent=1)
        (folder / f"{name}.json").write_text(f"{text}\n", encoding="utf-8")

    return record


@pytest.fixture(scope="session")
def language_model() -> Iterator[str]:
    """The one that CASEBOOK_LLM names, or the one that `make test-long` has installed."""
    given = os.environ.get("CASEBOOK_LLM")
    if given:
        yield given
        return
    if not (LLM / "model.gguf").is_file():
        pytest.fail("no language model: run `make test-long`, or set CASEBOOK_LLM=openai:NAME@URL")
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
    command = [
        *(str(LLM / "bin" / "python"), "-m", "llama_cpp.server", "--host", "127.0.0.1"),
        *("--port", str(port), "--model", str(LLM / "model.gguf"), "--model_alias", "small"),
        *("--n_ctx", "8192"),
    ]
    with subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as server:
        try:
            url = f"http://127.0.0.1:{port}/v1"
            _wait_for(f"{url}/models", server)
            yield f"openai:small@{url}"
        finally:
            server.terminate()


def _wait_for(url: str, server: subprocess.Popen[bytes]) -> None:
    until = time.monotonic() + START_S
    while time.monotonic() < until and server.poll() is None:
        try:
            if httpx.get(url, trust_env=False).is_success:
                return
        except httpx.TransportError:
            time.sleep(0.2)
    pytest.fail(f"the language model's server did not start within {START_S} seconds")
