"""A contender that writes down what it is asked; started by tests as ``python -m``."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any, TextIO

from eval.bench.child import TOP, Address, converse, run, search_app, serve_in_background


def build(_folder: Path, kind: str = "") -> dict[str, float]:
    print("what a library prints")  # noqa: T201 -- what it must not hear
    if kind == "broken":
        sys.exit("the disk is full")
    return {"index": 0.5}


def answer(told: TextIO, folder: Path, kind: str = "") -> None:
    if kind == "stillborn":
        sys.exit("no such model")
    print("what a library prints")  # noqa: T201 -- what it must not hear
    heard = folder / "heard.txt"

    def ask(question: str) -> list[str]:
        with heard.open("a", encoding="utf-8") as stream:
            stream.write(f"{question}\n")
        if kind == "mortal" and len(heard.read_text(encoding="utf-8").splitlines()) > 10:
            sys.exit("out of memory")
        return ["段落"] * (TOP - 1 if kind == "short" else TOP)

    def search(question: str) -> list[dict[str, Any]]:
        return [{"text": text} for text in ask(question)]

    converse(
        told,
        {"dense": ask},
        lambda: Address(serve_in_background(search_app(search)), "/search?query="),
    )


if __name__ == "__main__":
    run(build, answer)
