"""Pattern and text -> the run of the text that is nearest to the pattern, by edits.

G. Myers, "A fast bit-vector algorithm for approximate string matching based on dynamic programming",
J. ACM 46 (1999), in the form of H. Hyyrö (2003). A column of the table is two integers of as many
bits as the pattern has characters, and Python's integers have no width: a few operations a character
of the text, whatever the pattern's length.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Alignment:
    """Where a pattern fits best.

    Attributes:
        start: First code point of the run.
        end: One past its last.
        distance: Insertions, deletions and substitutions between pattern and run.
    """

    start: int
    end: int
    distance: int


def edit_distance(one: str, other: str) -> int:
    """Count the edits that turn one text into the other.

    >>> edit_distance("退税3天到账", "退税13日到账")
    2
    """
    if not one:
        return len(other)
    return next(reversed([len(one), *_distances(one, other, anchored=True)]))


def best_alignment(pattern: str, text: str) -> Alignment:
    """Find the run of a text with the fewest edits to a pattern.

    Returns:
        Of several, the one whose length is nearest to the pattern's, then the first.

    Raises:
        ValueError: If the pattern is empty.

    >>> best_alignment("退税5天到账", "推行智能退税3天到账。")
    Alignment(start=4, end=10, distance=1)
    """
    if not pattern:
        message = "an empty pattern stands everywhere"
        raise ValueError(message)
    ends = [len(pattern), *_distances(pattern, text, anchored=False)]
    least = min(ends)
    first = ends.index(least)
    # The same edits can end a few characters later: a substitution there instead of a deletion.
    found = [
        Alignment(end - length, end, least)
        for end in range(first, min(first + least + 1, len(ends)))
        if ends[end] == least
        for length, distance in enumerate(
            [
                len(pattern),
                *_distances(
                    pattern[::-1],
                    text[max(0, end - len(pattern) - least) : end][::-1],
                    anchored=True,
                ),
            ]
        )
        if distance == least
    ]
    return min(found, key=lambda it: (abs(it.end - it.start - len(pattern)), it.start))


def _distances(pattern: str, text: str, *, anchored: bool) -> Iterator[int]:
    """Yield, for each end in a text, the edits from the whole pattern to what ends there.

    Args:
        pattern: Not empty.
        text: Walked through once.
        anchored: Whether what ends there must also begin where the text does.
    """
    places: dict[str, int] = {}
    for place, character in enumerate(pattern):
        places[character] = places.get(character, 0) | 1 << place
    full = (1 << len(pattern)) - 1
    last = 1 << (len(pattern) - 1)
    rises, falls, distance = full, 0, len(pattern)
    for character in text:
        equal = places.get(character, 0)
        across = (((equal & rises) + rises) ^ rises) | equal | falls
        up = falls | (full & ~(across | rises))
        down = rises & across
        distance += bool(up & last) - bool(down & last)
        up = up << 1 | anchored
        down <<= 1
        rises = full & (down | ~(across | up))
        falls = up & across & full
        yield distance
