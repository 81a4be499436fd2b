"""Questions that were paid for are kept: a run that is interrupted asks nothing twice.

An append-only JSONL file, one answer a line, each written as it comes. An answer belongs to the
digest of what was asked (`rag.question_writer.key_of`), so an edited passage is asked anew.
"""

from __future__ import annotations

import json
import os
from pathlib import Path
from types import TracebackType
from typing import Self

from rag.errors import CasebookError


class QuestionCacheError(CasebookError):
    """The file of kept answers is damaged; the message names it and the line."""


class QuestionCache:
    """Answers by key; a context manager.

    A last line without its end was being written when the machine stopped: it is cut off, and its
    passage asked again.

    Args:
        file: The file; made if missing, with the folders above it.

    Raises:
        QuestionCacheError: If the file holds anything else than answers.
        OSError: If it cannot be read or written.
    """

    def __init__(self, file: Path) -> None:
        file.parent.mkdir(parents=True, exist_ok=True)
        self._stream = file.open("a+b")
        try:
            self._answers = self._read(file)
        except BaseException:
            self._stream.close()
            raise

    def __enter__(self) -> Self:
        """Use the open cache."""
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Close the file; what was added is already written."""
        self._stream.close()

    def get(self, key: str) -> tuple[str, ...]:
        """The questions kept for a key; empty if there are none."""
        return self._answers.get(key, ())

    def add(self, key: str, questions: tuple[str, ...]) -> None:
        """Keep an answer, on disk before this returns."""
        record = {"key": key, "questions": list(questions)}
        line = json.dumps(record, ensure_ascii=False).encode() + b"\n"
        self._stream.write(line)
        self._stream.flush()
        os.fsync(self._stream.fileno())
        self._answers[key] = questions

    def _read(self, file: Path) -> dict[str, tuple[str, ...]]:
        self._stream.seek(0)
        *lines, torn = self._stream.read().split(b"\n")
        if torn:
            self._stream.truncate(sum(len(line) + 1 for line in lines))
        answers: dict[str, tuple[str, ...]] = {}
        for number, line in enumerate(lines, start=1):
            record = _record_of(line)
            if record is None:
                message = f"{file}：第 {number} 行：不是存下的回答；请删去这一行后重试"
                raise QuestionCacheError(message)
            answers[record[0]] = record[1]
        return answers


def _record_of(line: bytes) -> tuple[str, tuple[str, ...]] | None:
    """Read a kept answer; None if it is something else."""
    try:
        record = json.loads(line)
    except (ValueError, RecursionError):
        return None
    match record:
        case {"key": str(key), "questions": [*questions]} if all(
            isinstance(question, str) for question in questions
        ):
            return key, tuple(questions)
    return None
