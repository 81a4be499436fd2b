"""Whether a sentence is a source's own with only harmless things left out.

What is left out changes what is said: a condition, a negation, the subject of the next clause. So
the rule is not how much of a sentence is found in its source but that all of it is, in order and
paused alike, and that what is missing is one of a few kinds that take nothing back: an opening that
joins (``同时``), an opening that states a purpose (``为破解……难题，``), an adverb of zeal, the last
clauses of a sentence if they hold nothing that limits the ones before. See
docs/decisions/0021-checked-generation.md for what share of overlap would have let through.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache

from rag.symbols import Symbol, symbols_of

_FEWEST = 5
"""Symbols of a sentence that says something."""
_OPENING = re.compile(
    r"(?:[（(]?[一二三四五六七八九十\d]{1,2}[)）、.．](?!\d)|[一二三四五六七八九]是"
    r"|(?:同时|此外|另外|并且|而且|首先|其次|再次|最后)，?"
    r"|为了?(?:[破缓化]解|解决|进一步|更好|推动|推进|促进|提升|提高|优化|落实|贯彻|打造|切实|深化|加快|方便)"
    r"[^，。；：不未无非仅只限]{2,30}，)"
)
_ZEAL = re.compile(r"(?<![不未没更最很加较])(?:进一步|切实|积极(?!性)|大力(?!度|气|士))")
_LIMITS = re.compile(
    r"[不未没无非否勿禁免停除但仅只限或须需应必如若倘则当才暂试拟期至止待视予吗?？错谣假废消反例却虽惜传称]"
    r"|条件|前提|以[内外前后上下]|之[前后内外]|最[高低多少长短]|[平均]均|其[中余它他]|计划|预计|力争|目标|[时后前内外的]$"
    r"|^(?:是|为|系|属|即|成|遭|被|受|使|让|令)"
)
"""In clauses left out at the end, what may take back or limit the ones before them."""
_HANGING = re.compile(
    r"^(?:如|若|只要|只有|当|凡|除|无论|不论|不管|即[使便]|虽|尽管|因|由于|为|通过|针对|对|在|从|与|和|经|据|按|依|随|不[仅但是])"
    r"|(?:的|后|时|前|外|中|上|下|和|与|及|以及|包括|如下)$"
)
"""A clause that the next one completes."""
_PAUSE = re.compile(r"[，。；：！…\r\n,;!]")


def derives(sentence: str, source: str) -> bool:
    """Tell whether a sentence says what a source says, and no more.

    Args:
        sentence: Without citation marks.
        source: One sentence, or several that follow each other.

    >>> said = "为破解退税难题，区税务局推出智能退税，三日到账，企业满意。"
    >>> derives("区税务局推出智能退税，3日到账。", said)
    True
    >>> derives("区税务局推出智能退税，5日到账。", said), derives("企业推出智能退税。", said)
    (False, False)
    >>> derives("区税务局推出退税。", "区税务局推出退税，但小微企业除外。")
    False
    """
    wanted = symbols_of(sentence)
    if len(wanted) < _FEWEST:
        return False
    given = symbols_of(source)
    skips = _skips(source)
    places = _reach({_Place(0, paused=False)}, given, skips)
    for number, symbol in enumerate(wanted):
        places = {
            _Place(place.at + 1, paused=False)
            for place in places
            if place.at < len(given)
            and given[place.at].text == symbol.text
            and (number == 0 or (place.paused or given[place.at].paused) == symbol.paused)
        }
        places = _reach(places, given, skips)
    return any(_may_end(source, given, place.at) for place in places)


@dataclass(frozen=True, slots=True)
class _Place:
    """How far a source has been read: up to a symbol, and whether what was left out began at a pause."""

    at: int
    paused: bool


def _reach(
    places: Iterable[_Place], given: Sequence[Symbol], skips: Mapping[int, int]
) -> set[_Place]:
    """Add the places that leaving out what may be left out leads to."""
    reached = set(places)
    ahead = list(reached)
    while ahead:
        place = ahead.pop()
        if place.at in skips:
            further = _Place(skips[place.at], place.paused or given[place.at].paused)
            if further not in reached:
                reached.add(further)
                ahead.append(further)
    return reached


@lru_cache(maxsize=4096)
def _skips(source: str) -> dict[int, int]:
    """Find what may be left out: the number of its first symbol -> that of the next one kept."""
    given = symbols_of(source)
    skips: dict[int, int] = {}
    starts = [0, *(match.end() for match in re.finditer(r"[。；！\n;!]\s*", source))]
    matches = [_OPENING.match(source, start) for start in starts]
    for match in (*matches, *_ZEAL.finditer(source)):
        if match is None:
            continue
        inside = [
            number
            for number, symbol in enumerate(given)
            if match.start() <= symbol.start and symbol.end <= match.end()
        ]
        if inside and inside[-1] + 1 < len(given):
            skips[inside[0]] = inside[-1] + 1
    return skips


def _may_end(source: str, given: Sequence[Symbol], place: int) -> bool:
    """Whether a sentence may end before a symbol: at the source's end, or where the rest is harmless."""
    if place == 0:
        return False
    if place == len(given):
        return True
    kept, rest = source[: given[place - 1].end], source[given[place - 1].end :]
    if not given[place].paused or not balanced(kept):
        return False
    if re.match(r"[”’」』）)》】\"']*[。；！;!\r\n]", rest):  # the source's next sentence
        return True
    if rest.lstrip("”’」』）)》】\"'").startswith(("：", ":")):
        return False
    sentence = re.split(r"[。；！;!\r\n]", rest)[0]
    left_out = [clause for clause in _PAUSE.split(sentence) if clause.strip()]
    last = _PAUSE.split(kept)[-1].strip()
    return not _HANGING.search(last) and not any(_LIMITS.search(clause) for clause in left_out)


def balanced(text: str) -> bool:
    """Tell whether no quotation or bracket is left open.

    >>> balanced("《规定》“施行”"), balanced("“施行")
    (True, False)
    """
    return all(
        text.count(a) == text.count(b)
        for a, b in ("“”", "‘’", "（）", "()", "《》", "【】", "「」")
    )
