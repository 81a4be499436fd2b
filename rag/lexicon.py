"""The lexicon: what people say -> what officials write.

A table of two columns, ``开公司<TAB>企业设立登记|营业执照``. A question is searched for its keys, and
the official terms are looked up beside the user's own words, with less weight. A key whose second
column is ``=`` stands for itself: ``符合<TAB>=`` keeps ``合规`` from being found in 符合规定. Lines
that begin with ``#`` are remarks.
"""

from __future__ import annotations

import codecs
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

from rag.divisions import gazetteer, stem_of
from rag.errors import CasebookError
from rag.tokens import normalized, terms_of

_SHORTEST = 2
"""Characters of a key: a single one stands inside too many other words."""
_TELLING = 3
"""Characters from which on an official term counts as a word of its own (see `Lexicon`)."""
_ITSELF = "="
_SPACED = 0x2E80
"""Scripts below this code point set words apart by spaces; CJK begins here."""


class LexiconError(CasebookError):
    """A lexicon cannot be used; the message names file and line."""


class Wording(Protocol):
    """What knows official terms for a question: a lexicon, or a file that is read anew."""

    def official(self, question: str) -> tuple[str, ...]:
        """Look up what a question says in everyday words; see `Lexicon.official`."""
        ...

    def districts(self, question: str) -> tuple[str, ...]:
        """Look up the districts that a question means; see `Lexicon.districts`."""
        ...


@dataclass(frozen=True, slots=True)
class Found:
    """A key in a question.

    Attributes:
        key: As `rag.tokens.normalized` gives it.
        terms: The official terms that it brings; may be none.
    """

    key: str
    terms: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Lexicon:
    """Official terms by everyday key.

    Attributes:
        entries: Key of two characters or more, as `rag.tokens.normalized` gives it -> official
            terms, as written; none for a key that stands for itself.
    """

    entries: Mapping[str, tuple[str, ...]]
    _brought: Mapping[str, tuple[str, ...]] = field(init=False, repr=False, compare=False)
    _official: frozenset[str] = field(init=False, repr=False, compare=False)
    _longest: int = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        """Prepare what every question asks for."""
        brought = {key: _translations(key, terms) for key, terms in self.entries.items()}
        official = frozenset(normalized(term) for terms in self.entries.values() for term in terms)
        words = frozenset(word for word in official if len(word) >= _TELLING)
        object.__setattr__(self, "_brought", brought)
        object.__setattr__(self, "_official", words)
        object.__setattr__(self, "_longest", max(map(len, {*brought, *words}), default=0))

    def found(self, question: str) -> Iterator[Found]:
        """Find the keys in a question, in its order.

        Keys are matched from left to right, the longest first, and do not overlap. None is found
        that begins inside an official term of three characters or more (the 差评 of 好差评), or that
        begins or ends inside a number or a word of a script with spaces (the ai of taiwan). A key
        that stands for itself is not reported.

        A key brings the terms that do not contain it: they would only narrow what the question says
        already (贷款 to 普惠小微贷款).

        >>> bridge = Lexicon({"虹桥": ("闵行区",), "霁虹桥": (), "ai": ("人工智能",)})
        >>> [found.key for found in bridge.found("从霁虹桥到虹桥，AI 与 Taiwan")]
        ['虹桥', 'ai']
        """
        if not self.entries:
            return
        text = normalized(question)
        at = 0
        while at < len(text):
            beyond = at + 1
            for end in range(min(at + self._longest, len(text)), at + _SHORTEST - 1, -1):
                word = text[at:end]
                if word in self._official:
                    beyond = max(beyond, end)
                if word in self.entries and not _splits(text, at) and not _splits(text, end):
                    if self.entries[word]:
                        yield Found(word, self._brought[word])
                    beyond = max(beyond, end)
                    break
            at = beyond

    def official(self, question: str) -> tuple[str, ...]:
        """Look up what a question says in everyday words.

        Returns:
            Official terms in the order of their keys (see `found`), each once; often none.

        >>> Lexicon({"开公司": ("企业设立登记",), "公司": ("企业",)}).official("怎么开公司")
        ('企业设立登记',)
        """
        return tuple(dict.fromkeys(term for one in self.found(question) for term in one.terms))

    def districts(self, question: str) -> tuple[str, ...]:
        """Look up the districts that a question means without their names (陆家嘴, 五角场).

        Returns:
            Those of its official terms that are names of districts or counties (`rag.divisions`);
            none whose name, 区 or 县 left off, stands in the question already (静安寺).
        """
        return tuple(
            term
            for term in self.official(question)
            if stem_of(term) not in question
            and any(division.city for division in gazetteer().by_name.get(term, ()))
        )


