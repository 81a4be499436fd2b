"""Casebook, called as a library: a contender in this environment."""

from __future__ import annotations

from pathlib import Path
from typing import TextIO

from eval.bench.child import TOP, converse, run
from eval.bench.prepare import MODELS
from index.store import open_index


def answer(told: TextIO, folder: Path) -> None:
    """Answer from the built index."""
    assistant = open_index(folder / "index", MODELS).assistant
    converse(told, {"whole": lambda q: assistant.search(q, limit=TOP).findings}, None)


if __name__ == "__main__":
    run(None, answer)
