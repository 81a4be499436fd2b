"""The index directory: versions that never change, and one pointer to the current one.

    CURRENT                      one line: the name of the version in use
    versions/v000003-1f0a9c2d7b/ manifest.json, cases.jsonl, passages.jsonl, sources/,
                                 dense.faiss, lexical/
    vectors.sqlite               vectors kept between builds

A version is written aside, synced, renamed into place and only then pointed at, so a reader sees
the old one or the new one, whole. Its name ends in the digest of its manifest, the manifest has the
digest of every file: damage anywhere is found when the index is opened. Opening never writes.
"""

from __future__ import annotations

import hashlib
import os
import shutil
import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from index.dense import DenseRanker
from index.lexical import LexicalRanker
from index.manifest import FileRecord, Manifest, digest_of
from index.records import (
    cases_from_lines,
    cases_to_lines,
    passages_from_lines,
    passages_to_lines,
)
from rag.assistant import Assistant
from rag.encoder import Encoder, EncoderIdentity
from rag.errors import IndexDamagedError, IndexMismatchError, IndexMissingError
from rag.retrieve import HybridRetriever
from rag.types import Case, Passage, Source

CURRENT = "CURRENT"
VERSIONS = "versions"
MANIFEST = "manifest.json"
_CASES, _PASSAGES, _DENSE, _LEXICAL, _SOURCES = (
    "cases.jsonl",
    "passages.jsonl",
    "dense.faiss",
    "lexical",
    "sources",
)
_KEPT = 3
"""Versions left in place after a build: the current one and two to go back to."""
_REBUILD = "casebook build <文件或文件夹>"


@dataclass(frozen=True, slots=True)
class Content:
    """Everything a version holds, in memory; passages, and sentences in `dense`, in row order."""

    cases: tuple[Case, ...]
    passages: tuple[Passage, ...]
    dense: DenseRanker
    lexical: LexicalRanker


@dataclass(frozen=True, slots=True)
class Version:
    """One published version: its name, its folder and its verified manifest."""

    name: str
    folder: Path
    manifest: Manifest


def current_version(index: Path) -> Version:
    """Find the version in use and verify its manifest.

    Raises:
        IndexMissingError: If nothing has been built there.
        IndexDamagedError: If the pointer or the manifest is damaged.
        IndexMismatchError: If it was written in another format.
    """
    pointer = index / CURRENT
    try:
        name = pointer.read_text(encoding="utf-8").strip()
    except FileNotFoundError:
        message = f"{index} 里没有索引；请运行：{_REBUILD}"
        raise IndexMissingError(message) from None
    except UnicodeDecodeError as error:
        raise _damaged(pointer, "不是文本") from error
    folder = index / VERSIONS / name
    manifest = folder / MANIFEST
    if not name or Path(name).name != name or not manifest.is_file():
        raise _damaged(pointer, f"它指向的版本“{name}”不存在")
    data = manifest.read_bytes()
    if digest_of(data)[:10] != name.rpartition("-")[2]:
        raise _damaged(manifest, "内容与版本名中的摘要不符")
    return Version(name, folder, Manifest.from_json(data))


def open_index(index: Path, encoder: Encoder) -> Assistant:
    """Open the current version, verify every file, and put an assistant on it.

    Args:
        index: The index directory.
        encoder: Must be the one the index was built with.

    Raises:
        IndexMissingError: If nothing has been built there.
        IndexDamagedError: If a file is missing or is not what the manifest says.
        IndexMismatchError: If the encoder or the format is another.
    """
    version = current_version(index)
    require_encoder(version.manifest, encoder.identity)
    content = read_content(version)
    retriever = HybridRetriever(
        content.cases, content.passages, encoder, content.dense, content.lexical
    )
    return Assistant(content.cases, retriever, version.name)


def require_encoder(manifest: Manifest, identity: EncoderIdentity) -> None:
    """Refuse an encoder that is not the one the vectors were made with.

    Raises:
        IndexMismatchError: Names both and the command that repairs it.
    """
    built = manifest.encoder
    if built != identity:
        message = (
            f"索引是用 {_name(built)} 建立的，现在的编码器是 {_name(identity)}；"
            f"请重新建立索引：{_REBUILD} --model {identity.name}"
        )
        raise IndexMismatchError(message)


def read_content(version: Version) -> Content:
    """Read a version into memory; each file is verified before it is parsed.

    Raises:
        IndexDamagedError: If a file is missing or is not what the manifest says.
    """
    manifest = version.manifest
    data = {name: _verified(version.folder / name, file) for name, file in manifest.files.items()}
    sources = {
        source.name: Source(
            source.name, source.sha256, source.encoding, data[_source_file(row)].decode()
        )
        for row, source in enumerate(manifest.sources)
    }
    cases = cases_from_lines(data[_CASES], sources)
    passages = passages_from_lines(data[_PASSAGES], cases)
    counts = [len(passage.sentences) for passage in passages]
    dense = DenseRanker.from_bytes(data[_DENSE], counts, manifest.floor)
    postings = {
        name.removeprefix(f"{_LEXICAL}/"): content
        for name, content in data.items()
        if name.startswith(f"{_LEXICAL}/")
    }
    return Content(cases, passages, dense, LexicalRanker.from_files(postings, len(passages)))


