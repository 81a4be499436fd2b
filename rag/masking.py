"""What people write -> the same without what tells who they are.

For texts that are kept: questions and comments. Four kinds of number and address have a form or a
checksum of their own and are masked; names, and accounts that are plain numbers, have none and stay.
A local number without its area code stays too: its eight digits may be a date.
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
    try:
        born = date(int(number[6:10]), int(number[10:12]), int(number[12:14]))
    except ValueError:
        return False
    if born.year not in _BIRTHS:
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


@dataclass(frozen=True, slots=True)
class _Kind:
    """Something that tells who somebody is.

    Attributes:
        mask: What is written instead.
        form: What it looks like, in ASCII.
        holds: Whether the letters and digits of a match are one.
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
            rf"(?<![0-9])(?:(?:\+|00)?86{_GAP})?1[3-9][0-9]{_GAP}[0-9]{{4}}{_GAP}[0-9]{{4}}(?![0-9])"
        ),
    ),
    _Kind(
        "【电话】",
        re.compile(
            rf"(?<![0-9])(?:\(0[0-9]{{2,3}}\)|0[0-9]{{2,3}}){_GAP}[2-9][0-9]{{6,7}}(?![0-9])"
        ),
    ),
)


def masked(text: str) -> str:
    """Mask what tells who somebody is.

    Telephone numbers (mobile; fixed ones with their area code), citizens' identity numbers and bank
    cards whose check digit is right, and e-mail addresses; in full-width digits too, and in groups.
    Numbers of files, dates, hotlines and amounts stay. Masked again, a text stays as it is.

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
            if kind.holds("".join(filter(str.isalnum, match.group()))):
                parts += (text[end : match.start()], kind.mask)
                end = match.end()
        text = "".join(parts) + text[end:]
    return text
