"""Drafts of question expansions: beside their source, for an editor to review before any is used.

``案例.questions.draft.jsonl`` has the form of ``案例.questions.jsonl``. No build reads it; accepting
moves its lines there.
"""

from __future__ import annotations

import json
import os
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, replace
from pathlib import Path

from rag.errors import CasebookError
from rag.expansions import (
    QUOTE_CHARS,
    Expansion,
    companion_of,
    parse_expansions,
    read_expansions,
)
from rag.source import Reading
from rag.types import Source, Span

SUFFIX = ".questions.draft.jsonl"


@dataclass(frozen=True, slots=True)
class Accepted:
    """What accepting the draft of one source did.

    Attributes:
        companion: The file that has the questions now.
        runs: Lines of the draft.
        questions: Questions that the companion did not have for the same run.
    """

    companion: Path
    runs: int
    questions: int


def draft_of(file: Path) -> Path:
    """Where the draft of a source file stands; there may be none."""
    return file.with_name(file.stem + SUFFIX)


def expansion_of(source: Source, span: Span, questions: tuple[str, ...]) -> Expansion:
    """Say that a run of a source answers questions, with a quote to know it by."""
    return Expansion(source.name, span, questions, span.of(source.text)[:QUOTE_CHARS])


def known_expansions(file: Path, source: Source) -> tuple[Expansion, ...]:
    """Read a draft or companion that may not be there.

    Raises:
        ExpansionsError: If it is there and cannot be used.
    """
    return read_expansions(file, source) if file.is_file() else ()


def merged(kept: Iterable[Expansion], added: Iterable[Expansion]) -> tuple[Expansion, ...]:
    """Add expansions to those that are there; what is there is never taken away.

    Args:
        kept: An editor's, of one source.
        added: Of the same source.

    Returns:
        By place; of one span, those kept come first in their order, then the new questions. Lines
        of one span that an editor keeps apart stay apart, and the first takes the new questions.
    """
    whole = list(kept)
    first: dict[Span, int] = {}
    for row, expansion in enumerate(whole):
        first.setdefault(expansion.span, row)
    for expansion in added:
        row = first.setdefault(expansion.span, len(whole))
        if row == len(whole):
            whole.append(replace(expansion, questions=tuple(dict.fromkeys(expansion.questions))))
            continue
        asked = {q for other in whole if other.span == expansion.span for q in other.questions}
        new = dict.fromkeys(q for q in expansion.questions if q not in asked)
        old = whole[row]
        whole[row] = replace(
            old, questions=(*old.questions, *new), quote=old.quote or expansion.quote
        )
    return tuple(sorted(whole, key=lambda expansion: expansion.span))


def write_expansions(file: Path, expansions: Iterable[Expansion], source: Source) -> None:
    """Write expansions in place of those in a file, whole or not at all.

    Raises:
        ExpansionsError: If they could not be read again; the file is as it was.
        OSError: If the disk refuses; likewise.
    """
    data = b"".join(_line(expansion) for expansion in expansions)
    parse_expansions(file, data, source)
    write_file(file, data)


def write_file(file: Path, data: bytes) -> None:
    """Write a file in place of the one that is there, whole or not at all.

    Raises:
        OSError: If the disk refuses; the file is as it was.
    """
    aside = file.with_name(f".{file.name}.new")
    try:
        with aside.open("wb") as stream:
            stream.write(data)
            stream.flush()
            os.fsync(stream.fileno())
        aside.replace(file)
    finally:
        aside.unlink(missing_ok=True)


def require_own_names(reading: Reading) -> None:
    """Make sure that no two sources would share a draft.

    Raises:
        CasebookError: If two do, as ``案例.txt`` and ``案例.md``.
    """
    owners = Counter(companion_of(file) for file in reading.files)
    for companion, count in owners.items():
        if count > 1:
            message = f"{companion}：有 {count} 个原文与它同名，不知标注的是哪个；请改名后重试"
            raise CasebookError(message)


def accept_drafts(reading: Reading) -> tuple[Accepted, ...]:
    """Move reviewed drafts to where builds read them. All are read before the first is moved.

    Args:
        reading: The sources; those without a draft are left out.

    Returns:
        One for each draft, in the order of the sources.

    Raises:
        ExpansionsError: If a draft or companion cannot be used; nothing was moved.
        CasebookError: If two sources share a draft, or there is no draft; likewise.
        OSError: If the disk refuses; accepting again goes on where it stopped.
    """
    require_own_names(reading)
    moves: list[_Move] = []
    for source, file in zip(reading.sources, reading.files, strict=True):
        draft, companion = draft_of(file), companion_of(file)
        if not draft.is_file():
            continue
        drafted = read_expansions(draft, source)
        kept = known_expansions(companion, source)
        whole = merged(kept, drafted)
        accepted = Accepted(companion, len(drafted), _count(whole) - _count(kept))
        moves.append(_Move(draft, source, whole, accepted))
    if not moves:
        message = f"没有草稿（案例{SUFFIX}）；请先运行 casebook expand 写出草稿"
        raise CasebookError(message)
    for move in moves:
        if move.accepted.questions:
            write_expansions(move.accepted.companion, move.whole, move.source)
        move.draft.unlink()
    return tuple(move.accepted for move in moves)


@dataclass(frozen=True, slots=True)
class _Move:
    """A draft that was read, and what its companion is going to hold."""

    draft: Path
    source: Source
    whole: tuple[Expansion, ...]
    accepted: Accepted


def _count(expansions: Iterable[Expansion]) -> int:
    return sum(len(expansion.questions) for expansion in expansions)


def _line(expansion: Expansion) -> bytes:
    record: dict[str, object] = {"start": expansion.span.start, "end": expansion.span.end}
    if expansion.quote:
        record["quote"] = expansion.quote
    record["questions"] = list(expansion.questions)
    return json.dumps(record, ensure_ascii=False).encode() + b"\n"
