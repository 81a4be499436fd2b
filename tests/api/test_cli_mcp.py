"""``casebook mcp`` as clients start it: a process of its own, over an index on disk."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import anyio
import pytest
from mcp import types
from mcp.client.client import Client
from mcp.client.stdio import StdioServerParameters

from index.store import open_index

COMMAND = [sys.executable, "-c", "from api.cli_mcp import app; app()"]
INITIALIZE = {
    "jsonrpc": "2.0",
    "id": 1,
    "method": "initialize",
    "params": {
        "protocolVersion": "2025-11-25",
        "capabilities": {},
        "clientInfo": {"name": "test", "version": "1"},
    },
}


@pytest.fixture
def process(real_index: Path, models: Path) -> Iterator[subprocess.Popen[str]]:
    process = subprocess.Popen(
        [*COMMAND, "--index", str(real_index), "--models", str(models)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    with process:  # closes its pipes
        yield process
        process.kill()


def send(process: subprocess.Popen[str], message: object) -> None:
    assert process.stdin is not None
    process.stdin.write(json.dumps(message) + "\n")
    process.stdin.flush()


def introduced(process: subprocess.Popen[str]) -> None:
    send(process, INITIALIZE)
    assert process.stdout is not None
    answer = json.loads(process.stdout.readline())
    assert answer["result"]["serverInfo"]["name"] == "casebook"


def test_without_an_index_the_command_that_builds_one_is_named(tmp_path: Path) -> None:
    done = subprocess.run(
        COMMAND,
        env={**os.environ, "CASEBOOK_INDEX": str(tmp_path / "none")},
        input="",
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )

    assert (done.returncode, done.stdout) == (1, "")
    assert f"错误：{tmp_path / 'none'} 里没有索引；请运行：casebook build" in done.stderr


@pytest.mark.model
@pytest.mark.parametrize("mode", ["legacy", "auto"])
def test_a_client_that_starts_the_command_is_answered(
    real_index: Path, models: Path, mode: str
) -> None:
    assistant = open_index(real_index, models).assistant
    question = "静安退税几天到账"
    expected = [
        (it.hit.passage.passage_id, it.citation.label)
        for it in assistant.search(question, limit=3).findings
    ]
    command = StdioServerParameters(
        command=COMMAND[0],
        args=[*COMMAND[1:], "--index", str(real_index), "--models", str(models)],
    )

    async def talk() -> tuple[list[str], types.CallToolResult, int]:
        async with Client(command, mode=mode) as client:
            return (
                [tool.name for tool in (await client.list_tools()).tools],
                await client.call_tool("search_cases", {"query": question, "top_k": 3}),
                len((await client.list_resources()).resources),
            )

    names, result, resources = anyio.run(talk)

    assert names[:3] == ["ask", "search_cases", "get_case"]
    assert [
        (passage["passage_id"], passage["citation"]["label"])
        for passage in result.structured_content["passages"]
    ] == expected
    assert resources == len(assistant.cases) == 22


@pytest.mark.model
def test_only_the_protocol_is_on_stdout_and_closing_stdin_ends_it(
    process: subprocess.Popen[str],
) -> None:
    introduced(process)
    send(process, {"jsonrpc": "2.0", "method": "notifications/initialized"})
    search = {"name": "search_cases", "arguments": {"query": "退税几天到账"}}
    send(process, {"jsonrpc": "2.0", "id": 2, "method": "tools/call", "params": search})
    send(process, "no message")
    assert process.stdout is not None
    answer = json.loads(process.stdout.readline())
    out, errors = process.communicate(timeout=60)

    assert answer["id"] == 2
    assert answer["result"]["isError"] is False
    assert [json.loads(line)["jsonrpc"] for line in out.splitlines()] == ["2.0"] * out.count("\n")
    assert (process.returncode, errors) == (0, "")


@pytest.mark.model
@pytest.mark.parametrize("stop", [signal.SIGTERM, signal.SIGINT])
def test_stopping_is_a_success(process: subprocess.Popen[str], stop: signal.Signals) -> None:
    introduced(process)
    process.send_signal(stop)

    assert process.wait(60) == 0
    assert process.stderr is not None
    assert process.stderr.read() == ""


@pytest.mark.model
def test_a_client_that_dies_ends_it(process: subprocess.Popen[str]) -> None:
    introduced(process)
    assert process.stdout is not None
    process.stdout.close()
    send(process, {"jsonrpc": "2.0", "id": 2, "method": "ping"})
    _, errors = process.communicate(timeout=60)

    assert (process.returncode, errors) == (0, "the client went away before it was answered\n")
