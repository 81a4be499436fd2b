"""The lexicon: what people say -> what officials write.

A table of two columns, ``开公司<TAB>企业设立登记|营业执照``. A question is searched for its keys, and
the official terms are looked up beside the user's own words, with less weight. Lines that begin with
``#`` are remarks.
"""

from __future__ import annotations

import codecs
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from rag.errors import CasebookError
from rag.tokens import normalized, terms_of

_SHORTEST = 2
"""Characters of a key: a single one stands inside too many other words."""


class LexiconError(CasebookError):
    """A lexicon cannot be used; the message names file and line."""


@dataclass(frozen=True, slots=True)
class Lexicon:
    """Official terms by everyday key.

    Attributes:
        entries: Key of two characters or more, as `rag.tokens.normalized` gives it -> official
            terms, as written.
    """

    entries: Mapping[str, tuple[str, ...]]

    def official(self, question: str) -> tuple[str, ...]:
        """Look up what a question says in everyday words.

        Keys are matched from left to right, the longest first, and do not overlap.

        Returns:
            Official terms in the order of their keys, each once; often none.

        >>> Lexicon({"开公司": ("企业设立登记",), "公司": ("企业",)}).official("怎么开公司")
        ('企业设立登记',)
        """
        text = normalized(question)
        longest = max(map(len, self.entries), default=0)
        found: dict[str, None] = {}
        at = 0
        while at < len(text):
            for length in range(min(longest, len(text) - at), _SHORTEST - 1, -1):
                if terms := self.entries.get(text[at : at + length]):
                    found.update(dict.fromkeys(terms))
                    at += length
                    break
            else:
                at += 1
        return tuple(found)


NO_LEXICON = Lexicon({})


def read_lexicon(file: Path) -> Lexicon:
    """Read a lexicon; a key that occurs on several lines has the terms of all.

    Args:
        file: UTF-8, with or without a byte order mark; blank lines are skipped.

    Raises:
        LexiconError: If the file is missing or not UTF-8, a line does not have two columns, or a
            key is too short.
    """
    try:
        data = file.read_bytes().removeprefix(codecs.BOM_UTF8)
        lines = data.decode("utf-8").split("\n")
    except OSError as error:
        message = f"{file}：读不了（{error.strerror}）；应为口语词表，请检查路径"
        raise LexiconError(message) from error
    except UnicodeDecodeError as error:
        number = data.count(b"\n", 0, error.start) + 1
        message = f"{file}：第 {number} 行：不是 UTF-8；请另存为 UTF-8"
        raise LexiconError(message) from error
    entries: dict[str, dict[str, None]] = {}
    for number, line in enumerate(lines, start=1):
        if not line.strip() or line.startswith("#"):
            continue
        said, _, official = line.strip().partition("\t")
        key = normalized(said.strip())
        terms = [term.strip() for term in official.split("|") if term.strip()]
        if len(key) < _SHORTEST or not terms or "\t" in official:
            message = (
                f"{file}：第 {number} 行：应为“日常说法<制表符>规范用语|规范用语”，"
                f"日常说法不少于 {_SHORTEST} 个字；现在是 {line.strip()!r}"
            )
            raise LexiconError(message)
        entries.setdefault(key, {}).update(dict.fromkeys(terms))
    return Lexicon({key: tuple(terms) for key, terms in entries.items()})


def weighted_terms(question: str, lexicon: Lexicon, weight: float) -> dict[str, float]:
    """Cut a question into terms, with the official ones beside its own.

    Args:
        question: As typed.
        lexicon: May be empty.
        weight: Of a term that only the lexicon brings, in [0, 1).

    Returns:
        Weight by term; 1 for the question's own, each once.

    Raises:
        ValueError: If the weight is out of range: at 1 they would count as the question's own.

    >>> weighted_terms("退税", Lexicon({"退税": ("退还",)}), 0.5)
    {'退': 1.0, '退税': 1.0, '税': 1.0, '退还': 0.5, '还': 0.5}
    """
    if not 0 <= weight < 1:
        message = f"what only the lexicon brings weighs from 0 to below 1, got {weight}"
        raise ValueError(message)
    weights = dict.fromkeys(terms_of(question), 1.0)
    for official in lexicon.official(question):
        for term in terms_of(official):
            weights.setdefault(term, weight)
    return weights
