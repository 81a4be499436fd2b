"""The same question, written another way: what a system loses to how people type.

Each perturbation changes the text of a question and nothing else, so the judgments stay and the
difference can be tested in pairs. A question that it does not change is not in its slice. All of
them are functions of the question alone: the same on every machine and in every run.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cache
from typing import TypeAlias

from opencc import OpenCC

from eval.habits import keywords_of, spoken
from eval.numerals import swap_numerals
from eval.questions import Question
from eval.sounds import with_pinyin, with_typos
from rag.divisions import stem_of

Change: TypeAlias = Callable[[Question, Sequence[str]], str]
"""Question and the collection's districts (official names) -> the text as perturbed."""

_WIDE = {code: code + 0xFEE0 for code in range(0x21, 0x7F)}
_NARROW = {wide: code for code, wide in _WIDE.items()} | {0x3000: 0x20}
_NEAR = r"(?![寺卫岛江路镇桥山湖湾港])"
"""``静安寺`` and ``崇明岛`` are places of their own, not the district."""


@dataclass(frozen=True, slots=True)
class Perturbation:
    """One way to write a question differently.

    Attributes:
        name: What reports and commands call it.
        about: What it does, in Chinese.
        change: The text of a question as perturbed; the same text where it does not apply.
    """

    name: str
    about: str
    change: Change


def to_traditional(text: str) -> str:
    """Convert to traditional script, phrase by phrase (OpenCC ``s2t``: no regional words).

    >>> to_traditional("企业后台的头发")
    '企業後臺的頭髮'
    """
    return _converted("s2t", text)


def to_simplified(text: str) -> str:
    """Convert to simplified script, phrase by phrase (OpenCC ``t2s``).

    >>> to_simplified("閔行稅務局的雲端")
    '闵行税务局的云端'
    """
    return _converted("t2s", text)


def to_fullwidth(text: str) -> str:
    """Widen ASCII letters, digits and punctuation; spaces stay.

    >>> to_fullwidth("HR能办5%吗?")
    'ＨＲ能办５％吗？'
    """
    return text.translate(_WIDE)


def to_halfwidth(text: str) -> str:
    """Narrow full-width letters, digits, punctuation and spaces; ``。`` and ``、`` have no twin.

    >>> to_halfwidth("ＨＲ能办５％吗？")
    'HR能办5%吗?'
    """
    return text.translate(_NARROW)


def without_punctuation(text: str) -> str:
    """Drop punctuation, quotation marks included, except what belongs to a number.

    >>> without_punctuation("“一网通办”1.5亿次、5%，对吗？")
    '一网通办1.5亿次5%对吗'
    """
    return "".join(
        character
        for place, character in enumerate(text)
        if unicodedata.category(character)[0] != "P" or _in_number(text, place)
    )


def without_district(text: str, districts: Sequence[str]) -> str:
    """Drop the district that a question names, in full or as people say it.

    With it go a 在, 到, 去 or 回 before it, a 的 behind it, and a comma that would come first.

    Args:
        text: Any text.
        districts: Official names (``静安区``).

    Returns:
        The rest; the same text if it names none, or several: a comparison is about nothing without
        them.

    >>> without_district("在静安，退税多久到账？", ["静安区", "嘉定区"])
    '退税多久到账？'
    """
    named = [
        re.compile(f"[在到去回]?(?:{re.escape(name)}|{re.escape(stem_of(name))}{_NEAR})的?")
        for name in dict.fromkeys(districts)
    ]
    found = [pattern for pattern in named if pattern.search(text)]
    return found[0].sub("", text).lstrip("，、 ") if len(found) == 1 else text


PERTURBATIONS: Mapping[str, Perturbation] = {
    one.name: one
    for one in (
        Perturbation("traditional", "改用繁体字", lambda q, _: to_traditional(q.text)),
        Perturbation("fullwidth", "字母、数字、标点改为全角", lambda q, _: to_fullwidth(q.text)),
        Perturbation("halfwidth", "字母、数字、标点改为半角", lambda q, _: to_halfwidth(q.text)),
        Perturbation(
            "typo", "换成一个同音字，长问题换两个", lambda q, _: with_typos(q.text, q.question_id)
        ),
        Perturbation("unpunctuated", "去掉标点", lambda q, _: without_punctuation(q.text)),
        Perturbation("undistricted", "去掉区名", lambda q, names: without_district(q.text, names)),
        Perturbation("numerals", "数字改用另一种写法", lambda q, _: swap_numerals(q.text)),
        Perturbation("pinyin", "一个词打成拼音", lambda q, _: with_pinyin(q.text, q.question_id)),
        Perturbation(
            "keywords",
            "去掉区名，只留四个字",
            lambda q, names: keywords_of(without_district(q.text, names)),
        ),
        Perturbation("spoken", "夹在三百字的口语里", lambda q, _: spoken(q.text, q.question_id)),
    )
}
"""All perturbations by name, in the order of reports."""


def perturbed(question: Question, name: str, districts: Sequence[str]) -> Question | None:
    """Perturb a question; its id, type, quotes and mode stay.

    Args:
        question: The question.
        name: A name in `PERTURBATIONS`.
        districts: Official names of the collection's districts.

    Returns:
        The question with another text; None if the text stays the same or nothing is left of it:
        then it is not in the slice.

    Raises:
        ValueError: If there is no such perturbation.
    """
    if name not in PERTURBATIONS:
        message = f"no perturbation {name!r}; there are {', '.join(PERTURBATIONS)}"
        raise ValueError(message)
    text = PERTURBATIONS[name].change(question, districts)
    return replace(question, text=text) if text.strip() and text != question.text else None


def _converted(configuration: str, text: str) -> str:
    converted: str = _converter(configuration).convert(text)
    return converted


@cache
def _converter(configuration: str) -> OpenCC:
    return OpenCC(configuration)


def _in_number(text: str, place: int) -> bool:
    """Whether a mark joins two digits, or is a percent sign behind one."""
    mark, before, after = text[place], text[place - 1 : place], text[place + 1 : place + 2]
    return before.isdigit() and (mark in "%％‰" or (mark in ".,:/-．" and after.isdigit()))
