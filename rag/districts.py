"""Whose case is it? Districts are read from the text, each with the span that proves it.

No entry of this genre states its district in a field. The reading is deliberately plain, and says
nothing rather than guess:

1. The collection's title sets the scope. Where it names a district, the case is that district's;
   where it names a city or a municipality, only its districts count; where it names a province,
   its cities count first.
2. Within the scope, the place that the case's title names is its own; else the one that the case
   names most often. A tie says nothing, and so does a list of places (``静安区、长宁区等``).
3. Places that share the work with it (``青浦区与吴江、嘉善共同研究``) follow it.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from rag.divisions import Division, Mention, gazetteer, stem_of
from rag.types import District, Span

_JOINT = r"(?:共同|联合|携手|协同|合作|共建|一起|[两三四五]地)"
_PARTNERS = re.compile(rf"(?:会同|联合|携手|[与和同、])([一-鿿、]{{2,40}}?){_JOINT}")
_LIST = re.compile(r"[、和与及]")
_IN_LIST = re.compile(r"[^一二三四五六七八九十百0-9]、$")
"""A number before the comma makes it a heading's: ``一、南京市``."""
_BETWEEN = re.compile(r"[：:（）()【】|\uff5c—\s-]+")
"""What sets a name off in a title: ``静安：……``, ``……（静安）``."""


@dataclass(frozen=True, slots=True)
class _Scope:
    """What a collection's title says it is about; all empty where it says nothing."""

    districts: frozenset[str] = frozenset()
    cities: frozenset[str] = frozenset()
    provinces: frozenset[str] = frozenset()

    def allows(self, division: Division) -> bool:
        """Whether an entry of this collection may belong to a division; the narrowest rules."""
        if self.districts:
            return division.name in self.districts
        if self.cities:
            return division.city in self.cities
        return not self.provinces or division.province in self.provinces


def read_districts(
    text: str, case: Span, title: Span, collection: Span | None
) -> tuple[District, ...]:
    """Read whose case an entry is.

    Args:
        text: The whole source, in simplified script.
        case: The entry.
        title: Its title lines, a part of it; may be empty.
        collection: The title of its collection in the same source; None if there is none.

    Returns:
        The main district first, then those that share the work, each with its evidence;
        empty if nothing says whose case it is.
    """
    scope = _scope(text, collection) if collection else _Scope()
    mentions = [
        mention
        for mention in gazetteer().mentions(text, case)
        if any(scope.allows(division) for division in mention.divisions)
    ]
    own = [mention for mention in mentions if not _listed(text, mention)]
    in_title = [mention for mention in own if mention.span.end <= title.end]
    main = _most_named(text, _of_one_level(in_title, scope)) or _said_in_title(text, title, scope)
    main = main or _most_named(text, _of_one_level(own, scope))
    if main is None and collection and len(scope.districts) == 1:
        main = next(m for m in gazetteer().mentions(text, collection) if _is_district(m))
    if main is None:
        return ()
    named = [mention for mention in own if mention.name == main.name]
    partners = next(filter(None, (tuple(_partners(text, m)) for m in named)), ())
    return (District(main.name, main.span), *partners)


def _scope(text: str, collection: Span) -> _Scope:
    names = list(gazetteer().mentions(text, collection))
    title = collection.of(text)
    return _Scope(
        frozenset(mention.name for mention in names if _is_district(mention)),
        frozenset(mention.name for mention in names if not _is_district(mention)),
        frozenset(p for p in gazetteer().provinces if stem_of(p) in title),
    )


def _is_district(mention: Mention) -> bool:
    return any(division.city for division in mention.divisions)


def _of_one_level(mentions: Sequence[Mention], scope: _Scope) -> list[Mention]:
    """Keep the cities or the districts, whichever the case can be told apart by.

    A collection about a province is told apart by city. Where there is no collection, the level
    that is named more often counts; a city right before its district (``杭州市西湖区``) is an
    address and counts for the district.
    """
    districts = [mention for mention in mentions if _is_district(mention)]
    starts = {mention.span.start for mention in districts}
    cities = [mention for mention in mentions if not _is_district(mention)]
    free = [mention for mention in cities if mention.span.end not in starts]
    by_city = bool(cities) if scope.provinces else len(free) > len(districts)
    return cities if by_city else districts


def _most_named(text: str, mentions: Sequence[Mention]) -> Mention | None:
    """First mention of the name that occurs more often than any other, partners aside."""
    counts = Counter(mention.name for mention in mentions)
    most = [m for m in mentions if counts[m.name] == max(counts.values())]
    if not most:
        return None
    main = most[0]
    partners = {p.name for m in most if m.name == main.name for p in _partners(text, m)}
    return main if {m.name for m in most} <= {main.name, *partners} else None


def _said_in_title(text: str, title: Span, scope: _Scope) -> Mention | None:
    """A place that the title sets off, by its name or, within a known scope, without its suffix."""
    names = gazetteer()
    if scope == _Scope():
        return None
    position = title.start
    for word in _BETWEEN.split(title.of(text)):
        position = text.index(word, position)
        called = [d for d in names.by_stem.get(word, ()) if scope.allows(d)]
        if len({division.name for division in called}) == 1:
            return Mention(tuple(called), Span(position, position + len(word)))
    return None


def _listed(text: str, mention: Mention) -> bool:
    """Whether a name stands in a list of places that do not share the work."""
    start, end = mention.span.start, mention.span.end
    if _IN_LIST.search(text, max(0, start - 2), start):
        return True
    return text[end : end + 1] == "、" and not any(_partners(text, mention))


def _partners(text: str, main: Mention) -> Iterator[District]:
    """Yield districts joined to one right behind its name; they may be in other provinces."""
    match = _PARTNERS.match(text, main.span.end)
    if match is None:
        return
    position = match.start(1)
    for word in _LIST.split(match.group(1)):
        called = {division.name for division in gazetteer().districts_called(word)}
        if len(called) == 1 and main.name not in called:
            yield District(called.pop(), Span(position, position + len(word)))
        position += len(word) + 1
