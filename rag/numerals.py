"""Numbers in a text, by value: ``1.5亿`` is ``15000万``, ``三天`` is ``3天``, ``3天`` is not ``30天``.

What is surely a number and what only may be one are told apart, since two callers err on different
sides. Where sentences are compared sign by sign (`rag.symbols`), what is not read is compared as it is
written, so only what is sure is read. Where a quotation must not pass for another (`rag.quote`), a
number that is missed is a mistake nobody is told of, so all that may be one is read.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction

_DIGITS = {"〇": 0, "零": 0, "两": 2} | {sign: n for n, sign in enumerate("一二三四五六七八九", 1)}
_SIGNS = "〇零一二两三四五六七八九"
_POWERS = {"十": 10, "百": 100, "千": 1000, "万": 10**4, "亿": 10**8}
_LARGE = 10**4
_MEASURE = "(?:小时|分钟|公里|[个天日月年秒周岁元块户家件次人名位项条种类所间套批份场期届张笔例宗栋亩米吨倍级])"
_IN_WORDS = "[季度时点成座辆台号折层轮步]"
"""Measure words that make other words as often: 进一步, 一时, 一号湾."""
_ONE = f"[{_SIGNS[2:]}]"
_POINT = rf"(?:点[{_SIGNS}]+(?![{_SIGNS}十百千])[万亿]?)?"
_NUMERAL = re.compile(
    # Groups of three behind a comma: elsewhere, a comma parts two numbers (2022,35家).
    r"(?P<arabic>(?:\d{1,3}(?:,\d{3})+(?!\d)|\d+)(?:\.\d+)*)"
    r"(?P<some>[余多]?)(?P<powers>[十百千万亿]*)(?P<more>[余多]?)(?P<share>[%‰]?)"
    r"|(?P<year>[〇零一二三四五六七八九]{4}(?=年))"
    r"|(?P<hundredths>百分之)?"
    rf"(?P<han>(?:[〇零]?{_ONE}?[十百千万亿])+(?:[〇零]?{_ONE}(?![十百千万亿]))?{_POINT}|[{_SIGNS}]{_POINT})"
    rf"(?P<about>(?(hundredths)[余多]|[余多](?={_MEASURE})))?"
    rf"(?:(?P<measured>(?={_MEASURE}))|(?P<perhaps>(?={_IN_WORDS})))?"
)
_REACH = 40
"""Code points to both sides in which a number that a run cuts through has its ends."""


@dataclass(frozen=True, slots=True)
class Numeral:
    """A number in a text.

    Attributes:
        value: As a text that is equal where the value is: of shares in hundredths, ``余`` and ``多``
            alike. A number that begins with 0 is a code, one with two points a date or the number
            of a section: they stand for themselves.
        start: Where it begins.
        end: One past its last character.
        sure: Whether it can be nothing else, and be read in no other way. Chinese numerals are
            mostly parts of words (``一网通办``, ``千方百计``): they are numbers before a measure word.
    """

    value: str
    start: int
    end: int
    sure: bool


def numeral_at(text: str, start: int) -> Numeral | None:
    """Read the number that begins at a place, if there surely is one.

    Args:
        text: Digits, commas and signs of percent are ASCII; a full-width comma parts numbers.
        start: A place in it.

    Returns:
        None if no number begins here, or what does is not surely one.

    >>> [numeral_at(text, 0).value for text in ("1.5亿元", "15000万元", "三十余天", "百分之三十")]
    ['150000000', '150000000', '30+', '30%']
    >>> numeral_at("一网通办", 0), numeral_at("三百五件", 0)
    (None, None)
    """
    match = _NUMERAL.match(text, start)
    numeral = None if match is None else _read(match)
    return numeral if numeral is not None and numeral.sure else None


def numerals_in(text: str, start: int = 0, end: int | None = None) -> Iterator[Numeral]:
    """Find all that may be a number in a text, in reading order.

    A Chinese numeral of one sign is none unless a measure word follows: 统一, 万里. One of several is,
    read as it mostly is meant: ``三百五`` is 350, a bare unit (``百家``) counts once.

    Args:
        text: As for `numeral_at`.
        start: Where to begin.
        end: Where to stop.

    >>> said = "2022年，退税1.5万户，三天到账，百家企业，十分方便，占30.0%；统一办理"
    >>> [numeral.value for numeral in numerals_in(said)]
    ['2022', '15000', '3', '100', '30%']
    """
    for match in _NUMERAL.finditer(text, start, len(text) if end is None else end):
        if numeral := _read(match):
            yield numeral


def whole_numerals(text: str, start: int, end: int) -> tuple[int, int]:
    """Widen a run of a text until it cuts through nothing that may be a number.

    >>> whole_numerals("退税13天到账", 3, 7)
    (2, 7)
    """
    low = max(0, start - _REACH)
    for numeral in numerals_in(text, low, min(len(text), end + _REACH)):
        if numeral.start < start < numeral.end:
            start = numeral.start
        if numeral.start < end < numeral.end:
            end = numeral.end
    return start, end


def whole_number(signs: str) -> int | None:
    """Read a Chinese whole number; None for what is none, or not written in full.

    >>> whole_number("一亿两千万"), whole_number("三百五"), whole_number("三五"), whole_number("百")
    (120000000, None, None, None)
    """
    if not signs or not set(signs) <= _DIGITS.keys() | _POWERS.keys():
        return None
    value, full = _han_integer(signs)
    return value if full else None


def _read(match: re.Match[str]) -> Numeral | None:
    """Read what the grammar found; None if it is a single sign that nothing makes a number."""
    start, end = match.span()
    if match["arabic"]:
        digits = match["arabic"].replace(",", "")
        if digits.count(".") > 1 or re.match(r"0\d", digits):
            return Numeral(digits, start, match.end("arabic"), sure=True)
        value = Fraction(digits)
        for power in match["powers"]:
            value *= _POWERS[power]
        about = "+" if match["some"] or match["more"] else ""
        return Numeral(f"{value}{about}{match['share']}", start, end, sure=True)
    if match["year"]:
        return Numeral("".join(str(_DIGITS[sign]) for sign in match["year"]), start, end, sure=True)
    marked = match["hundredths"] is not None or match["measured"] is not None
    if len(match["han"]) == 1 and not marked and match["perhaps"] is None:
        return None
    value, full = _han(match["han"])
    about, share = "+" if match["about"] else "", "%" if match["hundredths"] else ""
    return Numeral(f"{value}{about}{share}", start, end, sure=marked and full)


def _han(signs: str) -> tuple[Fraction, bool]:
    """Read a Chinese numeral, and tell whether it is written in full.

    >>> _han("三点五亿"), _han("三百五"), _han("百")
    ((Fraction(350000000, 1), True), (Fraction(350, 1), False), (Fraction(100, 1), False))
    """
    whole, _, fraction = signs.partition("点")
    integer, full = _han_integer(whole)
    digits = fraction.rstrip("万亿")
    value = Fraction(f"{integer}.{''.join(str(_DIGITS[sign]) for sign in digits)}")
    return value * _POWERS.get(fraction[len(digits) :], 1), full


def _han_integer(signs: str) -> tuple[int, bool]:
    total, section, full = 0, 0, True
    digit: int | None = None
    last, unit, zero = _LARGE, 1, False
    for sign in signs:
        if sign in _DIGITS:
            full &= not digit  # 三五: three to five
            digit, zero = _DIGITS[sign], zero or not _DIGITS[sign]
            continue
        unit = _POWERS[sign]
        if unit >= _LARGE:
            here = section + (digit or 0)
            full &= bool(total or here)
            total = total + here * unit if total and here else (total or here or 1) * unit
            section, last = 0, _LARGE
        else:
            full &= unit < last and (digit is not None or unit == _POWERS["十"])
            section += (digit or 1) * unit
            last = unit
        digit, zero = None, False
    if digit and not zero and unit > _POWERS["十"]:  # 三百五 is meant for 350, and might be 305
        full, digit = False, digit * unit // 10
    return total + section + (digit or 0), full
