"""LangChain: its FAISS store, and the ensemble with BM25. Served by FastAPI.

LangServe, LangChain's own server, is no longer developed; its documentation sends readers to FastAPI.
"""

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

_INDEX = "langchain"


def build(folder: Path) -> dict[str, float]:
    """Index the passages; returns the seconds of each stage."""
    from langchain_community.vectorstores import FAISS

    started = time.perf_counter()
    embeddings = _embeddings(folder)
    loaded = time.perf_counter()
    store = FAISS.from_texts(passages_in(folder), embeddings)
    store.save_local(str(folder / _INDEX))
    return {"load": loaded - started, "index": time.perf_counter() - loaded}


def answer(told: TextIO, folder: Path) -> None:
    """Answer from the built index."""
    import jieba
    from langchain_classic.retrievers import EnsembleRetriever
    from langchain_community.retrievers import BM25Retriever
    from langchain_community.vectorstores import FAISS

    store = FAISS.load_local(
        str(folder / _INDEX), _embeddings(folder), allow_dangerous_deserialization=True
    )
    by_term = BM25Retriever.from_texts(passages_in(folder), preprocess_func=jieba.lcut, k=TOP)
    both = EnsembleRetriever(
        retrievers=[by_term, store.as_retriever(search_kwargs={"k": TOP})], weights=[0.5, 0.5]
    )

    def search(question: str) -> list[dict[str, Any]]:
        found = store.similarity_search_with_score(question, k=TOP)
        return [{"id": d.id, "text": d.page_content, "score": float(score)} for d, score in found]

    converse(
        told,
        {
            "dense": lambda question: store.similarity_search_with_score(question, k=TOP),
            "hybrid": lambda question: both.invoke(question)[:TOP],
        },
        lambda: Address(serve_in_background(search_app(search)), "/search?query="),
        lambda found: found[0].page_content,  # beside its score
    )


def _embeddings(folder: Path) -> Any:
    from langchain_huggingface import HuggingFaceEmbeddings

    return HuggingFaceEmbeddings(
        model_name=str(folder / "original"),
        model_kwargs={"device": "cpu"},
        encode_kwargs={"prompt": "passage: ", "normalize_embeddings": True},
        query_encode_kwargs={"prompt": "query: ", "normalize_embeddings": True},
    )


if __name__ == "__main__":
    run(build, answer)
