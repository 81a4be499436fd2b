"""After an edit of a source: its question expansions are moved to where their quotes stand now."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from rag.drafts import draft_of, require_own_names, write_file
from rag.expansions import companion_of
from rag.source import Reading
from rag.types import Source


@dataclass(frozen=True, slots=True)
class Realigned:
    """What became of one file of expansions.

    Attributes:
        file: The file, a companion or a draft.
        moved: Lines that were moved.
        lost: Numbers of the lines, from 1, whose quote stands nowhere in the source, or in several
            places; they are as they were.
    """

    file: Path
    moved: int
    lost: tuple[int, ...]


def realign(reading: Reading) -> tuple[Realigned, ...]:
    """Move the lines of all companions and drafts to where their quotes stand.

    A line keeps its length. It moves as far as the line before it did, if its quote stands there,
    and otherwise to the one place where it stands. Lines without a quote, and what is no expansion,
    are left as they are: the next build says what is wrong with them.

    Args:
        reading: The sources as they are now.

    Returns:
        One for each file with lines that no longer fitted.

    Raises:
        CasebookError: If two sources share a companion; nothing was moved.
        OSError: If the disk refuses.
    """
    require_own_names(reading)
    return tuple(
        done
        for source, file in zip(reading.sources, reading.files, strict=True)
        for beside in (companion_of(file), draft_of(file))
        if beside.is_file() and (done := _realign(beside, source)) is not None
    )


def _realign(file: Path, source: Source) -> Realigned | None:
    """Realign one file; None if every line fits."""
    lines = file.read_bytes().split(b"\n")
    shift, moved, lost = 0, 0, []
    for row, line in enumerate(lines):
        record = _quoting(line)
        if record is None or _stands(record, source, 0):
            continue
        if not _stands(record, source, shift):
            place = _place_of(record["quote"], source.text)
            if place is None:
                lost.append(row + 1)
                continue
            shift = place - record["start"]
        end = min(record["end"] + shift, len(source.text))
        record |= {"start": record["start"] + shift, "end": end}
        lines[row] = json.dumps(record, ensure_ascii=False).encode()
        moved += 1
    if moved:
        write_file(file, b"\n".join(lines))
    return Realigned(file, moved, tuple(lost)) if moved or lost else None


def _quoting(line: bytes) -> dict[str, Any] | None:
    """Read a line that has a place and a quote; None for any other."""
    try:
        record = json.loads(line)
    except (ValueError, RecursionError):
        return None
    match record:
        case {"start": int(), "end": int(), "quote": str(quote)} if quote:
            return dict(record)
    return None


def _stands(record: dict[str, Any], source: Source, shift: int) -> bool:
    """Whether the quote stands where the line says, so many characters on."""
    start = record["start"] + shift
    return start >= 0 and source.text.startswith(record["quote"], start)


def _place_of(quote: str, text: str) -> int | None:
    """The one place where a quote stands; None if it has none or several."""
    place = text.find(quote)
    return None if place < 0 or text.find(quote, place + 1) >= 0 else place
