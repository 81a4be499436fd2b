"""An index of recombined sentences, opened and asked; see `eval.growth`."""

from __future__ import annotations

import json
import os
import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

from eval.growth_build import DEPTH, MODELS, STAGES, describe, noted, read_back
from eval.growth_report import Measured
from eval.recombined import SENTENCES, Pool, Recombined
from index.content import Content
from index.store import read_content
from rag.encoders import load_encoder
from rag.filters import NO_FILTERS, Filters
from rag.models import DEFAULT_MODEL
from rag.noise import UNRELATED, floor_of
from rag.ranking import Legs, Mask, Rows, Scores
from rag.retrieve import HybridRetriever

T = TypeVar("T")
_WARM_UP = 20
_FUSED = 100
"""Questions whose fused ranking is compared with the exact one: that takes half a second each."""


@dataclass
class _Asked:
    """An encoder that is told the vector: the search is timed without encoding."""

    vector: Scores

    def encode_query(self, _question: str) -> Scores:
        return self.vector


@dataclass(frozen=True)
class _Exact:
    """The dense ranker that compares everything in 32 bits; see `rag.ranking.Ranker`."""

    best_of: dict[bytes, Rows]
    vectors: NDArray[np.float32]
    floor: float

    def match(self, query: Scores) -> _ExactMatches:
        return _ExactMatches(self, query)


@dataclass(frozen=True)
class _ExactMatches:
    ranker: _Exact
    query: Scores

    def best(self, *, limit: int, allowed: Mask) -> Rows:
        rows = self.ranker.best_of[self.query.tobytes()]
        return rows[allowed[rows]][:limit]

    def scores(self, rows: Rows) -> Scores:
        return np.array([of.max() for of in self.by_sentence(rows)], dtype=np.float32)

    def by_sentence(self, rows: Rows) -> list[Scores]:
        floor, of = self.ranker.floor, SENTENCES
        near = (self.ranker.vectors[of * row : of * row + of] @ self.query for row in rows)
        return [np.clip((one - floor) / (1 - floor), 0, 1).astype(np.float32) for one in near]


def measure(folder: Path, size: int) -> None:
    """Open an index as a service does, and ask it everything."""
    pool, described = read_back(folder), describe(folder, size)
    encoder = load_encoder(DEFAULT_MODEL, MODELS)
    encoding = _times(encoder.encode_query, pool.questions)
    unrelated = [encoder.encode_query(question) for question in UNRELATED]
    asking = _Asked(pool.asked[0])
    before = _memory_mb()
    started = time.perf_counter()
    content = read_content(described)
    floor = floor_of(map(content.dense.top_cosine, unrelated))
    content = replace(content, dense=content.dense.over(floor))
    retriever = _retriever(content, asking)
    open_s = time.perf_counter() - started
    opened = _memory_mb()

    def ask(row: int, filters: Filters = NO_FILTERS) -> None:
        asking.vector = pool.asked[row]
        retriever.retrieve(pool.questions[row], limit=5, filters=filters)

    rows, tenth = range(len(pool.questions)), Filters(collections=("第1集",))
    times = _times(ask, rows)
    filtered = _times(lambda row: ask(row, tenth), rows)
    asked = _memory_mb()
    exact = np.load(folder / str(size) / "exact.npy", allow_pickle=False)
    every = retriever.allowed(NO_FILTERS)
    legs = [content.dense.match(vector).best(limit=DEPTH, allowed=every) for vector in pool.asked]
    measured = Measured(
        passages=size,
        real=Recombined(pool, size).real,
        vectors=content.dense.size,
        kind=content.dense.kind,
        build_s={stage: noted(folder, size, stage)["seconds"] for stage in STAGES[:-1]},
        build_peak_mb=max(noted(folder, size, stage)["peak_mb"] for stage in STAGES[:-1]),
        disk={name: record.size for name, record in described.manifest.files.items()},
        open_s=open_s,
        memory_mb={"encoder": before, "opened": opened, "asked": asked},
        questions=len(pool.questions),
        encoder_ms=encoding,
        search_ms=times,
        filtered_ms=filtered,
        recalled=[_shared(found[:10], true[:10]) for found, true in zip(legs, exact, strict=True)],
        recalled_fused=_fused(folder, size, pool, content, floor, exact),
        load=os.getloadavg()[0],
    )
    text = json.dumps(asdict(measured))
    (folder / str(size) / "measured.json").write_text(text, encoding="utf-8")


def _fused(
    folder: Path,
    size: int,
    pool: Pool,
    content: Content,
    floor: float,
    exact: NDArray[np.int64],
) -> list[float]:
    """Compare the first ten of the whole search with those of exact vectors."""
    vectors = np.load(folder / str(size) / "vectors.npy", mmap_mode="r", allow_pickle=False)
    best_of = {v.tobytes(): rows for v, rows in zip(pool.asked, exact, strict=True)}
    asking = _Asked(pool.asked[0])
    ours = _retriever(content, asking)
    truth = _retriever(content, asking, _Exact(best_of, vectors, floor))
    shares = []
    for question, vector in zip(pool.questions[:_FUSED], pool.asked, strict=False):
        asking.vector = vector
        found, true = (
            [hit.passage.passage_id for hit in by.retrieve(question, limit=10).hits]
            for by in (ours, truth)
        )
        shares.append(_shared(found, true))
    return shares


def _retriever(content: Content, asking: _Asked, dense: _Exact | None = None) -> HybridRetriever:
    rankers = content.rankers
    if dense is not None:
        rankers = replace(rankers, text=Legs(dense, rankers.text.lexical))
    return HybridRetriever(content.cases, content.passages, asking, rankers)  # type: ignore[arg-type]


def _shared(found: Iterable[object], true: Iterable[object]) -> float:
    expected = set(true)
    return len(expected & set(found)) / max(1, len(expected))


def _times(ask: Callable[[T], object], asked: Sequence[T]) -> list[float]:
    """Milliseconds of each question, after some to warm up."""
    for one in asked[:_WARM_UP]:
        ask(one)
    times: list[float] = []
    for one in asked:
        started = time.perf_counter()
        ask(one)
        times.append((time.perf_counter() - started) * 1000)
    return times


def _memory_mb() -> dict[str, float]:
    """Resident memory of this process in MiB: its own, and that of mapped files."""
    status = Path("/proc/self/status").read_text(encoding="utf-8")
    rows = dict(line.split(":\t") for line in status.splitlines() if line.startswith("Rss"))
    return {
        "own": int(rows["RssAnon"].split()[0]) / 1024,
        "mapped": int(rows["RssFile"].split()[0]) / 1024,
    }
