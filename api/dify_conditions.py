"""Dify's metadata conditions, over the metadata of a case: which cases may be searched.

A condition is settled before anything is ranked, so a full list comes back whenever there is one.
That is why conditions are about cases: what only a passage has (its section, its place) cannot be asked for.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta, timezone
from typing import Literal, TypeAlias

from rag.cite import label_of
from rag.divisions import stem_of
from rag.permalink import url_of
from rag.types import Case

Operator: TypeAlias = Literal[
    "contains", "not contains", "start with", "end with", "is", "is not", "in", "not in",
    "empty", "not empty", "null", "not null", "=", "≠", ">", "<", "≥", "≤", "before", "after",
]  # fmt: skip
Value: TypeAlias = str | int | float

_CHINA = timezone(timedelta(hours=8))
_LAST_YEAR = 9999
_FIRST_MS = 1e11
"""Numbers from here on count milliseconds since 1970; in seconds it would be the year 5138."""
_DATE = re.compile(r"(\d{4})(?!\d)")
_COMPACT_DATE = re.compile(r"\d{8}")


@dataclass(frozen=True, slots=True)
class Attribute:
    """What a case has under one name.

    Attributes:
        values: As records show them; none where the case does not say.
        also: Other words for them, which `is` and `in` take as well.
    """

    values: tuple[str | int, ...]
    also: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Condition:
    """One condition.

    Attributes:
        names: Keys of `ATTRIBUTES`; several are read as one attribute with the values of all.
        operator: Holds if any of the case's values meets any of ``values``; one with ``not`` or
            ``≠`` holds if none does.
        values: What is asked for. Without any the condition says nothing, unless the operator needs
            none; that is how Dify treats its own documents.
    """

    names: tuple[str, ...]
    operator: Operator
    values: tuple[Value, ...] = ()

    @property
    def says_nothing(self) -> bool:
        """Whether it is to be passed over."""
        return not self.values and self.operator not in _WITHOUT_VALUE

    def holds(self, case: Case) -> bool:
        """Whether a case meets it; one that says nothing is met by none."""
        found = [ATTRIBUTES[name](case) for name in self.names]
        values = tuple(value for attribute in found for value in attribute.values)
        if (asked := _WITHOUT_VALUE.get(self.operator)) is not None:
            return bool(values) is asked
        attribute = Attribute(values, tuple(word for one in found for word in one.also))
        meets = _MEETS[_NEGATED.get(self.operator, self.operator)]
        met = any(meets(attribute, value) for value in self.values)
        return met is not (self.operator in _NEGATED)


def allowed_cases(
    cases: Sequence[Case], conditions: Sequence[Condition], *, any_of: bool
) -> frozenset[str]:
    """Choose the cases that conditions allow.

    Args:
        cases: All of them.
        conditions: Those that say nothing are passed over; without any, all cases are allowed.
        any_of: Whether one condition is enough; else all must hold.

    Returns:
        Their ids.
    """
    said = [condition for condition in conditions if not condition.says_nothing]
    enough = any if any_of and said else all
    return frozenset(
        case.case_id for case in cases if enough(condition.holds(case) for condition in said)
    )


def why_unusable(condition: Condition) -> str | None:
    """Say why a condition cannot be asked of any case; None if it can."""
    for name in condition.names:
        if name not in ATTRIBUTES:
            return f"不能按 {name[:40]!r} 筛选；可用：{'、'.join(ATTRIBUTES)}"
    for value in condition.values:
        if condition.operator in _ORDERS and number_of(value) is None:
            return f"{condition.operator} 之后应为数字"
        if condition.operator in {"before", "after"} and year_of(value) is None:
            return f"{condition.operator} 之后应为日期、年份或 Unix 时间"
    return None


def number_of(value: Value) -> float | None:
    """Read a number; None if it is none.

    >>> number_of("2022"), number_of(3), number_of("三")
    (2022.0, 3.0, None)
    """
    try:
        number = float(value)
    except (ValueError, OverflowError):
        return None
    return number if math.isfinite(number) else None


def year_of(value: Value) -> int | None:
    """Read the year out of a date, a year or a Unix time, in China; None if there is none.

    >>> year_of("2022-06-01"), year_of("2022年"), year_of(2022), year_of("2022-12-31T16:00:00Z")
    (2022, 2022, 2022, 2023)
    """
    text = str(value).strip()
    number = None if _COMPACT_DATE.fullmatch(text) else number_of(value)
    if number is not None:
        if 1 <= number <= _LAST_YEAR:
            return int(number)
        try:
            return datetime.fromtimestamp(
                number / 1000 if number >= _FIRST_MS else number, _CHINA
            ).year
        except (ValueError, OverflowError, OSError):
            return None
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        date = _DATE.match(text)
        return int(date[1]) if date else None
    try:
        return (moment.astimezone(_CHINA) if moment.tzinfo else moment).year
    except OverflowError:  # the end of the calendar, which programs write for “never”
        return moment.year


def _districts(case: Case) -> Attribute:
    names = tuple(district.name for district in case.districts)
    return Attribute(names, tuple(stem_of(name) for name in names))


ATTRIBUTES: Mapping[str, Callable[[Case], Attribute]] = {
    "document_id": lambda case: Attribute((case.case_id,)),
    "case_id": lambda case: Attribute((case.case_id,)),
    "title": lambda case: Attribute((case.title,), (label_of(case),)),
    # All of them under either name, as the filters of our own protocol have it.
    "district": _districts,
    "districts": _districts,
    "collection": lambda case: Attribute((case.collection,)),
    "case_rank": lambda case: Attribute(() if case.rank is None else (case.rank,)),
    "year": lambda case: Attribute(() if case.year is None else (case.year,)),
    "file": lambda case: Attribute((case.source.name,)),
    "url": lambda case: Attribute((url_of(case.case_id),)),
}
"""What conditions can be about, under the names that records have."""


def _equal(found: Value, asked: Value) -> bool:
    """Whether two values are the same number, or else the same text."""
    numbers = number_of(found), number_of(asked)
    if None not in numbers:
        return numbers[0] == numbers[1]
    return str(found) == str(asked).strip()


def _is(attribute: Attribute, asked: Value) -> bool:
    return any(_equal(found, asked) for found in (*attribute.values, *attribute.also))


def _is_in(attribute: Attribute, asked: Value) -> bool:
    """A list may come as one text with commas, which a title can have as well."""
    parts = re.split("[,，]", asked) if isinstance(asked, str) else []
    return any(_is(attribute, one) for one in (asked, *parts))


def _text(
    test: Callable[[str, str], bool],
) -> Callable[[Attribute, Value], bool]:
    return lambda attribute, asked: any(
        test(str(found), str(asked).strip()) for found in attribute.values
    )


def _order(
    test: Callable[[float, float], bool], read: Callable[[Value], float | None] = number_of
) -> Callable[[Attribute, Value], bool]:
    def meets(attribute: Attribute, asked: Value) -> bool:
        bound = read(asked)
        found = [number_of(value) for value in attribute.values]
        return bound is not None and any(n is not None and test(n, bound) for n in found)

    return meets


_WITHOUT_VALUE: Mapping[str, bool] = {
    "empty": False,
    "null": False,
    "not empty": True,
    "not null": True,
}
"""Operators that need no value: whether the case should have one."""
_NEGATED: Mapping[str, str] = {
    "not contains": "contains",
    "is not": "is",
    "not in": "in",
    "≠": "is",
}
_ORDERS = frozenset({">", "<", "≥", "≤"})
_MEETS: Mapping[str, Callable[[Attribute, Value], bool]] = {
    "contains": _text(lambda found, asked: asked in found),
    "start with": _text(lambda found, asked: found.startswith(asked)),
    "end with": _text(lambda found, asked: found.endswith(asked)),
    "is": _is,
    "=": _is,
    "in": _is_in,
    ">": _order(lambda found, asked: found > asked),
    "<": _order(lambda found, asked: found < asked),
    "≥": _order(lambda found, asked: found >= asked),
    "≤": _order(lambda found, asked: found <= asked),
    # A collection has a year and no date: it is before a date if all of that year is.
    "before": _order(lambda found, asked: found < asked, year_of),
    "after": _order(lambda found, asked: found > asked, year_of),
}
