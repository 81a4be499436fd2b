"""Keys that programs use the service with: what is kept of one, and how a secret is known again.

A secret has 256 random bits, so one pass of SHA-256 keeps it as well as a slow hash would; slow hashes
are for what people make up. It is shown once, where it is made, and kept nowhere.
"""

from __future__ import annotations

import hashlib
import hmac
import re
import secrets
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum
from typing import ClassVar, Self

from pydantic import AwareDatetime, ConfigDict

from rag.errors import CasebookError

KEY_VARIABLE = "CASEBOOK_API_KEY"
"""Environment variable that operators may put one key in."""

_RESERVED = "ingest"
"""No scope yet: nothing takes documents over HTTP."""

MAX_NAME = 32
_NAME = re.compile(rf"[\w.-]{{1,{MAX_NAME}}}")
_DIGEST = re.compile(r"[0-9a-f]{64}")
_ID_DIGITS = 8

_PREFIX = "casebook_"
"""Tells people, and programs that look for leaked secrets, what a key is for."""
_SECRET = re.compile(rf"{_PREFIX}[A-Za-z0-9_-]{{43}}")


class AccessKeyError(CasebookError):
    """The configured key could never be sent by a client."""


class ScopeError(CasebookError):
    """A scope that an operator gave is none."""


class Scope(StrEnum):
    """What a key may do."""

    ASK = "ask"
    ADMIN = "admin"


@dataclass(frozen=True, slots=True)
class Key:
    """What is kept of a key.

    Attributes:
        name: Who has it: 1 to 32 letters, digits, ``.``, ``-`` and ``_``. Two keys of one name are
            an old one and its successor.
        sha256: Of the secret, 64 digits.
        scopes: What it may do; at least one.
        created: When it was made.
        expires: From when on it is refused; None is never.
        revoked: When it was revoked; None is not at all.
        per_minute: Its own quota of searches; None goes by the service's.

    Raises:
        ValueError: If a field is not as described.
    """

    __pydantic_config__: ClassVar[ConfigDict] = ConfigDict(extra="forbid")

    name: str
    sha256: str
    scopes: frozenset[Scope]
    created: AwareDatetime
    expires: AwareDatetime | None = None
    revoked: AwareDatetime | None = None
    per_minute: int | None = None

    def __post_init__(self) -> None:
        """Refuse what the rest could not work with."""
        if not _NAME.fullmatch(self.name):
            message = f"name must be 1 to {MAX_NAME} letters, digits, '.', '-' or '_'"
            raise ValueError(message)
        if not _DIGEST.fullmatch(self.sha256):
            message = "sha256 must be 64 lower-case hexadecimal digits"
            raise ValueError(message)
        if not self.scopes:
            message = "a key without a scope opens nothing"
            raise ValueError(message)
        if self.per_minute is not None and self.per_minute < 1:
            message = "per_minute must be at least 1"
            raise ValueError(message)

    @classmethod
    def of(cls, secret: str, name: str, scopes: Iterable[Scope], created: datetime) -> Self:
        """Keep of a secret what knows it again."""
        return cls(name, digest_of(secret), frozenset(scopes), created)

    @property
    def id(self) -> str:
        """What people call it by: the first eight digits of the hash, which tell nothing of the secret."""
        return self.sha256[:_ID_DIGITS]

    @property
    def label(self) -> str:
        """What logs call it: its name, and which of the name's keys it is."""
        return f"{self.name}/{self.id}"

    def live(self, now: datetime) -> bool:
        """Whether it is let in."""
        return self.revoked is None and (self.expires is None or now < self.expires)


def new_secret() -> str:
    """Make a secret that nobody has had before: 52 characters, 256 random bits."""
    return _PREFIX + secrets.token_urlsafe(32)


def digest_of(secret: str) -> str:
    """Hash a secret, read as the bytes of a header: Latin-1.

    >>> digest_of("k-1")[:8]
    '7c35c5a1'
    """
    return hashlib.sha256(secret.encode("latin-1")).hexdigest()


def key_of(secret: str, keys: Iterable[Key]) -> Key | None:
    """Find the key of a secret, in a time that tells nothing of the others: all are compared, each whole."""
    digest = digest_of(secret)
    found = None
    for key in keys:
        if hmac.compare_digest(key.sha256, digest):
            found = key
    return found


def configured_key(value: str | None) -> Key | None:
    r"""Read the one key of the environment; it may ask, and does not expire.

    Args:
        value: What the environment has; the blanks and line ends around it, which files and
            shells leave, are no part of the key. None: nothing is configured.

    Raises:
        AccessKeyError: If the key cannot be used: that a check was meant, and there is none,
            must not go unnoticed.

    >>> configured_key(None), configured_key("k-1\n").label
    (None, 'CASEBOOK_API_KEY/7c35c5a1')
    """
    if value is None:
        return None
    secret = value.strip()
    if not secret:
        message = (
            f"环境变量 {KEY_VARIABLE} 设了，但里面是空的；请填入密钥，不需要密钥则取消这个变量"
        )
        raise AccessKeyError(message)
    if not all("!" <= character <= "~" for character in secret):
        message = (
            f"环境变量 {KEY_VARIABLE} 里的密钥含有空白或 ASCII 以外的字符，无法放进请求头；"
            "请换成字母、数字与半角符号"
        )
        raise AccessKeyError(message)
    return Key.of(secret, KEY_VARIABLE, [Scope.ASK], datetime.fromtimestamp(0, UTC))


def scopes_of(names: Iterable[str]) -> frozenset[Scope]:
    """Read scopes as an operator writes them.

    Raises:
        ScopeError: If one is none.
    """
    found = set()
    for name in names:
        if name == _RESERVED:
            message = f"{_RESERVED} 是留着的名字：没有接口接收文件，收录只经命令行 casebook build，不用密钥"
            raise ScopeError(message)
        if name not in set(Scope):
            message = f"没有权限“{name}”；可用的有：{'、'.join(Scope)}"
            raise ScopeError(message)
        found.add(Scope(name))
    return frozenset(found)


def redacted(text: str) -> str:
    """Take secrets of ours out of what is going to be logged.

    >>> redacted("GET /v1?key=casebook_" + "x" * 43 + "&q=1")
    'GET /v1?key=casebook_…&q=1'
    """
    return _SECRET.sub(f"{_PREFIX}…", text)
