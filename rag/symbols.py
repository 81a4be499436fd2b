"""Text -> the symbols that carry its meaning, for comparing one sentence with another.

Two sentences with the same symbols, paused at the same places, say the same: they differ in width,
script, quotation marks, the kind of a pause, or how a number is written, and in nothing else.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import lru_cache

from rag.numerals import numeral_at
from rag.tokens import normalized_in_place

_PAUSES = frozenset("，。；：！…\n\r,;:!.")
"""A question mark is none of them: it turns a statement into its opposite."""
_SILENT = frozenset("“”‘’「」『』\"'")
_WIDE = "，。；：！…"
"""Left as they are: made narrow, a comma between two numbers would join them."""
_WORD = re.compile(r"[a-z]+")
_SAME = {"与": "和", "及": "和"}


@dataclass(frozen=True, slots=True)
class Symbol:
    """One unit of meaning.

    Attributes:
        text: A Han character, a mark, a Latin word, or a number by value (``#3``).
        paused: Whether a pause stands before it.
        start: Where it begins, in code points of the text.
        end: One past its last code point.
    """

    text: str
    paused: bool
    start: int
    end: int


@lru_cache(maxsize=4096)
def symbols_of(text: str) -> tuple[Symbol, ...]:
    """Read the symbols of a text.

    Returns:
        In reading order; none of quotation marks, pauses and white space.

    >>> [symbol.text for symbol in symbols_of("退税“三天”到账，VAT降1.5万元。")]
    ['退', '税', '#3', '天', '到', '账', 'vat', '降', '#15000', '元']
    """
    folded, origin = normalized_in_place(text, kept=_WIDE)
    symbols: list[Symbol] = []
    position, paused = 0, False
    while position < len(folded):
        character = folded[position]
        end = position + 1
        numeral = numeral_at(folded, position)
        if numeral is not None:
            said, end = f"#{numeral.value}", numeral.end
        elif word := _WORD.match(folded, position):
            said, end = word.group(), word.end()
        elif character in _PAUSES or character.isspace() or character in _SILENT:
            paused = paused or character in _PAUSES
            position = end
            continue
        else:
            said = _SAME.get(character, character)
        symbols.append(Symbol(said, paused, origin[position], origin[end - 1] + 1))
        position, paused = end, False
    return tuple(symbols)
