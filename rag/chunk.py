"""`Case` -> `Passage`: what is ranked and cited.

A passage lies inside one section and never crosses a heading. It is cut at the weakest joint that
fits: paragraph, line, sentence, clause, character. Title and headings are not part of its text;
they travel beside it (`context_of`) into whatever represents it in the index.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from rag.sentences import sentences_of, trimmed
from rag.types import Case, Passage, Span

_SEPARATORS = [
    r"\n\s*\n",
    r"\r?\n",
    r"[。！？!?…]+[”’」』）)】》]*",
    r"[；;]",
    r"[，,、：:]",
    r"\s",
    "",
]

CountTokens = Callable[[str], int]
"""Tokens that the encoder sees for a text, its special tokens included."""


@dataclass(frozen=True, slots=True)
class Cut:
    """How passages are cut; part of an index's identity.

    Attributes:
        max_tokens: Tokens of a passage's text at most, counted by the encoder.
    """

    max_tokens: int


DEFAULT_CUT = Cut(max_tokens=360)
"""About 275 Chinese characters: see docs/decisions/0001-passage-unit.md for other sizes."""


def passages_of(case: Case, count_tokens: CountTokens, cut: Cut = DEFAULT_CUT) -> list[Passage]:
    """Cut a case into passages.

    Args:
        case: The case.
        count_tokens: The encoder's own count.
        cut: Passage size.

    Returns:
        Passages in reading order. They do not overlap and together hold every character of the
        sections' text that is not white space; none has more than ``cut.max_tokens`` tokens.
        A case without text below its title gives its title lines as passages.

    Raises:
        ValueError: If a single character has more tokens than that.
    """
    text = case.source.text
    passages = [
        _passage(case, path, span)
        for path, section in case.body.walk()
        for span in _cut(text, trimmed(text, section.body), count_tokens, cut)
    ]
    if passages:
        return passages
    return [_passage(case, (), span) for span in _cut(text, case.span, count_tokens, cut)]


def context_of(case: Case, section: tuple[str, ...]) -> str:
    """What a passage leaves unsaid: whose case it is, its title and headings, outermost first."""
    names = "、".join(district.name for district in case.districts)
    return " ".join(part for part in (names, case.title, *section) if part)


def _passage(case: Case, path: tuple[str, ...], span: Span) -> Passage:
    text = case.source.text
    return Passage(case.case_id, path, span, span.of(text), sentences_of(text, span))


def _cut(text: str, body: Span, count: CountTokens, cut: Cut) -> list[Span]:
    """Cut one run of text; blank pieces are left out."""
    if not body:
        return []
    # A quarter of a second to import, and serving, which knows `Cut`, never cuts.
    from langchain_text_splitters import RecursiveCharacterTextSplitter  # noqa: PLC0415

    splitter = RecursiveCharacterTextSplitter(
        separators=_SEPARATORS,
        is_separator_regex=True,
        keep_separator="end",
        strip_whitespace=False,
        # Special tokens are in every count, but in a passage only once, however many pieces it has.
        chunk_size=max(1, cut.max_tokens - count("")),
        chunk_overlap=0,
        length_function=lambda text: count(text) - count(""),
    )
    # The pieces' concatenation is the text, so spans are a running sum; asking the splitter for
    # start indices instead would search for each piece and find repeats in the wrong place.
    spans: list[Span] = []
    position = body.start
    for piece in splitter.split_text(body.of(text)):
        spans.extend(_fitting(text, Span(position, position + len(piece)), count, cut))
        position += len(piece)
    return spans


def _fitting(text: str, piece: Span, count: CountTokens, cut: Cut) -> list[Span]:
    """Halve a piece until it fits: joined parts may have more tokens than their sum."""
    span = trimmed(text, piece)
    if not span:
        return []
    if count(span.of(text)) <= cut.max_tokens:
        return [span]
    if len(span) == 1:
        message = f"one character ({span.of(text)!r}) has more than {cut.max_tokens} tokens"
        raise ValueError(message)
    middle = (span.start + span.end) // 2
    return [
        *_fitting(text, Span(span.start, middle), count, cut),
        *_fitting(text, Span(middle, span.end), count, cut),
    ]
