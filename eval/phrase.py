"""Words in two languages, and how numbers are written among them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, TypeAlias

ABSENT: Final = "—"
"""Stands where a value does not exist; never a 0."""
_LEAST: Final = 0.001
"""A p below is written as such: 10,000 random assignments know no more digits."""


@dataclass(frozen=True, slots=True)
class Phrase:
    """The same words in both languages."""

    zh: str
    en: str

    def filled(self, **values: Label | int) -> Phrase:
        """Put values at their ``{names}``; a phrase gives each language its own words.

        >>> Phrase("第 {k} 名", "rank {k}").filled(k=3)
        Phrase(zh='第 3 名', en='rank 3')
        """
        known = {name: phrase_of(value) for name, value in values.items()}
        return Phrase(
            self.zh.format(**{name: phrase.zh for name, phrase in known.items()}),
            self.en.format(**{name: phrase.en for name, phrase in known.items()}),
        )


Label: TypeAlias = str | Phrase
"""What stands beside a number: a name that has one form, or words that have two."""


def phrase_of(label: Label | int) -> Phrase:
    """Take a label as words: a plain name is the same in both languages."""
    return label if isinstance(label, Phrase) else Phrase(str(label), str(label))


def decimal(value: float | None, digits: int = 3) -> str:
    """Write a number without the zero before the point; `ABSENT` if there is none.

    >>> decimal(0.8421), decimal(1.0), decimal(None), decimal(8.24, 1)
    ('.842', '1.000', '—', '8.2')
    """
    if value is None:
        return ABSENT
    text = f"{abs(value):.{digits}f}"
    negative = value < 0 and float(text) != 0
    return ("\N{MINUS SIGN}" if negative else "") + (text.removeprefix("0") if digits else text)


def signed(value: float | None, digits: int = 3) -> str:
    """Write a difference with its sign, also when it is a gain.

    >>> signed(0.04), signed(0.0)
    ('+.040', '.000')
    """
    text = decimal(value, digits)
    return f"+{text}" if value is not None and value > 0 and float(text) != 0 else text


def p_value(p: float) -> str:
    """Write a p; one below .001 is not 0, and three digits would say so.

    >>> p_value(0.0499), p_value(0.0001), p_value(1.0)
    ('.050', '<.001', '1.000')
    """
    return "<.001" if p < _LEAST else decimal(p)


def p_equation(p: float) -> str:
    """Write a p with its name.

    >>> p_equation(0.0499), p_equation(0.0001)
    ('p=.050', 'p<.001')
    """
    text = p_value(p)
    return f"p{text}" if text.startswith("<") else f"p={text}"
