from __future__ import annotations

import re
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from hmac import compare_digest

import pytest
from hypothesis import given
from hypothesis import strategies as st

from api import keys
from api.keys import (
    AccessKeyError,
    Key,
    Scope,
    ScopeError,
    configured_key,
    key_of,
    new_secret,
    redacted,
    scopes_of,
)

NOW = datetime(2026, 11, 22, tzinfo=UTC)
DAY = timedelta(days=1)


def test_what_files_and_shells_leave_around_a_key_is_no_part_of_it() -> None:
    key = configured_key(" s3cret\r\n")

    assert key is not None
    assert key_of("s3cret", [key]) == key
    assert key.scopes == {Scope.ASK}


def test_nothing_configured_is_no_key() -> None:
    assert configured_key(None) is None


@pytest.mark.parametrize("value", ["", " \n"])
def test_a_key_that_was_meant_and_is_empty_is_an_error(value: str) -> None:
    with pytest.raises(AccessKeyError) as raised:
        configured_key(value)

    assert str(raised.value) == (
        "环境变量 CASEBOOK_API_KEY 设了，但里面是空的；请填入密钥，不需要密钥则取消这个变量"
    )


@pytest.mark.parametrize("value", ["密钥", "two words", "a\x00b", "a\tb", "a\u00a0b", "ÿ"])
def test_a_key_that_no_client_can_send_is_an_error_that_does_not_show_it(value: str) -> None:
    with pytest.raises(AccessKeyError) as raised:
        configured_key(value)

    assert str(raised.value) == (
        "环境变量 CASEBOOK_API_KEY 里的密钥含有空白或 ASCII 以外的字符，无法放进请求头；"
        "请换成字母、数字与半角符号"
    )


def test_a_secret_has_256_random_bits_and_says_what_it_is_for() -> None:
    made = {new_secret() for _ in range(100)}

    assert len(made) == 100
    assert all(re.fullmatch(r"casebook_[A-Za-z0-9_-]{43}", secret) for secret in made)


def test_nothing_that_is_kept_of_a_key_tells_its_secret() -> None:
    secret = new_secret()
    key = Key.of(secret, "dify", [Scope.ASK], NOW)

    assert secret.removeprefix("casebook_") not in repr(key)
    assert key.label == f"dify/{key.sha256[:8]}"


@given(st.lists(st.text(st.characters(max_codepoint=255), min_size=1), unique=True, max_size=5))
def test_a_secret_finds_its_own_key_and_no_other(made: list[str]) -> None:
    kept = [Key.of(secret, f"n{i}", [Scope.ASK], NOW) for i, secret in enumerate(made)]

    for secret, key in zip(made, kept, strict=True):
        assert key_of(secret, kept) == key
        assert key_of(secret, [other for other in kept if other != key]) is None


def test_every_key_is_compared_and_each_in_constant_time(monkeypatch: pytest.MonkeyPatch) -> None:
    made = [new_secret() for _ in range(4)]
    kept = [Key.of(secret, "n", [Scope.ASK], NOW) for secret in made]
    compared: list[str] = []

    def watched(one: str, other: str) -> bool:
        compared.append(one)
        return compare_digest(one, other)

    # What is left to compare with ==, or to stop at the first that fits, shows in a shorter list.
    monkeypatch.setattr(keys.hmac, "compare_digest", watched)
    assert key_of(made[0], kept) == kept[0]
    assert compared == [key.sha256 for key in kept]


def test_a_key_lives_until_it_expires_or_is_revoked() -> None:
    key = Key.of("s", "n", [Scope.ASK], NOW)

    assert key.live(NOW + 10_000 * DAY)
    assert replace(key, expires=NOW + DAY).live(NOW + DAY - timedelta(seconds=1))
    assert not replace(key, expires=NOW + DAY).live(NOW + DAY)
    assert not replace(key, revoked=NOW).live(NOW)


@pytest.mark.parametrize(
    "fault",
    [
        {"name": ""},
        {"name": "a b"},
        {"name": "a\n"},
        {"name": "a/b"},
        {"name": "x" * 33},
        {"sha256": "0"},
        {"sha256": "G" * 64},
        {"scopes": frozenset()},
        {"per_minute": 0},
    ],
)
def test_a_key_that_nothing_could_work_with_is_refused(fault: dict[str, object]) -> None:
    fields = {"name": "n", "sha256": "0" * 64, "scopes": frozenset(Scope), "created": NOW}

    with pytest.raises(ValueError, match=r"name|sha256|scope|per_minute"):
        Key(**{**fields, **fault})  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("names", "words"),
    [
        (
            ["ask", "ingest"],
            "ingest 是留着的名字：没有接口接收文件，收录只经命令行 casebook build，不用密钥",
        ),
        (["all"], "没有权限“all”；可用的有：ask、admin"),
    ],
)
def test_a_scope_that_opens_nothing_is_not_given_out(names: list[str], words: str) -> None:
    with pytest.raises(ScopeError) as raised:
        scopes_of(names)

    assert str(raised.value) == words


def test_a_secret_is_taken_out_of_what_is_logged() -> None:
    secret = new_secret()

    assert redacted(f"GET /v1/{secret}?k={secret}") == "GET /v1/casebook_…?k=casebook_…"
    assert redacted("casebook_index") == "casebook_index"
