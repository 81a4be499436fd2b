from __future__ import annotations

import json
import re
from datetime import UTC, datetime
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

import casebook
from api.key_file import KeyFile
from api.keys import Scope, key_of

TODAY = datetime.now(UTC)


def run(state: Path, *arguments: str) -> Result:
    return CliRunner().invoke(casebook.app, ["keys", *arguments, "--state", str(state)])


def test_a_secret_is_shown_once_alone_on_stdout(tmp_path: Path) -> None:
    done = run(tmp_path, "create", "门户-1")
    secret = done.stdout.strip()

    assert done.exit_code == 0
    assert re.fullmatch(r"casebook_[\w-]{43}", secret)
    (key,) = KeyFile(tmp_path).read()
    assert key_of(secret, [key]) == key
    assert done.stderr == (
        f"{key.id}  门户-1  ask  {key.created:%Y-%m-%d} 发放  可用\n"
        "密钥只显示这一次，请现在保存：\n"
    )
    assert secret not in run(tmp_path, "list").output


def test_a_key_has_the_scopes_the_time_and_the_quota_that_it_was_given(tmp_path: Path) -> None:
    done = run(
        tmp_path,
        *("create", "ops", "--scope", "admin", "--scope", "ask"),
        *("--expires-days", "7", "--per-minute", "60"),
    )

    (key,) = KeyFile(tmp_path).read()
    assert done.exit_code == 0
    assert key.scopes == {Scope.ASK, Scope.ADMIN}
    assert key.expires is not None
    assert (key.expires - key.created).days == 7
    assert re.fullmatch(
        rf"{key.id}  ops  admin\+ask  \S+ 发放  可用到 {key.expires:%Y-%m-%d}，还有 6 天  每分钟 60 次\n",
        run(tmp_path, "list").stdout,
    )


def test_programs_read_the_keys_as_json(tmp_path: Path) -> None:
    run(tmp_path, "create", "dify", "--per-minute", "60")
    (key,) = KeyFile(tmp_path).read()

    assert json.loads(run(tmp_path, "list", "--json").stdout) == {
        "id": key.id,
        "name": "dify",
        "scopes": ["ask"],
        "created": key.created.isoformat(),
        "expires": None,
        "revoked": None,
        "per_minute": 60,
        "live": True,
    }


def test_two_keys_of_a_name_are_rotated_and_a_third_is_refused(tmp_path: Path) -> None:
    for _ in range(2):
        assert run(tmp_path, "create", "dify").exit_code == 0
    refused = run(tmp_path, "create", "dify")
    assert refused.exit_code == 1
    assert refused.stderr.startswith("错误：dify 已有两个可用的密钥（")
    assert refused.stdout == ""

    old = KeyFile(tmp_path).read()[0].id
    revoked = run(tmp_path, "revoke", old)
    assert revoked.exit_code == 0
    assert revoked.stdout.startswith(f"{old}  dify  ask  ")
    assert revoked.stdout.endswith(" 停用\n")
    assert run(tmp_path, "create", "dify").exit_code == 0


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("create", "a b"), "错误：'a b' 不能作为名称；请用 1 到 32 个字母、数字、汉字或 . - _\n"),
        (("create", "a", "--scope", "all"), "错误：没有权限“all”；可用的有：ask、admin\n"),
        (
            ("create", "a", "--scope", "ingest"),
            (
                "错误：ingest 是留着的名字：没有接口接收文件，"
                "收录只经命令行 casebook build，不用密钥\n"
            ),
        ),
        (
            ("revoke", "12345678"),
            "错误：没有编号为 12345678 的密钥；现有的见：casebook keys list\n",
        ),
    ],
)
def test_what_cannot_be_done_is_said(tmp_path: Path, arguments: list[str], words: str) -> None:
    done = run(tmp_path, *arguments)

    assert (done.exit_code, done.stdout, done.stderr) == (1, "", words)
    assert not (tmp_path / "keys.json").exists()


def test_where_there_are_no_keys_the_way_to_one_is_told(tmp_path: Path) -> None:
    done = run(tmp_path, "list")

    assert (done.exit_code, done.stdout) == (0, "")
    assert done.stderr == f"{tmp_path} 里还没有密钥；发放一个：casebook keys create 名称\n"
