"""The index directory: versions that never change, and one pointer to the current one.

    CURRENT                      one line: the name of the version in use
    calibration.json             optional: the operator's own thresholds (`rag.confidence`)
    lexicon.tsv                  optional: the operator's own lexicon (`rag.lexicon_file`)
    LOCK, LOCK.holder            held while a version is published (`index.lock`)
    versions/v000003-1f0a9c2d7b/ manifest.json and the files of `index.content`
    vectors.sqlite               vectors kept between builds (`index.vectors`)

Opening verifies (`index.versions`) and never writes. Where the current version is damaged, the
newest sound one is opened in its place, and that is said.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TypeAlias, TypeVar

from index.content import Content, case_files, cases_from_files
from index.manifest import Manifest
from index.recipe import terms_digest
from index.versions import (
    CURRENT,
    REBUILD,
    VERSIONS,
    Version,
    current_version,
    published,
    read_version,
    verified,
)
from rag.assistant import Assistant
from rag.confidence import read_calibration
from rag.encoder import Encoder, EncoderIdentity
from rag.encoders import load_encoder
from rag.errors import CasebookError, IndexDamagedError, IndexMismatchError
from rag.lexicon_file import LEXICON, LexiconFile
from rag.retrieve import HybridRetriever
from rag.tuning import DEFAULT_TUNING, Tuning
from rag.types import Case

_LOG = logging.getLogger("casebook.index")
Load: TypeAlias = Callable[[Manifest, Path], Encoder]
"""Loads the encoder of an index from where prepared models are, as `encoder_of` does."""

_Opened = TypeVar("_Opened")


@dataclass(frozen=True, slots=True)
class OpenIndex:
    """A version, an assistant that answers from it, and the encoder that both were made with.

    Attributes:
        version: What is answered from.
        assistant: Answers from it.
        encoder: Its encoder.
        degraded: What is wrong with the current version, where this is another one.
    """

    version: Version
    assistant: Assistant
    encoder: Encoder
    degraded: str | None = None


def encoder_of(manifest: Manifest, models: Path, *, shared: bool = False) -> Encoder:
    """Load the encoder that an index names, with the prompts it was built with.

    Args:
        manifest: Of the index.
        models: Where prepared models are.
        shared: See `load_encoder`.

    Raises:
        ModelError: If it is not prepared, or its files have changed.
    """
    built = manifest.encoder
    return load_encoder(
        built.name,
        models,
        query_prompt=built.query_prompt,
        passage_prompt=built.passage_prompt,
        shared=shared,
    )


def open_index(index: Path, models: Path, *, load: Load = encoder_of) -> OpenIndex:
    """Open the current version, or the newest sound one where it is damaged, with its encoder.

    Args:
        index: The index directory.
        models: Where prepared models are.
        load: Loads its encoder.

    Raises:
        IndexMissingError: If nothing has been built there.
        IndexDamagedError: If the current version is damaged, and there is no other to fall back to.
        IndexMismatchError: If encoder, terms or format are not those it was built with. That is no
            damage: an older version would answer from other cases than those last built.
        ModelError: If its encoder is not prepared.
        CalibrationError: If the directory has a calibration that cannot be used.
        LexiconError: If it has a lexicon that cannot be used. Once open, the index follows that
            file, and a fault leaves the last sound one in use.
    """
    opened, degraded = _sound(index, lambda version: _open(version, index, models, load))
    return replace(opened, degraded=degraded)


def open_current(
    index: Path, models: Path, encoder: Encoder, *, load: Load = encoder_of
) -> OpenIndex:
    """Open the current version and no other, for a service that has one open already.

    Args:
        index: The index directory.
        models: Where prepared models are.
        encoder: The one in use; it goes on being used if the version was built with it.
        load: Loads its encoder.

    Raises:
        CasebookError: See `open_index`.
    """
    return _open(current_version(index), index, models, load, encoder)


def open_version(version: Version, encoder: Encoder, tuning: Tuning = DEFAULT_TUNING) -> Assistant:
    """Verify every file of a version and put an assistant on it.

    Raises:
        IndexDamagedError: If a file is missing or is not what the manifest says.
        IndexMismatchError: If the encoder is another, or questions are now cut differently.
    """
    require_encoder(version.manifest, encoder.identity)
    require_terms(version.manifest)
    return assistant_on(read_content(version), version, encoder, tuning)


def assistant_on(
    content: Content, version: Version, encoder: Encoder, tuning: Tuning = DEFAULT_TUNING
) -> Assistant:
    """Put an assistant on what has been read of a version."""
    retriever = HybridRetriever(content.cases, content.passages, encoder, content.rankers, tuning)
    return Assistant(content.cases, retriever, version.name, content.questions)


def require_terms(manifest: Manifest) -> None:
    """Refuse an index whose passages were cut into terms in another way than questions are now.

    Raises:
        IndexMismatchError: With the command that repairs it.
    """
    if manifest.terms != terms_digest():
        message = f"索引的切词规则与本版本不同；请重新建立索引：{REBUILD}"
        raise IndexMismatchError(message)


def require_encoder(manifest: Manifest, identity: EncoderIdentity) -> None:
    """Refuse an encoder that is not the one the vectors were made with.

    Raises:
        IndexMismatchError: Names both and the command that repairs it.
    """
    built = manifest.encoder
    if built != identity:
        message = (
            f"索引是用 {_name(built)} 建立的，现在的编码器是 {_name(identity)}；"
            f"请重新建立索引：{REBUILD} --model {identity.name}"
        )
        raise IndexMismatchError(message)


def read_content(version: Version) -> Content:
    """Read a version into memory; each file is verified before it is parsed.

    Raises:
        IndexDamagedError: If a file is missing or is not what the manifest says.
    """
    files = {name: verified(version, name) for name in version.manifest.files}
    return Content.from_files(files, version.manifest)


def open_cases(index: Path) -> tuple[Case, ...]:
    """Read the cases and nothing else, of the version that `open_index` would open.

    Raises:
        IndexMissingError: If nothing has been built there.
        IndexDamagedError: If a file is missing or is not what the manifest says, and there is no
            other version to fall back to.
        IndexMismatchError: If it was written in another format.
    """
    return _sound(index, _cases)[0]


def _cases(version: Version) -> tuple[Case, ...]:
    files = {name: verified(version, name) for name in case_files(version.manifest)}
    return cases_from_files(files, version.manifest)


def _open(
    version: Version, index: Path, models: Path, load: Load, known: Encoder | None = None
) -> OpenIndex:
    tuning = Tuning(lexicon=LexiconFile(index / LEXICON), calibration=read_calibration(index))
    if known is None or known.identity != version.manifest.encoder:
        known = load(version.manifest, models)
    return OpenIndex(version, open_version(version, known, tuning), known)


def _sound(index: Path, read: Callable[[Version], _Opened]) -> tuple[_Opened, str | None]:
    """Read the current version, or the newest that can be read where it is damaged.

    Returns:
        What was read, and what is wrong with the current version if it is of another.
    """
    while True:
        pointer = _pointer(index)
        try:
            return read(current_version(index)), None
        except IndexDamagedError as error:
            damage = error
        if _pointer(index) == pointer:
            break  # where it has moved on, what was being read may have been retired meanwhile
    faults: list[str] = []
    for name in reversed(published(index)):
        if pointer == f"{name}\n".encode():
            continue
        try:
            found = read(read_version(index / VERSIONS / name, name))
        except CasebookError as error:
            faults.append(f"\n  {name}：{error}")
        else:
            degraded = f"{damage}；现在用的是完好的版本 {name}"
            _LOG.warning(degraded)
            return found, degraded
    message = f"{damage}；没有别的版本可用{''.join(faults)}"
    raise IndexDamagedError(message)


def _pointer(index: Path) -> bytes | None:
    try:
        return (index / CURRENT).read_bytes()
    except OSError:
        return None


def _name(identity: EncoderIdentity) -> str:
    weights = f"，权重 {identity.weights_sha256[:8]}" if identity.weights_sha256 else ""
    return f"{identity.name}（{identity.dimension} 维{weights}）"
