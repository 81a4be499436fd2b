"""Which districts a question names, the way people name them: ``静安``, ``浦东新区``, ``松江``.

`rag.divisions` reads official texts and wants full names at places where one can begin. A question
says ``请问静安怎么退税``. Short names of all 3,100 divisions would find districts in ordinary words
(合作, 城区), so they count only for the districts of the collection and their neighbours.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Collection, Iterable
from dataclasses import dataclass

from rag.divisions import Division, gazetteer, stem_of
from rag.types import Span

_NOT_BEFORE = "(?<![旧新小大])"
"""``旧金山`` is not ``金山``."""
_NOT_AFTER = "(?![寺卫岛江河路镇桥山湖湾港站石角]|大[道桥学厦]|[东南西北中]路|新村|公园|机场)"
"""``静安寺``, ``金山卫`` and ``黄浦江`` are places of their own, not the district."""


@dataclass(frozen=True, slots=True)
class PlacedQuestion:
    """A question with the places that it names.

    Attributes:
        words: The question.
        districts: Official names of its districts, in its order, each once; often none.
        in_names: Where the characters of full names stand, those of cities as well: none of them
            is a misspelling.
    """

    words: str
    districts: tuple[str, ...]
    in_names: frozenset[int]


@dataclass(frozen=True, slots=True)
class DistrictNames:
    """The districts that questions about a collection may name.

    Attributes:
        by_word: Official name by what is said: the name itself or its stem.
        pattern: Finds any of these words; None if there are no districts.
    """

    by_word: dict[str, str]
    pattern: re.Pattern[str] | None

    def read(self, question: str) -> PlacedQuestion:
        """Find the places that a question names.

        Districts and counties elsewhere count by their full name, as `rag.divisions` reads it; for
        a collection without districts none counts.

        >>> names = district_names(["静安区", "浦东新区"])
        >>> names.read("静安的退税和浦东新区比，哪个快？松江呢？").districts
        ('静安区', '浦东新区', '松江区')
        >>> names.read("静安寺附近怎么退税？").districts
        ()
        """
        mentions = tuple(gazetteer().mentions(question, Span(0, len(question))))
        places: dict[int, str] = {}
        if self.pattern is not None:
            for match in self.pattern.finditer(question):
                places[match.start()] = self.by_word[match.group()]
            for mention in mentions:
                if any(division.city for division in mention.divisions):
                    places.setdefault(mention.span.start, mention.name)
        return PlacedQuestion(
            question,
            districts=tuple(dict.fromkeys(places[start] for start in sorted(places))),
            in_names=frozenset(
                at for mention in mentions for at in range(mention.span.start, mention.span.end)
            ),
        )


def district_names(districts: Iterable[str]) -> DistrictNames:
    """Gather the names that questions about a collection may use.

    Neighbours are all divisions of the cities (for cities: the provinces) that the collection's
    districts lie in. A name that several cities have (宝山区, 普陀区) lies in the one that most of
    the others lie in.

    Args:
        districts: Official names of the collection's districts.

    >>> sorted(district_names(["嘉定区", "普陀区"]).by_word)[:4]
    ['嘉定', '嘉定区', '奉贤', '奉贤区']
    """
    own = tuple(dict.fromkeys(districts))
    by_name = gazetteer().by_name
    above = Counter(_above(division) for name in own for division in by_name.get(name, ()))
    scope = {
        max(map(_above, by_name[name]), key=lambda place: (above[place], place))
        for name in own
        if name in by_name
    }
    neighbours = (
        name
        for name, divisions in by_name.items()
        if any(_above(division) in scope for division in divisions)
    )
    by_word: dict[str, str] = {}
    for name in dict.fromkeys((*own, *neighbours)):
        by_word.setdefault(name, name)
        by_word.setdefault(stem_of(name), name)
    if not by_word:
        return DistrictNames({}, None)
    words = sorted(by_word, key=len, reverse=True)
    alternatives = "|".join(
        re.escape(word) if word == by_word[word] else f"{re.escape(word)}{_NOT_AFTER}"
        for word in words
    )
    return DistrictNames(by_word, re.compile(f"{_NOT_BEFORE}(?:{alternatives})"))


def elsewhere(named: Collection[str], districts: Collection[str]) -> bool:
    """Whether a case is of other districts than those a question names.

    Args:
        named: Official names of the districts that the question names; without any, all will do.
        districts: Those of the case; if they are unknown, it may be of any.

    >>> elsewhere(["嘉定区"], ["静安区"]), elsewhere(["嘉定区"], []), elsewhere([], ["静安区"])
    (True, False, False)
    """
    return bool(named) and bool(districts) and set(named).isdisjoint(districts)


def _above(division: Division) -> tuple[str, str]:
    return division.province, division.city
