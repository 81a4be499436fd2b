"""The names of China's cities, districts and counties, and where a text uses them."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from importlib.resources import files

from rag.types import Span

_SUFFIX = re.compile(r"(?:新区|自治县|自治旗|特区|林区|自治区|[区县市旗省])$")
_HAN = re.compile(r"[㐀-鿿]")
_BEFORE = frozenset("在由为是让将经以年月日")
"""Han characters after which a name may begin (``由静安区税务局``, ``2022年静安区``)."""
_NOT_AFTER = frozenset("域城级场等")
"""``徐汇区域``, ``合作市场`` and ``资源县级`` name no division, and ``静安区等地`` means others too."""


@dataclass(frozen=True, slots=True)
class Division:
    """A district, county or city.

    Attributes:
        name: Official name, such as ``静安区``.
        city: The city above it; empty for a city itself.
        province: The province or municipality above both.
    """

    name: str
    city: str
    province: str

    @property
    def region(self) -> str:
        """What is right above: the city of a district or county, the province of a city."""
        return self.city or self.province

    @property
    def stem(self) -> str:
        """The name as people say it: ``静安``, ``浦东``, ``嘉善``; at least two characters."""
        return stem_of(self.name)


@dataclass(frozen=True, slots=True)
class Mention:
    """A full name at its place in a text; one name may belong to several divisions."""

    divisions: tuple[Division, ...]
    span: Span

    @property
    def name(self) -> str:
        """The name as written, which is the official one."""
        return self.divisions[0].name


@dataclass(frozen=True, slots=True)
class Gazetteer:
    """All divisions, by official name, by stem and by what is right above, in the list's order."""

    by_name: dict[str, tuple[Division, ...]]
    by_stem: dict[str, tuple[Division, ...]]
    by_region: dict[str, tuple[Division, ...]]
    provinces: frozenset[str]
    last_characters: re.Pattern[str]
    longest: int

    def mentions(self, text: str, within: Span) -> Iterator[Mention]:
        """Yield full names (``静安区``, never ``静安``) in order.

        Chinese has no spaces, so a name counts only where it can begin: after something that is
        not Han, after the city or province it lies in, or, if it has three characters or more,
        after one of a few words. ``示范县`` does not name 范县, ``上海城市`` not 海城市, and
        ``对标浦东新区`` says that the case is somebody else's.
        """
        position = within.start
        for last in self.last_characters.finditer(text, within.start, within.end):
            end = last.end()
            for start in range(max(position, end - self.longest), end - 1):
                if divisions := self.by_name.get(text[start:end]):
                    if text[end : end + 1] not in _NOT_AFTER and _begins(text, start, divisions):
                        yield Mention(divisions, Span(start, end))
                        position = end
                    break

    def districts_called(self, word: str) -> tuple[Division, ...]:
        """Districts and counties whose official name or stem is ``word``; empty if none is."""
        found = self.by_name.get(word) or self.by_stem.get(word) or ()
        return tuple(division for division in found if division.city)


def stem_of(name: str) -> str:
    """Cut 区, 县, 市 or 省 off a name, unless a single character would remain.

    >>> stem_of("浦东新区"), stem_of("江苏省"), stem_of("赵县")
    ('浦东', '江苏', '赵县')
    """
    stem = _SUFFIX.sub("", name)
    return stem if len(stem) > 1 else name


def _begins(text: str, start: int, divisions: tuple[Division, ...]) -> bool:
    """Whether a name of these divisions can begin here."""
    before = text[start - 1] if start else ""
    if not _HAN.match(before):
        return True
    if before in _BEFORE and len(divisions[0].name) > 2:  # noqa: PLR2004 - 经吉县, 在洋县: too short to tell
        return True
    above = {name for d in divisions for name in (d.city, d.province) if name}
    return text.endswith((*above, *map(stem_of, above)), 0, start)


@cache
def gazetteer() -> Gazetteer:
    """Load the list that ships with the package (3,100 names, read once)."""
    by_name: dict[str, tuple[Division, ...]] = {}
    by_stem: dict[str, tuple[Division, ...]] = {}
    by_region: dict[str, tuple[Division, ...]] = {}
    table = files("rag").joinpath("divisions.tsv").read_text(encoding="utf-8")
    for row in table.splitlines():
        if row.startswith("#"):
            continue
        division = Division(*row.split("\t"))
        by_name[division.name] = (*by_name.get(division.name, ()), division)
        by_stem[division.stem] = (*by_stem.get(division.stem, ()), division)
        by_region[division.region] = (*by_region.get(division.region, ()), division)
    return Gazetteer(
        by_name,
        by_stem,
        by_region,
        provinces=frozenset(d.province for divisions in by_name.values() for d in divisions),
        last_characters=re.compile(f"[{''.join(sorted({name[-1] for name in by_name}))}]"),
        longest=max(map(len, by_name)),
    )
