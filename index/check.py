"""Is this index whole, and does it answer? The checks behind ``casebook check``."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from index.store import (
    Version,
    current_version,
    damaged_files,
    encoder_of,
    open_version,
    read_content,
)
from rag.assistant import Assistant
from rag.cite import cite
from rag.errors import CasebookError
from rag.lexicon import LexiconError, bytes_of, parse_lexicon
from rag.lexicon_file import LEXICON


@dataclass(frozen=True, slots=True)
class Check:
    """One check: what was looked at, whether it is well, and what was found or what to run."""

    name: str
    ok: bool
    detail: str


def check(index: Path, models: Path) -> list[Check]:
    """Check the current version of an index.

    Args:
        index: The index directory.
        models: Where prepared models are.

    Returns:
        The checks in the order of the work; after one that makes the rest meaningless (no index,
        damaged files, no encoder) there are no more. Never raises for what is wrong with the index.
    """
    return list(_checks(index, models))


def _checks(index: Path, models: Path) -> Iterator[Check]:
    try:
        version = current_version(index)
    except CasebookError as error:
        yield Check("版本", ok=False, detail=str(error))
        return
    yield Check("版本", ok=True, detail=version.name)
    wrong = damaged_files(version)
    if wrong:
        for name, detail in wrong.items():
            yield Check(f"文件 {name}", ok=False, detail=detail)
        return
    count = len(version.manifest.files)
    size = sum(record.size for record in version.manifest.files.values())
    yield Check("文件", ok=True, detail=f"{count} 个，共 {size / 2**20:.1f} MB，摘要全部相符")
    yield _citations(version)
    yield from _lexicon(index / LEXICON)
    try:
        assistant = open_version(version, encoder_of(version.manifest, models))
    except CasebookError as error:
        yield Check("编码器", ok=False, detail=str(error))
        return
    encoder = version.manifest.encoder
    yield Check("编码器", ok=True, detail=f"{encoder.name}，{encoder.dimension} 维")
    yield _answers(version, assistant)


def _citations(version: Version) -> Check:
    """Every passage must be citable: exactly the text at its place in the source."""
    content = read_content(version)
    cases = {case.case_id: case for case in content.cases}
    for passage in content.passages:
        try:
            cite(cases[passage.case_id], passage)
        except ValueError as error:
            return Check("引文", ok=False, detail=str(error))
    originals = sum(case.duplicate_of is None for case in content.cases)
    detail = (
        f"{len(content.cases)} 个案例（{originals} 个互不相同），"
        f"{len(content.passages)} 个段落都与原文逐字相同"
    )
    return Check("引文", ok=True, detail=detail)


def _lexicon(file: Path) -> Iterator[Check]:
    """Read the operator's lexicon, if there is one; a service may still use an earlier state."""
    if not file.exists():
        return
    try:
        reading = parse_lexicon(bytes_of(file), str(file))
    except LexiconError as error:
        yield Check("口语词表", ok=False, detail=str(error))
        return
    for fault in reading.faults:
        yield Check("口语词表", ok=False, detail=fault)
    if not reading.faults:
        yield Check("口语词表", ok=True, detail=f"{len(reading.lexicon.entries)} 个说法")


def _answers(version: Version, assistant: Assistant) -> Check:
    """Ask with a passage's own words; a passage with these words must come first."""
    words = read_content(version).passages[0].text[:200]
    try:
        found = assistant.search(words, limit=1).findings
    except CasebookError as error:
        return Check("试查", ok=False, detail=str(error))
    if found and words in found[0].hit.passage.text:
        return Check("试查", ok=True, detail=f"“{words[:20]}…”排在第一")
    return Check("试查", ok=False, detail=f"用原文“{words[:20]}…”没有查到它自己；请重新建立索引")
