"""Text -> the runs of it that claim to be somebody's words."""

from __future__ import annotations

import re
from dataclasses import dataclass

from rag.sentences import sentences_of
from rag.types import Span

_PAIRS = {"“": "”", "‘": "’", "「": "」", "『": "』", '"': '"', "＂": "＂"}
# A number of one or two digits: 〔2021〕18号 and [2021] are no footnotes.
_MARKER = re.compile(r"[\[［【]\^?\d{1,2}(?:\s*[,，、–-]\s*\d{1,2})*[\]］】]")
_ELLIPSIS = re.compile(r"[…⋯]+|\.{3,}|。{3,}|．{3,}")
_TITLE = re.compile(r"\s*《([^《》]+)》[。.\s]*")


@dataclass(frozen=True, slots=True)
class Run:
    """A run of a text to be looked up.

    Attributes:
        span: Its place in the text, without the quotation marks around it.
        text: ``span`` cut out of the text.
        parts: What must stand in the source, in this order: the run without markers of citations,
            cut at ellipses; at least one, each with a letter or digit.
    """

    span: Span
    text: str
    parts: tuple[str, ...]


def quoted_runs(text: str) -> tuple[Run, ...]:
    """List the runs of a text in quotation marks.

    Marks are ``“ ”``, ``‘ ’``, ``「 」``, ``『 』`` and ``" "``. A run inside another one is part of it.
    A mark that is never closed quotes up to the end of its line. ``《》`` names a title and quotes
    nothing.

    Returns:
        In reading order; those without a letter or digit are left out.

    >>> [run.parts for run in quoted_runs("它说“推行‘快办’……三天到账[2]”，见《办法》")]
    [('推行‘快办’', '三天到账')]
    """
    runs: list[Run] = []
    position = 0
    while position < len(text):
        if text[position] not in _PAIRS:
            position += 1
            continue
        end = _closing(text, position)
        runs += _run(text, Span(position + 1, end))
        position = end + 1
    return tuple(runs)


def sentence_runs(text: str) -> tuple[Run, ...]:
    """List the sentences of a text, as if all of it were quoted; a title alone loses its 《》.

    >>> [run.text for run in sentence_runs("企业不用跑腿。退税三天就能到账[1]。")]
    ['企业不用跑腿。退税三天就能到账[1]。']
    """
    if title := _TITLE.fullmatch(text):
        return tuple(_run(text, Span(*title.span(1))))
    return tuple(run for span in sentences_of(text, Span(0, len(text))) for run in _run(text, span))


def _closing(text: str, opening: int) -> int:
    """Find where a quotation ends: at its mark, nested ones of the same kind aside."""
    mark, closing = text[opening], _PAIRS[text[opening]]
    depth = 1
    for place in range(opening + 1, len(text)):
        character = text[place]
        if character == closing:
            depth -= 1
            if not depth:
                return place
        elif character == mark:
            depth += 1
        elif character in "\r\n" and closing not in text[place:].partition(mark)[0]:
            return place
    return len(text)


def _run(text: str, span: Span) -> list[Run]:
    """Make a run; none if there is nothing to look up."""
    parts = tuple(
        part
        for piece in _ELLIPSIS.split(_MARKER.sub("", span.of(text)))
        if any(map(str.isalnum, part := piece.strip()))
    )
    return [Run(span, span.of(text), parts)] if parts else []
