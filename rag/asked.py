"""What kind of value a question asks for, and whether a text holds any of the kind.

A near miss is the right case without the asked detail: it shares the question's words and its
topic, so no similarity tells it from an answer. Some can be told all the same: a passage without a
single date does not say when. What a question asks for without a form of its own (who, where, why)
is not judged.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from rag.tokens import normalized

_HAN = "一二三四五六七八九十百千两"
_FIGURE = r"\d[\d.,]*[余多]?[万亿千百]?[余多]?"
_COUNT = rf"(?:\d[\d.,]*|[{_HAN}]+)[余多]?[万亿]?[余多]?"
_UNITS = (
    *(
        "人名位",
        "家户",
        "件笔起宗例",
        "份张",
        "场次届期",
        "条项款",
        "所间",
        "种类",
        "门课",
        "幢栋座",
    ),
    *("块枚", "辆台架", "亩", "米", "篇", "支队", "岁", "级", "页", "吨"),
)
"""Measure words that stand for each other behind a number: ``多少名`` is answered by ``20人``."""


@dataclass(frozen=True, slots=True)
class Kind:
    """A kind of value that has a form.

    Attributes:
        name: What it is called.
        asked: Found in a question that asks for it.
        said: Found in a text that holds one.
    """

    name: str
    asked: re.Pattern[str]
    said: re.Pattern[str]


def _kind(name: str, asked: str, said: str) -> Kind:
    return Kind(name, re.compile(asked), re.compile(said))


KINDS = (
    _kind(
        "phone",
        r"电话|手机号|联系方式|(?:热线|号码)(?:号码)?(?:是|多少|$|\?)",
        r"\d{5,}|\d{3,4}[-—]\d",
    ),
    _kind(
        "address",
        r"地址(?:是|在|$|[?,])|(?:哪条|什么|哪一条)[路街]|门牌",
        r"[路街弄道巷]\s*\d+|\d+\s*弄",
    ),
    _kind("site", r"网址|(?:哪个|什么)网[站页]", r"https?:|www\.|\.(?:cn|com|org)\b|网址|官网"),
    _kind(
        "money",
        r"多少[美欧日港]?[钱元]|(?:[怎如]何?么?收费)|收费吗"
        r"|(?:费用|[学托诉][^多少]{0,3}费|奖金|租金|津贴|工资|[售票]价|价格|金额|补贴|罚款|造价)"
        r"(?:[是有为]|每[月年天])?多少"
        r"|多少.{0,3}(?:费$|费\?|奖金|租金|津贴|补贴|工资|罚款)",
        rf"{_FIGURE}[美欧日港]?元|免费|免收",
    ),
    _kind(
        "share", r"利率|百分之几|百分比|比例是|占比|[率占]是?多少|打几折", r"\d\s*%|百分|[一-九]成"
    ),
    _kind(
        "date",
        r"哪一?[年天日]|几月|几号|几时|日期|什么时[候间]|何时|星期几|周几",
        rf"\d\s*[年月日]|[{_HAN}]月|[今去明]年|周[{_HAN}日末]|星期",
    ),
    _kind(
        "duration",
        r"多久|多长时间|几天|几个(?:工作日|小时|月)|有效期|多少[天年]|几年|几点",
        rf"{_COUNT}个?(?:工作日|天|日|年|月|小时|分钟|周|秒|点)",
    ),
)
"""Kinds with patterns for normalised text (`rag.tokens.normalized`)."""

_COUNTED = tuple(_kind(units, rf"(?:多少|几)[{units}]", rf"{_COUNT}[{units}]") for units in _UNITS)
_NUMBER = _kind("number", "多少", r"\d")


def kinds_asked(question: str) -> tuple[Kind, ...]:
    """Tell what kinds of value a question asks for.

    Returns:
        The kinds, in the order of `KINDS`; a count of something only where there is none of them,
        and just any number where its unit is not known either. Often none.

    >>> [kind.name for kind in kinds_asked("托管一年收多少钱，哪天开始？")]
    ['money', 'date']
    >>> [kind.name for kind in kinds_asked("怎么办执照？")]
    []
    """
    text = normalized(question)
    asked = tuple(kind for kind in KINDS if kind.asked.search(text))
    asked = asked or tuple(kind for kind in _COUNTED if kind.asked.search(text))
    return asked or ((_NUMBER,) if _NUMBER.asked.search(text) else ())


def unsaid(question: str, text: str) -> float:
    """Share of the kinds of value asked for of which a text holds none, in [0, 1].

    Returns:
        0 also where the question asks for no kind that is known.

    >>> unsaid("服务热线的号码是多少？", "开通热线，受理诉求"), unsaid("几天到账？", "次日到账，3天办结")
    (1.0, 0.0)
    """
    asked = kinds_asked(question)
    if not asked:
        return 0.0
    held = normalized(text)
    return sum(kind.said.search(held) is None for kind in asked) / len(asked)
