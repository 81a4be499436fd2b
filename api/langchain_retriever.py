"""Casebook as a LangChain retriever; needs the extra ``langchain``.

    retriever = CasebookRetriever.from_service("http://127.0.0.1:8000", top_k=3, year=2022)
    retriever.invoke("退税几天到账", district="静安区")

``page_content`` is the passage, character for character; the citation is in ``metadata``. Score and
rank there belong to one question: who joins the answers to several questions should tell passages
apart by ``id``, such as ``EnsembleRetriever(..., id_key="passage_id")``.
"""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Self, Unpack

from langchain_core.callbacks import (
    AsyncCallbackManagerForRetrieverRun,
    CallbackManagerForRetrieverRun,
)
from langchain_core.documents import Document
from langchain_core.retrievers import BaseRetriever
from pydantic import Field

from api.schemas import SearchResponse
from api.scope import DEFAULT_SCOPE, Options, Scope
from api.searcher import IndexSearcher, Searcher, metadata_of
from api.service import Service


class CasebookRetriever(BaseRetriever):
    """Finds cited passages; none where the collection does not answer, unless asked for the nearest.

    ``invoke`` and its kin take every field of `Scope` as a keyword argument, for one question.

    Attributes:
        searcher: What is asked. Neither shown nor dumped: it may hold a key.
        scope: What is asked for, unless a call says otherwise.
    """

    searcher: Searcher = Field(exclude=True, repr=False)
    scope: Scope = DEFAULT_SCOPE

    @classmethod
    def from_service(
        cls,
        url: str,
        *,
        api_key: str | None = None,
        timeout_s: float = 30.0,
        **options: Unpack[Options],
    ) -> Self:
        """Ask a running service; see `Service` and `Scope`. Nothing is asked yet."""
        return cls(searcher=Service(url, api_key, timeout_s), scope=Scope(**options))

    @classmethod
    def from_index(cls, index: str | Path, models: str | Path, **options: Unpack[Options]) -> Self:
        """Open an index in this process; see `IndexSearcher.open` and `Scope`."""
        return cls(searcher=IndexSearcher.open(index, models), scope=Scope(**options))

    def _get_relevant_documents(
        self,
        query: str,
        *,
        run_manager: CallbackManagerForRetrieverRun,  # noqa: ARG002 -- LangChain passes it by name
        **options: Unpack[Options],
    ) -> list[Document]:
        scope = replace(self.scope, **options)
        return _documents(self.searcher.search(scope.request(query)), scope)

    async def _aget_relevant_documents(
        self,
        query: str,
        *,
        run_manager: AsyncCallbackManagerForRetrieverRun,  # noqa: ARG002 -- as above
        **options: Unpack[Options],
    ) -> list[Document]:
        scope = replace(self.scope, **options)
        return _documents(await self.searcher.asearch(scope.request(query)), scope)


def _documents(response: SearchResponse, scope: Scope) -> list[Document]:
    return [
        Document(
            id=passage.passage_id,
            page_content=passage.text,
            metadata=metadata_of(response, passage),
        )
        for passage in scope.passages(response)
    ]
