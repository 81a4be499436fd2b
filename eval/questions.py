"""Questions with verbatim evidence: judgments that survive any re-chunking.

One JSON object a line: ``id``, ``type``, ``question``, ``evidence`` (a list of ``{"quote"}``),
``mode`` (``any`` or ``all``), ``answer``. A passage is relevant to a quote when it contains it
after white space is removed from both; nothing else is normalised, misprints included.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, get_args

from rag.errors import CasebookError

Mode = Literal["any", "all"]
_KEYS = {"id", "type", "question", "evidence", "mode", "answer"}


class QuestionsError(CasebookError):
    """A question file cannot be used; the message names file and line."""


@dataclass(frozen=True, slots=True)
class Question:
    """One question and what answers it.

    Attributes:
        question_id: Unique within its file.
        type: Kind of question, for reports by group.
        text: The question.
        quotes: Verbatim runs of the source; empty for a question that it does not answer.
        mode: Whether any quote answers, or all are needed.
    """

    question_id: str
    type: str
    text: str
    quotes: tuple[str, ...]
    mode: Mode


def read_questions(file: Path) -> tuple[Question, ...]:
    """Read a question file.

    Raises:
        QuestionsError: If a line is not a question, an id repeats, or none has evidence.
    """
    questions: list[Question] = []
    seen: set[str] = set()
    for number, line in enumerate(file.read_text(encoding="utf-8").split("\n"), start=1):
        if not line.strip():
            continue
        question = _parse(line, f"{file}：第 {number} 行")
        if question.question_id in seen:
            message = (
                f"{file}：第 {number} 行：id {question.question_id} 重复；每个问题的 id 须唯一"
            )
            raise QuestionsError(message)
        seen.add(question.question_id)
        questions.append(question)
    if not any(question.quotes for question in questions):
        message = f"{file}：没有带引文的问题"
        raise QuestionsError(message)
    return tuple(questions)


def require_quotes(questions: Iterable[Question], texts: Iterable[str]) -> None:
    """Check that every quote stands in one of the source texts.

    Raises:
        QuestionsError: Names the question and the quote: a judgment that nothing can satisfy
            would count as a miss of every system.
    """
    squeezed = [squeeze(text) for text in texts]
    for question in questions:
        for quote in question.quotes:
            if not any(squeeze(quote) in text for text in squeezed):
                message = f"问题 {question.question_id} 的引文“{quote}”不在原文中；请核对引文"
                raise QuestionsError(message)


def squeeze(text: str) -> str:
    """Remove all white space."""
    return "".join(text.split())


def _parse(line: str, where: str) -> Question:
    try:
        record = json.loads(line)
    except ValueError as error:
        message = f"{where}：不是 JSON（{error}）"
        raise QuestionsError(message) from error
    if not isinstance(record, dict) or set(record) != _KEYS:
        message = f"{where}：应有且只有这些键：{'、'.join(sorted(_KEYS))}"
        raise QuestionsError(message)
    if record["mode"] not in get_args(Mode):
        message = f"{where}：mode 是 {record['mode']!r}，应为 any 或 all"
        raise QuestionsError(message)
    evidence = record["evidence"]
    if not isinstance(evidence, list) or not all(_is_quote(entry) for entry in evidence):
        message = f'{where}：evidence 应为列表，每项形如 {{"quote": "原文"}}'
        raise QuestionsError(message)
    quotes = tuple(entry["quote"] for entry in evidence)
    return Question(record["id"], record["type"], record["question"], quotes, record["mode"])


def _is_quote(entry: object) -> bool:
    return (
        isinstance(entry, dict)
        and list(entry) == ["quote"]
        and isinstance(entry["quote"], str)
        and bool(entry["quote"].strip())
    )
