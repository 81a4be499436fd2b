"""Questions with words that sound right: homophones, and pinyin. The only module that imports pypinyin."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache

from pypinyin import Style, lazy_pinyin, pinyin
from pypinyin.phrases_dict import phrases_dict

from eval.habits import GRAMMAR, HAN_RUN, digest_of

_LONG = 20
"""Characters above which a question gets two typos instead of one."""


def with_typos(text: str, seed: str) -> str:
    """Replace one character by a homophone, as an input method does; two if it is long.

    The reading is that of the character in its phrase. The other one is among the 3,755 common
    characters (GB 2312, level 1) of the same syllable and tone, or of the same syllable where the
    tone has no other.

    Args:
        text: Any text.
        seed: What decides which characters; a question's id.

    Returns:
        As many characters; the same text if none has a homophone.
    """
    # A list keeps one reading a character where there is none; the stubs leave it out.
    readings = pinyin(text, style=Style.TONE3, errors=list)  # type: ignore[arg-type]
    options = {
        place: others
        for place, (character, (reading,)) in enumerate(zip(text, readings, strict=True))
        if character in _common() and (others := _homophones(character, reading))
    }
    places = sorted(options, key=lambda place: digest_of(f"{seed}:{place}"))
    typed = list(text)
    for place in places[: 2 if len(text) > _LONG else 1]:
        others = options[place]
        typed[place] = others[digest_of(f"{seed}:{place}:") % len(others)]
    return "".join(typed)


def with_pinyin(text: str, seed: str) -> str:
    """Type one word of two characters in pinyin, without tones, as when an input method was off.

    Args:
        text: Any text.
        seed: What decides which word; a question's id.

    Returns:
        The text with one of the pairs that pypinyin's phrases know, and that is not grammar, in
        Latin letters; the same text if there is none.

    >>> with_pinyin("大厅几点开", "D001")
    'dating几点开'
    """
    places = [
        place
        for run in HAN_RUN.finditer(text)
        for place in range(run.start(), run.end() - 1)
        if (pair := text[place : place + 2]) in phrases_dict and not GRAMMAR.fullmatch(pair)
    ]
    if not places:
        return text
    place = min(places, key=lambda one: digest_of(f"{seed}:{one}"))
    typed = "".join(lazy_pinyin(text[place : place + 2], style=Style.NORMAL))
    return text[:place] + typed + text[place + 2 :]


@cache
def _common() -> Mapping[str, str]:
    """Reading of each of the 3,755 characters of level 1, by itself."""
    rows = (bytes((row, cell)) for row in range(0xB0, 0xD8) for cell in range(0xA1, 0xFF))
    characters = [code.decode("gb2312", errors="ignore") for code in rows]
    return {one: pinyin(one, style=Style.TONE3)[0][0] for one in characters if one}


@cache
def _homophones(character: str, reading: str) -> tuple[str, ...]:
    """Other common characters of this reading; of the syllable if the tone has none."""
    others = [(one, its) for one, its in _common().items() if one != character]
    same = tuple(one for one, its in others if its == reading)
    syllable = reading.rstrip("12345")
    return same or tuple(one for one, its in others if its.rstrip("12345") == syllable)
