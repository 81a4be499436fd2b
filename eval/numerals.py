"""Numbers in the other script: 十二个 and 12个, 百分之五 and 5%, 二〇二二年 and 2022年.

Chinese numerals are also parts of words (``一网通办``, ``四位一体``, ``千家万户``), so a numeral is a
number only where something says so: ``第`` before it, a measure word or ``%`` after it. Anything
doubtful stays as it is. What is a number is decided here and not by `rag.numerals`, which only has to
read: a question must still sound like one when the number is written in the other script.
"""

from __future__ import annotations

import re

from rag.numerals import whole_number

_DIGITS = "零一二三四五六七八九"
_SCALES = {"千": 1000, "百": 100, "十": 10}
_HAN = r"[零〇一二两三四五六七八九十百千万亿]+(?:点[零〇一二三四五六七八九]+[万亿]?)?"
_ARABIC = r"(?:0|[1-9][0-9]{0,10})(?:\.[0-9]+)?"

_ORDINAL = "月日号级期届"
"""Measure words that take 二 and never 两."""
_MEASURE = (
    r"(?:小时|分钟|工作日|季度|位(?!一体)|"
    rf"[个家项条名张份次天年户笔元人类批岁倍件套场种步轮档大周部款章{_ORDINAL}])"
)
_AFTER = rf"(?=[万亿]{{0,2}}[多余]?{_MEASURE})"

_NUMBER = re.compile(
    rf"百分之(?P<han_percent>{_HAN})"
    rf"|(?<![0-9A-Za-z.,/:~-])(?P<percent>{_ARABIC})[%％]"
    r"|(?<![零〇一二三四五六七八九十])(?P<han_year>[一二][零〇一二三四五六七八九]{3})(?=年)"
    r"|(?<![0-9A-Za-z.,/:~-])(?P<year>[12][0-9]{3})(?=年)"
    rf"|(?<=第)(?P<han_rank>{_HAN})|(?<=第)(?P<rank>{_ARABIC})(?![0-9.])"
    rf"|(?<![零〇一二两三四五六七八九十百千万亿点几数分第])(?P<han>{_HAN}){_AFTER}"
    rf"|(?<![0-9A-Za-z.,/:~第-])(?P<arabic>{_ARABIC}){_AFTER}"
)


def swap_numerals(text: str) -> str:
    """Write every number in the other script: Chinese numerals in Arabic ones and back.

    ``万`` and ``亿`` at the end of a number stay (``5万户``, ``五万户``). ``一`` before a measure word
    stays, because it is more often an article or part of a word (``一次性``).

    Returns:
        The text; unchanged if it has no number that is surely one.

    >>> swap_numerals("第十二条规定百分之五的31家企业用了两天")
    '第12条规定5%的三十一家企业用了2天'
    >>> swap_numerals("一网通办的12366热线")
    '一网通办的12366热线'
    """
    return _NUMBER.sub(_swapped, text)


def _swapped(match: re.Match[str]) -> str:
    kind = match.lastgroup or ""
    written = match[kind]
    if kind.startswith("han"):
        return _in_arabic(kind, written) or match[0]
    if kind == "year":
        return "".join(_DIGITS[int(digit)] for digit in written).replace("零", "〇")
    if kind == "percent":
        return f"百分之{_han(written)}"
    after = match.string[match.end() : match.end() + 1]
    pair = kind == "arabic" and written == "2" and after not in _ORDINAL
    return "两" if pair else _han(written)


def _in_arabic(kind: str, written: str) -> str | None:
    if kind == "han_year":
        return "".join(str(_DIGITS.index(digit)) for digit in written.replace("〇", "零"))
    if kind == "han" and written == "一":
        return None
    number = _arabic(written)
    return f"{number}%" if number and kind == "han_percent" else number


def _han(arabic: str) -> str:
    """Write ``20.47`` as 二十点四七."""
    whole, _, fraction = arabic.partition(".")
    spoken = "".join(_DIGITS[int(digit)] for digit in fraction)
    return _han_integer(int(whole)) + (f"点{spoken}" if spoken else "")


def _han_integer(number: int) -> str:
    """Write a number below 10^12."""
    if not number:
        return "零"
    written = ""
    for scale, name in ((10**8, "亿"), (10**4, "万"), (1, "")):
        section = number // scale % 10**4
        if section:
            gap = written and (section < 1000 or not number // (scale * 10**4) % 10**4)  # noqa: PLR2004 - 千 is missing
            written += ("零" if gap else "") + _han_section(section) + name
    return written.removeprefix("一") if written.startswith("一十") else written


def _han_section(number: int) -> str:
    """Write 1 to 9999."""
    written, gap = "", False
    for name, scale in (*_SCALES.items(), ("", 1)):
        digit = number // scale % 10
        if digit:
            written += ("零" if gap else "") + _DIGITS[digit] + name
        gap = bool(written) and not digit
    return written


def _arabic(written: str) -> str | None:
    """Read 二十点四七 as ``20.47``; None if it is no number as one writes it (三四, 一百二, 万)."""
    number = written.replace("〇", "零").replace("两", "二")
    stem = number.rstrip("万亿") or number
    unit = number[len(stem) :]
    whole, _, fraction = stem.partition("点")
    value = whole_number(whole)
    # Reading is lenient; what it would not be written as is no number.
    if value is None or _han_integer(value) != whole:
        return None
    digits = "".join(str(_DIGITS.index(digit)) for digit in fraction)
    return f"{value}{'.' if digits else ''}{digits}{unit}"
