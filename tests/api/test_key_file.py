"""The file of keys: what it holds, who may write it, and how a service follows it."""

from __future__ import annotations

import json
import logging
import stat
import threading
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from api.key_file import KeyFile, KeyFileError, LiveKeys
from api.keys import Key, Scope, configured_key, key_of

NOW = datetime(2026, 11, 22, tzinfo=UTC)


def key(secret: str, name: str = "dify", **more: object) -> Key:
    return replace(Key.of(secret, name, [Scope.ASK], NOW), **more)


@pytest.fixture
def file(tmp_path: Path) -> KeyFile:
    return KeyFile(tmp_path / "state")


def test_keys_come_back_as_they_were_kept_and_no_secret_is_on_the_disk(file: KeyFile) -> None:
    kept = [
        key("s3cret-1", expires=NOW + timedelta(days=3), per_minute=7),
        replace(key("s3cret-2", "门户"), scopes=frozenset(Scope)),
    ]
    for one in kept:
        file.add(one)

    assert file.read() == tuple(kept)
    written = file.path.read_text()
    assert "s3cret" not in written
    assert json.loads(written)["keys"][0] == {
        "name": "dify",
        "sha256": kept[0].sha256,
        "scopes": ["ask"],
        "created": "2026-11-22T00:00:00Z",
        "expires": "2026-11-25T00:00:00Z",
        "per_minute": 7,
    }


def test_only_the_owner_can_read_and_write_it(file: KeyFile) -> None:
    file.add(key("a"))

    assert stat.S_IMODE(file.path.stat().st_mode) == 0o600
    assert sorted(path.name for path in file.path.parent.iterdir()) == [
        "keys.json",
        "keys.json.lock",
    ]


@pytest.mark.parametrize("mode", [0o620, 0o602, 0o666])
def test_a_file_that_others_can_write_is_not_believed(file: KeyFile, mode: int) -> None:
    file.add(key("a"))
    file.path.chmod(mode)

    with pytest.raises(KeyFileError) as raised:
        file.read()
    assert str(raised.value) == (
        f"{file.path} 别的用户也能写（权限 {mode:04o}），谁都可以给自己加一个密钥；"
        f"请运行：chmod 600 {file.path}"
    )


def test_without_a_file_there_is_no_key(file: KeyFile) -> None:
    assert file.read() == ()
    assert not LiveKeys(file).guarded


def test_a_name_has_two_live_keys_at_most_one_to_leave_and_one_to_come(file: KeyFile) -> None:
    old, new, third = key("old"), key("new"), key("third")
    file.add(old)
    file.add(new)
    with pytest.raises(KeyFileError) as raised:
        file.add(third)
    assert str(raised.value) == (
        f"dify 已有两个可用的密钥（{old.id}、{new.id}），最多两个：一个在用，一个用来轮换；"
        "请先停用一个：casebook keys revoke 编号"
    )
    file.add(key("other", "portal"))

    assert file.revoke(old.id, NOW) == replace(old, revoked=NOW)
    file.add(third)
    assert [one.live(NOW) for one in file.read()] == [False, True, True, True]


def test_revoking_twice_keeps_the_first_time_and_a_wrong_id_is_told(file: KeyFile) -> None:
    one = key("a")
    file.add(one)
    file.revoke(one.id, NOW)

    assert file.revoke(one.id, NOW + timedelta(days=1)).revoked == NOW
    with pytest.raises(KeyFileError) as raised:
        file.revoke("00000000", NOW)
    assert str(raised.value) == "没有编号为 00000000 的密钥；现有的见：casebook keys list"


@pytest.mark.parametrize(
    "written",
    [
        "",
        "{",
        "[]",
        '{"version": 2, "keys": []}',
        '{"version": 1, "keys": [], "more": 1}',
        '{"version": 1, "keys": [{"name": "a"}]}',
        '{"version": 1, "keys": [{"name": "a", "sha256": "%s", "scopes": ["root"],'
        ' "created": "2026-11-22T00:00:00Z"}]}' % ("0" * 64),
        '{"version": 1, "keys": [{"name": "a", "sha256": "%s", "scopes": ["ask"],'
        ' "created": "2026-11-22T00:00:00"}]}' % ("0" * 64),
        '{"version": 1, "keys": [{"name": "a", "sha256": "%s", "scopes": ["ask"],'
        ' "created": "2026-11-22T00:00:00Z", "expire": "2020-01-01T00:00:00Z"}]}' % ("0" * 64),
    ],
)
def test_a_file_that_was_not_written_here_ends_the_start(file: KeyFile, written: str) -> None:
    file.path.parent.mkdir()
    file.path.write_text(written)
    file.path.chmod(0o600)

    with pytest.raises(KeyFileError) as raised:
        LiveKeys(file)
    assert str(raised.value).startswith(f"密钥文件 {file.path} 不能用（")
    assert str(raised.value).endswith(
        "）；请从备份恢复它，或者移走它，再用 casebook keys create 重新发放"
    )


def test_a_running_service_takes_new_keys_and_refuses_revoked_ones_at_once(file: KeyFile) -> None:
    live = LiveKeys(file, configured_key("from-the-environment"))
    one = key("a")
    assert key_of("a", live.current()) is None

    file.add(one)
    assert key_of("a", live.current()) == one
    file.revoke(one.id, NOW)

    found = key_of("a", live.current())
    assert found is not None
    assert not found.live(NOW)
    assert key_of("from-the-environment", live.current()) is not None


def test_the_first_key_closes_a_running_service(file: KeyFile) -> None:
    live = LiveKeys(file)
    assert not live.guarded

    file.add(key("a"))
    assert live.guarded


def test_a_file_that_goes_away_lets_nobody_in_and_opens_nothing(
    file: KeyFile, caplog: pytest.LogCaptureFixture
) -> None:
    file.add(key("a"))
    live = LiveKeys(file)
    file.path.unlink()

    assert live.current() == ()
    assert live.guarded
    assert caplog.messages == [f"{file.path} is gone: none of its keys is let in"]


def test_a_file_that_is_spoilt_leaves_the_last_sound_keys_and_is_told_once(
    file: KeyFile, caplog: pytest.LogCaptureFixture
) -> None:
    one = key("a")
    file.add(one)
    live = LiveKeys(file)
    sound = file.path.read_bytes()
    file.path.write_text("{")

    with caplog.at_level(logging.WARNING, "casebook.keys"):
        assert live.current() == (one,)
        assert live.current() == (one,)
        file.path.write_bytes(sound)
        assert live.current() == (one,)

    assert [message.partition("（")[0] for message in caplog.messages] == [
        f"keys stay as they were: 密钥文件 {file.path} 不能用",
        f"keys read again: 1 in {file.path}",
    ]


def test_commands_that_add_keys_at_once_lose_none(file: KeyFile) -> None:
    threads = [threading.Thread(target=file.add, args=(key(f"s{i}", f"n{i}"),)) for i in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert {one.name for one in file.read()} == {f"n{i}" for i in range(8)}
