"""Several texts, folded and laid end to end, in which a quotation is looked for.

Exact search is Python's own. For an approximate one, what cannot be a match is left out first, and
nothing else: with k edits a run keeps all but 2k of the pattern's pairs of neighbours (P. Jokinen,
E. Ukkonen, "Two algorithms for approximate string matching in static texts", MFCS 1991).
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from rag.alignment import Alignment, best_alignment
from rag.folding import fold
from rag.types import Span

_PARTED = "\uffff"
"""Stands between two texts; folding leaves none, so no quotation reaches across."""


@dataclass(frozen=True, slots=True)
class Piece:
    """A run of a text in which quotations may stand.

    Attributes:
        text: The whole source.
        span: The run.
    """

    text: str
    span: Span


class Haystack:
    """Pieces to look in, folded once.

    Runs are given and taken as half-open ranges of ``text``, the folded pieces end to end.

    Args:
        pieces: In the order of the answers.
    """

    def __init__(self, pieces: Sequence[Piece]) -> None:
        self.pieces = tuple(pieces)
        folds = [fold(piece.span.of(piece.text)) for piece in self.pieces]
        lengths = [len(folded.text) + 1 for folded in folds]
        self.text = "".join(folded.text + _PARTED for folded in folds)
        self._starts = np.cumsum([0, *lengths])
        self._origins = [
            folded.origin + piece.span.start
            for piece, folded in zip(self.pieces, folds, strict=True)
        ]
        self._names, self._pairs = np.unique(_pairs_of(self.text), return_inverse=True)

    def piece_at(self, place: int) -> int:
        """Tell which piece a place of ``text`` is in."""
        return int(np.searchsorted(self._starts, place, side="right")) - 1

    def bounds(self, piece: int) -> tuple[int, int]:
        """Where a piece starts and ends in ``text``."""
        return int(self._starts[piece]), int(self._starts[piece + 1]) - 1

    def span_of(self, start: int, end: int) -> Span:
        """Place, in its source, of a run of ``text`` inside one piece; not empty."""
        piece = self.piece_at(start)
        origin = self._origins[piece]
        first = int(self._starts[piece])
        return Span(int(origin[start - first]), int(origin[end - 1 - first]) + 1)

    def find(self, needle: str, within: tuple[int, int] | None = None) -> Iterator[int]:
        """Yield where a folded text starts, rising, overlaps included.

        Raises:
            ValueError: If it is empty.
        """
        if not needle:
            message = "nothing to look for"
            raise ValueError(message)
        start, end = within or (0, len(self.text))
        while (start := self.text.find(needle, start, end)) >= 0:
            yield start
            start += 1

    def nearest(
        self, needle: str, edits: int, within: tuple[int, int] | None = None
    ) -> Alignment | None:
        """Find the run with the fewest edits to a folded text.

        Args:
            needle: Not empty.
            edits: How many there may be.
            within: Where to look; everywhere if None.

        Returns:
            Its place in ``text``, never across two pieces; of equals the first; None if every run
            needs more edits.
        """
        best: Alignment | None = None
        for start, end in self._regions(needle, edits, within or (0, len(self.text))):
            found = best_alignment(needle, self.text[start:end])
            if found.distance < (edits + 1 if best is None else best.distance):
                best = Alignment(start + found.start, start + found.end, found.distance)
        return best if best is not None and best.start < best.end else None

    def homes(self, needle: str, edits: int) -> tuple[int, ...]:
        """List the pieces, in order, that may hold a folded text with so many edits."""
        regions = self._regions(needle, edits, (0, len(self.text)))
        return tuple(dict.fromkeys(self.piece_at(start) for start, _ in regions))

    def _regions(
        self, needle: str, edits: int, within: tuple[int, int]
    ) -> Iterator[tuple[int, int]]:
        """Yield the runs, each inside one piece, that may hold a match."""
        reach = len(needle) + edits
        least = max(1, len(needle) - 1 - 2 * edits)
        hits = self._shared_pairs(needle)
        hits = hits[(hits >= within[0]) & (hits < within[1])]
        # A match holds its pairs within `reach` of the first of them.
        dense = hits[np.searchsorted(hits, hits + reach) - np.arange(len(hits)) >= least]
        start = end = -1
        for hit in dense.tolist():
            if hit - reach > end:
                yield from self._inside(start, end, within)
                start = hit - reach
            end = hit + reach
        yield from self._inside(start, end, within)

    def _inside(self, start: int, end: int, within: tuple[int, int]) -> Iterator[tuple[int, int]]:
        """Cut a region at the ends of pieces."""
        start, end = max(start, within[0]), min(end, within[1])
        while start < end:
            _, border = self.bounds(self.piece_at(start))
            if start < border:
                yield start, min(end, border)
            start = border + 1

    def _shared_pairs(self, needle: str) -> NDArray[np.int64]:
        """Places, rising, of the pairs of neighbours that a text has in common with the pieces."""
        pairs = _pairs_of(needle)
        places = np.searchsorted(self._names, pairs)
        known = places[places < len(self._names)]
        known = known[np.isin(self._names[known], pairs)]
        shared = np.zeros(len(self._names), dtype=bool)
        shared[known] = True
        return np.flatnonzero(shared[self._pairs])


def _pairs_of(text: str) -> NDArray[np.uint64]:
    """Number each character with its follower; one less than there are characters."""
    codes = np.frombuffer(text.encode("utf-32-le", "surrogatepass"), dtype=np.uint32)
    return codes[:-1].astype(np.uint64) << np.uint64(32) | codes[1:]
