"""How the protocols of others (`/dify`, `/v1`, `/mcp`) are served."""

from __future__ import annotations

from dataclasses import dataclass

from api.hosts import HostNames
from api.links import Links
from rag.encoder import Encoder


@dataclass(frozen=True, slots=True)
class Protocols:
    """What an operator may choose about them.

    Attributes:
        embedder: The encoder of the index, for ``/v1/embeddings``; None offers no embeddings.
        links: Where readers reach this service.
        hosts: Names that MCP clients and their pages may have for this machine.
    """

    embedder: Encoder | None = None
    links: Links = Links()  # noqa: RUF009 -- frozen
    hosts: HostNames = HostNames()  # noqa: RUF009 -- frozen


NO_OPTIONS = Protocols()
