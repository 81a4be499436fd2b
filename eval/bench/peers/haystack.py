"""Haystack: pipelines over its in-memory store, served by its own server, Hayhooks."""

from __future__ import annotations

import os
import time
from pathlib import Path
from typing import Any, TextIO

from eval.bench.child import (
    TOP,
    Address,
    converse,
    passages_in,
    run,
    serve_in_background,
)

_INDEX = "haystack.json"
_SERVED = "bench"
_WRAPPER = """
from pathlib import Path

from hayhooks import BasePipelineWrapper

from eval.bench.peers.haystack import pipelines


class PipelineWrapper(BasePipelineWrapper):
    def setup(self) -> None:
        self.pipeline, self.hybrid = pipelines(Path({folder!r}))

    def run_api(self, question: str) -> list[dict]:
        found = self.pipeline.run({{"embedder": {{"text": question}}}})["retriever"]["documents"]
        return [{{"id": d.id, "text": d.content, "score": d.score}} for d in found]
"""


def build(folder: Path) -> dict[str, float]:
    """Index the passages; returns the seconds of each stage."""
    from haystack import Document, Pipeline
    from haystack.components.writers import DocumentWriter
    from haystack.document_stores.in_memory import InMemoryDocumentStore
    from haystack_integrations.components.embedders.sentence_transformers import (
        SentenceTransformersDocumentEmbedder,
    )

    started = time.perf_counter()
    store = InMemoryDocumentStore(
        embedding_similarity_function="dot_product",  # of unit vectors, as the others do
        bm25_tokenization_regex=r"(?u)\w",  # a character each: the default takes a whole clause
    )
    embedder = SentenceTransformersDocumentEmbedder(
        model=str(folder / "original"),
        prefix="passage: ",
        normalize_embeddings=True,
        progress_bar=False,
    )
    embedder.warm_up()
    pipeline = Pipeline()
    pipeline.add_component("embedder", embedder)
    pipeline.add_component("writer", DocumentWriter(store))
    pipeline.connect("embedder.documents", "writer.documents")
    loaded = time.perf_counter()
    # A document is told apart by its text, so that no two may have the same.
    documents = [
        Document(content=text, id=str(row)) for row, text in enumerate(passages_in(folder))
    ]
    pipeline.run({"embedder": {"documents": documents}})
    store.save_to_disk(str(folder / _INDEX))
    return {"load": loaded - started, "index": time.perf_counter() - loaded}


def pipelines(folder: Path) -> tuple[Any, Any]:
    """Open the built index: a pipeline by vectors, and one by vectors and terms."""
    from haystack import Pipeline
    from haystack.components.joiners import DocumentJoiner
    from haystack.components.retrievers.in_memory import (
        InMemoryBM25Retriever,
        InMemoryEmbeddingRetriever,
    )
    from haystack.document_stores.in_memory import InMemoryDocumentStore
    from haystack_integrations.components.embedders.sentence_transformers import (
        SentenceTransformersTextEmbedder,
    )

    store = InMemoryDocumentStore.load_from_disk(str(folder / _INDEX))

    def started() -> Any:
        embedder = SentenceTransformersTextEmbedder(
            model=str(folder / "original"),
            prefix="query: ",
            normalize_embeddings=True,
            progress_bar=False,
        )
        embedder.warm_up()  # a second one of the same settings takes the model of the first
        pipeline = Pipeline()
        pipeline.add_component("embedder", embedder)
        pipeline.add_component("retriever", InMemoryEmbeddingRetriever(store, top_k=TOP))
        pipeline.connect("embedder.embedding", "retriever.query_embedding")
        return pipeline

    both = started()
    both.add_component("terms", InMemoryBM25Retriever(store, top_k=TOP))
    both.add_component("joiner", DocumentJoiner(join_mode="reciprocal_rank_fusion", top_k=TOP))
    both.connect("retriever", "joiner")
    both.connect("terms", "joiner")
    return started(), both


def answer(told: TextIO, folder: Path) -> None:
    """Answer from the built index; the server is up from the start, and loads the model once."""
    os.environ["HAYHOOKS_PIPELINES_DIR"] = str(folder / "no pipelines")
    for what in ("MONITORING", "TRACING"):  # takes time, and a file in the home folder
        os.environ[f"HAYHOOKS_{what}_ENABLED"] = "false"
    from hayhooks import create_app
    from hayhooks.server.pipelines import registry
    from hayhooks.server.utils.deploy_utils import deploy_pipeline_files

    app = create_app()
    wrapper = {"pipeline_wrapper.py": _WRAPPER.format(folder=str(folder))}
    deploy_pipeline_files(_SERVED, wrapper, app=app, save_files=False)
    port = serve_in_background(app)
    served: Any = registry.get(_SERVED)

    def dense(question: str) -> list[Any]:
        done = served.pipeline.run({"embedder": {"text": question}})
        found: list[Any] = done["retriever"]["documents"]
        return found

    def hybrid(question: str) -> list[Any]:
        asked = {"embedder": {"text": question}, "terms": {"query": question}}
        found: list[Any] = served.hybrid.run(asked)["joiner"]["documents"]
        return found

    converse(
        told,
        {"dense": dense, "hybrid": hybrid},
        lambda: Address(port, f"/{_SERVED}/run", field="question"),
        lambda found: found.content,
    )


if __name__ == "__main__":
    run(build, answer)