def damaged_files(version: Version) -> dict[str, str]:
    """Verify every file of a version.

    Returns:
        What is wrong, by file name; empty if all is well.
    """
    wrong: dict[str, str] = {}
    for name, record in version.manifest.files.items():
        try:
            _verified(version.folder / name, record)
        except IndexDamagedError as error:
            wrong[name] = str(error)
    return wrong


def publish(index: Path, content: Content, sources: tuple[Source, ...], manifest: Manifest) -> str:
    """Write a version and make it the current one.

    Args:
        index: The index directory; made if missing.
        content: What to write.
        sources: In the order of ``manifest.sources``.
        manifest: Without ``files``, which are recorded here.

    Returns:
        The version's name.

    Raises:
        OSError: If the disk is full or not writable; the version in use is untouched.
    """
    versions = index / VERSIONS
    versions.mkdir(parents=True, exist_ok=True)
    aside = versions / f".build-{uuid.uuid4().hex}"
    try:
        files = _write(aside, content, sources)
        complete = Manifest(
            **{name: getattr(manifest, name) for name in Manifest.__slots__ if name != "files"},
            files=files,
        ).to_json()
        _write_file(aside / MANIFEST, complete)
        _sync_folder(aside)
        name = f"v{_last_number(versions) + 1:06d}-{digest_of(complete)[:10]}"
        aside.rename(versions / name)
    except BaseException:
        shutil.rmtree(aside, ignore_errors=True)
        raise
    _sync_folder(versions)
    pointer = index / f"{CURRENT}.{uuid.uuid4().hex}"
    _write_file(pointer, f"{name}\n".encode())
    pointer.replace(index / CURRENT)
    _sync_folder(index)
    for old in sorted(versions.glob("v*"))[:-_KEPT]:
        shutil.rmtree(old)
    return name


def _write(folder: Path, content: Content, sources: tuple[Source, ...]) -> Mapping[str, FileRecord]:
    """Write all files but the manifest; read each back and record its digest."""
    for below in (_SOURCES, _LEXICAL):
        (folder / below).mkdir(parents=True)
    for row, source in enumerate(sources):
        _write_file(folder / _source_file(row), source.text.encode())
    _write_file(folder / _CASES, cases_to_lines(content.cases))
    _write_file(folder / _PASSAGES, passages_to_lines(content.passages))
    _write_file(folder / _DENSE, content.dense.to_bytes())
    for name, data in content.lexical.to_files().items():
        _write_file(folder / _LEXICAL / name, data)
    files: dict[str, FileRecord] = {}
    for file in sorted(path for path in folder.rglob("*") if path.is_file()):
        data = file.read_bytes()
        files[file.relative_to(folder).as_posix()] = FileRecord(len(data), _sha256(data))
    for below in (_SOURCES, _LEXICAL):
        _sync_folder(folder / below)
    return files


def _verified(file: Path, record: FileRecord) -> bytes:
    try:
        data = file.read_bytes()
    except OSError as error:
        raise _damaged(file, f"无法读取：{error.strerror}") from error
    if len(data) != record.size:
        raise _damaged(file, f"有 {len(data)} 字节，应为 {record.size}")
    if _sha256(data) != record.sha256:
        raise _damaged(file, "内容与清单中的摘要不符")
    return data


def _damaged(file: Path, found: str) -> IndexDamagedError:
    return IndexDamagedError(f"索引已损坏：{file} {found}；请重新建立：{_REBUILD} --force")


def _source_file(row: int) -> str:
    return f"{_SOURCES}/{row:05d}.txt"


def _last_number(versions: Path) -> int:
    return max((int(path.name[1:7]) for path in versions.glob("v[0-9]*-*")), default=0)


def _name(identity: EncoderIdentity) -> str:
    weights = f"，权重 {identity.weights_sha256[:8]}" if identity.weights_sha256 else ""
    return f"{identity.name}（{identity.dimension} 维{weights}）"


def _sha256(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


def _write_file(path: Path, data: bytes) -> None:
    with path.open("wb") as stream:
        stream.write(data)
        stream.flush()
        os.fsync(stream.fileno())


def _sync_folder(folder: Path) -> None:
    """Make renames and new names in a folder durable."""
    if os.name == "nt":  # Windows opens no folders; its file system journals names by itself
        return
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
