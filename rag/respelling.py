"""A question as typed -> as meant: homophones that an input method picked, words left in pinyin.

What is meant is read off the index: a character is taken for another one that sounds alike only if
the collection has neither of the pairs that it makes with its neighbours, and both that the other
one makes. Anything correct that the collection contains stays as it is. What it says nothing about
may be taken for what it does say: a rare character for a common homophone, an English word that
happens to be pinyin. Next to grammar nothing is corrected: such pairs cross words. Tones do not
count; people do not type them.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Mapping, Sequence
from functools import cache
from importlib.resources import files

from rag.ranking import Frequency
from rag.tokens import GRAMMAR, normalized

_HAN_RUN = re.compile(r"[\u4e00-\u9fff]+")
_LATIN_RUN = re.compile(r"(?<![a-z0-9])[a-z]+(?:[ '’][a-z]+)*(?![a-z0-9])")
_BETWEEN = re.compile(r"[ '’]")
_SEEN = 3
"""Texts that have the more frequent of the two pairs: a pair across two words occurs by chance. Of 277
homophones typed into the development questions this corrects 66 and turns none into a third
character, and changes 12 of 900 questions about other things; with one text, and next to grammar as
well, it is 90, 5 and 57."""
_LONGEST_SYLLABLE = 6
_MOST_SYLLABLES = 6
"""Of a word in pinyin; longer runs are whole sentences, which this is not for."""


def respelled(question: str, frequency: Frequency, kept: Collection[int] = ()) -> str:
    """Correct what a question has misspelt, judged by what an index contains.

    Args:
        question: In simplified script.
        frequency: Of the index that is asked.
        kept: Places that are known to be right, such as those of a district's name.

    Returns:
        The question with homophones replaced, place for place, and then words in pinyin, where the
        index knows the result; otherwise as it was.

    >>> counts = {"退税": 3, "税款": 2, "一照": 4}
    >>> respelled("退睡款，yizhao", lambda term: counts.get(term, 0))
    '退税款，一照'
    """
    spelt = _HAN_RUN.sub(
        lambda run: _corrected(run.group(), frequency, {place - run.start() for place in kept}),
        question,
    )
    folded = normalized(spelt)
    if len(folded) != len(spelt):  # places would not agree: ㎡ and the like
        return spelt
    parts: list[str] = []
    end = 0
    for run in _LATIN_RUN.finditer(folded):
        if frequency(run.group()):
            continue
        before, after = folded[: run.start()][-1:], folded[run.end() :][:1]
        if word := _word(run.group(), before, after, frequency):
            parts += (spelt[end : run.start()], word)
            end = run.end()
    return "".join(parts) + spelt[end:]


def _corrected(run: str, frequency: Frequency, kept: Collection[int]) -> str:
    """Replace characters of a run of Han that only their homophones make known pairs of."""
    typed = list(run)
    for place in range(1, len(run) - 1):
        before, wrong, after = typed[place - 1], run[place], run[place + 1]
        if place in kept or not GRAMMAR.isdisjoint((before, wrong, after)):
            continue
        if frequency(before + wrong) or frequency(wrong + after):
            continue
        known = {
            other: sorted((first, second))
            for other in _homophones(wrong)
            # Most make no pair at all: of those the second need not be looked up.
            if (first := frequency(before + other)) and (second := frequency(other + after))
        }
        best = max(known, key=lambda other: known[other], default=wrong)
        if best != wrong and known[best][1] >= _SEEN:
            typed[place] = best
    return "".join(typed)


def _word(run: str, before: str, after: str, frequency: Frequency) -> str:
    """Read a Latin run as pinyin of a word that the index knows; empty if it is none.

    The fewest syllables count. A single one is read only between two neighbours that it fits, as
    in ``办zhao难``.
    """
    for syllables in sorted(_syllables(_BETWEEN.split(run)), key=len):
        if len(syllables) > 1:
            if word := _likeliest([_characters()[one] for one in syllables], frequency):
                return word
        elif before and after:
            options = [(before,), _characters()[syllables[0]], (after,)]
            if word := _likeliest(options, frequency):
                return word[1]
    return ""


def _likeliest(options: Sequence[Sequence[str]], frequency: Frequency) -> str:
    """Choose one character a place so that every pair is known, and the rarest pair most often."""
    chains = {one: (_COMMONEST, one) for one in options[0]}
    for following in options[1:]:
        longer: dict[str, tuple[int, str]] = {}
        for character in following:
            ways = [
                (min(count, found), text + character)
                for last, (count, text) in chains.items()
                if (found := frequency(last + character))
            ]
            if ways:
                longer[character] = max(ways)
        chains = longer
    return max(chains.values(), default=(0, ""))[1]


_COMMONEST = 2**31
"""Above every frequency: a single character is no pair yet."""


def _syllables(tokens: Sequence[str], most: int = _MOST_SYLLABLES) -> Iterator[list[str]]:
    """Cut tokens into syllables in every way, ``most`` at most."""
    if not tokens:
        yield []
    if not tokens or not most:
        return
    token, rest = tokens[0], tokens[1:]
    for length in range(1, min(_LONGEST_SYLLABLE, len(token)) + 1):
        if token[:length] in _characters():
            left = (token[length:], *rest) if token[length:] else rest
            yield from ([token[:length], *others] for others in _syllables(left, most - 1))


@cache
def _homophones(character: str) -> tuple[str, ...]:
    """Characters that share a syllable with one, itself and grammar left out, each once."""
    alike = (other for of in _characters().values() if character in of for other in of)
    return tuple(dict.fromkeys(one for one in alike if one != character and one not in GRAMMAR))


@cache
def _characters() -> Mapping[str, str]:
    """Characters by syllable."""
    table = files("rag").joinpath("syllables.tsv").read_text(encoding="utf-8")
    rows = (line.split("\t", 1) for line in table.splitlines() if line and line[0] != "#")
    return dict(rows)
