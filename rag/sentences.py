"""Text -> sentence spans. Sentences are the retrieval keys and, later, what an answer quotes.

Sentence vectors beat passage vectors on this genre (dense R@1 .629 against .531 on the development
questions), so the unit is decided here once, for building and for highlighting.
"""

from __future__ import annotations

import re

from rag.lines import folded
from rag.types import Span

_CLOSERS = "”’」』）)】》"
_END = re.compile(rf"[。！？!?；;…]+[{_CLOSERS}]*|[\r\n]+")
MIN_CHARACTERS = 8
"""A shorter run (``对！``, ``（1）``) says too little to be found by; it joins its neighbour."""


def sentences_of(text: str, within: Span) -> tuple[Span, ...]:
    """Split a run of text into sentences.

    A sentence ends at ``。！？；…`` with the closing quotes and brackets that follow, or at a line
    break. Semicolons count: the clauses they part are the length of sentences in this genre.

    Args:
        text: The whole source.
        within: The run to split.

    Returns:
        Spans in order, without surrounding white space; together they cover every character of
        ``within`` that is not white space. A run shorter than eight characters is joined to the
        sentence before it (the first one, to the sentence after it). Blank text has none.

    >>> [span.of("办得快。跑得少！一网通办已经覆盖全区；很好。") for span in
    ...  sentences_of("办得快。跑得少！一网通办已经覆盖全区；很好。", Span(0, 22))]
    ['办得快。跑得少！', '一网通办已经覆盖全区；很好。']
    """
    pieces: list[Span] = []
    start = within.start
    for match in _END.finditer(text, within.start, within.end):
        pieces.append(Span(start, match.end()))
        start = match.end()
    pieces.append(Span(start, within.end))
    joined: list[Span] = []
    for piece in (trimmed(text, piece) for piece in pieces):
        if not piece:
            continue
        if joined and min(len(piece), len(joined[-1])) < MIN_CHARACTERS:
            joined[-1] = Span(joined[-1].start, piece.end)
        else:
            joined.append(piece)
    return tuple(joined)


def trimmed(text: str, span: Span) -> Span:
    """Shrink a span to leave out space of any kind and width; a blank one becomes empty."""
    words = folded(span.of(text))
    start = span.start + len(words) - len(words.lstrip(" "))
    end = span.end - (len(words) - len(words.rstrip(" ")))
    return Span(start, max(start, end))
