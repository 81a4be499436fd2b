"""Files -> index: read, cut, encode, index, publish."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from pathlib import Path

from index.assemble import Progress, assemble
from index.canary import require_answers
from index.manifest import FORMAT, Manifest, SourceRecord
from index.publish import publish
from index.recipe import DEFAULT_RECIPE, Recipe, code_digest, terms_digest
from index.room import require_room
from index.vectors import VectorCache
from index.versions import Version, current_version, damaged_files
from rag.encoder import Encoder
from rag.errors import IndexDamagedError, IndexMismatchError, IndexMissingError, SourceError
from rag.expansions import NO_COMPANIONS, read_companions
from rag.source import read

VECTORS = "vectors.sqlite"
_TEXT_PER_BYTE = 8
"""Bytes of text for which an index takes a byte a dimension, a little below what was measured: 9.3 on the bundled
collection with its questions, 8.3 without them."""


@dataclass(frozen=True, slots=True)
class Report:
    """What a build did.

    Attributes:
        version: The version now in use.
        fresh: Whether it was built now; False where the index was up to date already.
        failures: Files that could not be read and are not in the index.
    """

    version: Version
    fresh: bool
    failures: tuple[SourceError, ...]


def build(
    paths: Iterable[Path],
    index: Path,
    encoder: Encoder,
    *,
    recipe: Recipe = DEFAULT_RECIPE,
    force: bool = False,
    on_progress: Progress = lambda _stage, _done, _total: None,
) -> Report:
    """Build an index from files and folders and make it the current one.

    Args:
        paths: Files and folders; together they are the whole index, not an addition to it.
        index: The index directory.
        encoder: Makes the vectors.
        recipe: The choices.
        force: Build even if sources, encoder and recipe are those of the current version.
        on_progress: Told about the stages that take time.

    Returns:
        A report; ``failures`` names the files that were skipped.

    Raises:
        SourceError: If not one file could be read; its message lists them all.
        CasebookError: If there is no room, another process writes for a minute, or the new version
            does not answer what it must know. The version in use is untouched.
    """
    reading = read(paths)
    if not reading.sources:
        reasons = "\n".join(f"  {failure}" for failure in reading.failures)
        what = "没有可以建立索引的文件"
        raise SourceError(what, f"\n{reasons}" if reasons else "没有给出文件")
    companions = read_companions(reading) if recipe.expansions else NO_COMPANIONS
    failures = reading.failures + companions.failures
    plan = Manifest(
        format=FORMAT,
        code=code_digest(),
        terms=terms_digest(),
        encoder=encoder.identity,
        recipe=recipe,
        floor=0.0,
        cases=0,
        passages=0,
        sentences=0,
        sources=tuple(SourceRecord(s.name, s.sha256, s.encoding) for s in reading.sources),
        expansions=tuple(SourceRecord(n, digest, "utf-8") for n, digest in companions.digests),
        files={},
    )
    if not force and (current := _up_to_date(index, plan)) is not None:
        return Report(current, fresh=False, failures=failures)
    texts = [source.text for source in reading.sources]
    texts += [question for e in companions.expansions for question in e.questions]
    size = sum(len(text.encode()) for text in texts)
    require_room(index, size * encoder.identity.dimension // _TEXT_PER_BYTE)
    index.mkdir(parents=True, exist_ok=True)
    with VectorCache(index / VECTORS) as cache:
        built = assemble(
            reading.sources, companions.expansions, encoder, cache, recipe, on_progress=on_progress
        )
    content = built.content
    manifest = replace(
        plan,
        floor=built.floor,
        cases=len(content.cases),
        passages=len(content.passages),
        sentences=len(content.passages.sentences),
    )
    version = publish(
        index,
        content.to_files(reading.sources),
        manifest,
        prove=lambda version: require_answers(version, encoder),
    )
    return Report(version, fresh=True, failures=failures)


def _up_to_date(index: Path, plan: Manifest) -> Version | None:
    """The current version if it is whole and is what the plan would build."""
    try:
        version = current_version(index)
    except (IndexMissingError, IndexDamagedError, IndexMismatchError):
        return None  # building is exactly what repairs it
    whole = version.manifest.same_build(plan) and not damaged_files(version)
    return version if whole else None
