"""Text -> lines, each beside a folded copy in which every pattern of this genre is plain ASCII.

Writers of this genre mix ``（一）`` with ``(一)`` and full-width digits with ASCII ones, and put
NBSP, ideographic and zero-width spaces anywhere. Folding maps one code point to one code point,
so a place found in the folded copy is the same place in the file.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from rag.types import Span

SENTENCE_END = frozenset("。！？!?；;…")

_ZERO_WIDTH = "\u200b\u200c\u200d\u2060\ufeff"
_FULL_WIDTH = range(0xFF01, 0xFF5F)  # ！ to ～, each 0xFEE0 above its ASCII twin
_FOLDED = {wide: wide - 0xFEE0 for wide in _FULL_WIDTH} | {
    code: ord(" ")
    for code in range(0x3001)  # no white space lies beyond the ideographic one
    if chr(code).isspace() or chr(code) in _ZERO_WIDTH
}
_LINE = re.compile(r"[^\r\n]*(?:\r\n|\r|\n|\Z)")


@dataclass(frozen=True, slots=True)
class Line:
    """A line that is not blank.

    ``span`` holds the line with its break, ``inner`` the same without surrounding white space;
    both count from the start of the file.
    """

    span: Span
    inner: Span
    text: str
    """``inner`` cut out of the file."""
    folded: str
    """The same, folded: as long as ``text``, place for place."""

    @property
    def is_prose(self) -> bool:
        """Whether it holds the end of a sentence: neither a title nor a heading does."""
        return any(mark in SENTENCE_END for mark in self.text)

    def after(self, position: int) -> Line | None:
        """Cut off the characters of ``text`` before a position; None if the rest is blank."""
        rest = self.folded[position:]
        if not rest.strip(" "):
            return None
        skipped = position + len(rest) - len(rest.lstrip(" "))
        start = self.inner.start + skipped
        return Line(
            Span(start, self.span.end),
            Span(start, self.inner.end),
            self.text[skipped:],
            self.folded[skipped:],
        )


def folded(text: str) -> str:
    """Fold full-width ASCII and every kind of space, one code point to one code point.

    >>> folded("＃　（一）办得快")
    '# (一)办得快'
    """
    return text.translate(_FOLDED)


def lines_of(text: str, within: Span) -> Iterator[Line]:
    """Yield the non-blank lines of a run of text, in order.

    A line ends at CR LF, CR or LF; other separators of Unicode are left inside.
    """
    for match in _LINE.finditer(text, within.start, within.end):
        plain = folded(match.group())
        if inner := plain.strip(" "):
            start = match.start() + len(plain) - len(plain.lstrip(" "))
            span = Span(start, start + len(inner))
            yield Line(Span(*match.span()), span, span.of(text), inner)
