"""The values that flow through Casebook: Source -> Case -> Passage -> Hit.

All are frozen. Every offset counts Unicode code points of ``Source.text``, the file as read, before
any normalisation; ``span.of(source.text)`` is therefore always the exact text that is cited.
Vectors never ride on these values: an array travels beside a list, row for row.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True, order=True)
class Span:
    """A run of characters: ``start`` inclusive, ``end`` exclusive, in code points.

    Raises:
        ValueError: If the span is negative or ends before it starts.

    >>> Span(2, 4).of("优化营商环境")
    '营商'
    """

    start: int
    end: int

    def __post_init__(self) -> None:
        """Reject spans that cannot be cut from any text."""
        if not 0 <= self.start <= self.end:
            message = f"a span runs from 0 <= start <= end, got {self.start}..{self.end}"
            raise ValueError(message)

    def of(self, text: str) -> str:
        """Cut this span out of ``text``."""
        return text[self.start : self.end]

    def __len__(self) -> int:
        """Count the code points covered."""
        return self.end - self.start


@dataclass(frozen=True, slots=True)
class Source:
    """One file as read.

    Attributes:
        name: Path below the folder that was given, with ``/`` separators; what a citation shows.
        sha256: Hex digest of the bytes on disk.
        encoding: What the bytes were decoded from: ``utf-8``, ``utf-16`` or ``gb18030``.
        text: The decoded text without its byte order mark; line ends are kept as they are.
    """

    name: str
    sha256: str
    encoding: str
    text: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class District:
    """A district that a case belongs to, with the place in the source that says so.

    Attributes:
        name: Official name, such as ``静安区``, even where the source says ``静安``.
        evidence: Where the source names it.
    """

    name: str
    evidence: Span


@dataclass(frozen=True, slots=True)
class Section:
    """A heading and everything under it, up to the next heading of its level or above.

    The root of a case is a section without a heading: ``level`` 0, empty ``title`` and ``heading``.
    ``heading``, ``body`` and the spans of ``children`` tile ``span`` without gap or overlap.

    Attributes:
        title: The heading's own words, without its number or marks.
        level: Depth in the tree, from 1; 0 for the root.
        heading: The heading as it stands in the source. Where a heading runs into its paragraph
            (``一是建立机制。通过……``) it is empty and the words stay in ``body``, because they are
            part of a sentence that can be cited.
        body: The section's own text, before its first child.
        children: Sub-sections in reading order.
    """

    title: str
    level: int
    heading: Span
    body: Span
    children: tuple[Section, ...] = ()

    @property
    def span(self) -> Span:
        """From the heading to the end of the last child."""
        end = self.children[-1].span.end if self.children else self.body.end
        return Span(self.heading.start, end)

    def walk(self, path: tuple[str, ...] = ()) -> Iterator[tuple[tuple[str, ...], Section]]:
        """Yield this section and all below it in reading order, each with its heading path."""
        here = (*path, self.title) if self.title else path
        yield here, self
        for child in self.children:
            yield from child.walk(here)


@dataclass(frozen=True, slots=True)
class Case:
    """One district's case: the unit that a citation names.

    Attributes:
        case_id: Derived from collection and title, so it survives rebuilds and edits of the body.
        source: The file the case stands in.
        span: The whole entry, from its rank line or title to its last character.
        collection: Title of the collection, or the file's stem where the file states none.
        year: Year the collection is about; None if neither collection nor file name says.
        rank: Place within the collection, ties included; None where the collection is not ranked.
        title: All title lines, joined by one space.
        districts: Whose case this is, the main one first; empty if the text does not say.
        body: Root of the section tree; its span runs from the end of the title to ``span.end``.
        duplicate_of: ``case_id`` of the first case with the same text; None for an original.
    """

    case_id: str
    source: Source
    span: Span
    collection: str
    year: int | None
    rank: int | None
    title: str
    districts: tuple[District, ...]
    body: Section
    duplicate_of: str | None = None

    @property
    def text(self) -> str:
        """The entry as it stands in the source."""
        return self.span.of(self.source.text)

    @property
    def district(self) -> str | None:
        """Name of the main district, or None where the text names none."""
        return self.districts[0].name if self.districts else None


@dataclass(frozen=True, slots=True)
class Passage:
    """What is ranked and cited: a run of text inside one section.

    Attributes:
        case_id: The case it belongs to.
        section: Headings above it, outermost first.
        span: Its place in the source.
        text: ``span.of(source.text)``.
        sentences: Spans of its sentences in reading order, non-empty; the retrieval keys.
    """

    case_id: str
    section: tuple[str, ...]
    span: Span
    text: str
    sentences: tuple[Span, ...]

    def __hash__(self) -> int:
        """Hash its place: hardly two passages share one, and hashing the rest takes longer than citing it."""
        return hash((self.case_id, self.span.start, self.span.end))

    @property
    def passage_id(self) -> str:
        """``case_id:start-end``: legible in logs and judgments, independent of list positions."""
        return f"{self.case_id}:{self.span.start}-{self.span.end}"


@dataclass(frozen=True, slots=True)
class Hit:
    """A passage as retrieved.

    Attributes:
        passage: The passage.
        score: Fused score in [0, 1], with one meaning across questions; higher is better.
        dense: Similarity in [0, 1] of the question to the passage's best sentence.
        lexical: Share in [0, 1] of the question's term weight that the passage matches.
        expansion: Similarity in [0, 1] of the question to the nearest one that the passage is known
            to answer; 0 where none is known.
        late: Similarity in [0, 1] of the question's tokens to the passage's, for the first few; 0
            for the others and where the encoder gives no tokens.
        near: Similarity in [0, 1] of the question to each sentence of the passage, in its order.
    """

    passage: Passage
    score: float
    dense: float
    lexical: float
    expansion: float
    late: float
    near: tuple[float, ...]

    @property
    def sentence(self) -> Span:
        """The passage's best sentence for this question, the first of equals."""
        return self.passage.sentences[self.near.index(max(self.near))]
