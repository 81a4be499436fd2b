"""Who asks: the one place where a request's key is looked at, whatever the protocol.

A key stands in ``Authorization: Bearer`` and nowhere else. A second way to send it would be a second
check to keep right, and addresses end up in logs and histories.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from enum import Enum

from starlette.datastructures import Headers

from api.keys import Key, key_of


class Refusal(Enum):
    """Why a request is not let in; the value says what to do about it."""

    MISSING = "请求没有带密钥；请加上 Authorization: Bearer 密钥。"
    MALFORMED = "Authorization 的格式不对，应为 Authorization: Bearer 密钥。"
    WRONG = "密钥不对；请核对后重试，或向管理员索取。"
    EXPIRED = "密钥已过期；请向管理员索取新的。"
    REVOKED = "密钥已停用；请向管理员索取新的。"
    SCOPE = "这个密钥没有所需的权限；请向管理员索取有这项权限的。"


class AccessDeniedError(Exception):
    """A request is not let in.

    Attributes:
        refusal: Why.
    """

    def __init__(self, refusal: Refusal) -> None:
        self.refusal = refusal
        super().__init__(refusal.value)


def authenticate(headers: Headers, keys: Iterable[Key], now: datetime) -> Key:
    """Find out which key a request has.

    Args:
        headers: Of the request. The scheme may be in capitals or not (RFC 9110, 11.1).
        keys: All there are. Whoever has the secret of one that has expired is told so; nobody else is.
        now: The time, with its zone.

    Raises:
        AccessDeniedError: If it has none that is let in.
    """
    values = headers.getlist("authorization")
    if not values:
        raise AccessDeniedError(Refusal.MISSING)
    scheme, _, token = values[0].strip().partition(" ")
    # Of two, a proxy in front may have looked at the other one.
    if len(values) > 1 or scheme.lower() != "bearer" or not token.strip():
        raise AccessDeniedError(Refusal.MALFORMED)
    key = key_of(token.strip(), keys)
    if key is None:
        raise AccessDeniedError(Refusal.WRONG)
    if not key.live(now):
        raise AccessDeniedError(Refusal.REVOKED if key.revoked else Refusal.EXPIRED)
    return key
