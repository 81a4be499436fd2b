"""Text -> the figures that it states, by value: 3天 and 三天 state the same, 3天 and 5天 do not.

A quotation with another number reads almost alike and says something else, so numbers are compared
on their own. Texts are folded first (`rag.folding`): digits and commas are ASCII.
"""

from __future__ import annotations

import re
from decimal import Decimal

_DIGITS = "〇零一二三四五六七八九"
_VALUES = {digit: max(place - 1, 0) for place, digit in enumerate(_DIGITS)} | {"两": 2}
_SMALL = {"十": 10, "百": 100, "千": 1000}
_LARGE = {"万": 10**4, "亿": 10**8}
_ONE = "一二两三四五六七八九"
_MEASURES = frozenset(
    "天日月年周季度时点秒个家户件项条次名位人元亩米倍成岁级批期届种类所间场套座栋辆台笔份号折层轮步"
)
_FIGURE = re.compile(
    # Groups of three behind a comma: elsewhere, a comma parts two numbers (2022,35家).
    r"(?P<arabic>(?:\d{1,3}(?:,\d{3})+(?!\d)|\d+)(?:\.\d+)*)(?P<unit>[百千万亿]*)(?P<share>[%‰]?)"
    rf"|(?P<year>[{_DIGITS}]{{4}}(?=年))"
    rf"|(?P<han>(?:[〇零]?[{_ONE}]?[十百千万亿]|[{_ONE}](?=点[{_DIGITS}]))+(?:[〇零]?[{_ONE}](?![十百千万亿]))?"
    rf"(?:点[{_DIGITS}]+[万亿]?)?)"
    rf"|(?P<digit>[{_ONE}〇零])"
)
_REACH = 40
"""Code points to both sides in which a number that a run cuts through has its ends."""


def figures_of(text: str) -> tuple[str, ...]:
    """List the figures of a folded text by value, in reading order.

    A single Han numeral counts only before a measure word: 三天 states a figure, 统一 and 十分 do not.

    >>> figures_of("2022年，退税1.5万户，三天到账，十分方便，占30.0%；统一办理")
    ('2022', '15000', '3', '30%')
    """
    return tuple(
        value
        for match in _FIGURE.finditer(text)
        if len(match.group()) > 1
        or match["arabic"]
        or text[match.end() : match.end() + 1] in _MEASURES
        for value in [_value(match)]
    )


def whole_figures(text: str, start: int, end: int) -> tuple[int, int]:
    """Widen a run of a folded text until it cuts through no figure.

    >>> whole_figures("退税13天到账", 3, 7)
    (2, 7)
    """
    low = max(0, start - _REACH)
    for match in _FIGURE.finditer(text, low, min(len(text), end + _REACH)):
        if match.start() < start < match.end():
            start = match.start()
        if match.start() < end < match.end():
            end = match.end()
    return start, end


def _value(match: re.Match[str]) -> str:
    """Write a figure in one way, whatever way it was written in."""
    if match["arabic"]:
        digits = match["arabic"].replace(",", "")
        if digits.count(".") > 1:  # a date or a number of a section
            return digits + match["unit"] + match["share"]
        value = Decimal(digits)
        for unit in match["unit"]:
            value *= (_SMALL | _LARGE)[unit]
        return f"{value.normalize():f}{match['share']}"
    if match["year"]:
        return "".join(str(_VALUES[digit]) for digit in match["year"])
    return f"{_han_value(match.group()).normalize():f}"


def _han_value(numeral: str) -> Decimal:
    """Read a Chinese numeral: 一千二百零三, 三点五亿; a bare unit counts once."""
    total = group = Decimal(0)
    digit: int | None = None
    whole, _, fraction = numeral.partition("点")
    for sign in whole:
        if sign in _VALUES:
            digit = _VALUES[sign]
        elif sign in _SMALL:
            group += (1 if digit in {None, 0} else digit or 1) * _SMALL[sign]
            digit = None
        else:
            group += digit or 0
            total += (group or 1) * _LARGE[sign]
            group, digit = Decimal(0), None
    value = total + group + (digit or 0)
    if fraction:
        digits = fraction.rstrip("万亿")
        value += Decimal("0." + "".join(str(_VALUES[sign]) for sign in digits))
        if unit := fraction[len(digits) :]:
            value *= _LARGE[unit]
    return value
