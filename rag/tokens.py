"""Text -> terms for lexical search: the same for passages and questions.

Chinese is cut into single characters and overlapping pairs, not into words: on the development
questions that beats a dictionary segmenter (BM25 R@5 .836 against .737), needs no dictionary, and
never misses a two-character word. Numbers and Latin words stay whole, so that ``12366`` or
``1.5亿`` is found as written.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

from rag.script import simplified

_HAN = r"\u3007\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\U00020000-\U000323af"
_RUN = re.compile(
    rf"(?P<han>[{_HAN}]+)"
    r"|(?P<number>\d+(?:[.,]\d+)*%?)"
    rf"|(?P<word>(?:(?![{_HAN}])[^\W\d_])+)"
)


GRAMMAR = frozenset(
    "的了是在有和与及或就都也还把被让给对从到为于以其之这那哪几多少什么怎样如何吗呢吧啊呀个"
)
"""Characters that carry grammar or the question itself: words of these alone tell nothing."""


def normalized(text: str) -> str:
    """Fold what people type differently for the same thing: width (NFKC), case and script."""
    return simplified(unicodedata.normalize("NFKC", text).casefold())


@dataclass(frozen=True, slots=True)
class Letters:
    """A text, normalised character by character.

    Attributes:
        text: What is left.
        origin: Where each of its characters comes from, never falling; as long as ``text``.
    """

    text: str
    origin: Sequence[int]


def letters_of(text: str) -> Letters:
    """Keep of a text what its terms are made of: neither marks nor white space.

    >>> letters_of("IPO 上市，退稅1.5億").text
    'ipo上市退税1.5亿'
    """
    folded, places = normalized_in_place(text)
    runs = list(_RUN.finditer(folded))
    origin = [place for run in runs for place in places[slice(*run.span())]]
    return Letters("".join(run.group() for run in runs), origin)


def runs_of(text: str) -> list[str]:
    """Cut a text into runs of Han characters, numbers and words, normalised, in reading order.

    >>> runs_of("IPO上市，退税1.5亿")
    ['ipo', '上市', '退税', '1.5', '亿']
    """
    return [match.group() for match in _RUN.finditer(normalized(text))]


def terms_of(text: str) -> list[str]:
    """Cut a text into terms, in reading order, repeats included.

    Args:
        text: Any text; it is normalised first.

    Returns:
        For a run of Han characters, each character and each pair of neighbours; numbers and words
        of other scripts whole. Punctuation and white space give nothing, so the list may be empty.

    >>> terms_of("退税300万")
    ['退', '退税', '税', '300', '万']
    """
    terms: list[str] = []
    for match in _RUN.finditer(normalized(text)):
        run = match.group()
        if match.lastgroup != "han":
            terms.append(run)
            continue
        for index, character in enumerate(run):
            terms.append(character)
            if index + 1 < len(run):
                terms.append(run[index : index + 2])
    return terms


def telling_terms(text: str) -> frozenset[str]:
    """The terms of a text that tell it from others; see `is_telling`.

    >>> sorted(telling_terms("退税几天到账"))
    ['几天', '到账', '天到', '税几', '退税']
    """
    return frozenset(filter(is_telling, terms_of(text)))


def is_telling(term: str) -> bool:
    """Whether a term has two characters or more and is not function words alone.

    >>> is_telling("退"), is_telling("哪些"), is_telling("怎么"), is_telling("退税")
    (False, True, False, True)
    """
    return len(term) > 1 and not GRAMMAR.issuperset(term)


def normalized_in_place(text: str, kept: str = "") -> tuple[str, Sequence[int]]:
    """Normalise character by character, and tell which one each result came from.

    Args:
        text: Any text.
        kept: Characters that stay as they are.

    >>> normalized_in_place("㎡退稅，", kept="，")
    ('m2退税，', [0, 0, 1, 2, 3])
    """
    parts = [one if one in kept else _fold(one) for one in text]
    folded = "".join(parts)
    if len(folded) == len(text):  # almost always: a few signs (½, ㎡) become several characters
        return folded, range(len(text))
    return folded, [index for index, part in enumerate(parts) for _ in part]


_fold = lru_cache(maxsize=8192)(normalized)  # a collection uses three thousand characters
