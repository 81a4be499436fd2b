"""Everything a version of an index holds, in memory and as files."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from index.arrays import Data
from index.dense import DenseRanker
from index.late import LateRanker
from index.lexical import LexicalRanker
from index.manifest import Manifest
from index.records import (
    cases_from_lines,
    cases_to_lines,
    passages_from_files,
    passages_to_files,
)
from rag.passages import Passages
from rag.ranking import Expansions, Legs, Rankers
from rag.suggestions import KnownQuestion
from rag.types import Case, Source

_CASES, _PASSAGES, _DENSE, _LEXICAL = (
    "cases.jsonl",
    "passages/",
    "dense.faiss",
    "lexical/",
)
_LATE = "late/"
_QUESTIONS = "questions/"


@dataclass(frozen=True, slots=True)
class QuestionIndex:
    """Questions that passages are known to answer, and both rankers over them.

    Attributes:
        questions: Row for row; empty where none is known, not so everywhere.
        dense: By vector.
        lexical: By term.
    """

    questions: tuple[tuple[str, ...], ...]
    dense: DenseRanker
    lexical: LexicalRanker

    def expansions(self) -> Expansions:
        """Hand both rankers to a retriever."""
        present = np.array([bool(of) for of in self.questions])
        return Expansions(Legs(self.dense, self.lexical), present)

    def to_files(self) -> dict[str, bytes]:
        """Write everything out, by path below the questions' folder."""
        return {
            "questions.json": json.dumps(self.questions, ensure_ascii=False).encode(),
            _DENSE: self.dense.to_bytes(),
            **_below(_LEXICAL, self.lexical.to_files()),
        }

    @classmethod
    def from_files(cls, files: Mapping[str, Data], floor: float) -> QuestionIndex:
        """Read what `to_files` wrote; the caller has verified the files' digests."""
        questions = tuple(tuple(of) for of in json.loads(bytes(files["questions.json"])))
        dense = DenseRanker.from_bytes(files[_DENSE], [len(of) for of in questions], floor)
        return cls(
            questions, dense, LexicalRanker.from_files(_under(_LEXICAL, files), len(questions))
        )


def case_files(manifest: Manifest) -> tuple[str, ...]:
    """Name the files that cases are read from."""
    return (*map(_source_file, range(len(manifest.sources))), _CASES)


def cases_from_files(files: Mapping[str, Data], manifest: Manifest) -> tuple[Case, ...]:
    """Read the cases alone; the caller has verified the digests of `case_files`."""
    sources = {
        record.name: Source(
            record.name, record.sha256, record.encoding, str(files[_source_file(row)], "utf-8")
        )
        for row, record in enumerate(manifest.sources)
    }
    return cases_from_lines(files[_CASES], sources)


@dataclass(frozen=True, slots=True)
class Content:
    """Cases, their passages in row order, and the rankers over those rows.

    Attributes:
        cases: All cases.
        passages: Theirs.
        dense: By vector.
        lexical: By term.
        known: Rankers over what passages are known to answer; None if that is known of none.
        late: By token; None if the encoder gives none or the recipe wants none.
    """

    cases: tuple[Case, ...]
    passages: Passages
    dense: DenseRanker
    lexical: LexicalRanker
    known: QuestionIndex | None
    late: LateRanker | None

    @property
    def rankers(self) -> Rankers:
        """What a retriever ranks with."""
        known = self.known.expansions() if self.known else None
        return Rankers(Legs(self.dense, self.lexical), known, self.late, self._frequency)

    @property
    def questions(self) -> tuple[KnownQuestion, ...]:
        """What the cases are known to answer, in the order of the passages that do."""
        if self.known is None:
            return ()
        return tuple(
            KnownQuestion(question, passage.case_id)
            for passage, questions in zip(self.passages, self.known.questions, strict=True)
            for question in questions
        )

    def _frequency(self, term: str) -> int:
        asked = self.known.lexical.frequency(term) if self.known else 0
        return self.lexical.frequency(term) + asked

    def to_files(self, sources: Sequence[Source]) -> dict[str, bytes]:
        """Write everything out, by path below the version's folder.

        Args:
            sources: In the order of the manifest.
        """
        return {
            **{_source_file(row): source.text.encode() for row, source in enumerate(sources)},
            _CASES: cases_to_lines(self.cases),
            **_below(_PASSAGES, passages_to_files(self.passages)),
            _DENSE: self.dense.to_bytes(),
            **_below(_LEXICAL, self.lexical.to_files()),
            **(_below(_QUESTIONS, self.known.to_files()) if self.known else {}),
            **(_below(_LATE, self.late.to_files()) if self.late else {}),
        }

    @classmethod
    def from_files(cls, files: Mapping[str, Data], manifest: Manifest) -> Content:
        """Read what `to_files` wrote; the caller has verified the files' digests."""
        cases = cases_from_files(files, manifest)
        passages = passages_from_files(_under(_PASSAGES, files), cases)
        by_sentence = manifest.recipe.keys == "sentence"
        counts = passages.counts if by_sentence else np.ones(len(passages), dtype=np.int64)
        questions, late = _under(_QUESTIONS, files), _under(_LATE, files)
        return cls(
            cases,
            passages,
            DenseRanker.from_bytes(files[_DENSE], counts, manifest.floor),
            LexicalRanker.from_files(_under(_LEXICAL, files), len(passages)),
            QuestionIndex.from_files(questions, manifest.floor) if questions else None,
            LateRanker.from_files(late) if late else None,
        )


def _below(folder: str, files: Mapping[str, bytes]) -> dict[str, bytes]:
    return {f"{folder}{name}": data for name, data in files.items()}


def _under(folder: str, files: Mapping[str, Data]) -> dict[str, Data]:
    return {
        name.removeprefix(folder): data for name, data in files.items() if name.startswith(folder)
    }


def _source_file(row: int) -> str:
    # Without a suffix: an index inside a folder of cases must not be read as more cases.
    return f"sources/{row:05d}"
