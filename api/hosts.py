"""Which names this service answers to.

A page on the web can have its own name resolve to this machine (DNS rebinding): the browser then takes
the service for a part of that page and hands over every answer. It cannot change the name
itself, which stands in ``Host``.
"""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Self
from urllib.parse import urlsplit

from starlette.datastructures import Headers
from starlette.requests import Request
from starlette.types import ASGIApp, Receive, Scope, Send

from api.handlers import Failure, as_problem
from api.problems import MISDIRECTED
from rag.errors import CasebookError

HOSTS_VARIABLE = "CASEBOOK_ALLOWED_HOSTS"
"""Environment variable for the names, parted by spaces."""

_LOOPBACK = ("localhost", "127.0.0.1", "[::1]")
_AUTHORITY = re.compile(r"(\[[0-9a-f:.]+\]|[\w.-]+)(?::([0-9]{1,5}))?")
_ANY_BELOW = "*."
_SHOWN = 80


class HostNameError(CasebookError):
    """A configured name is none that a browser would send."""


@dataclass(frozen=True, slots=True)
class HostNames:
    """The names that are answered to; the loopback ones always are.

    Attributes:
        names: Lower case, IDNA, with a port where only that one is meant.
        below: Names whose subdomains are, too, each with a dot before it.
        addresses: Whether any IP address is: nobody can make a browser take one for another.
    """

    names: frozenset[str] = field(default_factory=frozenset)
    below: tuple[str, ...] = ()
    addresses: bool = False

    @classmethod
    def of(
        cls, written: Iterable[str], *, addresses: bool = False, public_url: str | None = None
    ) -> Self:
        """Read the names of an operator.

        Args:
            written: Names or addresses, with or without a port; ``*.`` stands for all below.
            addresses: Whether any IP address is answered to.
            public_url: Where readers reach the service; its name is one of them.

        Raises:
            HostNameError: If one is no name.
        """
        plain, below = set(), []
        for one in written:
            name = _written(one.removeprefix(_ANY_BELOW))
            if name is None or (one.startswith(_ANY_BELOW) and ":" in name):
                message = (
                    f"{one!r} 不是域名或地址；应形如 cases.example、*.example 或 10.1.2.3:8000，不写协议和路径。"
                    f"请改正 --allow-host 或环境变量 {HOSTS_VARIABLE}"
                )
                raise HostNameError(message)
            if one.startswith(_ANY_BELOW):
                below.append(f".{name}")
            else:
                plain.add(name)
        reached_by = public_url and _written(urlsplit(public_url).netloc.rpartition("@")[2])
        if reached_by:
            # A proxy may leave the port out, or have one of its own.
            plain.add(_AUTHORITY.sub(r"\1", reached_by))
        return cls(frozenset(plain), tuple(below), addresses)

    def allow(self, host: str) -> bool:
        """Whether a ``Host`` is answered to.

        >>> names = HostNames.of(["cases.example", "*.gov.example", "x:81"])
        >>> [host for host in ("CASES.example:8000", "a.gov.example", "gov.example", "x:81", "x",
        ...     "localhost:1", "127.0.0.1.evil.example", "10.1.2.3") if names.allow(host)]
        ['CASES.example:8000', 'a.gov.example', 'x:81', 'localhost:1']
        """
        found = _AUTHORITY.fullmatch(host.lower())
        if found is None:
            return False
        name = found[1].removesuffix(".")
        return (
            name in _LOOPBACK
            or name in self.names
            or f"{name}:{found[2]}" in self.names
            or name.endswith(self.below)
            or (self.addresses and _is_address(name))
        )

    def allow_origin(self, origin: str) -> bool:
        """Whether an ``Origin`` is a page under a name that is answered to.

        >>> [HostNames().allow_origin(it) for it in ("http://localhost:3000", "null", "http://a.b")]
        [True, False, False]
        """
        scheme, _, host = origin.partition("://")
        return scheme in {"http", "https"} and self.allow(host)


def _written(name: str) -> str | None:
    """Write a name as browsers send it; None where it is none."""
    found = _AUTHORITY.fullmatch(name.lower())
    if found is None:
        return None
    try:
        plain = found[1].removesuffix(".").encode("idna").decode()
    except UnicodeError:
        return None
    return f"{plain}:{found[2]}" if found[2] else plain


def _is_address(name: str) -> bool:
    try:
        ipaddress.ip_address(name.removeprefix("[").removesuffix("]"))
    except ValueError:
        return False
    return True


class KnownHosts:
    """Answers 421 to every name that is not this service's; stands before everything that answers.

    Args:
        app: What is behind it.
        names: What it answers to.
    """

    def __init__(self, app: ASGIApp, names: HostNames) -> None:
        self._app = app
        self._names = names

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one connection."""
        if scope["type"] == "http":
            sent = Headers(scope=scope).getlist("host")
            if len(sent) != 1 or not self._names.allow(sent[0]):
                failure = Failure(MISDIRECTED, _detail(sent))
                await as_problem(Request(scope), failure)(scope, receive, send)
                return
        await self._app(scope, receive, send)


def _detail(sent: list[str]) -> str:
    if len(sent) != 1 or not _AUTHORITY.fullmatch(sent[0].lower()):
        return "请求没有写明主机（Host），或者写得不对。"
    name = _AUTHORITY.sub(r"\1", sent[0].lower())[:_SHOWN]
    return f"本服务不认识 {name} 这个名字。请换用它的地址访问，或请管理员启动时加上 --allow-host {name}。"
