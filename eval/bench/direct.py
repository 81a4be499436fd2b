"""sentence-transformers and FAISS, called directly: one vector a passage, and nothing else."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, TextIO

from eval.bench.child import TOP, converse, passages_in, run

_INDEX = "direct.faiss"


def build(folder: Path) -> dict[str, float]:
    """Index the passages; returns the seconds of each stage."""
    import faiss
    from sentence_transformers import SentenceTransformer

    started = time.perf_counter()
    model = SentenceTransformer(str(folder / "original"), device="cpu")
    loaded = time.perf_counter()
    passages = ["passage: " + text for text in passages_in(folder)]
    vectors = model.encode(passages, normalize_embeddings=True, show_progress_bar=False)
    index = faiss.IndexFlatIP(vectors.shape[1])
    index.add(vectors)
    faiss.write_index(index, str(folder / _INDEX))
    return {"load": loaded - started, "index": time.perf_counter() - loaded}


def answer(told: TextIO, folder: Path) -> None:
    """Answer from the built index."""
    from sentence_transformers import SentenceTransformer

    model = SentenceTransformer(str(folder / "original"), device="cpu")
    nearest = nearest_in(folder)

    def ask(question: str) -> list[str]:
        asked = ["query: " + question]
        return nearest(model.encode(asked, normalize_embeddings=True, show_progress_bar=False))

    converse(told, {"dense": ask}, None)


def nearest_in(folder: Path) -> Callable[[Any], list[str]]:
    """Open the built index: an array of one question's vector in, the texts of `TOP` passages out."""
    import faiss

    index = faiss.read_index(str(folder / _INDEX))
    passages = passages_in(folder)
    return lambda vector: [passages[row] for row in index.search(vector, TOP)[1][0]]


if __name__ == "__main__":
    run(build, answer)
