"""Casebook, called as a library: a contender in this environment."""

from __future__ import annotations

from pathlib import Path
from typing import TextIO

import faiss
import numpy as np

from eval.bench.child import TOP, converse, passages_in, run
from eval.bench.direct import INDEX
from eval.bench.prepare import MODELS
from index.store import open_index


def answer(told: TextIO, folder: Path) -> None:
    """Answer from the built index; by ``dense`` from the one of `eval.bench.direct`.

    The second is not timed: it tells what Casebook's vectors of questions find among the vectors
    that the encoder gives as it was published.
    """
    opened = open_index(folder / "index", MODELS)
    passages = passages_in(folder)

    def dense(question: str) -> list[str]:
        vector = opened.encoder.encode_query(question)[np.newaxis]
        index = faiss.read_index(str(folder / INDEX))
        return [passages[row] for row in index.search(vector, TOP)[1][0]]

    whole = opened.assistant.search
    converse(told, {"whole": lambda q: whole(q, limit=TOP).findings, "dense": dense}, None)


if __name__ == "__main__":
    run(None, answer)
