"""What people write -> the same without what tells who they are.

For texts that are kept: questions and comments. Numbers and addresses that have a form or a checksum of
their own are masked, and numbers of passports and permits where the word stands before them; names, and
accounts that are plain numbers, have none and stay. A local number without its area code stays too: its
eight digits may be a date.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date

from rag.lines import folded

_GAP = "[ -]?"
_WEIGHTS = (7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2)
_CHECK = "10X98765432"
_AREA = "0(?:10|2[0-9]|[3-9][0-9]{2})"
_AMOUNT = "[元万亿户%]"
_PLATE = "[A-HJ-NP-Z0-9]"
_PLATE_DIGITS = 2
"""As few as plates have; `沪AEO认证` has none."""
_BIRTHS = range(1900, 2100)
_CARD_DIGITS = range(15, 20)


def is_identity_number(number: str) -> bool:
    """Whether a number is a citizen's: 17 digits with a date of birth, and their check character.

    Args:
        number: 18 characters, digits and perhaps an X at the end.

    Source:
        GB 11643-1999; ISO 7064, MOD 11-2.

    >>> is_identity_number("11010519491231002X"), is_identity_number("110105194912310021")
    (True, False)
    """
    if not _is_date(number[6:14]):
        return False
    total = sum(weight * int(digit) for weight, digit in zip(_WEIGHTS, number[:17], strict=True))
    return number[17].upper() == _CHECK[total % 11]


def is_card_number(number: str) -> bool:
    """Whether digits are a bank card's: 15 to 19, with the check digit of Luhn.

    Source:
        ISO/IEC 7812-1, annex B.

    >>> is_card_number("6222021234567890128"), is_card_number("6222021234567890127")
    (True, False)
    """
    if len(number) not in _CARD_DIGITS:
        return False
    doubled = [int(digit) * (1 + place % 2) for place, digit in enumerate(reversed(number))]
    return sum(value - 9 if value > 9 else value for value in doubled) % 10 == 0  # noqa: PLR2004 - one digit


def _is_date(digits: str) -> bool:
    """Whether eight digits are a day that somebody alive may name."""
    try:
        return date(int(digits[:4]), int(digits[4:6]), int(digits[6:])).year in _BIRTHS
    except ValueError:
        return False


@dataclass(frozen=True, slots=True)
class _Kind:
    """Something that tells who somebody is.

    Attributes:
        mask: What is written instead.
        form: What it looks like, in ASCII; its group, or the whole where it has none, is masked.
        holds: Whether the letters and digits of what is masked are one.
    """

    mask: str
    form: re.Pattern[str]
    holds: Callable[[str], bool] = bool


# An e-mail address may hold a telephone number, and a card's groups may look like one.
_KINDS = (
    _Kind(
        "【邮箱】",
        re.compile(r"(?<![A-Za-z0-9._%+-])[A-Za-z0-9._%+-]+@[A-Za-z0-9-]+(?:\.[A-Za-z0-9-]+)+"),
    ),
    _Kind(
        "【证件号】",
        re.compile(rf"(?<![0-9])[1-9][0-9]{{5}}{_GAP}[0-9]{{8}}{_GAP}[0-9]{{3}}[0-9Xx](?![0-9])"),
        is_identity_number,
    ),
    _Kind(
        "【银行卡号】",
        re.compile(
            r"(?<![0-9])[3-69](?:[0-9]{14,18}|[0-9]{3}(?:[ -][0-9]{4}){2,3}(?:[ -]?[0-9]{1,4})?)(?![0-9])"
        ),
        is_card_number,
    ),
    _Kind(
        "【电话】",
        re.compile(
            rf"(?<![0-9])(?<![0-9]\.)(?:(?:\+|00)?86{_GAP})?1[3-9][0-9]{_GAP}[0-9]{{4}}{_GAP}[0-9]{{4}}"
            rf"(?![0-9])(?! ?{_AMOUNT})"
        ),
    ),
    _Kind(
        "【电话】",
        re.compile(
            rf"(?<![0-9])(?<![0-9]\.)(?:\+86{_GAP}(?:\(0\))?[1-9][0-9]{{1,2}}|\({_AREA}\)|{_AREA}){_GAP}"
            rf"[2-9][0-9]{{2,3}}{_GAP}[0-9]{{4}}(?![0-9])"
        ),
    ),
    _Kind(
        "【车牌号】",
        re.compile(
            rf"[京津冀晋蒙辽吉黑沪苏浙皖闽赣鲁豫鄂湘粤桂琼渝川贵云藏陕甘青宁新](?!GDP)[A-HJ-NP-Z][·• ]?"
            rf"(?:{_PLATE}{{5,6}}|{_PLATE}{{4}}[挂学警港澳])(?![A-Za-z0-9])(?!{_AMOUNT})"
        ),
        lambda plate: sum(map(str.isdecimal, plate)) >= _PLATE_DIGITS,
    ),
    _Kind(
        "【证件号】",
        re.compile(
            r"(?:护照|通行证|台胞证|回乡证|居留证|居留身份证)(?:号码?)?(?:[:为是]| ){0,2}"
            r"([A-Z]{0,3}[0-9]{7,12})(?![A-Za-z0-9])"
        ),
        lambda number: not _is_date(number),
    ),
)


def masked(text: str) -> str:
    """Mask what tells who somebody is.

    Telephone numbers (mobile; fixed ones with their area code), citizens' identity numbers and bank
    cards whose check digit is right, e-mail addresses, number plates, passports and permits that are
    called so; in full-width digits too, and in groups. Numbers of files and articles, dates, hotlines,
    credit codes and amounts stay. One in ten long numbers of another kind has the check digit of a card. Masked again, a text stays as it is.

    >>> masked("请按沪府规〔2022〕1号办，2022-03-15前回电138 1234 5678，或打12345")
    '请按沪府规〔2022〕1号办，2022-03-15前回电【电话】，或打12345'
    """
    # Again until nothing is found: what stands between two numbers may make one with the next.
    while (once := _masked_once(text)) != text:
        text = once
    return text


def _masked_once(text: str) -> str:
    for kind in _KINDS:
        parts: list[str] = []
        end = 0
        for match in kind.form.finditer(folded(text)):  # as long as the text, place for place
            if kind.holds("".join(filter(str.isalnum, match.group(kind.form.groups)))):
                start, stop = match.span(kind.form.groups)
                parts += (text[end:start], kind.mask)
                end = stop
        text = "".join(parts) + text[end:]
    return text
