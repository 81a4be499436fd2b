"""Questions with verbatim evidence: judgments that survive any re-chunking.

One JSON object a line: ``id``, ``type``, ``question``, ``evidence`` (a list of ``{"quote"}``),
``mode`` (``any`` or ``all``), ``answer``. A passage is relevant to a quote when it contains it
after white space is removed from both; nothing else is normalised, misprints included.
"""

from __future__ import annotations

import codecs
import hashlib
import json
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal, NoReturn, get_args

from rag.errors import CasebookError

Mode = Literal["any", "all"]
_NAMED = 10
"""Questions that a message names at most."""
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
        answer: A reference answer for people to read, no measure uses it; may be empty.
        line: Line of its file, or row of its spreadsheet, from 1; None if it was not read from a
            file. It is where the question stands, not what it is: equality leaves it out.
    """

    question_id: str
    type: str
    text: str
    quotes: tuple[str, ...]
    mode: Mode
    answer: str = ""
    line: int | None = field(default=None, compare=False)


@dataclass(frozen=True, slots=True)
class Place:
    """A line of a file, or a row of a spreadsheet, that can be wrong.

    Attributes:
        file: The file as the user named it.
        number: From 1.
        error: What to raise about it.
    """

    file: Path
    number: int
    error: type[CasebookError]

    def fail(self, why: str) -> NoReturn:
        """Raise the error that names this place and says why, which is all there is to know.

        Raises:
            CasebookError: Of the class ``error``.
        """
        message = f"{self.file}：第 {self.number} 行：{why}"
        raise self.error(message) from None

    def require_id(self, key: str, text: str) -> None:
        """Refuse an id that rankings and judgments of it could not be stored under.

        Raises:
            CasebookError: Of the class ``error``.
        """
        if not is_one_column(text):
            self.fail(
                f"{key} 是 {text!r}，含有空白；排名和判断存为按空白分列的 TREC 文件，"
                "请改用不含空白的编号"
            )


def read_questions(file: Path, *, judged: bool = True) -> tuple[Question, ...]:
    """Read a question file: UTF-8, with or without a byte order mark; blank lines are skipped.

    Args:
        file: The file.
        judged: Whether at least one question must have evidence.

    Raises:
        QuestionsError: If a line is not a question, an id repeats, or none has evidence that must.
    """
    lines = lines_of(file, QuestionsError)
    records = ((place, json_of(place, text)) for place, text in lines)
    return questions_from(file, records, judged=judged)


def write_questions(file: Path, questions: Iterable[Question]) -> None:
    """Write a question file; `read_questions` returns the same questions.

    Raises:
        QuestionsError: If it could not be read again; then nothing is written.
    """
    records = [record_of(question) for question in questions]
    questions_from(file, places_of(file, records))
    lines = [json.dumps(record, ensure_ascii=False) + "\n" for record in records]
    file.write_text("".join(lines), encoding="utf-8", newline="\n")


def digest_of(questions: Iterable[Question]) -> str:
    """Digest of everything the questions say, in their order: 64 lower-case hex digits.

    The same questions have the same digest in whatever format they are kept.
    """
    records = [record_of(question) for question in questions]
    canonical = json.dumps(records, sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(canonical.encode("ascii")).hexdigest()


def is_one_column(text: str) -> bool:
    """Whether every tool reads an id as one column of a TREC file.

    >>> [is_one_column(text) for text in ("Q1", "案例", "Q 1", "Q\u30001", "")]
    [True, True, False, False, False]
    """
    return bool(text) and not any(mark.isspace() or mark in "\0\ufeff" for mark in text)


def squeeze(text: str) -> str:
    """Remove all white space."""
    return "".join(text.split())


def record_of(question: Question) -> dict[str, object]:
    """Give a question the form it has in a question file."""
    return {
        "id": question.question_id,
        "type": question.type,
        "question": question.text,
        "evidence": [{"quote": quote} for quote in question.quotes],
        "mode": question.mode,
        "answer": question.answer,
    }


def listed(question_ids: Sequence[str]) -> str:
    """Say which questions: how many, and the first of them.

    >>> listed(["Q1", "Q2"])
    '2 个问题（Q1、Q2）'
    """
    more = "……" if len(question_ids) > _NAMED else ""
    return f"{len(question_ids)} 个问题（{'、'.join(question_ids[:_NAMED])}{more}）"


def questions_from(
    file: Path, records: Iterable[tuple[Place, object]], *, judged: bool = True
) -> tuple[Question, ...]:
    """Make questions of a file's records, whatever the format they were read from.

    Args:
        file: What messages name.
        records: With the place of each.
        judged: Whether at least one question must have evidence.

    Raises:
        QuestionsError: If a record is not a question, an id repeats, or none has evidence that must.
    """
    questions: dict[str, Question] = {}
    for place, record in records:
        question = _question(place, record)
        if question.question_id in questions:
            place.fail(f"id {question.question_id} 重复；每个问题的 id 须唯一")
        questions[question.question_id] = question
    if judged and not any(question.quotes for question in questions.values()):
        message = f"{file}：没有带引文的问题；至少要有一个，否则无从评测"
        raise QuestionsError(message)
    return tuple(questions.values())


def places_of(file: Path, records: Iterable[object]) -> Iterator[tuple[Place, object]]:
    """Number records that are about to be written, one a line."""
    for number, record in enumerate(records, start=1):
        yield Place(file, number, QuestionsError), record


def lines_of(file: Path, error: type[CasebookError]) -> Iterator[tuple[Place, str]]:
    r"""Read the lines of a UTF-8 file that are not blank, without their ``\n`` or ``\r\n``.

    No other character ends a line: JSON strings may hold U+2028 as it is. A byte order mark is
    skipped.

    Args:
        file: The file.
        error: What to raise about one of its lines.

    Raises:
        CasebookError: Of the class ``error``, if a line is not UTF-8.
    """
    with file.open("rb") as stream:
        for number, data in enumerate(stream, start=1):
            place = Place(file, number, error)
            if number == 1:
                data = data.removeprefix(codecs.BOM_UTF8)  # noqa: PLW2901 -- only the first line's
            try:
                text = data.decode("utf-8")
            except UnicodeDecodeError as fault:
                place.fail(f"第 {fault.start + 1} 字节起不是 UTF-8；请用 UTF-8 重新保存")
            if text.strip():
                yield place, text.removesuffix("\n").removesuffix("\r")


def json_of(place: Place, text: str) -> object:
    r"""Parse one line of JSON.

    Raises:
        CasebookError: Of the place's class, if it is not JSON, or escapes half a character
            (``\ud83d`` alone), which no file could hold and no digest cover.
    """
    try:
        record: object = json.loads(text)
        if "\\u" in text:
            json.dumps(record, ensure_ascii=False).encode("utf-8")
    except UnicodeEncodeError:
        place.fail("含有不成对的代理项（\\ud800 至 \\udfff），不是完整的字符；请改正")
    except (ValueError, RecursionError) as fault:
        place.fail(f"不是 JSON（{fault}）")
    return record


def _question(place: Place, record: object) -> Question:
    if not isinstance(record, dict) or set(record) != _KEYS:
        place.fail(f"应有且只有这些键：{'、'.join(sorted(_KEYS))}")
    for key in ("id", "type", "question"):
        if not isinstance(record[key], str) or not record[key].strip():
            place.fail(f"{key} 是 {record[key]!r}，应为非空的字符串")
    place.require_id("id", record["id"])
    if record["mode"] not in get_args(Mode):
        place.fail(f"mode 是 {record['mode']!r}，应为 any 或 all")
    evidence = record["evidence"]
    if not isinstance(evidence, list) or not all(_is_quote(entry) for entry in evidence):
        place.fail('evidence 应为列表，每项形如 {"quote": "原文"}')
    if not isinstance(record["answer"], str):
        place.fail(f"answer 是 {record['answer']!r}，应为字符串，可以为空")
    return Question(
        record["id"],
        record["type"],
        record["question"],
        tuple(entry["quote"] for entry in evidence),
        record["mode"],
        record["answer"],
        place.number,
    )


def _is_quote(entry: object) -> bool:
    return (
        isinstance(entry, dict)
        and list(entry) == ["quote"]
        and isinstance(entry["quote"], str)
        and bool(entry["quote"].strip())
    )
