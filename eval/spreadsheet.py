"""Questions as a spreadsheet, for people who keep them in Excel or WPS.

A ``.csv`` (commas) or ``.tsv`` (tabs) with the columns ``id``, ``type``, ``question``, ``mode``,
``answer`` and ``quote1`` to ``quoteN``, in any order under a header; empty quote cells are skipped,
and so are empty rows and cells behind the last column, which spreadsheets leave behind. Quotes have
a cell each because a quote may itself run over several lines. Cells are taken as they stand: white
space around them is kept, because a quote is verbatim.

Files are written with a byte order mark, without which Excel takes UTF-8 for GB18030, and read in
whatever encoding a Chinese desktop saves.

A cell that begins with ``=``, ``+``, ``-``, ``@`` (full-width ones too) or a tab or line break may
be run as a formula when the file is opened, and a question file may come from anywhere. Such a cell
is written with an apostrophe in front, which is taken off again on reading; so is one apostrophe of
a cell that already has some in front of such a mark. All other apostrophes are text.

Source:
    OWASP, CSV Injection, https://owasp.org/www-community/attacks/CSV_Injection
"""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

from eval.questions import Place, Question, QuestionsError, questions_from
from rag.errors import SourceError
from rag.source import decode

SUFFIXES = frozenset({".csv", ".tsv"})
"""What a spreadsheet's name ends with, in lower case; it decides the separator."""

_COLUMNS = ("id", "type", "question", "mode", "answer")
_QUOTE = re.compile(r"quote([1-9][0-9]*)")
_FORMULA = re.compile(r"'*[=+\-@\uff1d\uff0b\uff0d\uff20\t\r\n]")


def read_spreadsheet(file: Path, *, judged: bool = True) -> tuple[Question, ...]:
    """Read questions; `Question.line` is the row, the header being row 1.

    Raises:
        QuestionsError: If the file is not text in a known encoding, the header lacks a column or
            has an unknown one, a row is not a question, an id repeats, or none has a quote.
        ValueError: If the file's suffix is not one of `SUFFIXES`.
    """
    return _parse(file, file.read_bytes(), judged=judged)


def write_spreadsheet(file: Path, questions: Sequence[Question]) -> None:
    """Write questions; `read_spreadsheet` returns the same.

    Raises:
        QuestionsError: If it could not be read again, for instance because a text holds control
            characters; then nothing is written.
        ValueError: If the file's suffix is not one of `SUFFIXES`.
    """
    width = max((len(question.quotes) for question in questions), default=0)
    header = [*_COLUMNS, *(f"quote{number}" for number in range(1, max(width, 1) + 1))]
    stream = io.StringIO(newline="")
    writer = csv.writer(stream, delimiter=_delimiter(file), lineterminator="\r\n")
    writer.writerow(header)
    for question in questions:
        texts = (question.question_id, question.type, question.text, question.mode, question.answer)
        writer.writerow(map(_guarded, (*texts, *question.quotes)))
    data = stream.getvalue().encode("utf-8-sig")
    if _parse(file, data) != tuple(questions):
        message = f"{file}：写出的表格读回来不一样；请改用 .jsonl"
        raise QuestionsError(message)
    file.write_bytes(data)


def _parse(file: Path, data: bytes, *, judged: bool = True) -> tuple[Question, ...]:
    delimiter = _delimiter(file)
    try:
        text = decode(str(file), data).text
    except SourceError as error:
        raise QuestionsError(str(error)) from None
    rows = _rows(file, text, delimiter)
    place, header = next(rows, (Place(file, 1, QuestionsError), []))
    _require_columns(place, header)
    records = ((place, _record(place, header, row)) for place, row in rows)
    return questions_from(file, records, judged=judged)


def _rows(file: Path, text: str, delimiter: str) -> Iterator[tuple[Place, list[str]]]:
    """Yield the rows that are not empty, without the empty cells behind the last full one."""
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, strict=True)
    number = 0
    while True:
        number += 1
        place = Place(file, number, QuestionsError)
        try:
            row = next(reader, None)
        except csv.Error as error:
            why = f"不是完整的表格行（{error}）；单元格里的引号要写成两个，并用引号括起整个单元格"
            place.fail(why)
        if row is None:
            return
        while row and not row[-1]:
            row.pop()
        if row:
            yield place, row


def _require_columns(place: Place, header: Sequence[str]) -> None:
    quotes = sum(bool(_QUOTE.fullmatch(name)) for name in header)
    expected = {*_COLUMNS, *(f"quote{number}" for number in range(1, max(quotes, 1) + 1))}
    if set(header) == expected and len(header) == len(expected):
        return
    parts = (
        ("缺少", expected - set(header)),
        ("多出", set(header) - expected),
        ("重复", {name for name in header if header.count(name) > 1}),
    )
    found = "；".join(f"{what} {_listed(names)}" for what, names in parts if names)
    why = f"表头{found}；应有 {'、'.join(_COLUMNS)} 和 quote1、quote2……"
    place.fail(why)


def _record(place: Place, header: Sequence[str], row: Sequence[str]) -> dict[str, object]:
    """Give a row the form of a line of a question file, which says what is wrong with it."""
    if len(row) > len(header):
        place.fail(f"有 {len(row)} 个单元格，表头只有 {len(header)} 列")
    padded = [*row, *[""] * (len(header) - len(row))]
    cells = {name: _bare(cell) for name, cell in zip(header, padded, strict=True)}
    quotes = [cells[f"quote{number}"] for number in range(1, len(header) - len(_COLUMNS) + 1)]
    evidence = [{"quote": quote} for quote in quotes if quote]
    return {name: cells[name] for name in _COLUMNS} | {"evidence": evidence}


def _guarded(cell: str) -> str:
    return f"'{cell}" if _FORMULA.match(cell) else cell


def _bare(cell: str) -> str:
    return cell[1:] if cell.startswith("'") and _FORMULA.match(cell) else cell


def _delimiter(file: Path) -> str:
    suffix = file.suffix.lower()
    if suffix not in SUFFIXES:
        message = f"{file}: not a spreadsheet's suffix; expected one of {sorted(SUFFIXES)}"
        raise ValueError(message)
    return "\t" if suffix == ".tsv" else ","


def _listed(names: Iterable[str]) -> str:
    return "、".join(name or "（空）" for name in sorted(names))
