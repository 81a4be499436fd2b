"""Files -> index: read, cut, encode, index, publish."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from index.content import Content
from index.dense import DenseRanker
from index.lexical import LexicalRanker
from index.manifest import FORMAT, Manifest, SourceRecord
from index.publish import publish
from index.recipe import code_digest, terms_digest
from index.store import Version, current_version, damaged_files
from index.vectors import VectorCache
from rag.cases import read_cases
from rag.chunk import DEFAULT_CUT, Cut, context_of, passages_of
from rag.confidence import UNRELATED, floor_of
from rag.encoder import Encoder
from rag.errors import IndexDamagedError, IndexMismatchError, IndexMissingError, SourceError
from rag.source import read
from rag.types import Case, Passage

VECTORS = "vectors.sqlite"

Progress = Callable[[str, int, int], None]
"""Called with a stage, how much of it is done and how much there is."""


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
    cut: Cut = DEFAULT_CUT,
    force: bool = False,
    on_progress: Progress = lambda _stage, _done, _total: None,
) -> Report:
    """Build an index from files and folders and make it the current one.

    Args:
        paths: Files and folders; together they are the whole index, not an addition to it.
        index: The index directory.
        encoder: Makes the vectors.
        cut: Passage size; lowered to what the encoder can take.
        force: Build even if sources, encoder and cut are those of the current version.
        on_progress: Told about the stages that take time.

    Returns:
        A report; ``failures`` names the files that were skipped.

    Raises:
        SourceError: If not one file could be read; its message lists them all.
    """
    reading = read(paths)
    if not reading.sources:
        reasons = "\n".join(f"  {failure}" for failure in reading.failures)
        what = "没有可以建立索引的文件"
        raise SourceError(what, f"\n{reasons}" if reasons else "没有给出文件")
    cut = replace(cut, max_tokens=min(cut.max_tokens, encoder.identity.max_tokens))
    plan = Manifest(
        format=FORMAT,
        code=code_digest(),
        terms=terms_digest(),
        encoder=encoder.identity,
        cut=cut,
        floor=0.0,
        cases=0,
        passages=0,
        sentences=0,
        sources=tuple(SourceRecord(s.name, s.sha256, s.encoding) for s in reading.sources),
        files={},
    )
    if not force and (current := _up_to_date(index, plan)) is not None:
        return Report(current, fresh=False, failures=reading.failures)
    cases = read_cases(reading.sources)
    passages = _passages(cases, encoder, cut, on_progress)
    index.mkdir(parents=True, exist_ok=True)
    keys = sentence_keys(cases, passages, encoder)
    with VectorCache(index / VECTORS) as cache:
        distinct = len(set(keys))
        vectors = cache.encode(
            encoder, keys, on_progress=lambda done: on_progress("编码句子", done, distinct)
        )
    dense = DenseRanker.build(vectors, [len(passage.sentences) for passage in passages])
    floor = floor_of(dense.top_cosine(encoder.encode_query(question)) for question in UNRELATED)
    by_id = {case.case_id: case for case in cases}
    lexical = LexicalRanker.build(
        [f"{context_of(by_id[p.case_id], p.section)}\n{p.text}" for p in passages]
    )
    manifest = replace(
        plan, floor=floor, cases=len(cases), passages=len(passages), sentences=dense.size
    )
    files = Content(cases, tuple(passages), dense, lexical).to_files(reading.sources)
    version = publish(index, files, manifest)
    return Report(version, fresh=True, failures=reading.failures)


def sentence_keys(
    cases: Sequence[Case], passages: Sequence[Passage], encoder: Encoder
) -> list[str]:
    """Write out what is encoded for each sentence: whose case it is, and the sentence.

    The district in front is what tells one district's sentence from another's: without it dense
    R@1 is .481 on the development questions, with it .613. Titles and headings there do harm
    (.541). It is left out where the encoder could not take both.
    """
    by_id = {case.case_id: case for case in cases}
    keys: list[str] = []
    for passage in passages:
        case = by_id[passage.case_id]
        districts = "、".join(district.name for district in case.districts)
        for span in passage.sentences:
            sentence = span.of(case.source.text)
            key = f"{districts} {sentence}" if districts else sentence
            fits = encoder.count_tokens(key) <= encoder.identity.max_tokens
            keys.append(key if fits else sentence)
    return keys


def _passages(
    cases: Sequence[Case], encoder: Encoder, cut: Cut, on_progress: Progress
) -> list[Passage]:
    passages: list[Passage] = []
    for done, case in enumerate(cases, start=1):
        passages.extend(passages_of(case, encoder.count_tokens, cut))
        on_progress("切分案例", done, len(cases))
    return passages


def _up_to_date(index: Path, plan: Manifest) -> Version | None:
    """The current version if it is whole and is what the plan would build."""
    try:
        version = current_version(index)
    except (IndexMissingError, IndexDamagedError, IndexMismatchError):
        return None  # building is exactly what repairs it
    whole = version.manifest.same_build(plan) and not damaged_files(version)
    return version if whole else None
