"""Numbers in a text, by value: ``1.5亿`` is ``15000万``, ``三天`` is ``3天``, ``3天`` is not ``30天``."""

from __future__ import annotations

import re
from dataclasses import dataclass
from fractions import Fraction

_DIGITS = {character: value for value, character in enumerate("〇一二三四五六七八九")} | {
    "零": 0,
    "两": 2,
}
_POWERS = {"十": 10, "百": 100, "千": 1000, "万": 10**4, "亿": 10**8}
_LARGE = 10**4
_MEASURES = (
    "个|天|日|月|年|小时|分钟|秒|周|岁|元|块|户|家|件|次|人|名|位|项|条|种|类|所|间|套|批|份|场|期|届|张|笔|例|宗"
    "|栋|亩|米|公里|吨|倍|级"
)
_ARABIC = re.compile(
    r"(?P<digits>\d{1,3}(?:,\d{3})+(?:\.\d+)?|\d+(?:\.\d+)?)"
    r"(?P<about>[余多]?)(?P<powers>[十百千万亿]*)(?P<more>[余多]?)(?P<share>[%‰]?)"
)
_HAN = re.compile(
    rf"(?P<share>百分之)?(?P<han>[〇零一二两三四五六七八九十][〇零一二三四五六七八九十百千万亿两]*)"
    rf"(?P<about>[余多]?)(?(share)|(?={_MEASURES}))"
)
_YEAR = re.compile(r"[〇零一二三四五六七八九]{4}(?=年)")


@dataclass(frozen=True, slots=True)
class Numeral:
    """A number in a text.

    Attributes:
        value: As a text that is equal where the value is: of shares in hundredths, ``余`` and ``多``
            alike. A number that begins with 0 is a code and stands for itself.
        end: One past its last character.
    """

    value: str
    end: int


def numeral_at(text: str, start: int) -> Numeral | None:
    """Read the number that begins at a place.

    Chinese figures count only before a measure word, ``三天``: most of them are parts of words
    (``一网通办``, ``千方百计``). What could be read in two ways is left alone.

    Args:
        text: Normalised (`rag.tokens.normalized`), except that a full-width comma, which parts
            numbers, is left as it is: ``1,200`` is one number.
        start: A place in it.

    Returns:
        None if no number begins here.

    >>> numeral_at("1.5亿元", 0), numeral_at("15000万元", 0)
    (Numeral(value='150000000', end=4), Numeral(value='150000000', end=6))
    >>> numeral_at("三十余天", 0), numeral_at("百分之三十", 0), numeral_at("一网通办", 0)
    (Numeral(value='30+', end=3), Numeral(value='30%', end=5), None)
    """
    if found := _ARABIC.match(text, start):
        digits = found["digits"].replace(",", "")
        if len(digits) > 1 and digits[0] == "0" and digits[1] != ".":
            return Numeral(digits, found.end("digits"))
        value = Fraction(digits)
        for power in found["powers"]:
            value *= _POWERS[power]
        about = "+" if found["about"] or found["more"] else ""
        return Numeral(f"{value}{about}{found['share']}", found.end())
    if found := _YEAR.match(text, start):
        return Numeral("".join(str(_DIGITS[one]) for one in found.group()), found.end())
    if found := _HAN.match(text, start):
        whole = _value(found["han"])
        if whole is not None:
            share = "%" if found["share"] else ""
            return Numeral(f"{whole}{'+' if found['about'] else ''}{share}", found.end())
    return None


def _value(figures: str) -> int | None:
    """Compute what Chinese figures stand for; None where that is not plain.

    >>> _value("两千三百零五"), _value("一亿两千万"), _value("三百五"), _value("三五")
    (2305, 120000000, None, None)
    """
    total, section, digit = 0, 0, -1
    last, zero = _LARGE, False
    for figure in figures:
        if figure in _DIGITS:
            if digit > 0:
                return None  # 三五家: three to five
            digit, zero = _DIGITS[figure], zero or _DIGITS[figure] == 0
            continue
        power = _POWERS[figure]
        if power >= _LARGE:
            here = section + max(digit, 0)
            total = total + here * power if total and here else (total or here) * power
            section, last = 0, _LARGE
        elif power >= last or (digit < 0 and power > _POWERS["十"]):
            return None
        else:
            section += (1 if digit < 0 else digit) * power
            last = power
        digit, zero = -1, False
    if digit > 0 and not zero and last > _POWERS["十"] and len(figures) > 1:
        return None  # 三百五: 350 or 305
    return total + section + max(digit, 0)
