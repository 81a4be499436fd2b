"""The passages of an index: a table of numbers, of which single passages are read when asked for.

A million passages as objects take gigabytes and half a minute to make; a question shows five.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import overload

import numpy as np
from numpy.typing import NDArray

from rag.ranking import Rows
from rag.types import Case, Passage, Span


@dataclass(frozen=True, slots=True, eq=False)
class Passages(Sequence[Passage]):
    """All passages in row order.

    Attributes:
        cases: Theirs.
        sections: The heading paths that occur, each once.
        owners: Of each passage the row of its case.
        headings: Of each passage the row of its heading path.
        spans: Of each passage start and end.
        starts: Where each passage's sentences start, and one more entry for the end.
        sentences: Of each sentence start and end, passage by passage.
        id_order: Of each passage the place of its id among all ids.
    """

    cases: Sequence[Case]
    sections: Sequence[tuple[str, ...]]
    owners: NDArray[np.int32]
    headings: NDArray[np.int32]
    spans: Rows
    starts: Rows
    sentences: Rows
    id_order: NDArray[np.int32]

    @classmethod
    def of(cls, cases: Sequence[Case], passages: Sequence[Passage]) -> Passages:
        """Lay passages of some cases out as a table."""
        row_of = {case.case_id: row for row, case in enumerate(cases)}
        sections = list(dict.fromkeys(passage.section for passage in passages))
        heading_of = {section: row for row, section in enumerate(sections)}
        counts = [len(passage.sentences) for passage in passages]
        ids = [passage.passage_id for passage in passages]
        id_order = np.empty(len(ids), dtype=np.int32)
        id_order[sorted(range(len(ids)), key=ids.__getitem__)] = np.arange(len(ids))
        return cls(
            cases,
            sections,
            np.array([row_of[passage.case_id] for passage in passages], dtype=np.int32),
            np.array([heading_of[passage.section] for passage in passages], dtype=np.int32),
            _table(passage.span for passage in passages),
            np.concatenate([[0], np.cumsum(counts, dtype=np.int64)]).astype(np.int64),
            _table(sentence for passage in passages for sentence in passage.sentences),
            id_order,
        )

    def __len__(self) -> int:
        """Count the passages."""
        return len(self.spans)

    @overload
    def __getitem__(self, row: int) -> Passage: ...

    @overload
    def __getitem__(self, row: slice) -> tuple[Passage, ...]: ...

    def __getitem__(self, row: int | slice) -> Passage | tuple[Passage, ...]:
        """Read one passage, or several."""
        if isinstance(row, slice):
            return tuple(self._read(one) for one in range(len(self))[row])
        return self._read(range(len(self))[row])

    def __iter__(self) -> Iterator[Passage]:
        """Read passage by passage."""
        return map(self._read, range(len(self)))

    def __eq__(self, other: object) -> bool:
        """Whether both hold equal passages in the same order."""
        return isinstance(other, Passages) and tuple(self) == tuple(other)

    __hash__ = None  # type: ignore[assignment]  # equal by content that is too much to hash

    @property
    def counts(self) -> Rows:
        """Sentences of each passage."""
        return np.diff(self.starts)

    def _read(self, row: int) -> Passage:
        case = self.cases[self.owners[row]]
        span = Span(*self.spans[row].tolist())
        sentences = self.sentences[self.starts[row] : self.starts[row + 1]].tolist()
        return Passage(
            case_id=case.case_id,
            section=self.sections[self.headings[row]],
            span=span,
            text=span.of(case.source.text),
            sentences=tuple(Span(*pair) for pair in sentences),
        )


def _table(spans: Iterator[Span]) -> Rows:
    return np.array([(span.start, span.end) for span in spans], dtype=np.int64).reshape(-1, 2)
