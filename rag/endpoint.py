"""An OpenAI-compatible service over HTTP: one address, asked with patience and bounded retries.

What is asked and what an answer must look like is the business of ``rag.remote`` (vectors) and
``rag.chat`` (text); how to reach a service, when to ask again and what to say when it does not
answer is the same for both, and stands here.
"""

from __future__ import annotations

import ipaddress
import json
import math
import random
import socket
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from typing import Any

import httpx

from rag.errors import CasebookError, ModelError

# Waiting doubles from a quarter of a second and never passes a minute: a long job goes on by
# itself, and asks again soon after the server is back.
_FIRST_WAIT_S = 0.25
_LONGEST_WAIT_S = 60.0

# The request never arrived, or the connection was cut. A slow endpoint, in contrast, is not made
# faster by asking again.
_WORTH_RETRYING = (httpx.ConnectError, httpx.ConnectTimeout, httpx.RemoteProtocolError)

_SHOWN_CHARS = 200  # of an unexpected answer, in an error message
_SHOWN_BYTES = 4096  # read of an unexpected answer that comes piece by piece


@dataclass(frozen=True, slots=True)
class Access:
    """How to reach a service.

    Attributes:
        base_url: Up to and including ``/v1``.
        path: What follows, such as ``embeddings``.
        key_variable: Environment variable that users put the key in; for messages.
        api_key: Sent as a bearer token and never shown; None or empty sends none.
        timeout_s: For connecting and for each silence while reading.
        retries: Further attempts after 429, 5xx and failed connections.
    """

    base_url: str
    path: str
    key_variable: str
    api_key: str | None = field(default=None, repr=False)
    timeout_s: float = 30.0
    retries: int = 3


@dataclass(frozen=True, slots=True)
class Reply:
    """The body that came with a success status.

    Attributes:
        body: As it came.
        shown: Its start in one line, without the key.
    """

    body: bytes = field(repr=False)
    shown: str

    def json(self) -> Any:
        """Read it as JSON, which is UTF-8 whatever the headers say.

        Raises:
            ValueError: If it is none, or nested too deep to read.
        """
        try:
            return json.loads(self.body)
        except RecursionError as error:
            message = "nested too deep"
            raise ValueError(message) from error


@dataclass(frozen=True, slots=True)
class Flow:
    """A reply that comes piece by piece, with a success status.

    Attributes:
        pieces: Its bytes as they arrive.
        abort: Cuts the connection, from any thread; whoever waits for a piece is woken.
    """

    pieces: Iterator[bytes]
    abort: Callable[[], None]


