"""Question expansions: how people would ask for a passage, as further keys to find it by.

They stand beside their source, ``案例.txt`` with ``案例.questions.jsonl``, one JSON object a line:
``start`` and ``end`` in code points of the source as read, ``questions``, and, if one likes, ``quote``:
how the run begins. Anchored to the text and not to passages, they survive any re-cutting; a line with
a quote tells when the source was edited and its run now stands elsewhere. They are keys only, never
shown as evidence.
"""

from __future__ import annotations

import codecs
import hashlib
import json
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from rag.errors import CasebookError, SourceError
from rag.source import Reading
from rag.tokens import terms_of
from rag.types import Case, Passage, Source, Span

SUFFIX = ".questions.jsonl"
QUOTE_CHARS = 12
"""Code points of a quote that is written for an editor, who may make it longer or shorter."""

_KEYS = {"start", "end", "questions"}
_OPTIONAL = {"quote"}


class ExpansionsError(CasebookError):
    """A file of question expansions cannot be used; the message names file and line."""


@dataclass(frozen=True, slots=True)
class Expansion:
    """Questions that one run of a source answers.

    Attributes:
        source: Name of the source.
        span: The run that answers them.
        questions: As people would ask, at least one, each with a term.
        quote: How the run begins, word for word; empty where the line does not say.
    """

    source: str
    span: Span
    questions: tuple[str, ...]
    quote: str = ""


def companion_of(file: Path) -> Path:
    """Where the expansions of a source file stand; there may be none."""
    return file.with_name(file.stem + SUFFIX)


def read_expansions(file: Path, source: Source) -> tuple[Expansion, ...]:
    """Read the expansions of one source.

    Args:
        file: UTF-8, with or without a byte order mark; blank lines are skipped.
        source: What the spans count in.

    Returns:
        The expansions in the order of the file.

    Raises:
        ExpansionsError: If the file cannot be read or is not UTF-8, a line is not an expansion, or
            its span is not in the source, or does not begin as the line says.
    """
    return parse_expansions(file, _bytes_of(file), source)


def parse_expansions(file: Path, data: bytes, source: Source) -> tuple[Expansion, ...]:
    """Read expansions from the bytes of a file; see `read_expansions`."""
    data = data.removeprefix(codecs.BOM_UTF8)
    try:
        lines = data.decode("utf-8").split("\n")
    except UnicodeDecodeError as error:
        number = data.count(b"\n", 0, error.start) + 1
        message = f"{file}：第 {number} 行：不是 UTF-8；请另存为 UTF-8"
        raise ExpansionsError(message) from error
    return tuple(
        _parse(line, source, f"{file}：第 {number} 行")
        for number, line in enumerate(lines, start=1)
        if line.strip()
    )


@dataclass(frozen=True, slots=True)
class Companions:
    """The expansions that stand beside a set of sources.

    Attributes:
        expansions: Those that could be read, in the order of the sources.
        digests: Name, beside that of its source, and sha256 of each file that they come from.
        failures: One for each source whose companion could not be used; the source itself can.
    """

    expansions: tuple[Expansion, ...]
    digests: tuple[tuple[str, str], ...]
    failures: tuple[SourceError, ...]


NO_COMPANIONS = Companions((), (), ())


def read_companions(reading: Reading) -> Companions:
    """Read the companions of all sources; most have none.

    One that stands beside two sources, ``案例.txt`` and ``案例.md``, is a failure: its spans count in
    one of them, and it does not say in which.
    """
    owners = Counter(companion_of(file) for file in reading.files)
    expansions: list[Expansion] = []
    digests: list[tuple[str, str]] = []
    failures: list[SourceError] = []
    for source, file in zip(reading.sources, reading.files, strict=True):
        companion = companion_of(file)
        if not companion.is_file():
            continue
        if owners[companion] > 1:
            why = f"{companion}：有 {owners[companion]} 个原文与它同名，不知标注的是哪个；请改名"
            failures.append(SourceError(source.name, why))
            continue
        try:
            data = _bytes_of(companion)
            expansions.extend(parse_expansions(companion, data, source))
        except ExpansionsError as error:
            failures.append(SourceError(source.name, str(error)))
        else:
            name = PurePosixPath(source.name).with_name(companion.name)
            digests.append((str(name), hashlib.sha256(data).hexdigest()))
    return Companions(tuple(expansions), tuple(digests), tuple(failures))


