"""What the search page lists besides answers: all cases, or those of a district, collection, year.

There is no choice by theme, because nothing in the sources says one. Headings name the parts of a
report (``主要做法`` in 13 of the 21 different cases of the bundled collection, ``工作背景`` in 9), and what titles
share is the genre's rhetoric: of the 21 titles 10 say ``服务``, 5 ``打造``, 4 ``营商`` and ``发展``, and of all runs of
characters that two or more share only ``法治``, ``法律服务``, ``政企`` and ``助企`` would be themes at all.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from urllib.parse import urlencode

from api.case_schemas import Facets
from api.places import Places, places_of
from rag.filters import Filters
from rag.types import Case

UNSTATED = "未写明区"
"""Chosen in place of a district: the cases that name none."""


@dataclass(frozen=True, slots=True)
class Choice:
    """Which cases to list; an empty field allows all.

    Attributes:
        district: Official name, the name as people say it, or `UNSTATED`.
        collection: A collection's title.
        year: A year in digits.
    """

    district: str = ""
    collection: str = ""
    year: str = ""

    @property
    def named(self) -> tuple[str, ...]:
        """What is chosen, for people to read."""
        year = f"{self.year} 年" if self.year else ""
        return tuple(filter(None, (self.district, self.collection, year)))

    @property
    def address(self) -> str:
        """Path at which the search page lists these cases.

        >>> Choice(year="2022").address
        '/?year=2022#cases'
        """
        query = urlencode(self.fields)
        return f"/?{query}#cases" if query else "/#cases"

    @property
    def fields(self) -> dict[str, str]:
        """What is chosen, by the names that it has in addresses; what allows all is left out."""
        fields = {"district": self.district, "collection": self.collection, "year": self.year}
        return {name: value for name, value in fields.items() if value}

    def of_district(self, name: str) -> Choice:
        """The same with another district."""
        return replace(self, district=name)

    def of_collection(self, title: str) -> Choice:
        """The same with another collection."""
        return replace(self, collection=title)

    def of_year(self, year: str) -> Choice:
        """The same with another year."""
        return replace(self, year=year)

    def allows(self, case: Case) -> bool:
        """Whether a case is among those chosen."""
        unstated = self.district == UNSTATED
        filters = Filters(
            districts=(self.district,) if self.district and not unstated else (),
            collections=(self.collection,) if self.collection else (),
        )
        return (
            not (unstated and case.districts)
            and self.year in ("", str(case.year))
            and filters.allow(case)
        )


@dataclass(frozen=True, slots=True)
class Shelf:
    """All that can be listed.

    Attributes:
        cases: All cases, repeated ones included, in the order of their sources.
        facets: How many are of which district, collection and year.
        places: The same for districts, each in its city.
    """

    cases: tuple[Case, ...]
    facets: Facets
    places: Places

    @classmethod
    def of(cls, cases: Sequence[Case], facets: Facets) -> Shelf:
        """Put up the cases of an index."""
        return cls(tuple(cases), facets, places_of(cases))

    def chosen(self, choice: Choice) -> tuple[Case, ...]:
        """The cases of a choice, in the order of their sources."""
        return tuple(case for case in self.cases if choice.allows(case))
