"""Before a request gets to an application: who it is of, whether that one may, and how much.

Nothing of a refused request is read but its headers, and every protocol refuses in words of its own. Who was
let in by a key stands in ``scope["casebook.client"]``, for whatever keeps a log.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from types import MappingProxyType

from starlette.requests import Request
from starlette.responses import Response
from starlette.types import ASGIApp, Receive, Scope, Send

from api import dify, openai_errors, problems
from api.access import AccessDeniedError, Refusal, authenticate
from api.addresses import client_of, is_loopback
from api.entrances import Entrance, Needs, entrance_of
from api.handlers import Failure, Respond, as_problem
from api.key_file import LiveKeys
from api.keys import Key
from api.notes import CLIENT
from api.quota import Limits, Quota


def _refuse(request: Request, error: AccessDeniedError) -> Response:
    permitted = error.refusal is not Refusal.SCOPE
    kind = problems.ACCESS_DENIED if permitted else problems.NOT_PERMITTED
    challenge = {"WWW-Authenticate": "Bearer"}
    return as_problem(request, Failure(kind, error.refusal.value, headers=challenge))


@dataclass(frozen=True, slots=True)
class _Words:
    """How a protocol says no."""

    refuse: Callable[[Request, AccessDeniedError], Response]
    respond: Respond


_OURS = _Words(_refuse, as_problem)
_WORDS: Mapping[str, _Words] = MappingProxyType(
    {
        "/dify/": _Words(dify.refuse, dify.respond),
        "/v1/": _Words(openai_errors.refuse, openai_errors.respond),
    }
)


class Gate:
    """Lets requests in by the table of `api.entrances`.

    Args:
        app: What is behind it.
        keys: The keys there are; where there never was one, none is asked for.
        require_key: Whether pages and our own interface ask for one, too.
        limits: How much is asked. The machine itself has no limit: behind a proxy on it that is not
            named as one, it is everybody.
        closed: Addresses that are not there.
        now: The time, with its zone.
    """

    def __init__(
        self,
        app: ASGIApp,
        keys: LiveKeys,
        *,
        require_key: bool = False,
        limits: Limits = Limits(),  # noqa: B008 - frozen
        closed: frozenset[str] = frozenset(),
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        self._app = app
        self._keys = keys
        self._require_key = require_key
        self._addresses = Quota(limits.per_address)
        self._callers = Quota(limits.per_key)
        self._closed = closed
        self._now = now

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one connection."""
        stopped = self._stopped(Request(scope)) if scope["type"] == "http" else None
        await (stopped or self._app)(scope, receive, send)

    def _stopped(self, request: Request) -> Response | None:
        """The answer to a request that is not let in."""
        path = request.scope["path"]
        words = next((w for folder, w in _WORDS.items() if path.startswith(folder)), _OURS)
        if path in self._closed:
            return words.respond(request, Failure(problems.NOT_FOUND, "本服务没有公开这个地址。"))
        entrance = entrance_of(path)
        if entrance.needs is Needs.NOTHING:
            return None
        caller = self._caller(request)
        if isinstance(caller, Key):
            request.scope[CLIENT] = caller.label
        wait_s = self._take(caller, request, entrance)
        if wait_s:
            detail = f"请求过于频繁，请 {wait_s} 秒后重试。"
            retry = {"Retry-After": str(wait_s)}
            return words.respond(request, Failure(problems.TOO_MANY, detail, headers=retry))
        refusal = self._refusal(caller, entrance.needs)
        return None if refusal is None else words.refuse(request, AccessDeniedError(refusal))

    def _caller(self, request: Request) -> Key | Refusal | None:
        """Whose request it is, or why that is not known; None where nobody has a key."""
        if not self._keys.guarded:
            return None
        try:
            return authenticate(request.headers, self._keys.current(), self._now())
        except AccessDeniedError as error:
            return error.refusal

    def _take(self, caller: Key | Refusal | None, request: Request, entrance: Entrance) -> int:
        """Count a request; guesses at keys count as any other."""
        if isinstance(caller, Key):
            return self._callers.take(caller.label, entrance.cost, caller.per_minute)
        host = "" if request.client is None else request.client.host
        return 0 if is_loopback(host) else self._addresses.take(client_of(host), entrance.cost)

    def _refusal(self, caller: Key | Refusal | None, needs: Needs) -> Refusal | None:
        if caller is None or (needs is Needs.SITE and not self._require_key):
            return None
        if isinstance(caller, Refusal):
            return caller
        return None if needs.scope in caller.scopes else Refusal.SCOPE
