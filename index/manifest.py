"""What an index is made of and from: enough to tell whether it may be used, or built again."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

from index.postings import Bm25
from index.recipe import Recipe
from rag.chunk import Cut
from rag.encoder import EncoderIdentity
from rag.errors import IndexMismatchError

FORMAT = 5
"""Bump when a file of the index changes its name, its layout or its meaning."""


@dataclass(frozen=True, slots=True)
class FileRecord:
    """One file of the index: its size in bytes and its digest."""

    size: int
    sha256: str


@dataclass(frozen=True, slots=True)
class SourceRecord:
    """One source file, in the order of the build: its name, digest of its bytes, encoding."""

    name: str
    sha256: str
    encoding: str


@dataclass(frozen=True, slots=True)
class Manifest:
    """The manifest of one version.

    Attributes:
        format: `FORMAT` at the time of writing.
        code: Digest of the code that decides what an index holds; see `index.recipe`.
        terms: Digest of how that code cuts a text into terms.
        encoder: The encoder whose vectors it holds.
        recipe: How it was made from them.
        floor: Mean cosine that unrelated questions reach in it; see `rag.noise`.
        cases: Number of cases, duplicates included.
        passages: Number of passages.
        sentences: Number of sentence vectors.
        sources: The files it was built from.
        expansions: The files of question expansions that it was built with.
        files: Every file beside the manifest, by path below the version's folder.
    """

    format: int
    code: str
    terms: str
    encoder: EncoderIdentity
    recipe: Recipe
    floor: float
    cases: int
    passages: int
    sentences: int
    sources: tuple[SourceRecord, ...]
    expansions: tuple[SourceRecord, ...]
    files: Mapping[str, FileRecord]

    def to_json(self) -> bytes:
        """Write the manifest; equal manifests give equal bytes."""
        text = json.dumps(asdict(self), ensure_ascii=False, indent=1, sort_keys=True)
        return f"{text}\n".encode()

    @classmethod
    def from_json(cls, data: bytes) -> Manifest:
        """Read a manifest whose digest has been verified.

        Raises:
            IndexMismatchError: If it was written in another format.
        """
        record = json.loads(data)
        if record["format"] != FORMAT:
            message = (
                f"索引的格式是 {record['format']}，本版本使用 {FORMAT}；"
                "请重新建立索引：casebook build <文件或文件夹>"
            )
            raise IndexMismatchError(message)
        return cls(
            format=record["format"],
            code=record["code"],
            terms=record["terms"],
            encoder=EncoderIdentity(**record["encoder"]),
            recipe=_recipe_of(record["recipe"]),
            floor=record["floor"],
            cases=record["cases"],
            passages=record["passages"],
            sentences=record["sentences"],
            sources=tuple(SourceRecord(**source) for source in record["sources"]),
            expansions=tuple(SourceRecord(**file) for file in record["expansions"]),
            files={name: FileRecord(**file) for name, file in record["files"].items()},
        )

    def same_build(self, other: Manifest) -> bool:
        """Whether both describe the same sources, expansions, code, encoder and recipe."""
        return all(
            getattr(self, name) == getattr(other, name)
            for name in ("format", "code", "terms", "encoder", "recipe", "sources", "expansions")
        )


def _recipe_of(record: Mapping[str, Any]) -> Recipe:
    return Recipe(
        cut=Cut(**record["cut"]),
        keys=record["keys"],
        bm25=Bm25(**record["bm25"]),
        expansions=record["expansions"],
        late=record["late"],
        exact_up_to=record["exact_up_to"],
    )


def digest_of(data: bytes) -> str:
    """Digest of a file's bytes; that of the manifest ends the version's name."""
    return hashlib.sha256(data).hexdigest()
