"""Casebook, called as a library: a contender in this environment."""

from __future__ import annotations

from pathlib import Path
from typing import TextIO

import numpy as np

from eval.bench.child import TOP, converse, run
from eval.bench.direct import nearest_in
from eval.bench.prepare import MODELS
from index.store import open_index


def answer(told: TextIO, folder: Path) -> None:
    """Answer from the built index; by ``dense`` from the one of `eval.bench.direct`.

    The second is not timed: it tells what Casebook's vectors of questions find among the vectors
    that the encoder gives as it was published.
    """
    opened, nearest = open_index(folder / "index", MODELS), nearest_in(folder)
    search, encode = opened.assistant.search, opened.encoder.encode_query
    ways = {
        "whole": lambda question: search(question, limit=TOP).findings,
        "dense": lambda question: nearest(encode(question)[np.newaxis]),
    }
    converse(told, ways, None)


if __name__ == "__main__":
    run(None, answer)
