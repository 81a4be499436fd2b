"""Everything a version of an index holds, in memory and as files."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from index.dense import DenseRanker
from index.lexical import LexicalRanker
from index.manifest import Manifest
from index.records import (
    cases_from_lines,
    cases_to_lines,
    passages_from_lines,
    passages_to_lines,
)
from rag.types import Case, Passage, Source

_CASES, _PASSAGES, _DENSE, _LEXICAL = (
    "cases.jsonl",
    "passages.jsonl",
    "dense.faiss",
    "lexical/",
)


@dataclass(frozen=True, slots=True)
class Content:
    """Cases, their passages in row order, and both rankers over those rows."""

    cases: tuple[Case, ...]
    passages: tuple[Passage, ...]
    dense: DenseRanker
    lexical: LexicalRanker

    def to_files(self, sources: Sequence[Source]) -> dict[str, bytes]:
        """Write everything out, by path below the version's folder.

        Args:
            sources: In the order of the manifest.
        """
        return {
            **{_source_file(row): source.text.encode() for row, source in enumerate(sources)},
            _CASES: cases_to_lines(self.cases),
            _PASSAGES: passages_to_lines(self.passages),
            _DENSE: self.dense.to_bytes(),
            **{f"{_LEXICAL}{name}": data for name, data in self.lexical.to_files().items()},
        }

    @classmethod
    def from_files(cls, files: Mapping[str, bytes], manifest: Manifest) -> Content:
        """Read what `to_files` wrote; the caller has verified the files' digests."""
        sources = {
            record.name: Source(
                record.name, record.sha256, record.encoding, files[_source_file(row)].decode()
            )
            for row, record in enumerate(manifest.sources)
        }
        cases = cases_from_lines(files[_CASES], sources)
        passages = passages_from_lines(files[_PASSAGES], cases)
        counts = [len(passage.sentences) for passage in passages]
        postings = {
            name.removeprefix(_LEXICAL): data
            for name, data in files.items()
            if name.startswith(_LEXICAL)
        }
        return cls(
            cases,
            passages,
            DenseRanker.from_bytes(files[_DENSE], counts, manifest.floor),
            LexicalRanker.from_files(postings, len(passages)),
        )


def _source_file(row: int) -> str:
    # Without a suffix: an index inside a folder of cases must not be read as more cases.
    return f"sources/{row:05d}"
