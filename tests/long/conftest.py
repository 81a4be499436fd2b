"""What long tests ask: a service in a process of its own, a small language model; and where they write."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx
import pytest

from tests.long.service import Service

VAR = Path(__file__).parents[2] / "var"
LLM = VAR / "llm"
START_S = 120


@pytest.fixture(scope="module")
def index(request: pytest.FixtureRequest) -> Path:
    given = os.environ.get("CASEBOOK_INDEX")
    return Path(given) if given else request.getfixturevalue("real_index")


@pytest.fixture
def service(index: Path, models: Path, tmp_path: Path) -> Iterator[Service]:
    with _started(index, models, tmp_path) as service:
        yield service


@pytest.fixture
def service_apart(index: Path, models: Path, tmp_path: Path) -> Iterator[Service]:
    """It has one half of the processors, this process and its clients have the other.

    Those who ask have machines of their own. On the same processors they would take more and more of
    the service's, the more of them it turns away.
    """
    granted = sorted(os.sched_getaffinity(0))
    half = len(granted) // 2
    if not half:
        pytest.skip("one processor cannot be shared out")
    os.sched_setaffinity(0, granted[:half])
    try:
        with _started(index, models, tmp_path) as service:  # it keeps what this process had
            os.sched_setaffinity(0, granted[half:])
            yield service
    finally:
        os.sched_setaffinity(0, granted)


@contextmanager
def _started(index: Path, models: Path, tmp_path: Path) -> Iterator[Service]:
    command = [*(sys.executable, "-m", "casebook", "serve", "--port", "0", "--drain", "0")]
    command += ["--index", str(index), "--models", str(models), "--state", str(tmp_path / "state")]
    with (
        (tmp_path / "log").open("w") as log,
        subprocess.Popen(command, stdout=subprocess.PIPE, stderr=log, text=True) as process,
    ):
        assert process.stdout is not None
        ready = process.stdout.readline()
        try:
            yield Service(
                int(ready.partition("127.0.0.1:")[2].partition("/")[0]), process, tmp_path / "log"
            )
        finally:
            process.terminate()
            process.wait(60)
    assert process.returncode == 0
    assert '"error"' not in (tmp_path / "log").read_text()


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
