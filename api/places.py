"""Cases -> the districts that they come from, beside those of the same city that have none.

Which city that is follows from the cases: no city is written anywhere here.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from rag.divisions import Division, gazetteer, stem_of
from rag.types import Case


@dataclass(frozen=True, slots=True)
class Place:
    """A district, or whatever else a collection's cases are told apart by.

    Attributes:
        name: Official name.
        cases: How many cases name it, repeated ones not counted.
    """

    name: str
    cases: int


@dataclass(frozen=True, slots=True)
class Region:
    """A city with all its districts, or a province with all its cities.

    Attributes:
        name: Official name.
        places: All of them, in the official order, with cases or without.
    """

    name: str
    places: tuple[Place, ...]

    @property
    def covered(self) -> int:
        """How many of its places have cases."""
        return sum(place.cases > 0 for place in self.places)


@dataclass(frozen=True, slots=True)
class Places:
    """Where cases come from.

    Attributes:
        regions: Those that the cases' main districts lie in, most cases first, equals by name.
        elsewhere: Districts that are named and lie in none of them, such as partners of another
            city; by name.
        unstated: How many cases name no district.
    """

    regions: tuple[Region, ...]
    elsewhere: tuple[Place, ...]
    unstated: int


def places_of(cases: Iterable[Case]) -> Places:
    """Find the regions of some cases, and count the cases of each place in them.

    A name that several regions have (``普陀区``) is read as the one that most of its collection's
    cases can lie in, else as the one that the collection's title names. Where neither tells, it
    stands in ``elsewhere``: a wrong city is worse than none.
    """
    distinct = [case for case in cases if case.duplicate_of is None]
    counts = Counter(
        name for case in distinct for name in {district.name for district in case.districts}
    )
    collections = defaultdict(list)
    for case in distinct:
        collections[case.collection].append(case)
    found = Counter(
        region for title, group in collections.items() for region in _regions(title, group)
    )
    regions = tuple(
        Region(name, tuple(Place(d.name, counts[d.name]) for d in gazetteer().by_region[name]))
        for name, _ in sorted(found.items(), key=lambda item: (-item[1], item[0]))
    )
    shown = {place.name for region in regions for place in region.places}
    elsewhere = tuple(Place(name, counts[name]) for name in sorted(counts) if name not in shown)
    return Places(regions, elsewhere, sum(not case.districts for case in distinct))


def _regions(title: str, cases: Sequence[Case]) -> list[str]:
    """The region of each case's main district, as far as it can be told."""
    named = [gazetteer().by_name.get(case.district or "", ()) for case in cases]
    votes = Counter(region for divisions in named for region in {d.region for d in divisions})
    return [region for divisions in named if (region := _one(divisions, votes, title)) is not None]


def _one(divisions: Sequence[Division], votes: Counter[str], title: str) -> str | None:
    most = max((votes[division.region] for division in divisions), default=0)
    likely = [division for division in divisions if votes[division.region] == most]
    if len(likely) > 1:
        likely = [
            division
            for division in likely
            if any(stem_of(name) in title for name in (division.city, division.province) if name)
        ]
    return likely[0].region if len(likely) == 1 else None