class Endpoint:
    """One address of a service; safe to call from several threads.

    Redirects are not followed: the key is for this address and no other.

    Args:
        access: How to reach it.
        unavailable: Makes the error that a caller of the service expects, from what happened.
        sleep: Waits between attempts; what it raises ends the asking.

    Raises:
        ModelError: If the address is none, or has a password, which would end up in messages; or if
            the key cannot be sent.
    """

    def __init__(
        self,
        access: Access,
        *,
        unavailable: Callable[[str], CasebookError],
        sleep: Callable[[float], object] = time.sleep,
    ) -> None:
        host = _host_of(access)
        self.url = f"{access.base_url.rstrip('/')}/{access.path}"
        self._key = _key_of(access)
        self._attempts = access.retries + 1
        self._unavailable = unavailable
        self._sleep = sleep
        # With a transport of its own, the client looks for no proxy in the environment.
        self._client = httpx.Client(
            headers={"Authorization": f"Bearer {self._key}"} if self._key else {},
            timeout=access.timeout_s,
            transport=httpx.HTTPTransport() if is_loopback(host) else None,
            follow_redirects=False,
        )

    def close(self) -> None:
        """Close the connections."""
        self._client.close()

    def post(
        self, body: object, *, patience_s: float = math.inf, silence_s: float | None = None
    ) -> Reply:
        """Ask, again if it may help and time is left.

        Args:
            body: Sent as JSON.
            patience_s: What failed attempts and the waits after them may take together.
            silence_s: For connecting and for each silence while reading; None is the endpoint's own.

        Returns:
            The first that comes with a success status.

        Raises:
            CasebookError: The one that ``unavailable`` makes, if there is none.
        """
        wait_s, spent_s = _FIRST_WAIT_S, 0.0
        timeout = self._client.timeout if silence_s is None else httpx.Timeout(silence_s)
        for attempt in range(1, self._attempts + 1):
            asked_s = 0.0
            started = time.monotonic()
            try:
                response = self._client.post(self.url, json=body, timeout=timeout)
            except httpx.HTTPError as error:
                reason = _described(error)
                again = isinstance(error, _WORTH_RETRYING)
            else:
                if response.is_success:
                    return Reply(response.content, self.shown(response.text))
                reason = f"返回 HTTP {response.status_code}，内容是 {self.shown(response.text)}"
                again = response.status_code == httpx.codes.TOO_MANY_REQUESTS
                again = again or response.is_server_error
                asked_s = _retry_after_s(response)
            reason += f"，已尝试 {attempt} 次（最多 {self._attempts} 次）"
            if not again or attempt == self._attempts:
                raise self._unavailable(reason)
            # Jitter spreads clients that were turned away together.
            pause_s = max(asked_s, wait_s * random.uniform(0.5, 1.5))  # noqa: S311 -- no secret
            spent_s += time.monotonic() - started
            if spent_s + pause_s > patience_s:
                reason += f"，已用 {spent_s:.1f} 秒，再试须等 {pause_s:.1f} 秒，而一个问题最多等 {patience_s:g} 秒"
                raise self._unavailable(reason)
            pause_s = min(pause_s, _LONGEST_WAIT_S)
            self._sleep(pause_s)
            spent_s += pause_s
            wait_s *= 2
        raise AssertionError  # the last attempt returned or raised

    @contextmanager
    def stream(self, body: object, *, silence_s: float) -> Iterator[Flow]:
        """Ask once, for a reply that comes piece by piece; its connection ends with the context.

        Args:
            body: Sent as JSON.
            silence_s: For connecting and for each silence while reading.

        Raises:
            CasebookError: The one that ``unavailable`` makes, if there is no such reply or it
                breaks off; also out of the pieces.
        """
        try:
            with self._client.stream("POST", self.url, json=body, timeout=silence_s) as response:
                if not response.is_success:
                    start = b""
                    for piece in response.iter_bytes(_SHOWN_BYTES):
                        start += piece
                        if len(start) >= _SHOWN_BYTES:
                            break
                    text = start.decode("utf-8", "replace")
                    reason = f"返回 HTTP {response.status_code}，内容是 {self.shown(text)}"
                    raise self._unavailable(reason)
                yield Flow(response.iter_bytes(), lambda: _cut(response))
        except httpx.HTTPError as error:
            raise self._unavailable(_described(error)) from error

    def shown(self, text: str) -> str:
        """Show the start of an answer in one line; some services repeat the key they refuse."""
        line = " ".join(text.split())
        return repr((line.replace(self._key, "***") if self._key else line)[:_SHOWN_CHARS])


def is_loopback(host: str) -> bool:
    """Whether a host is this machine, which no proxy can reach on our behalf.

    >>> is_loopback("127.0.0.1"), is_loopback("localhost"), is_loopback("10.0.0.7")
    (True, True, False)
    """
    if host == "localhost" or host.endswith(".localhost"):
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:  # a name
        return False


def _described(error: httpx.HTTPError) -> str:
    """Say what went wrong on the way."""
    kind = "超时" if isinstance(error, httpx.TimeoutException) else "连接出错"
    said = f"{type(error).__name__}: {error}" if str(error) else type(error).__name__
    return f"{kind}（{said}）"


def _cut(response: httpx.Response) -> None:
    """Shut the connection below a response; closing it alone would wake nobody."""
    below = response.extensions["network_stream"].get_extra_info("socket")
    with suppress(OSError):  # closed already
        below.shutdown(socket.SHUT_RDWR)


def _host_of(access: Access) -> str:
    """The host of an address that can be asked.

    Raises:
        ModelError: If it is none.
    """
    try:
        url = httpx.URL(access.base_url)
    except httpx.InvalidURL:
        url = httpx.URL("")
    if (
        url.scheme not in ("http", "https")
        or not url.host
        or url.userinfo
        or url.query
        or url.fragment
    ):
        message = (
            "服务的地址应形如 http://主机/v1，不带用户名和密码"
            f"（密钥放在环境变量 {access.key_variable}）；请改正地址后重试"
        )
        raise ModelError(message)
    return url.host


def _key_of(access: Access) -> str:
    """The key without the line end that files and shells leave behind it; empty if there is none.

    Raises:
        ModelError: If it cannot be a header; the HTTP library would say so with the key in it.
    """
    key = (access.api_key or "").strip()
    if not (key.isascii() and key.isprintable()):
        message = f"环境变量 {access.key_variable} 里的密钥含有不能发送的字符；请重新设置"
        raise ModelError(message)
    return key


def _retry_after_s(response: httpx.Response) -> float:
    """Read ``Retry-After`` where it is a number of seconds; a date is left to our own waiting."""
    value = response.headers.get("Retry-After", "")
    return float(value) if value.isascii() and value.isdigit() else 0.0
