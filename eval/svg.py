"""The elements that charts are drawn with: axes, lines, letters, as SVG text.

Every text is escaped and cleared of what XML does not allow. Colours are CSS variables of the page
with ``currentColor`` behind them, so that a chart outside the page is drawn in one colour.
"""

from __future__ import annotations

import math
import re
import unicodedata
from collections.abc import Iterable
from dataclasses import dataclass
from html import escape

from eval.phrase import Label, Phrase, phrase_of

_SIZE = 12
"""Size of the letters; the page's style sheet says the same."""
_NOT_XML = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


@dataclass(frozen=True, slots=True)
class Scale:
    """A linear axis.

    Attributes:
        low: Value at the left or bottom end.
        high: Value at the other end, above ``low``.

    Raises:
        ValueError: If ``high`` is not above ``low``.
    """

    low: float
    high: float

    def __post_init__(self) -> None:
        """Reject an axis without extent: nothing can be placed on it."""
        if not self.low < self.high:
            message = f"an axis runs from low < high, got {self.low}..{self.high}"
            raise ValueError(message)

    def at(self, value: float, length: float) -> float:
        """Place a value on an axis of this length; beyond the ends it stays at the end."""
        share = (value - self.low) / (self.high - self.low)
        return min(1.0, max(0.0, share)) * length

    def ticks(self, about: int = 4) -> list[float]:
        """Round values (1, 2 or 5 times a power of ten apart) within the axis, ascending.

        >>> Scale(0, 1).ticks()
        [0.0, 0.2, 0.4, 0.6, 0.8, 1.0]
        """
        rough = (self.high - self.low) / about
        power = 10.0 ** math.floor(math.log10(rough))
        step = next(factor * power for factor in (1, 2, 5, 10) if factor * power >= rough / 2)
        first = math.ceil(self.low / step - 1e-9)
        last = math.floor(self.high / step + 1e-9)
        return [round(number * step, 10) for number in range(first, last + 1)]


def scale_of(values: Iterable[float], *, floor: float | None = None) -> Scale:
    """Take the axis that holds all values with a little air; [0, 1] if there are none.

    Args:
        values: What has to fit.
        floor: Where the axis begins, if it is not to follow the values.
    """
    known = list(values)
    if not known:
        return Scale(0, 1)
    low, high = (min(known) if floor is None else floor), max(known)
    air = (high - low) * 0.06 or 0.05
    return Scale(low if floor is not None else low - air, high + air)


def tick(value: float) -> str:
    """Write a value of an axis, as short as it is.

    >>> [tick(value) for value in (0, 0.25, 1, 20)]
    ['0', '.25', '1', '20']
    """
    return re.sub(r"^(-?)0\.", r"\1.", f"{value:g}")


def room(labels: Iterable[Label]) -> float:
    """Pixels that the longest label takes: a Han character is about a letter's size square."""
    texts = [text for label in labels for text in (phrase_of(label).zh, phrase_of(label).en)]
    wide = [sum(1.0 if unicodedata.east_asian_width(c) in "WF" else 0.58 for c in t) for t in texts]
    return max(wide, default=0.0) * _SIZE + 12


def svg(title: Phrase, width: float, height: float, body: Iterable[str]) -> str:
    """Close a drawing: one element that scales, named for those who do not see it."""
    name = _safe(f"{title.zh} / {title.en}" if title.zh != title.en else title.zh)
    return (
        f'<svg viewBox="0 0 {width:g} {height:g}" '
        f'width="{width:g}" height="{height:g}" role="img" aria-label="{name}">'
        f"<title>{name}</title>{''.join(body)}</svg>"
    )


def text(x: float, y: float, label: Label, *, anchor: str = "", kind: str = "") -> str:
    """Write a label; words in two languages become two elements, of which the page shows one."""
    phrase = phrase_of(label)
    at = f'x="{x:.1f}" y="{y:.1f}" {fill("ink")}'
    at += f' text-anchor="{anchor}"' if anchor else ""
    if phrase.zh == phrase.en:
        return f'<text class="{kind}" {at}>{_safe(phrase.zh)}</text>'
    return (
        f'<text class="zh {kind}" lang="zh" {at}>{_safe(phrase.zh)}</text>'
        f'<text class="en {kind}" lang="en" {at}>{_safe(phrase.en)}</text>'
    )


def line(x1: float, y1: float, x2: float, y2: float, tone: str) -> str:
    """Draw a thin line."""
    place = f'x1="{x1:.1f}" y1="{y1:.1f}" x2="{x2:.1f}" y2="{y2:.1f}"'
    return f"<line {place} {stroke(tone)}/>"


def rect(x: float, y: float, width: float, height: float, tone: str) -> str:
    """Draw a filled rectangle; a negative width is none."""
    place = f'x="{x:.1f}" y="{y:.1f}" width="{max(0.0, width):.1f}" height="{height:.1f}"'
    return f"<rect {place} {fill(tone)}/>"


def fill(tone: str) -> str:
    """Say what fills a shape."""
    """Draw a filled rectangle; a negative width is none."""
    """Draw a thin line."""
    return f'fill="var(--{tone}, currentColor)"'


def stroke(tone: str) -> str:
    """Say what draws a line."""
    return f'fill="none" stroke="var(--{tone}, currentColor)"'


def _safe(text: str) -> str:
    return escape(_NOT_XML.sub("\ufffd", text))
