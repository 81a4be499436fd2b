"""The command itself, as a process of its own over an index on disk."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import urllib.error
import urllib.request
from pathlib import Path

import pytest

SERVE = [sys.executable, "-c", "from api.cli import app; app()"]


@pytest.fixture(autouse=True)
def state(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where the command keeps what readers say: not in the checkout."""
    folder = tmp_path / "state"
    monkeypatch.setenv("CASEBOOK_STATE", str(folder))
    return folder


def run(*arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [*SERVE, *arguments],
        env={**os.environ, **environment},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )


def test_without_an_index_the_command_that_builds_one_is_named(tmp_path: Path) -> None:
    done = run("--port", "0", CASEBOOK_INDEX=str(tmp_path / "none"))

    assert done.returncode == 1
    assert f"{tmp_path / 'none'} 里没有索引；请运行：casebook build" in done.stderr
    assert done.stdout == ""


def test_a_port_in_use_is_told_before_anything_is_loaded(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        done = run("--port", str(port), "--index", str(tmp_path))

    assert done.returncode == 1
    assert f"无法监听 127.0.0.1:{port}" in done.stderr
    assert f"casebook serve --port {port + 1}" in done.stderr


@pytest.mark.parametrize("host", ["0.0.0.0", "::"])  # noqa: S104 - what must be refused
def test_other_machines_are_let_in_only_on_request(tmp_path: Path, host: str) -> None:
    done = run("--host", host, "--port", "0", "--index", str(tmp_path))

    assert done.returncode == 2
    assert f"{host} 不是本机地址" in done.stderr
    assert "--public" in done.stderr


def test_asked_to_be_public_the_command_goes_on(tmp_path: Path) -> None:
    asked = run("--host", "0.0.0.0", "--port", "0", "--index", str(tmp_path), "--public")  # noqa: S104

    assert "里没有索引" in asked.stderr


def test_a_name_that_is_no_address_is_refused(tmp_path: Path) -> None:
    done = run("--host", "no-such-host.invalid", "--index", str(tmp_path))

    assert done.returncode == 2
    assert "无法解析地址 no-such-host.invalid" in done.stderr


@pytest.mark.parametrize("key", ["", "密钥"])
def test_a_key_that_cannot_be_used_ends_the_start(tmp_path: Path, key: str) -> None:
    done = run("--port", "0", "--index", str(tmp_path), CASEBOOK_API_KEY=key)

    assert done.returncode == 1
    assert done.stderr.startswith("环境变量 CASEBOOK_API_KEY ")
    assert done.stdout == ""


@pytest.mark.parametrize("origin", ["*", "portal.example", "https://portal.example/path"])
def test_a_site_that_is_no_origin_ends_the_start(tmp_path: Path, origin: str) -> None:
    done = run("--port", "0", "--index", str(tmp_path), "--allow-origin", origin)

    assert done.returncode == 1
    assert done.stderr.startswith(f"{origin!r} 不是网站的源；应写协议和主机")
    assert done.stdout == ""


@pytest.mark.model
def test_origins_and_state_of_the_operator_hold_and_a_state_without_room_is_told(
    real_index: Path, models: Path, state: Path
) -> None:
    state.write_text("a file")
    command = [*SERVE, "--port", "0", "--index", str(real_index), "--models", str(models)]
    environment = {
        **os.environ,
        "CASEBOOK_ALLOWED_ORIGINS": "https://portal.example http://10.1.2.3",
    }
    with subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=environment
    ) as process:
        assert process.stdout is not None
        address = process.stdout.readline().removeprefix("已就绪：").partition("（")[0]
        said = {"query": "税", "verdict": "useful", "index_version": "v1", "mode": "search"}
        answers = []
        for path, body in (
            ("api/v1/suggest", None),
            ("api/v1/feedback", json.dumps(said).encode()),
        ):
            request = urllib.request.Request(  # noqa: S310 - our own service
                f"{address}{path}",
                data=body,
                headers={"Content-Type": "application/json", "Origin": "http://10.1.2.3"},
            )
            try:
                with urllib.request.urlopen(request, timeout=60) as response:  # noqa: S310 - as above
                    answers.append((200, response.headers["access-control-allow-origin"]))
                    assert len(json.load(response)["suggestions"]) == 8
            except urllib.error.HTTPError as refusal:
                answers.append((refusal.code, refusal.headers["access-control-allow-origin"]))
                refusal.close()
        process.terminate()
        _, errors = process.communicate(timeout=60)

    assert answers == [(200, "http://10.1.2.3"), (503, "http://10.1.2.3")]
    assert errors.startswith(f"现在收不了意见，检索照常：{state} 不能用来存意见（")


@pytest.mark.model
def test_the_key_and_the_names_of_the_operator_hold_for_mcp(real_index: Path, models: Path) -> None:
    command = [*SERVE, "--port", "0", "--index", str(real_index), "--models", str(models)]
    environment = {
        **os.environ,
        "CASEBOOK_API_KEY": "k-1\n",
        "CASEBOOK_ALLOWED_HOSTS": "cases.example x.example",
    }
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=environment) as process:
        assert process.stdout is not None
        address = process.stdout.readline().removeprefix("已就绪：").partition("（")[0]
        statuses = []
        for more in (
            {"Authorization": "Bearer k-1"},
            {"Authorization": "Bearer k-1", "Host": "x.example"},
            {"Authorization": "Bearer k-1", "Host": "y.example"},
            {"Host": "x.example"},
        ):
            request = urllib.request.Request(  # noqa: S310 - our own service
                f"{address}mcp",
                data=b'{"jsonrpc": "2.0", "id": 1, "method": "ping"}',
                headers={"Content-Type": "application/json", "Accept": "application/json", **more},
            )
            try:
                with urllib.request.urlopen(request, timeout=60) as response:  # noqa: S310 - as above
                    statuses.append(response.status)
            except urllib.error.HTTPError as refusal:
                statuses.append(refusal.code)
                refusal.close()
        process.terminate()

    assert statuses == [200, 200, 403, 401]


@pytest.mark.model
@pytest.mark.parametrize("stop", [signal.SIGTERM, signal.SIGINT])
def test_a_served_question_is_answered_and_stopping_is_a_success(
    real_index: Path, models: Path, stop: signal.Signals
) -> None:
    command = [*SERVE, "--port", "0", "--index", str(real_index), "--models", str(models)]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    try:
        assert process.stdout is not None
        ready = process.stdout.readline()
        address = ready.removeprefix("已就绪：").partition("（")[0]
        assert address.startswith("http://127.0.0.1:"), ready

        request = urllib.request.Request(  # noqa: S310 - the address was checked above
            f"{address}api/v1/search",
            data=json.dumps({"query": "退税几天到账", "top_k": 1}).encode(),
            headers={"Content-Type": "application/json"},
        )
        with urllib.request.urlopen(request, timeout=30) as response:  # noqa: S310 - as above
            answer = json.load(response)
            assert response.headers["x-content-type-options"] == "nosniff"
        assert answer["passages"][0]["rank"] == 1
    finally:
        process.send_signal(stop)
        _, errors = process.communicate(timeout=60)

    assert process.returncode == 0, errors
    assert errors == ""
