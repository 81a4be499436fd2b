"""One quotation against texts: it stands there exactly, nearly, or not at all.

*Exact*: the same characters, or the same after folding (`rag.folding`), and then it says what was
folded; no number is cut in two. *Fuzzy*: few edits away; it says which, and whether a number is among
them. What is further away is absent. Nothing fuzzy is ever called equal.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from difflib import SequenceMatcher
from functools import cache
from typing import Literal

from rag.alignment import edit_distance
from rag.folding import FOLDS, Fold, fold, folds_between
from rag.haystack import Haystack
from rag.numerals import numerals_in, whole_numerals
from rag.types import Span

Verdict = Literal["exact", "fuzzy", "absent"]

MIN_SIMILARITY = 0.8
"""Below, a quotation is absent: see docs/decisions/0017."""

_STOPS = " ,;:.!?。、·…-"
"""Marks at the ends of a quotation that belong to the sentence around it as often as to it."""


@dataclass(frozen=True, slots=True)
class Difference:
    """A run in which a quotation and a source differ.

    Attributes:
        quoted: What the quotation has, folded; empty where it leaves something out.
        found: What the source has there, folded; empty where the quotation adds something.
    """

    quoted: str
    found: str


@dataclass(frozen=True, slots=True)
class Match:
    """A place where a quotation stands.

    Attributes:
        piece: Which piece of the haystack.
        spans: Its place in the source, one for each part of the quotation, in order.
        similarity: One less the share of edits in the longer of both, in [0, 1]; 1 if exact.
        folds: What was folded to make both equal; of a fuzzy match none is told.
        differences: What differs, in order; none if exact.
        numbers_differ: Whether both state other numbers, or one more than the other.
    """

    piece: int
    spans: tuple[Span, ...]
    similarity: float
    folds: tuple[Fold, ...]
    differences: tuple[Difference, ...]
    numbers_differ: bool

    @property
    def verdict(self) -> Verdict:
        """Whether the quotation stands there exactly or nearly."""
        return "fuzzy" if self.differences else "exact"


def find_quote(parts: Sequence[str], haystack: Haystack) -> tuple[Match, ...]:
    """Find where a quotation stands.

    Args:
        parts: The quotation; several where it leaves words out (``……``), which then follow each
            other within one piece.
        haystack: Where to look.

    Returns:
        Every exact match (of several parts, the first in each piece), those without folds first,
        then in reading order; if there are none, the nearest fuzzy one; none if it is absent. Stops
        at the ends of a part count only where the source has them: otherwise they are told as a fold.

    Raises:
        ValueError: If there is no part, or one without a letter or digit.

    >>> from rag.haystack import Piece
    >>> stack = Haystack([Piece(text := "静安区推行智能退税，3天到账。", Span(0, len(text)))])
    >>> [match.verdict for match in find_quote(["智能退税,3天到账"], stack)]
    ['exact']
    >>> [(match.differences, match.numbers_differ) for match in find_quote(["智能退税，5天到账"], stack)]
    [((Difference(quoted='5', found='3'),), True)]
    """
    folds_of = cache(_folds)  # what stands the same at a thousand places is folded once
    needles = [fold(part).text for part in parts]
    if not needles or not all(any(map(str.isalnum, needle)) for needle in needles):
        message = f"every part of a quotation has a letter or digit, got {list(parts)!r}"
        raise ValueError(message)
    bare = [needle.strip(_STOPS) for needle in needles]
    exact = [_exact(parts, runs, haystack, folds_of) for runs in _exact_runs(needles, haystack)]
    if not exact and bare != needles:
        exact = [_exact(parts, runs, haystack, folds_of) for runs in _exact_runs(bare, haystack)]
    if exact:
        return tuple(sorted(exact, key=lambda match: bool(match.folds)))
    found = [match for runs in _near_runs(bare, haystack) for match in _near(bare, runs, haystack)]
    return (max(found, key=lambda match: match.similarity),) if found else ()


Run = tuple[int, int]


def _exact_runs(needles: Sequence[str], haystack: Haystack) -> Iterator[list[Run]]:
    """Yield the runs of the parts: every place of a single one, else the first in each piece."""
    last = -1
    for start in _whole(needles[0], haystack, None):
        piece = haystack.piece_at(start)
        if len(needles) > 1 and piece == last:
            continue
        runs = [(start, start + len(needles[0]))]
        for needle in needles[1:]:
            within = runs[-1][1], haystack.bounds(piece)[1]
            following = next(_whole(needle, haystack, within), None)
            if following is None:
                break
            runs.append((following, following + len(needle)))
        else:
            yield runs
        last = piece


def _whole(needle: str, haystack: Haystack, within: Run | None) -> Iterator[int]:
    """Yield the places of a text where it cuts no number in two."""
    for start in haystack.find(needle, within):
        run = start, start + len(needle)
        if whole_numerals(haystack.text, *run) == run:
            yield start


def _near_runs(needles: Sequence[str], haystack: Haystack) -> Iterator[list[Run]]:
    """Yield the runs nearest to the parts: of a single one the best, else one in each piece."""
    if len(needles) == 1:
        run = _nearest(needles[0], haystack, None)
        yield from [] if run is None else [[run]]
        return
    longest = max(needles, key=len)
    for piece in haystack.homes(longest, _edits(longest)):
        start, end = haystack.bounds(piece)
        runs: list[Run] = []
        for needle in needles:
            run = _nearest(needle, haystack, (start, end))
            if run is None:
                break
            runs.append(run)
            start = run[1]
        else:
            yield runs


def _nearest(needle: str, haystack: Haystack, within: Run | None) -> Run | None:
    for start in haystack.find(needle, within):  # it stands there, but may cut a number
        return whole_numerals(haystack.text, start, start + len(needle))
    found = haystack.nearest(needle, _edits(needle), within)
    return None if found is None else whole_numerals(haystack.text, found.start, found.end)


def _edits(needle: str) -> int:
    """How many edits may be, at the most.

    Of a run of n characters `MIN_SIMILARITY` allows its complement's share of the longer of the
    run and the pattern, and the run is at most longer by the edits.
    """
    return int(len(needle) * (1 - MIN_SIMILARITY) / MIN_SIMILARITY + 1e-9)


def _exact(
    parts: Sequence[str],
    runs: Sequence[Run],
    haystack: Haystack,
    folds_of: Callable[[str, str, str], tuple[Fold, ...]],
) -> Match:
    piece = haystack.piece_at(runs[0][0])
    spans = tuple(haystack.span_of(*run) for run in runs)
    kinds = {
        kind
        for part, run, span in zip(parts, runs, spans, strict=True)
        for kind in folds_of(part, haystack.text[slice(*run)], span.of(haystack.pieces[piece].text))
    }
    folds = tuple(kind for kind in FOLDS if kind in kinds)
    return Match(piece, spans, 1.0, folds, differences=(), numbers_differ=False)


def _folds(part: str, run: str, found: str) -> tuple[Fold, ...]:
    """Tell what was folded between a part and what stands in the source."""
    folded = fold(part)
    if folded.text == run:
        first, last = int(folded.origin[0]), int(folded.origin[-1])
        return folds_between(part[first : last + 1], found)
    start = folded.text.index(run)
    first, last = (int(folded.origin[place]) for place in (start, start + len(run) - 1))
    return (*folds_between(part[first : last + 1], found), "punctuation")


def _near(needles: Sequence[str], runs: Sequence[Run], haystack: Haystack) -> Iterator[Match]:
    """Describe a fuzzy match; none if it is too far away after all."""
    found = [haystack.text[slice(*run)] for run in runs]
    pairs = list(zip(needles, found, strict=True))
    edits = sum(edit_distance(one, other) for one, other in pairs)
    similarity = 1 - edits / sum(max(len(one), len(other)) for one, other in pairs)
    if similarity >= MIN_SIMILARITY:
        yield Match(
            piece=haystack.piece_at(runs[0][0]),
            spans=tuple(haystack.span_of(*run) for run in runs),
            similarity=math.floor(similarity * 1000) / 1000,  # never up to 1
            folds=(),
            differences=tuple(it for one, other in pairs for it in _differences(one, other)),
            numbers_differ=any(_numbers(one) != _numbers(other) for one, other in pairs),
        )


def _differences(quoted: str, found: str) -> Iterator[Difference]:
    matcher = SequenceMatcher(None, quoted, found, autojunk=False)
    for tag, start, end, low, high in matcher.get_opcodes():
        if tag != "equal":
            yield Difference(quoted[start:end], found[low:high])


def _numbers(text: str) -> list[str]:
    return [numeral.value for numeral in numerals_in(text)]
