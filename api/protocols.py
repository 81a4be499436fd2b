"""How the protocols of others (`/dify`, `/v1`, `/mcp`) are served."""

from __future__ import annotations

from dataclasses import dataclass

from api.access import AccessKey
from api.links import Links
from rag.encoder import Encoder


@dataclass(frozen=True, slots=True)
class Protocols:
    """What an operator may choose about them.

    Attributes:
        key: What a request must carry; None asks for nothing.
        embedder: The encoder of the index, for ``/v1/embeddings``; None offers no embeddings.
        links: Where readers reach this service.
        hosts: Names beside the loopback ones that MCP clients reach this machine by.
    """

    key: AccessKey | None = None
    embedder: Encoder | None = None
    links: Links = Links()  # noqa: RUF009 -- frozen
    hosts: tuple[str, ...] = ()


NO_OPTIONS = Protocols()
