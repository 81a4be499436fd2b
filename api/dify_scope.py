"""``knowledge_id``: which part of the collections a knowledge base of Dify's is."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from rag.filters import NO_FILTERS, Filters
from rag.types import Case

_NEAREST = "+nearest"
_YEAR_DIGITS = 4
_SCOPE = re.compile(r"(district|collection|year)\s*[:：]\s*(.+)")


@dataclass(frozen=True, slots=True)
class Scope:
    """What one knowledge base covers.

    Attributes:
        filters: Which cases.
        nearest: Whether the nearest passages are wanted also where nothing answers.
    """

    filters: Filters
    nearest: bool


def scope_of(knowledge_id: str, cases: Sequence[Case]) -> Scope | None:
    """Read a scope: ``all``, ``district:…``, ``collection:…`` or ``year:…``, maybe with ``+nearest``.

    Args:
        knowledge_id: As typed into Dify; the colon may be a Chinese one.
        cases: All there are.

    Returns:
        None if it says nothing of the kind, or no case is in it.
    """
    text = knowledge_id.strip()
    nearest = text.endswith(_NEAREST)
    filters = _filters(text.removesuffix(_NEAREST).strip())
    if filters is None or not any(filters.allow(case) for case in cases):
        return None
    return Scope(filters, nearest)


def _filters(text: str) -> Filters | None:
    if text == "all":
        return NO_FILTERS
    found = _SCOPE.fullmatch(text)
    if found is None:
        return None
    kind, value = found[1], found[2]
    if kind == "district":
        return Filters(districts=(value,))
    if kind == "collection":
        return Filters(collections=(value,))
    is_year = value.isdecimal() and len(value) <= _YEAR_DIGITS
    return Filters(years=(int(value),)) if is_year else None
