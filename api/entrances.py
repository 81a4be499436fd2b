"""What every address asks of whoever comes: a key or none, and how much of a quota.

The one table of it. An address that nobody put here asks for a key wherever there are keys, so one that
is forgotten is closed and not open; a test holds the table against the routes there are.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum
from types import MappingProxyType

from api.keys import Scope


class Needs(Enum):
    """Who is let in."""

    NOTHING = "谁都可以"
    SITE = "要求密钥时（--require-key）须有 ask"
    ASK = "有密钥时须有 ask"
    ADMIN = "有密钥时须有 admin"

    @property
    def scope(self) -> Scope:
        """What the key must be good for, where one is asked for."""
        return Scope.ADMIN if self is Needs.ADMIN else Scope.ASK


@dataclass(frozen=True, slots=True)
class Entrance:
    """What one address asks.

    Attributes:
        needs: Who is let in.
        cost: What a request takes of the quota, in searches; 0 is not counted.
    """

    needs: Needs
    cost: float


_FREE = Entrance(Needs.NOTHING, 0.0)
_LOOK = Entrance(Needs.SITE, 0.1)
"""Hands out what is in memory; a reader who types asks for ten suggestions and searches once."""
_SEARCH = Entrance(Needs.SITE, 1.0)
_PROTOCOL = Entrance(Needs.ASK, 1.0)
_ADMIN = Entrance(Needs.ADMIN, 0.1)

ADDRESSES: Mapping[str, Entrance] = MappingProxyType(
    {
        "/livez": _FREE,
        "/readyz": _FREE,
        "/favicon.ico": _FREE,  # browsers ask for it by themselves
        "/metrics": _ADMIN,
        "/": _LOOK,
        "/embed": _LOOK,
        "/openapi.json": _LOOK,
        "/search": _SEARCH,
        "/api/v1/search": _SEARCH,
        "/api/v1/ask": _SEARCH,
        "/api/v1/verify": _SEARCH,
        "/api/v1/feedback": _SEARCH,
        "/api/v1/suggest": _LOOK,
        "/api/v1/facets": _LOOK,
        "/api/v1/cases": _LOOK,
        "/mcp": _PROTOCOL,
    }
)
"""Single addresses."""

FOLDERS: Mapping[str, Entrance] = MappingProxyType(
    {
        "/static/": _FREE,
        "/widget/": _FREE,
        "/cases/": _LOOK,
        "/api/v1/cases/": _LOOK,
        "/v1/": _PROTOCOL,
        "/dify/": _PROTOCOL,
    }
)
"""Addresses by how they begin."""


def entrance_of(path: str) -> Entrance:
    """Find what an address asks.

    Args:
        path: Of the request, decoded, as the routes see it.

    >>> entrance_of("/livez").needs.name, entrance_of("/livez/more").needs.name
    ('NOTHING', 'ASK')
    """
    begins = (entrance for folder, entrance in FOLDERS.items() if path.startswith(folder))
    return ADDRESSES.get(path) or next(begins, _PROTOCOL)
