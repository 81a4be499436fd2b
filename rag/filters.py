"""Filters: which cases to search."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass

from rag.divisions import stem_of
from rag.types import Case


@dataclass(frozen=True, slots=True)
class Filters:
    """Which cases to search; an empty field allows all, several values are alternatives.

    Attributes:
        districts: Official names or the way people say them (``静安区``, ``静安``).
        collections: A collection's title or any part of it (``良好实践``).
        years: Years of the collections.
        case_ids: Cases by id; a set where they are many.
    """

    districts: tuple[str, ...] = ()
    collections: tuple[str, ...] = ()
    years: tuple[int, ...] = ()
    case_ids: Collection[str] = ()

    def allow(self, case: Case) -> bool:
        """Whether a case passes every field."""
        named = {district.name for district in case.districts}
        return (
            (not self.districts or any(_same_district(d, n) for d in self.districts for n in named))
            and (not self.collections or any(part in case.collection for part in self.collections))
            and (not self.years or case.year in self.years)
            and (not self.case_ids or case.case_id in self.case_ids)
        )


NO_FILTERS = Filters()


def _same_district(asked: str, official: str) -> bool:
    """Whether ``asked`` is the official name, or the name as people say it."""
    return asked.strip() in {official, stem_of(official)}
