"""What answers a retriever of another framework, and what such a retriever says of a passage.

A `Searcher` is either a running service (`api.service.Service`) or an index opened in this process.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol, Self, runtime_checkable

from api.citation_schemas import CitationOut
from api.schemas import PassageOut, SearchRequest, SearchResponse
from api.search import run_search
from rag.assistant import Assistant

_OF_RESPONSE = {"index_version", "confidence", "abstained", "reason"}
_NOT_OF_PASSAGE = {"text", "citation", "explain"}

METADATA_KEYS = (
    CitationOut.model_fields.keys() | PassageOut.model_fields.keys() - _NOT_OF_PASSAGE
) | _OF_RESPONSE
"""The keys of `metadata_of`."""


@runtime_checkable
class Searcher(Protocol):
    """Answers requests, on the event loop or off it."""

    def search(self, request: SearchRequest) -> SearchResponse:
        """Answer a request.

        Raises:
            CasebookError: If that cannot be done.
        """
        ...

    async def asearch(self, request: SearchRequest) -> SearchResponse:
        """Answer a request without blocking the event loop; raises the same."""
        ...


@dataclass(frozen=True, slots=True)
class IndexSearcher:
    """An index opened in this process; safe to use from several threads."""

    assistant: Assistant = field(repr=False)

    @classmethod
    def open(cls, index: str | Path, models: str | Path) -> Self:
        """Open the current version of an index, as ``casebook serve`` does.

        Args:
            index: The index directory.
            models: Where prepared models are.

        Raises:
            CasebookError: If it cannot be opened; see `index.store.open_index`.
        """
        from index.store import open_index  # noqa: PLC0415 -- FAISS, which a service's client spares

        return cls(open_index(Path(index), Path(models)).assistant)

    def search(self, request: SearchRequest) -> SearchResponse:
        """See `Searcher.search`."""
        return run_search(self.assistant, request)

    async def asearch(self, request: SearchRequest) -> SearchResponse:
        """See `Searcher.asearch`: searching is computation, so a thread does it."""
        return await asyncio.to_thread(self.search, request)


def metadata_of(response: SearchResponse, passage: PassageOut) -> dict[str, Any]:
    """Everything that the contract says of a passage besides its text, ready for ``json.dumps``.

    The citation's fields stand beside the passage's own: prompt templates of the frameworks reach
    no deeper than that.
    """
    return {
        **passage.citation.model_dump(mode="json"),
        **passage.model_dump(mode="json", exclude=_NOT_OF_PASSAGE),
        **response.model_dump(mode="json", include=_OF_RESPONSE),
    }
