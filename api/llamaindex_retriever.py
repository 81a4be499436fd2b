"""Casebook as a LlamaIndex retriever; needs the extra ``llamaindex``.

    retriever = CasebookRetriever.from_service("http://127.0.0.1:8000", top_k=3, year=2022)
    retriever.with_options(district="静安区").retrieve("退税几天到账")

A node's text is the passage, character for character; the citation is in its metadata, which goes
to no model unless ``shown_to_model`` names it.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import replace
from hashlib import sha256
from pathlib import Path
from typing import Self, Unpack

try:
    from llama_index.core.base.base_retriever import BaseRetriever
    from llama_index.core.schema import (
        NodeRelationship,
        NodeWithScore,
        ObjectType,
        QueryBundle,
        RelatedNodeInfo,
        TextNode,
    )
except ModuleNotFoundError as missing:
    message = (
        "api.llamaindex_retriever 需要 llama-index-core；请在 Casebook 的文件夹里运行："
        "pip install --constraint constraints.txt --editable '.[llamaindex]'"
    )
    raise ImportError(message, name=missing.name) from missing

from api.schemas import PassageOut, SearchResponse
from api.scope import DEFAULT_SCOPE, Options, Scope
from api.searcher import METADATA_KEYS, IndexSearcher, Searcher, metadata_of
from api.service import Service


class PassageNode(TextNode):
    """A passage. The same place is the same node, whatever question found it."""

    @property
    def hash(self) -> str:
        """Digest of place and text.

        LlamaIndex's own also covers the metadata, where score and rank are the question's, and its
        fusion of several questions counts nodes by hash.
        """
        return sha256(f"{self.id_}\n{self.text}".encode()).hexdigest()


class CasebookRetriever(BaseRetriever):
    """Finds cited passages; none where the collection does not answer, unless asked for the nearest.

    Args:
        searcher: What is asked.
        scope: What is asked for.
        shown_to_model: Metadata that goes with a passage to a language model, such as ``label``.
            Embedding models never see any.

    Raises:
        ValueError: If ``shown_to_model`` names what passages do not have.
    """

    def __init__(
        self,
        searcher: Searcher,
        scope: Scope = DEFAULT_SCOPE,
        *,
        shown_to_model: Collection[str] = (),
    ) -> None:
        super().__init__()
        if unknown := set(shown_to_model) - METADATA_KEYS:
            names = ", ".join(sorted(unknown))
            message = f"no such metadata: {names}; there are {', '.join(sorted(METADATA_KEYS))}"
            raise ValueError(message)
        self._searcher = searcher
        self._scope = scope
        self._shown = frozenset(shown_to_model)

    @classmethod
    def from_service(
        cls,
        url: str,
        *,
        api_key: str | None = None,
        timeout_s: float = 30.0,
        shown_to_model: Collection[str] = (),
        **options: Unpack[Options],
    ) -> Self:
        """Ask a running service; see `Service` and `Scope`. Nothing is asked yet."""
        service = Service(url, api_key, timeout_s)
        return cls(service, Scope(**options), shown_to_model=shown_to_model)

    @classmethod
    def from_index(
        cls,
        index: str | Path,
        models: str | Path,
        *,
        shown_to_model: Collection[str] = (),
        **options: Unpack[Options],
    ) -> Self:
        """Open an index in this process; see `IndexSearcher.open` and `Scope`."""
        searcher = IndexSearcher.open(index, models)
        return cls(searcher, Scope(**options), shown_to_model=shown_to_model)

    def with_options(self, **options: Unpack[Options]) -> Self:
        """The same retriever with other options: LlamaIndex passes none with a question."""
        scope = replace(self._scope, **options)
        return type(self)(self._searcher, scope, shown_to_model=self._shown)

    def _retrieve(self, query_bundle: QueryBundle) -> list[NodeWithScore]:
        return self._nodes(self._searcher.search(self._scope.request(query_bundle.query_str)))

    async def _aretrieve(self, query_bundle: QueryBundle) -> list[NodeWithScore]:
        request = self._scope.request(query_bundle.query_str)
        return self._nodes(await self._searcher.asearch(request))

    def _nodes(self, response: SearchResponse) -> list[NodeWithScore]:
        return [
            NodeWithScore(node=self._node(response, passage), score=passage.score)
            for passage in self._scope.passages(response)
        ]

    def _node(self, response: SearchResponse, passage: PassageOut) -> PassageNode:
        metadata = metadata_of(response, passage)
        source = passage.citation.source
        # The file is the document: it is what the offsets count in.
        document = RelatedNodeInfo(
            node_id=source.file, node_type=ObjectType.DOCUMENT, hash=source.sha256
        )
        return PassageNode(
            id_=passage.passage_id,
            text=passage.text,
            metadata=metadata,  # type: ignore[call-arg]  # its alias, for mypy the only name
            start_char_idx=source.start,
            end_char_idx=source.end,
            relationships={NodeRelationship.SOURCE: document},
            excluded_embed_metadata_keys=list(metadata),
            excluded_llm_metadata_keys=[key for key in metadata if key not in self._shown],
        )
