"""`casebook versions`, `rollback` and `check --version`."""

from __future__ import annotations

import json
from datetime import datetime
from pathlib import Path

import pytest
from typer.testing import CliRunner

import casebook
from index.build import build
from index.versions import VERSIONS, current_name, published


def run(*arguments: object) -> tuple[int, str, str]:
    result = CliRunner(env={"COLUMNS": "200"}).invoke(casebook.app, [str(a) for a in arguments])
    if result.exception and not isinstance(result.exception, SystemExit):
        raise result.exception
    return result.exit_code, result.stdout, result.stderr


@pytest.fixture
def index(tmp_path: Path, collection: Path, encoder) -> Path:
    folder = tmp_path / "index"
    for _ in range(2):
        build([collection], folder, encoder, force=True)
    return folder


def test_versions_are_listed_with_what_they_are_made_of(index: Path) -> None:
    names = published(index)
    code, out, _ = run("versions", "--index", index, "--json")
    assert code == 0
    first, second = json.loads(out)
    assert datetime.fromisoformat(first.pop("written_at")).utcoffset() is not None
    size = sum(p.stat().st_size for p in (index / VERSIONS / names[0]).rglob("*") if p.is_file())
    assert first == {
        "version": names[0],
        "cases": 2,
        "passages": 3,
        "encoder": "counting-退税帮办企业",
        "bytes": size,
        "current": False,
        "fault": None,
    }
    assert (second["version"], second["current"]) == (names[1], True)

    code, out, _ = run("versions", "--index", index)
    assert code == 0
    assert [f"→ {names[1]}" in out, f"→ {names[0]}" in out] == [True, False]
    assert out.count("完好") == 2


def test_a_damaged_version_is_shown_with_its_fault(index: Path) -> None:
    names = published(index)
    (index / VERSIONS / names[0] / "manifest.json").write_bytes(b"{}")
    (index / VERSIONS / names[1] / "cases.jsonl").unlink()
    code, out, _ = run("versions", "--index", index)
    assert code == 1
    assert out.count("损坏或不能用") == 2
    assert (
        f"{names[0]}：索引已损坏：{index / VERSIONS / names[0] / 'manifest.json'} 内容与版本名"
        in out
    )
    assert "cases.jsonl 无法读取" in out
    first, _ = json.loads(run("versions", "--index", index, "--json")[1])
    assert (first["cases"], first["encoder"]) == (None, None)


def test_without_a_pointer_the_command_that_sets_it_is_named(index: Path) -> None:
    (index / "CURRENT").unlink()
    code, _, err = run("versions", "--index", index)
    assert code == 1
    assert "请运行：casebook rollback" in err


def test_without_an_index_both_say_what_to_run(tmp_path: Path) -> None:
    for command in ("versions", "rollback"):
        code, _, err = run(command, "--index", tmp_path / "none")
        assert code == 1
        assert err.startswith("错误：")
        assert "casebook build" in err


def test_rolling_back_says_what_is_used_now(index: Path) -> None:
    names = published(index)
    code, out, _ = run("rollback", "--index", index)
    assert (code, out) == (
        0,
        f"现在使用 {names[0]}：2 个案例，3 个段落；编码器 counting-退税帮办企业\n",
    )
    code, out, _ = run("rollback", "v000002", "--index", index, "--json")
    assert json.loads(out) == {"version": names[1], "cases": 2, "passages": 3}
    assert current_name(index) == names[1]


def test_a_version_can_be_checked_by_name(index: Path, tmp_path: Path) -> None:
    names = published(index)
    (index / VERSIONS / names[0] / "cases.jsonl").unlink()
    arguments = ["--index", index, "--models", tmp_path, "--json"]
    code, out, _ = run("check", *arguments, "--version", "v000001")
    assert code == 1
    assert [(f["check"], f["ok"]) for f in json.loads(out)] == [
        ("版本", True),
        ("文件 cases.jsonl", False),
    ]
    found = json.loads(run("check", *arguments)[1])
    assert [f["ok"] for f in found] == [True, True, True, False]  # no such model
    assert json.loads(run("check", *arguments, "--version", "v9")[1])[0]["ok"] is False
