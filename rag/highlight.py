"""Which words of the question stand in a passage, and where."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

from rag.tokens import is_telling, normalized, normalized_in_place, runs_of, telling_terms
from rag.types import Span

_KEPT = 1024
"""Texts kept normalised: the same passages are found again and again, and ten take .37 ms."""
_in_place = lru_cache(maxsize=_KEPT)(normalized_in_place)


def matched_terms(question: str, text: str) -> tuple[str, ...]:
    """List the question's words that occur in a text.

    Returns:
        The longest runs of each Han run, number or word of the question that stand in the text,
        normalised, of two or more characters and not function words alone; longest first, then in
        the question's order; each once.

    >>> matched_terms("静安退税几天到账", "静安区的智能退税，次日到账")
    ('静安', '退税', '到账')
    """
    haystack = normalized(text)
    found: dict[str, None] = {}
    for run in _words(question).runs:
        start = 0
        while start < len(run):
            end = start + 1
            # Whatever holds a longer run holds the shorter one: growing finds the longest.
            while end < len(run) and run[start : end + 1] in haystack:
                end += 1
            if run[start:end] in haystack:
                found[run[start:end]] = None
            start = end
    return tuple(sorted(filter(is_telling, found), key=len, reverse=True))


def highlights(question: str, text: str) -> tuple[Span, ...]:
    """Mark the question's words in a text.

    Args:
        question: As typed.
        text: What is marked, such as a passage.

    Returns:
        Spans in code points of ``text``, in order; touching ones are merged, so a phrase that is
        matched pair by pair is one span.

    >>> highlights("几天退税", "智能退税一键式，三天到账")
    (Span(start=2, end=4),)
    """
    folded, origin = _in_place(text)
    marked = bytearray(len(text) + 1)
    for term in _words(question).terms:
        if term not in folded:  # most; twice as fast as to find nothing
            continue
        position = folded.find(term)
        while position >= 0:
            start, last = origin[position], origin[position + len(term) - 1]
            marked[start : last + 1] = b"\x01" * (last + 1 - start)
            position = folded.find(term, position + 1)
    spans: list[Span] = []
    start = marked.find(1)
    while start >= 0:
        end = marked.find(0, start)
        spans.append(Span(start, end))
        start = marked.find(1, end)
    return tuple(spans)


@dataclass(frozen=True, slots=True)
class _Words:
    """A question's words: its runs, and its telling terms."""

    runs: tuple[str, ...]
    terms: frozenset[str]


@lru_cache(maxsize=64)
def _words(question: str) -> _Words:
    """Read a question once, however many passages it is looked for in."""
    return _Words(tuple(runs_of(question)), telling_terms(question))
