"""Who may use the protocols of others (`/dify`, `/v1`, `/mcp`): whoever has the one key, if there is one.

The pages and `/api/v1` of our own ask for none. What a refusal looks like is each protocol's
business: `Guarded` is given the words.
"""

from __future__ import annotations

import hmac
from collections.abc import Callable
from dataclasses import dataclass, field
from enum import Enum

from starlette.datastructures import Headers
from starlette.responses import Response
from starlette.types import ASGIApp, Receive, Scope, Send

from rag.errors import CasebookError

KEY_VARIABLE = "CASEBOOK_API_KEY"
"""Environment variable that operators put the key in."""


class AccessKeyError(CasebookError):
    """The configured key could never be sent by a client."""


class Refusal(Enum):
    """Why a request is not let in; the value says what to do about it."""

    MISSING = "请求没有带密钥；请加上 Authorization: Bearer 密钥。"
    MALFORMED = "Authorization 的格式不对，应为 Authorization: Bearer 密钥。"
    WRONG = "密钥不对；请核对后重试，或向管理员索取。"


class AccessDeniedError(Exception):
    """A request is not let in.

    Attributes:
        refusal: Why.
    """

    def __init__(self, refusal: Refusal) -> None:
        self.refusal = refusal
        super().__init__(refusal.value)


@dataclass(frozen=True, slots=True)
class AccessKey:
    """The key that a request must carry; never shown.

    Raises:
        AccessKeyError: If it is empty, or cannot stand in a header as one word.
    """

    secret: str = field(repr=False)

    def __post_init__(self) -> None:
        """Refuse a key that no client could send."""
        if not self.secret:
            message = (
                f"环境变量 {KEY_VARIABLE} 设了，但里面是空的；请填入密钥，不需要密钥则取消这个变量"
            )
            raise AccessKeyError(message)
        if not all("!" <= character <= "~" for character in self.secret):
            message = (
                f"环境变量 {KEY_VARIABLE} 里的密钥含有空白或 ASCII 以外的字符，无法放进请求头；"
                "请换成字母、数字与半角符号"
            )
            raise AccessKeyError(message)

    @classmethod
    def configured(cls, value: str | None) -> AccessKey | None:
        r"""Read a key as it was configured.

        Args:
            value: What the environment has; the blanks and line ends around it, which files and
                shells leave, are no part of the key. None: nothing is configured.

        Raises:
            AccessKeyError: If the key cannot be used: that a check was meant, and there is none,
                must not go unnoticed.

        >>> AccessKey.configured("k-1\n") == AccessKey("k-1"), AccessKey.configured(None)
        (True, None)
        """
        return None if value is None else cls(value.strip())

    def admit(self, authorization: str | None) -> None:
        """Let a request in by its ``Authorization``, in a time that tells nothing of the key.

        Args:
            authorization: The header's value, read as Latin-1; None where there is none. The
                scheme may be in capitals or not (RFC 9110, 11.1).

        Raises:
            AccessDeniedError: If it is not let in.
        """
        if authorization is None:
            raise AccessDeniedError(Refusal.MISSING)
        scheme, _, token = authorization.strip().partition(" ")
        if scheme.lower() != "bearer" or not token.strip():
            raise AccessDeniedError(Refusal.MALFORMED)
        if not hmac.compare_digest(token.strip().encode("latin-1"), self.secret.encode()):
            raise AccessDeniedError(Refusal.WRONG)


class Guarded:
    """An ASGI application behind a key: nothing of a refused request is read but its headers.

    Args:
        app: What is guarded.
        key: What a request must carry; None lets everyone in.
        refuse: Words a refusal as the protocol does.
    """

    def __init__(
        self,
        app: ASGIApp,
        *,
        key: AccessKey | None,
        refuse: Callable[[AccessDeniedError], Response],
    ) -> None:
        self._app = app
        self._key = key
        self._refuse = refuse

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one connection."""
        if self._key is not None and scope["type"] == "http":
            try:
                self._key.admit(Headers(scope=scope).get("authorization"))
            except AccessDeniedError as error:
                await self._refuse(error)(scope, receive, send)
                return
        await self._app(scope, receive, send)
