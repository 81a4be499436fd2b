"""What stands between the network and the application, in its order from the outside.

ProxyHeaders     whose client it is, where a proxy that is believed says so
SecurityHeaders  on every answer, also those of the next three
KnownHosts       421 to names that are not ours: pages of the web must not read even a refusal
CrossOrigin      around everything that refuses, so that an embedded page can read why
Gate             401, 403 and 429
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import cast

from starlette.types import ASGIApp
from uvicorn.middleware.proxy_headers import ProxyHeadersMiddleware

from api.cross_origin import CrossOrigin
from api.edge import OVER_TLS, SECURITY_HEADERS, SecurityHeaders
from api.gate import Gate
from api.hosts import HostNames, KnownHosts
from api.key_file import LiveKeys
from api.quota import Limits


@dataclass(frozen=True, slots=True)
class Safeguards:
    """What an operator chose; the defaults are those of a service for one machine.

    Attributes:
        keys: Who may come with a key; see `Gate`.
        require_key: Whether everything but health checks and files asks for one.
        limits: How much one client may ask.
        closed: Addresses that are not there.
        hosts: Names that are answered to.
        origins: Pages of other sites that may use the widget; see `allowed_origins`.
        proxies: Whose word about clients is taken; see `trusted_proxies`.
        over_tls: Whether readers come by HTTPS.
    """

    keys: LiveKeys = field(default_factory=LiveKeys)
    require_key: bool = False
    limits: Limits = Limits()  # noqa: RUF009 -- frozen
    closed: frozenset[str] = frozenset()
    hosts: HostNames = field(default_factory=HostNames)
    origins: frozenset[str] = frozenset()
    proxies: tuple[str, ...] = ()
    over_tls: bool = False

    def around(self, app: ASGIApp) -> ASGIApp:
        """Put them around an application."""
        gate = Gate(
            app,
            self.keys,
            require_key=self.require_key,
            limits=self.limits,
            closed=self.closed,
        )
        known = KnownHosts(CrossOrigin(gate, self.origins), self.hosts)
        headers = {**SECURITY_HEADERS, **(OVER_TLS if self.over_tls else {})}
        inside: ASGIApp = SecurityHeaders(known, headers)
        if self.proxies:
            # The same protocol, written down twice: uvicorn has types of its own for it.
            inside = cast("ASGIApp", ProxyHeadersMiddleware(inside, list(self.proxies)))  # type: ignore[arg-type]
        return inside
