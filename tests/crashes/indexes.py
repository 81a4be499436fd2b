"""Small indexes that differ in their answers, and what is wrong with one."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from index.build import build
from index.store import open_index
from index.versions import VERSIONS, damaged_files, published, read_version
from rag.assistant import Assistant
from rag.errors import CasebookError, IndexMissingError
from tests.conftest import COLLECTION, CountingEncoder

QUESTIONS = ("退税几天", "帮办企业", "谁能替我跑腿")
ENCODER = CountingEncoder()


def cases(root: Path, number: int) -> Path:
    """A collection that answers differently for each number, with a question known for a passage."""
    folder = root / f"cases-{number}"
    if not folder.exists():
        folder.mkdir(parents=True)
        text = COLLECTION.replace("两千户", f"{number}户")
        (folder / "某市.txt").write_text(text, encoding="utf-8")
        start = text.index("嘉定区设立")
        line = {"start": start, "end": start + 16, "questions": [f"谁能替我跑腿{'退' * number}"]}
        (folder / "某市.questions.jsonl").write_text(json.dumps(line), encoding="utf-8")
    return folder


def publish(root: Path, number: int, place: str = "index") -> str:
    built = build([cases(root, number)], root / place, ENCODER, force=True)
    return built.version.name


def answers(folder: Path) -> list[Any] | None:
    """What a service that starts now answers; None if it has no index."""
    try:
        return answered(open_index(folder, folder).assistant)
    except IndexMissingError:
        return None


def answered(assistant: Assistant) -> list[Any]:
    return [
        [[f.hit.passage.text, round(f.hit.score, 6)] for f in assistant.search(question).findings]
        for question in QUESTIONS
    ]


def expected(root: Path, number: int) -> list[Any] | None:
    """What the index of a collection answers, built where nothing goes wrong."""
    publish(root, number, f"sound-{number}")
    return answers(root / f"sound-{number}")


def broken(folder: Path, name: str) -> dict[str, str]:
    return damaged_files(read_version(folder / VERSIONS / name, name))


def faults_after(root: Path, allowed: list[Any], next_answers: Any) -> list[str]:
    """Look at an index as whoever comes next does; what is wrong with it."""
    folder, wrong = root / "index", []
    try:
        if answers(folder) not in allowed:
            wrong.append("answers are neither the old nor the new ones")
        wrong += [f"{name} is damaged" for name in published(folder) if broken(folder, name)]
        publish(root, 0)
        if answers(folder) != next_answers:
            wrong.append("the next build does not answer")
        stray = {p.name for p in folder.iterdir()} - {"CURRENT", "LOCK", VERSIONS, "vectors.sqlite"}
        stray |= {p.name for p in (folder / VERSIONS).iterdir()} - set(published(folder))
        if stray or len(published(folder)) > 4:
            wrong.append(f"left over: {sorted(stray)}, {published(folder)}")
    except (CasebookError, OSError, ValueError, KeyError) as error:
        wrong.append(repr(error))
    return wrong
