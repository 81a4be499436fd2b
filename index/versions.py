"""The versions of an index: which there are, which is current, and whether their files are whole.

A version's name ends in the digest of its manifest, the manifest has the digest of every file:
damage anywhere is found before anything is parsed. Nothing here writes.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

from index.arrays import Data, contents
from index.manifest import FileRecord, Manifest, digest_of
from rag.errors import CasebookError, IndexDamagedError, IndexMissingError

CURRENT = "CURRENT"
VERSIONS = "versions"
MANIFEST = "manifest.json"
REBUILD = "casebook build <文件或文件夹>"
_NAME = re.compile(r"v([0-9]{6,})-[0-9a-f]{10}")


@dataclass(frozen=True, slots=True)
class Version:
    """One version: its name, its folder and its verified manifest."""

    name: str
    folder: Path
    manifest: Manifest


def name_of(number: int, manifest: bytes) -> str:
    """Name a version.

    >>> name_of(3, b"{}")
    'v000003-44136fa355'
    """
    return f"v{number:06d}-{digest_of(manifest)[:10]}"


def number_of(name: str) -> int:
    """Read off a version's name how many were published up to it.

    >>> number_of("v000003-44136fa355")
    3
    """
    match = _NAME.fullmatch(name)
    if match is None:
        message = f"{name!r} names no version"
        raise ValueError(message)
    return int(match[1])


def published(index: Path) -> list[str]:
    """Name the published versions, oldest first; what people put beside them does not count."""
    try:
        names = [path.name for path in (index / VERSIONS).iterdir()]
    except (FileNotFoundError, NotADirectoryError):
        return []
    return sorted(filter(_NAME.fullmatch, names), key=number_of)


def current_name(index: Path) -> str:
    """Read which version is in use, which need not be there.

    Raises:
        IndexMissingError: If nothing has been built there.
        IndexDamagedError: If there are versions and no pointer, or it cannot be read.
    """
    pointer = index / CURRENT
    try:
        return pointer.read_text(encoding="utf-8").strip()
    except (FileNotFoundError, NotADirectoryError):
        if names := published(index):
            raise _damaged(pointer, f"不存在，而版本有 {len(names)} 个") from None
        message = f"{index} 里没有索引；请运行：{REBUILD}"
        raise IndexMissingError(message) from None
    except UnicodeDecodeError as error:
        raise _damaged(pointer, "不是文本") from error
    except OSError as error:
        raise _damaged(pointer, f"无法读取：{error.strerror}") from error


def current_version(index: Path) -> Version:
    """Find the version in use and verify its manifest.

    Raises:
        IndexMissingError: If nothing has been built there.
        IndexDamagedError: If the pointer or the manifest is damaged.
        IndexMismatchError: If it was written in another format.
    """
    name = current_name(index)
    folder = index / VERSIONS / name
    if not _NAME.fullmatch(name) or not (folder / MANIFEST).is_file():
        raise _damaged(index / CURRENT, f"它指向的版本“{name}”不存在")
    return read_version(folder, name)


def named_version(index: Path, wanted: str) -> Version:
    """Find a version by its name, or by the part of it before the hyphen.

    Raises:
        IndexMissingError: If nothing has been built there.
        CasebookError: If there is none of that name; with those there are.
        IndexDamagedError: If its manifest is damaged.
        IndexMismatchError: If it was written in another format.
    """
    names = published(index)
    for name in names:
        if wanted in (name, name.partition("-")[0]):
            return read_version(index / VERSIONS / name, name)
    if not names:
        message = f"{index} 里没有索引；请运行：{REBUILD}"
        raise IndexMissingError(message)
    message = (
        f"没有版本“{wanted}”；现有 {'、'.join(names)}；请从中选一个（casebook versions 列出详情）"
    )
    raise CasebookError(message)


def read_version(folder: Path, name: str) -> Version:
    """Verify the manifest in a folder against a version's name.

    Raises:
        IndexDamagedError: If it is another one, or cannot be read.
        IndexMismatchError: If it was written in another format.
    """
    file = folder / MANIFEST
    data, digest = _read(file)
    if digest[:10] != name.rpartition("-")[2]:
        raise _damaged(file, "内容与版本名中的摘要不符")
    return Version(name, folder, Manifest.from_json(bytes(data)))


def verified(version: Version, name: str) -> Data:
    """Read a file of a version.

    Raises:
        IndexDamagedError: If it is missing or is not what the manifest says.
    """
    file, record = version.folder / name, version.manifest.files[name]
    data, digest = _read(file)
    _require(file, FileRecord(len(data), digest), record)
    return data


def damaged_files(version: Version) -> dict[str, str]:
    """Verify every file of a version.

    Returns:
        What is wrong, by file name; empty if all is well.
    """
    wrong: dict[str, str] = {}
    for name in version.manifest.files:
        try:
            verified(version, name)
        except IndexDamagedError as error:
            wrong[name] = str(error)
    return wrong


def _read(file: Path) -> tuple[Data, str]:
    """Read a file and digest it."""
    try:
        return contents(file)
    except OSError as error:
        raise _damaged(file, f"无法读取：{error.strerror}") from error


def _require(file: Path, found: FileRecord, expected: FileRecord) -> None:
    if found.size != expected.size:
        raise _damaged(file, f"有 {found.size} 字节，应为 {expected.size}")
    if found != expected:
        raise _damaged(file, "内容与清单中的摘要不符")


def _damaged(file: Path, found: str) -> IndexDamagedError:
    return IndexDamagedError(
        f"索引已损坏：{file} {found}；请退回完好的版本：casebook rollback，或重新建立：{REBUILD}"
    )
