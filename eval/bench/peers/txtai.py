"""txtai, with the server that it ships (`txtai.api`).

Twice: with the model as it is, and with txtai's own ONNX export of it in 8 bits (`HFOnnx`), which its
documentation offers for speed.
"""

from __future__ import annotations

import json
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

_PROMPTS = {"query": "query: ", "data": "passage: "}


def build(folder: Path, kind: str) -> dict[str, float]:
    """Index the passages twice, by vectors and by both; returns the seconds of each stage.

    Args:
        folder: What `eval.bench.prepare` made.
        kind: ``plain`` or ``onnx``.
    """
    from txtai import Embeddings

    original = folder / "original"
    stages: dict[str, float] = {}
    model: dict[str, Any] = {"path": str(original)}
    if kind == "onnx":
        from txtai.pipeline import HFOnnx

        started = time.perf_counter()
        graph = folder / "txtai.onnx"
        HFOnnx()(str(original), "default", str(graph), quantize=True)
        stages["export"] = time.perf_counter() - started
        model = {"path": str(graph), "tokenizer": str(original / "tokenizer.json")}
    passages = passages_in(folder)
    for way in ("dense", "hybrid"):
        started = time.perf_counter()
        index = Embeddings(
            **model, instructions=_PROMPTS, content=True, hybrid=way == "hybrid", gpu=False
        )
        loaded = time.perf_counter()
        index.index(passages)
        index.save(str(_index(folder, kind, way)))
        stages[f"load, {way}"] = loaded - started
        stages[f"index, {way}"] = time.perf_counter() - loaded
    return stages


def answer(told: TextIO, folder: Path, kind: str) -> None:
    """Answer from the built indexes; the server is up from the start, and loads the model once."""
    os.environ["CONFIG"] = json.dumps(
        {"path": str(_index(folder, kind, "dense")), "writable": False, "embeddings": {}}
    )
    from txtai import Embeddings
    from txtai.api import application

    port = serve_in_background(application.app)
    dense = application.get().embeddings
    hybrid = Embeddings(models={dense.config["path"]: dense.model.model})
    hybrid.load(str(_index(folder, kind, "hybrid")))
    converse(
        told,
        {
            "dense": lambda question: dense.search(question, TOP),
            "hybrid": lambda question: hybrid.search(question, TOP),
        },
        lambda: Address(port, f"/search?limit={TOP}&query="),
        lambda found: found["text"],
    )


def _index(folder: Path, kind: str, way: str) -> Path:
    return folder / f"txtai-{kind}-{way}"


if __name__ == "__main__":
    run(build, answer)