NO_LEXICON = Lexicon({})


def located(question: str, lexicon: Wording) -> str:
    """Put the districts that a question means in front of it, as the keys of an index have them.

    It then ranks like a question that names them: soft evidence, and nothing is filtered out.

    >>> located("陆家嘴的企业", Lexicon({"陆家嘴": ("浦东新区", "金融城")}))
    '浦东新区 陆家嘴的企业'
    """
    districts = "、".join(lexicon.districts(question))
    return f"{districts} {question}" if districts else question


@dataclass(frozen=True, slots=True)
class Reading:
    """What a lexicon's file holds.

    Attributes:
        lexicon: Of the lines that could be used.
        faults: What is wrong with the others, each with file and line, in the order of the lines.
    """

    lexicon: Lexicon
    faults: tuple[str, ...]


def parse_lexicon(data: bytes, where: str) -> Reading:
    """Read the bytes of a lexicon; a key that occurs on several lines has the terms of all.

    Args:
        data: UTF-8, with or without a byte order mark; blank lines and remarks are skipped.
        where: What messages call the file.

    >>> parse_lexicon("退税".encode(), "词.tsv").faults[0].partition("；")[0]
    '词.tsv：第 1 行：应为“日常说法<制表符>规范用语|规范用语”，日常说法不少于 2 个字'
    """
    entries: dict[str, dict[str, None]] = {}
    faults: list[str] = []
    for number, line in enumerate(data.removeprefix(codecs.BOM_UTF8).split(b"\n"), start=1):
        try:
            _enter(line.decode("utf-8").strip(), entries)
        except UnicodeDecodeError:
            faults.append(f"{where}：第 {number} 行：不是 UTF-8；请另存为 UTF-8")
        except ValueError as error:
            faults.append(f"{where}：第 {number} 行：{error}")
    lexicon = Lexicon({key: tuple(terms) for key, terms in entries.items()})
    return Reading(lexicon, tuple(faults))


def read_lexicon(file: Path) -> Lexicon:
    """Read a lexicon that must be sound; see `parse_lexicon`.

    Raises:
        LexiconError: If the file is missing or not UTF-8, a line does not have two columns, or a
            key is too short; names the first line of these, and how many more there are.
    """
    reading = parse_lexicon(bytes_of(file), str(file))
    if reading.faults:
        more = len(reading.faults) - 1
        raise LexiconError(reading.faults[0] + (f"（另有 {more} 行有误）" if more else ""))
    return reading.lexicon


def bytes_of(file: Path) -> bytes:
    """Read a lexicon's file.

    Raises:
        LexiconError: If it cannot be read; its cause says why.
    """
    try:
        return file.read_bytes()
    except OSError as error:
        message = f"{file}：读不了（{error.strerror}）；应为口语词表，请检查路径"
        raise LexiconError(message) from error


def _enter(line: str, entries: dict[str, dict[str, None]]) -> None:
    """Add a line to the entries.

    Raises:
        ValueError: If it cannot be used; says what was expected, in Chinese.
    """
    if not line or line.startswith("#"):
        return
    said, _, official = line.partition("\t")
    key = normalized(said.strip())
    itself = official.strip() == _ITSELF
    terms = [] if itself else [term.strip() for term in official.split("|") if term.strip()]
    sound = itself or (terms and "\t" not in official and all(map(terms_of, terms)))
    if len(key) < _SHORTEST or not sound:
        message = (
            f"应为“日常说法<制表符>规范用语|规范用语”，日常说法不少于 {_SHORTEST} 个字；"
            f"现在是 {line!r}"
        )
        raise ValueError(message)
    if key in entries and bool(entries[key]) != bool(terms):
        message = f"“{key}”在一行是原样词（{_ITSELF}），在另一行有规范用语；请只留一种"
        raise ValueError(message)
    entries.setdefault(key, {}).update(dict.fromkeys(terms))


def weighted_terms(question: str, lexicon: Wording, weight: float) -> dict[str, float]:
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


def _splits(text: str, at: int) -> bool:
    """Whether a place in normalised text is inside a number or a word of a spaced script."""
    before, after = text[at - 1 : at], text[at : at + 1]
    return (
        before.isalnum()
        and after.isalnum()
        and max(before, after) < chr(_SPACED)
        and before.isdigit() == after.isdigit()
    )


def _translations(key: str, terms: tuple[str, ...]) -> tuple[str, ...]:
    return tuple(term for term in terms if key not in normalized(term))
