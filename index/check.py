"""Is this index whole, and does it answer? The checks behind ``casebook check``."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from index.store import (
    Version,
    current_version,
    damaged_files,
    open_index,
    read_content,
    require_encoder,
)
from rag.cite import cite
from rag.encoders import load_encoder
from rag.errors import CasebookError


@dataclass(frozen=True, slots=True)
class Finding:
    """One check: what was looked at, whether it is well, and what was found or what to run."""

    name: str
    ok: bool
    detail: str


def check(index: Path, models: Path) -> list[Finding]:
    """Check the current version of an index.

    Args:
        index: The index directory.
        models: Where prepared models are.

    Returns:
        The checks in the order of the work; after one that makes the rest meaningless (no index,
        damaged files) there are no more. Never raises for what is wrong with the index.
    """
    return list(_checks(index, models))


def _checks(index: Path, models: Path) -> Iterator[Finding]:
    try:
        version = current_version(index)
    except CasebookError as error:
        yield Finding("版本", ok=False, detail=str(error))
        return
    yield Finding("版本", ok=True, detail=version.name)
    wrong = damaged_files(version)
    if wrong:
        for name, detail in wrong.items():
            yield Finding(f"文件 {name}", ok=False, detail=detail)
        return
    count = len(version.manifest.files)
    size = sum(record.size for record in version.manifest.files.values())
    yield Finding("文件", ok=True, detail=f"{count} 个，共 {size / 2**20:.1f} MB，摘要全部相符")
    yield _citations(version)
    yield _encoder(version, models)
    yield _answers(index, version, models)


def _citations(version: Version) -> Finding:
    """Every passage must be citable: exactly the text at its place in the source."""
    content = read_content(version)
    cases = {case.case_id: case for case in content.cases}
    for passage in content.passages:
        try:
            cite(cases[passage.case_id], passage)
        except ValueError as error:
            return Finding("引文", ok=False, detail=str(error))
    originals = sum(case.duplicate_of is None for case in content.cases)
    detail = (
        f"{len(content.cases)} 个案例（{originals} 个互不相同），"
        f"{len(content.passages)} 个段落都与原文逐字相同"
    )
    return Finding("引文", ok=True, detail=detail)


def _encoder(version: Version, models: Path) -> Finding:
    name = version.manifest.encoder.name
    try:
        require_encoder(version.manifest, load_encoder(name, models).identity)
    except CasebookError as error:
        return Finding("编码器", ok=False, detail=str(error))
    return Finding("编码器", ok=True, detail=f"{name}，{version.manifest.encoder.dimension} 维")


def _answers(index: Path, version: Version, models: Path) -> Finding:
    """Ask for the first case by its title; it must come first."""
    try:
        assistant = open_index(index, load_encoder(version.manifest.encoder.name, models))
    except CasebookError as error:
        return Finding("试查", ok=False, detail=str(error))
    case = assistant.cases[0]
    found = assistant.search(case.title, limit=1).findings
    if found and found[0].citation.case_id == case.case_id:
        return Finding("试查", ok=True, detail=f"“{case.title}”排在第一")
    return Finding("试查", ok=False, detail=f"用标题“{case.title}”没有查到它自己")
