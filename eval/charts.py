"""Data -> inline SVG: the few kinds of chart a report needs, as pure functions.

Written by hand because the alternatives draw pictures to be looked at, not text to be read: these
follow the page's language, colours and dark mode, print sharply, and are a kilobyte each. Colours
are CSS variables of the page with ``currentColor`` behind them; every text is escaped; each chart
has a title for those who do not see it. Sizes are CSS pixels of the view box.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from eval.phrase import Label, Phrase, decimal, phrase_of
from eval.svg import Scale, fill, line, rect, room, scale_of, stroke, svg, text, tick

_ROW, _AXIS, _LINE = 24, 26, 15
"""Heights of a row, of an axis, and of a line of labels."""


@dataclass(frozen=True, slots=True)
class Strip:
    """A row of a forest plot: a mean within its interval."""

    label: Label
    mean: float
    low: float
    high: float


@dataclass(frozen=True, slots=True)
class Dot:
    """A point of a scatter plot, with the interval of its height."""

    label: Label
    x: float
    y: float
    low: float
    high: float


@dataclass(frozen=True, slots=True)
class Part:
    """A stretch of a bar; ``tone`` names the CSS variable that colours it."""

    value: float
    tone: str


@dataclass(frozen=True, slots=True)
class Bar:
    """A bar: parts that run left of the axis (outwards) and right of it, and a note behind."""

    label: Label
    left: tuple[Part, ...]
    right: tuple[Part, ...]
    note: Label


@dataclass(frozen=True, slots=True)
class Mark:
    """A value that is pointed out on the horizontal axis."""

    value: float
    label: Label


def forest(title: Phrase, strips: Sequence[Strip], scale: Scale, *, width: int = 290) -> str:
    """Draw means with their intervals, a row each, first on top; the means stand at the right."""
    left = room(strip.label for strip in strips)
    span, bottom = width - left - 44, len(strips) * _ROW
    body = [_grid(scale, left, span, bottom)]
    for row, strip in enumerate(strips):
        y = row * _ROW + _ROW / 2
        body.append(text(left - 10, y + 4, strip.label, anchor="end"))
        body.append(_whisker(strip, scale, left, span, y))
        body.append(text(width, y + 4, decimal(strip.mean), anchor="end", kind="value"))
    return svg(title, width, bottom + _AXIS, body)


def whisker(strip: Strip, scale: Scale, *, width: int = 92) -> str:
    """Draw one interval on one line, small enough for a table cell; the axis is the cell's width."""
    rule = line(0, 7, width, 7, "faint")
    title = f"{decimal(strip.mean)} [{decimal(strip.low)}, {decimal(strip.high)}]"
    return svg(phrase_of(title), width, 14, [rule, _whisker(strip, scale, 3, width - 6, 7)])


def balance(losses: int, ties: int, wins: int, *, width: int = 120) -> str:
    """Draw lost, tied and won questions as one bar, small enough for a table cell.

    Raises:
        ValueError: If there is no question.
    """
    if not (total := losses + ties + wins):
        message = "no question was compared"
        raise ValueError(message)
    body, x = [], 0.0
    for count, tone in ((losses, "warm"), (ties, "faint"), (wins, "accent")):
        body.append(rect(x, 3, count / total * width, 8, tone))
        x += count / total * width
    return svg(phrase_of(f"-{losses} ={ties} +{wins}"), width, 14, body)


def scatter(title: Phrase, dots: Sequence[Dot], x: Phrase, y: Phrase, *, width: int = 560) -> str:
    """Draw points with intervals, and the frontier: less ``x`` and more ``y`` is better.

    The frontier joins the points that no other beats in one without losing in the other.
    """
    height, left, span = 300, 46, width - 46 - room(dot.label for dot in dots)
    across = scale_of((dot.x for dot in dots), floor=0)
    up = scale_of(value for dot in dots for value in (dot.low, dot.high))

    def place(dot: Dot, value: float) -> tuple[float, float]:
        return left + across.at(dot.x, span), height - up.at(value, height - 20)

    body = [_grid(across, left, span, height), text(left + span, height + 38, x, anchor="end")]
    body.append(text(0, 10, y))
    body += [
        text(left - 8, height - up.at(value, height - 20) + 4, tick(value), anchor="end")
        for value in up.ticks()
    ]
    best = [place(dot, dot.y) for dot in _frontier(dots)]
    points = " ".join(f"{px:.1f},{py:.1f}" for px, py in best)
    body.append(f'<polyline points="{points}" {stroke("accent")} stroke-dasharray="2 3"/>')
    taken: list[float] = []
    for dot in sorted(dots, key=lambda dot: -dot.y):
        px, py = place(dot, dot.y)
        body.append(line(px, place(dot, dot.low)[1], px, place(dot, dot.high)[1], "soft"))
        body.append(f'<circle cx="{px:.1f}" cy="{py:.1f}" r="4" {fill("accent")}/>')
        beside = max([py + 4, *(other + _LINE for other in taken if abs(other - py - 4) < _LINE)])
        taken.append(beside)
        body.append(text(px + 9, beside, dot.label))
    return svg(title, width, height + 44, body)


