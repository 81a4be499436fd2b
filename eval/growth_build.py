"""The stages of building an index of recombined sentences; see `eval.growth`.

A stage is a process of its own: its memory is its own, and one that was interrupted is done again.
"""

from __future__ import annotations

import json
import resource
import sys
import time
from dataclasses import asdict
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from eval.recombined import SENTENCES, Pool, Recombined, read_pool, top_passages
from index.arrays import contents
from index.dense import DenseRanker
from index.lexical import LexicalRanker
from index.manifest import FORMAT, FileRecord, Manifest, SourceRecord
from index.recipe import Recipe, code_digest, terms_digest
from index.records import cases_to_lines, passages_to_files
from index.versions import MANIFEST, Version
from rag.encoders import load_encoder
from rag.models import DEFAULT_MODEL

MODELS = Path(__file__).parent.parent / "var" / "models"
STAGES = ("records", "lexical", "dense", "exact")
"""In their order; the last is no part of a build but the truth to hold it against."""
DEPTH = 100
"""Passages that a ranker puts forward for fusion."""


def done(folder: Path, size: int, stage: str) -> Path:
    """The file that a finished stage leaves."""
    return folder / str(size) / f"{stage}.json"


def write_pool(folder: Path, data: Path, cache: Path) -> None:
    """Read the real sentences and keep them for all sizes."""
    pool = read_pool(data, cache, load_encoder(DEFAULT_MODEL, MODELS))
    folder.mkdir(parents=True, exist_ok=True)
    words = {"texts": list(pool.texts), "questions": list(pool.questions), "data": data.name}
    (folder / "pool.json").write_text(json.dumps(words, ensure_ascii=False), encoding="utf-8")
    np.savez(folder / "pool.npz", documents=pool.documents, vectors=pool.vectors, asked=pool.asked)


def read_back(folder: Path) -> Pool:
    """Read what `write_pool` kept."""
    words = json.loads((folder / "pool.json").read_text(encoding="utf-8"))
    with np.load(folder / "pool.npz", allow_pickle=False) as arrays:
        return Pool(
            words["texts"],
            arrays["documents"],
            arrays["vectors"],
            words["questions"],
            arrays["asked"],
        )


def do_stage(stage: str, folder: Path, size: int) -> None:
    """Do one stage of a build, and note how long it took and how much memory."""
    collection = Recombined(read_back(folder), size)
    version = folder / str(size) / "version"
    version.mkdir(parents=True, exist_ok=True)
    started = time.perf_counter()
    {"records": _records, "lexical": _lexical, "dense": _dense, "exact": _exact}[stage](
        collection, version
    )
    took = {"seconds": time.perf_counter() - started, "peak_mb": peak_mb()}
    done(folder, size, stage).write_text(json.dumps(took), encoding="utf-8")


def _records(collection: Recombined, version: Path) -> None:
    sources, cases, passages = collection.cases()
    files = {f"sources/{row:05d}": source.text.encode() for row, source in enumerate(sources)}
    files["cases.jsonl"] = cases_to_lines(cases)
    files |= {f"passages/{name}": data for name, data in passages_to_files(passages).items()}
    _write(version, files)
    records = [asdict(SourceRecord(s.name, s.sha256, s.encoding)) for s in sources]
    (version.parent / "sources.json").write_text(json.dumps(records), encoding="utf-8")


def _lexical(collection: Recombined, version: Path) -> None:
    _, _, passages = collection.cases()
    ranker = LexicalRanker.build(passage.text for passage in passages)
    _write(version, {f"lexical/{name}": data for name, data in ranker.to_files().items()})


def _dense(collection: Recombined, version: Path) -> None:
    vectors = _vectors(collection, version)
    ranker = DenseRanker.build(vectors, np.full(collection.size, SENTENCES))
    del vectors  # its pages go, before the index is written out
    _write(version, {"dense.faiss": ranker.to_bytes()})


def _vectors(collection: Recombined, version: Path) -> NDArray[np.float32]:
    """All vectors in a file beside the version, mapped."""
    file, row = version.parent / "vectors.npy", 0
    shape = SENTENCES * collection.size, collection.pool.vectors.shape[1]
    written = np.lib.format.open_memmap(file, mode="w+", dtype=np.float32, shape=shape)
    for batch in collection.vectors():
        written[row : row + len(batch)] = batch
        row += len(batch)
    written.flush()
    return written


def _exact(collection: Recombined, version: Path) -> None:
    """Note the truth: the best passages of every question, of all vectors in 32 bits."""
    best, _ = top_passages(collection, collection.pool.asked, DEPTH)
    np.save(version.parent / "exact.npy", best)


def _write(version: Path, files: dict[str, bytes]) -> None:
    for name, data in files.items():
        (version / name).parent.mkdir(parents=True, exist_ok=True)
        (version / name).write_bytes(data)


def describe(folder: Path, size: int) -> Version:
    """Describe what the stages wrote, as a build does."""
    version = folder / str(size) / "version"
    encoder = load_encoder(DEFAULT_MODEL, MODELS)
    files = sorted(path for path in version.rglob("*") if path.is_file())
    records = json.loads((version.parent / "sources.json").read_text(encoding="utf-8"))
    manifest = Manifest(
        format=FORMAT,
        code=code_digest(),
        terms=terms_digest(),
        encoder=encoder.identity,
        recipe=Recipe(expansions=False, late=False),
        floor=0.0,
        cases=0,
        passages=size,
        sentences=SENTENCES * size,
        sources=tuple(SourceRecord(**record) for record in records),
        expansions=(),
        files={
            path.relative_to(version).as_posix(): FileRecord(path.stat().st_size, contents(path)[1])
            for path in files
            if path.name != MANIFEST
        },
    )
    return Version(f"growth-{size}", version, manifest)


def noted(folder: Path, size: int, stage: str) -> dict[str, float]:
    """Read what a stage took."""
    kept: dict[str, float] = json.loads(done(folder, size, stage).read_text(encoding="utf-8"))
    return kept


def peak_mb() -> float:
    """The most resident memory that this process has had, in MiB."""
    unit = 2**20 if sys.platform == "darwin" else 2**10  # ru_maxrss: bytes there, KiB elsewhere
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / unit
