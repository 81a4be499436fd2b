from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from starlette.datastructures import Headers

from api.access import AccessDeniedError, Refusal, authenticate
from api.keys import Key, Scope

NOW = datetime(2026, 11, 22, tzinfo=UTC)
KEY = Key.of("s3cret", "dify", [Scope.ASK], NOW)
KEYS = [
    KEY,
    replace(Key.of("old", "old", [Scope.ASK], NOW), revoked=NOW),
    replace(Key.of("late", "late", [Scope.ASK], NOW), expires=NOW - timedelta(days=1)),
]


def outcome(*headers: tuple[str, str]) -> Key | Refusal:
    raw = [(name.encode(), value.encode("latin-1")) for name, value in headers]
    try:
        return authenticate(Headers(raw=raw), KEYS, NOW)
    except AccessDeniedError as error:
        return error.refusal


@pytest.mark.parametrize(
    ("authorization", "expected"),
    [
        ("Bearer s3cret", KEY),
        ("bearer s3cret", KEY),
        ("BEARER  s3cret ", KEY),
        ("", Refusal.MALFORMED),
        ("Bearer", Refusal.MALFORMED),
        ("Bearer  ", Refusal.MALFORMED),
        ("s3cret", Refusal.MALFORMED),
        ("Basic s3cret", Refusal.MALFORMED),
        ("Bearer s3cre", Refusal.WRONG),
        ("Bearer s3cret2", Refusal.WRONG),
        ("Bearer S3CRET", Refusal.WRONG),
        ("Bearer s3cret s3cret", Refusal.WRONG),
        ("Bearer s3cret,s3cret", Refusal.WRONG),
        ("Bearer ÿ", Refusal.WRONG),
        (f"Bearer {KEY.sha256}", Refusal.WRONG),
        (f"Bearer {KEY.id}", Refusal.WRONG),
        ("Bearer old", Refusal.REVOKED),
        ("Bearer late", Refusal.EXPIRED),
    ],
)
def test_only_the_whole_secret_of_a_live_key_is_let_in(
    authorization: str, expected: Key | Refusal
) -> None:
    assert outcome(("authorization", authorization)) == expected


@pytest.mark.parametrize(
    "name", ["x-api-key", "api-key", "x-authorization", "proxy-authorization", "cookie", "token"]
)
def test_a_key_in_any_other_header_is_none(name: str) -> None:
    assert outcome((name, "s3cret"), (name, "Bearer s3cret")) is Refusal.MISSING


@pytest.mark.parametrize("second", ["Bearer s3cret", "Bearer x", "Basic x"])
def test_of_two_keys_neither_is_let_in(second: str) -> None:
    found = outcome(("authorization", "Bearer s3cret"), ("authorization", second))

    assert found is Refusal.MALFORMED
