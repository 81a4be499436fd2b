"""Is this index whole, and does it answer? The checks behind ``casebook check``."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from index.canary import canaries, unanswered
from index.content import Content
from index.store import encoder_of, open_version, read_content
from index.versions import current_version, damaged_files, named_version
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


def check(index: Path, models: Path, wanted: str | None = None) -> list[Check]:
    """Check a version of an index.

    Args:
        index: The index directory.
        models: Where prepared models are.
        wanted: A version's name, or the part before the hyphen; None for the current one.

    Returns:
        The checks in the order of the work; after one that makes the rest meaningless (no index,
        damaged files, no encoder) there are no more. Never raises for what is wrong with the index.
    """
    return list(_checks(index, models, wanted))


def _checks(index: Path, models: Path, wanted: str | None) -> Iterator[Check]:
    try:
        version = current_version(index) if wanted is None else named_version(index, wanted)
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
    content = read_content(version)
    yield _citations(content)
    yield from _lexicon(index / LEXICON)
    try:
        assistant = open_version(version, encoder_of(version.manifest, models))
    except CasebookError as error:
        yield Check("编码器", ok=False, detail=str(error))
        return
    encoder = version.manifest.encoder
    yield Check("编码器", ok=True, detail=f"{encoder.name}，{encoder.dimension} 维")
    yield _answers(content, assistant)


def _citations(content: Content) -> Check:
    """Every passage must be citable: exactly the text at its place in the source."""
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


def _answers(content: Content, assistant: Assistant) -> Check:
    """Ask what it must know; see `index.canary`."""
    questions = canaries(content)
    try:
        missed = unanswered(assistant, questions)
    except CasebookError as error:
        return Check("试查", ok=False, detail=str(error))
    if missed:
        words = "、".join(f"“{canary.question[:20]}…”" for canary in missed)
        detail = f"{len(questions)} 个已知出处的问题有 {len(missed)} 个没有查到原文：{words}；请重新建立索引"
        return Check("试查", ok=False, detail=detail)
    return Check("试查", ok=True, detail=f"{len(questions)} 个已知出处的问题都查到了原文")