def questions_of(
    passages: Sequence[Passage], cases: Iterable[Case], expansions: Iterable[Expansion]
) -> list[tuple[str, ...]]:
    """Give each passage the questions that it answers.

    An expansion belongs to every passage that shares more than half of the shorter of the two; to
    the one that shares most where none does, the first of equals.

    Args:
        passages: In any order.
        cases: Theirs.
        expansions: Of any sources; those without passages are left out.

    Returns:
        For each passage, its questions in the order given, each once; empty where it has none.
    """
    source_of = {case.case_id: case.source.name for case in cases}
    rows_of: dict[str, list[int]] = {}
    for row, passage in enumerate(passages):
        rows_of.setdefault(source_of[passage.case_id], []).append(row)
    questions: list[dict[str, None]] = [{} for _ in passages]
    for expansion in expansions:
        shared = {
            row: overlap
            for row in rows_of.get(expansion.source, [])
            if (overlap := _overlap(passages[row].span, expansion.span)) > 0
        }
        if not shared:
            continue
        whole = [
            row
            for row, overlap in shared.items()
            if 2 * overlap > min(len(passages[row].span), len(expansion.span))
        ]
        for row in whole or [max(shared, key=lambda row: shared[row])]:
            questions[row].update(dict.fromkeys(expansion.questions))
    return [tuple(asked) for asked in questions]


def usable(question: str) -> bool:
    r"""Whether a question can be looked up, and written down (``\ud83d`` alone cannot)."""
    return bool(terms_of(question)) and not any("\ud800" <= c <= "\udfff" for c in question)


def _overlap(one: Span, other: Span) -> int:
    return min(one.end, other.end) - max(one.start, other.start)


def _bytes_of(file: Path) -> bytes:
    try:
        return file.read_bytes()
    except OSError as error:
        message = f"{file}：读不了（{error.strerror}）；应为预设问法，请检查路径和权限"
        raise ExpansionsError(message) from error


def _parse(line: str, source: Source, where: str) -> Expansion:
    try:
        record = json.loads(line)
    except (ValueError, RecursionError) as error:
        message = f"{where}：不是 JSON（{error}）；每行应为一个 JSON 对象"
        raise ExpansionsError(message) from error
    if not isinstance(record, dict) or set(record) - _OPTIONAL != _KEYS:
        message = f"{where}：应有且只有这些键：{'、'.join(sorted(_KEYS))}（还可以有 quote）"
        raise ExpansionsError(message)
    start, end, questions = record["start"], record["end"], record["questions"]
    if not (type(start) is type(end) is int and 0 <= start < end <= len(source.text)):
        message = (
            f"{where}：start {start!r}、end {end!r} 不是 {source.name} 中的一段"
            f"（共 {len(source.text)} 字）；原文改动后请重新标注"
        )
        raise ExpansionsError(message)
    if (
        not isinstance(questions, list)
        or not questions
        or not all(isinstance(question, str) and usable(question) for question in questions)
    ):
        message = f"{where}：questions 应为列表，至少一项，每项是一个有文字的问题"
        raise ExpansionsError(message)
    span, quote = Span(start, end), record.get("quote", "")
    if not isinstance(quote, str) or not span.of(source.text).startswith(quote):
        message = f"{where}：{_misplaced(quote, span, source)}"
        raise ExpansionsError(message)
    return Expansion(source.name, span, tuple(questions), quote)


def _misplaced(quote: object, span: Span, source: Source) -> str:
    """Say what stands where a quote should, and where the quote stands, if that is certain."""
    if not isinstance(quote, str):
        return f"quote {quote!r} 应为文字，即这一段开头的几个字"
    found = span.of(source.text)[: len(quote)]
    what = f"quote 是 {quote!r}，而 {source.name} 第 {span.start} 字起是 {found!r}，原文可能改动过"
    place = source.text.find(quote)
    if place == span.start or source.text.find(quote, place + 1) >= 0:
        place = -1  # longer than the run, or in several places
    if place < 0:
        return f"{what}；请按现在的原文改正 start、end 和 quote，或删去这一行"
    moved = place - span.start
    change = f"加 {moved}" if moved > 0 else f"减 {-moved}"
    return (
        f"{what}；这几个字现在从第 {place} 字起，请把 start、end 各{change}，"
        "或运行 casebook expand 路径 --realign 把各行一并改正"
    )
