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
    assert done.stderr == (
        f"{host} 不是本机地址，网络中的其他人将能访问本服务。请从下面选一种：\n"
        "  只让有密钥的进来：casebook keys create 名称，再加 --require-key\n"
        "  谁都可以检索：加 --public，并在前面设置网关或防火墙\n"
        "  仅在本机使用：--host 127.0.0.1\n"
    )


def test_asked_to_be_public_the_command_goes_on(tmp_path: Path) -> None:
    asked = run("--host", "0.0.0.0", "--port", "0", "--index", str(tmp_path), "--public")  # noqa: S104

    assert "里没有索引" in asked.stderr


def test_a_key_that_everything_asks_for_opens_the_network_without_public(tmp_path: Path) -> None:
    bind = ("--host", "0.0.0.0", "--port", "0", "--index", str(tmp_path), "--require-key")  # noqa: S104
    closed = run(*bind, "--state", str(tmp_path / "state"))
    opened = run(*bind, "--state", str(tmp_path / "state"), CASEBOOK_API_KEY="s3cret")

    assert (closed.returncode, closed.stderr) == (
        2,
        (
            "要求密钥（--require-key），但一个密钥也没有；请先发放："
            f"casebook keys create 名称 --state {tmp_path / 'state'}\n"
        ),
    )
    assert "里没有索引" in opened.stderr


def test_a_key_for_the_protocols_alone_does_not_open_the_network(tmp_path: Path) -> None:
    bind = ("--host", "0.0.0.0", "--port", "0", "--state", str(tmp_path))  # noqa: S104
    done = run(*bind, CASEBOOK_API_KEY="s3cret")

    assert done.returncode == 2
    assert "再加 --require-key" in done.stderr


@pytest.mark.parametrize(
    ("option", "words"),
    [
        (("--trusted-proxy", "*"), "'*' 不能作为代理的地址"),
        (("--allow-host", "https://a.example"), "'https://a.example' 不是域名或地址"),
    ],
)
def test_a_safeguard_that_cannot_be_read_ends_the_start(
    tmp_path: Path, option: tuple[str, str], words: str
) -> None:
    done = run("--port", "0", "--index", str(tmp_path), *option)

    assert done.returncode == 1
    assert done.stderr.startswith(words)


def test_keys_that_others_could_add_end_the_start(tmp_path: Path) -> None:
    (tmp_path / "keys.json").write_text('{"version": 1, "keys": []}')
    (tmp_path / "keys.json").chmod(0o666)

    done = run("--port", "0", "--index", str(tmp_path), "--state", str(tmp_path))

    assert done.returncode == 1
    assert f"请运行：chmod 600 {tmp_path / 'keys.json'}" in done.stderr


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
    said = [json.loads(line)["message"] for line in errors.splitlines()]
    assert said[0].startswith(f"现在收不了意见，检索照常：{state} 不能用来存意见（")


@pytest.mark.model
def test_keys_of_the_command_hold_at_once_and_never_show_in_what_is_logged(
    real_index: Path, models: Path, tmp_path: Path
) -> None:
    def keys(*arguments: str) -> str:
        command = [sys.executable, "-c", "from api.cli_keys import app; app()", *arguments]
        done = subprocess.run(
            [*command, "--state", str(tmp_path)], capture_output=True, text=True, check=True
        )
        return done.stdout.strip()

    serve = [*SERVE, "--port", "0", "--index", str(real_index), "--models", str(models)]
    with subprocess.Popen(
        [*serve, "--state", str(tmp_path), "--no-docs"],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as process:
        assert process.stdout is not None
        address = process.stdout.readline().removeprefix("已就绪：").partition("（")[0]

        def status(path: str, secret: str = "") -> int:
            request = urllib.request.Request(  # noqa: S310 - our own service
                f"{address}{path}", headers={"Authorization": f"Bearer {secret}"} if secret else {}
            )
            try:
                with urllib.request.urlopen(request, timeout=60) as response:  # noqa: S310 - as above
                    return int(response.status)
            except urllib.error.HTTPError as refusal:
                refusal.close()
                return refusal.code

        found = [status("v1/models"), status("openapi.json")]
        secret = keys("create", "dify")
        found += [status("v1/models"), status("v1/models", secret), status("api/v1/facets")]
        found += [status(f"v1/models?key={secret}"), status(f"v1/models/{secret}", secret)]
        (line,) = keys("list").splitlines()
        keys("revoke", line.split()[0])
        found += [status("v1/models", secret)]
        process.terminate()
        _, errors = process.communicate(timeout=60)

    assert found == [200, 404, 401, 200, 200, 401, 404, 401]
    assert secret not in errors


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

    assert statuses == [200, 200, 421, 401]


@pytest.mark.model
@pytest.mark.parametrize("stop", [signal.SIGTERM, signal.SIGINT])
def test_a_served_question_is_answered_and_stopping_is_a_success(
    real_index: Path, models: Path, stop: signal.Signals
) -> None:
    command = [*SERVE, "--port", "0", "--index", str(real_index), "--models", str(models)]
    command += ["--drain", "0"]
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
    *_, line = map(json.loads, errors.splitlines())
    assert (line["route"], line["status"]) == ("/api/v1/search", 200)