def bars(title: Phrase, rows: Sequence[Bar], *, width: int = 560) -> str:
    """Draw bars on one axis: some parts to its left, some to its right, a note behind each."""
    left, right = room(bar.label for bar in rows), room(bar.note for bar in rows)
    span = width - left - right
    most_left = max((sum(part.value for part in bar.left) for bar in rows), default=0.0)
    most_right = max((sum(part.value for part in bar.right) for bar in rows), default=0.0)
    unit = span / ((most_left + most_right) or 1.0)
    axis = left + most_left * unit
    body = []
    for row, bar in enumerate(rows):
        y = row * _ROW + _ROW / 2
        body.append(text(left - 10, y + 4, bar.label, anchor="end"))
        end = axis
        for part in bar.left:
            end -= part.value * unit
            body.append(rect(end, y - 7, part.value * unit, 14, part.tone))
        end = axis
        for part in bar.right:
            body.append(rect(end, y - 7, part.value * unit, 14, part.tone))
            end += part.value * unit
        body.append(text(left + span + 8, y + 4, bar.note, kind="value"))
    body.append(line(axis, 2, axis, len(rows) * _ROW - 2, "ink"))
    return svg(title, width, len(rows) * _ROW + 2, body)


def curve(
    title: Phrase,
    points: Sequence[tuple[float, float]],
    axes: tuple[Phrase, Phrase],
    *,
    limit: Mark,
    chosen: tuple[float, float] | None,
) -> str:
    """Draw a line through points over x in [0, 1], a horizontal limit and the point chosen."""
    width, height, left = 480, 220, 46
    span, up = width - left - 12, scale_of([limit.value, *(y for _, y in points)], floor=0)

    def place(x: float, y: float) -> tuple[float, float]:
        return left + x * span, height - up.at(y, height - 24)

    body = [_grid(Scale(0, 1), left, span, height), text(0, 10, axes[1])]
    body.append(text(left + span, height + 38, axes[0], anchor="end"))
    body += [
        text(left - 8, place(0, value)[1] + 4, tick(value), anchor="end") for value in up.ticks()
    ]
    height_of_limit = place(0, limit.value)[1]
    body.append(line(left, height_of_limit, left + span, height_of_limit, "warm"))
    body.append(text(left + span, height_of_limit - 5, limit.label, anchor="end", kind="warm"))
    steps = " ".join(f"{px:.1f},{py:.1f}" for px, py in (place(x, y) for x, y in points))
    body.append(f'<polyline points="{steps}" {stroke("accent")} stroke-width="1.6"/>')
    if chosen is not None:
        px, py = place(*chosen)
        body.append(f'<circle cx="{px:.1f}" cy="{py:.1f}" r="4.5" {fill("warm")}/>')
    return svg(title, width, height + 44, body)


def histogram(
    title: Phrase,
    up: Sequence[float],
    down: Sequence[float],
    scale: Scale,
    marks: Sequence[Mark],
    *,
    width: int = 480,
) -> str:
    """Draw how values are spread: one set above the axis, another (or none) below it.

    Each set is drawn to its own tallest bin, so that sets of different sizes compare in shape.
    """
    bins, upper, lower, left = 30, 80, (60 if down else 0), 4
    span, axis = width - 2 * left, 80 + 22
    body = []
    for values, tone, tallest in ((up, "accent", upper), (down, "warm", lower)):
        counts = [0] * bins
        for value in values:
            counts[min(bins - 1, int(scale.at(value, bins)))] += 1
        unit = tallest / (max(counts) or 1)
        for place, count in enumerate(counts):
            top = axis - count * unit if tone == "accent" else axis
            body.append(rect(left + place * span / bins, top, span / bins - 1, count * unit, tone))
    body.append(line(left, axis, left + span, axis, "ink"))
    bottom = axis + lower
    for place, mark in enumerate(marks):
        x = left + scale.at(mark.value, span)
        late = x > width * 0.7
        body.append(line(x, 16 if place % 2 else 4, x, bottom, "ink"))
        where = x - 4 if late else x + 4
        body.append(text(where, 24 if place % 2 else 12, mark.label, anchor="end" * late))
    body.append(_grid(scale, left, span, bottom))
    return svg(title, width, bottom + _AXIS, body)


def _frontier(dots: Sequence[Dot]) -> list[Dot]:
    best: list[Dot] = []
    for dot in sorted(dots, key=lambda dot: (dot.x, -dot.y)):
        if not best or dot.y > best[-1].y:
            best.append(dot)
    return best


def _whisker(strip: Strip, scale: Scale, left: float, span: float, y: float) -> str:
    low, mean, high = (
        left + scale.at(value, span) for value in (strip.low, strip.mean, strip.high)
    )
    dot = f'<circle cx="{mean:.1f}" cy="{y:.1f}" r="3.5" {fill("accent")}/>'
    return line(low, y, high, y, "accent") + dot


def _grid(scale: Scale, left: float, span: float, bottom: float) -> str:
    marks = []
    for value in scale.ticks():
        x = left + scale.at(value, span)
        marks.append(line(x, bottom, x, bottom + 4, "soft"))
        marks.append(text(x, bottom + 18, tick(value), anchor="middle", kind="tick"))
    return line(left, bottom, left + span, bottom, "soft") + "".join(marks)
