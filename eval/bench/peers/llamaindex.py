"""LlamaIndex: its FAISS store, and the fusion with BM25. It has no server; served by FastAPI."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any, TextIO

from eval.bench.child import (
    TOP,
    Address,
    converse,
    passages_in,
    run,
    search_app,
    serve_in_background,
)

_INDEX = "llamaindex"


def build(folder: Path) -> dict[str, float]:
    """Index the passages; returns the seconds of each stage."""
    import faiss
    from llama_index.core import StorageContext, VectorStoreIndex
    from llama_index.core.schema import TextNode
    from llama_index.vector_stores.faiss import FaissVectorStore

    started = time.perf_counter()
    embeddings = _embeddings(folder)
    loaded = time.perf_counter()
    dimension = len(embeddings.get_query_embedding("长度"))
    index = VectorStoreIndex(
        [TextNode(text=text) for text in passages_in(folder)],
        storage_context=StorageContext.from_defaults(
            vector_store=FaissVectorStore(faiss_index=faiss.IndexFlatIP(dimension))
        ),
        embed_model=embeddings,
    )
    index.storage_context.persist(str(folder / _INDEX))
    return {"load": loaded - started, "index": time.perf_counter() - loaded}


def answer(told: TextIO, folder: Path) -> None:
    """Answer from the built index."""
    from llama_index.core import StorageContext, load_index_from_storage
    from llama_index.core.llms import MockLLM
    from llama_index.core.retrievers import QueryFusionRetriever
    from llama_index.retrievers.bm25 import BM25Retriever
    from llama_index.vector_stores.faiss import FaissVectorStore

    stored = StorageContext.from_defaults(
        vector_store=FaissVectorStore.from_persist_dir(str(folder / _INDEX)),
        persist_dir=str(folder / _INDEX),
    )
    index: Any = load_index_from_storage(stored, embed_model=_embeddings(folder))
    dense = index.as_retriever(similarity_top_k=TOP)
    by_term = BM25Retriever.from_defaults(
        docstore=index.docstore,
        similarity_top_k=TOP,
        skip_stemming=True,
        # A character each: the default takes a whole Chinese clause.
        token_pattern=r"(?u)\w",  # noqa: S106 -- no secret
    )
    both = QueryFusionRetriever(
        [dense, by_term],
        llm=MockLLM(),  # asked for nothing: the question is not rewritten
        num_queries=1,
        mode="reciprocal_rerank",  # type: ignore[arg-type]  # its documentation gives the word
        similarity_top_k=TOP,
        use_async=False,
    )

    def search(question: str) -> list[dict[str, Any]]:
        return [
            {"id": found.node.node_id, "text": found.text, "score": found.score}
            for found in dense.retrieve(question)
        ]

    converse(
        told,
        {"dense": dense.retrieve, "hybrid": both.retrieve},
        lambda: Address(serve_in_background(search_app(search)), "/search?query="),
        lambda found: found.text,
    )


def _embeddings(folder: Path) -> Any:
    from llama_index.embeddings.huggingface import HuggingFaceEmbedding

    return HuggingFaceEmbedding(
        model_name=str(folder / "original"),
        device="cpu",
        query_instruction="query: ",
        text_instruction="passage: ",
        normalize=True,
    )


if __name__ == "__main__":
    run(build, answer)
