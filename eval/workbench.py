"""What the systems of one run share: encoders, rerankers, vectors, indexes, encoded questions."""

from __future__ import annotations

import time
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from types import TracebackType
from typing import Self

from eval.crossencoder import CrossEncoderReranker
from eval.dataset import Dataset
from eval.evidence import Holders, holders_of, locate
from eval.result import Cost
from eval.systems import System, SystemsError
from eval.trace import (
    Clock,
    Silent,
    WatchedEncoder,
    WatchedRanker,
    WatchedReranker,
    watched,
)
from index.assemble import Assembly, Progress, assemble
from index.recipe import Recipe
from index.vectors import VectorCache
from rag.encoders import load_encoder
from rag.lexicon import NO_LEXICON, read_lexicon
from rag.ranking import Expansions, Legs, Rankers
from rag.rerank import Reranker
from rag.retrieve import HybridRetriever
from rag.tuning import Tuning, Weights
from rag.types import Case

_LEAST_TOKENS = 16
"""Of a passage, as for ``casebook build``."""
_STATUS = Path("/proc/self/status")
_CLEAR = Path("/proc/self/clear_refs")
_FORGET_PEAK = "5"
"""What Linux's proc(5) asks for to set the peak of resident memory back to what is resident."""


@dataclass(frozen=True, slots=True)
class Clocks:
    """Time that the two kinds of rankers and the reranker took so far."""

    dense: Clock = field(default_factory=Clock)
    lexical: Clock = field(default_factory=Clock)
    rerank: Clock = field(default_factory=Clock)


@dataclass(frozen=True, slots=True)
class Built:
    """A system, ready to be asked.

    Attributes:
        system: Its declaration.
        encoder: Shared with the others that use it.
        assembly: Its index.
        holders: For each piece of the dataset's evidence, the passages that hold it.
        cases: By id.
        repeats: Cases that repeat another, by its id.
        cost: Of building.
        clocks: Run while `retriever` is asked.
        tuning: What `retriever` is tuned with.
        retriever: The product's.
        by_dense: The same by vectors alone, not reranked; None if the system has only one kind.
        by_lexical: The same by terms alone, not reranked; None likewise.
        fused: The same before reranking; None if the system does not rerank.
    """

    system: System
    encoder: WatchedEncoder
    assembly: Assembly
    holders: tuple[Holders, ...]
    cases: Mapping[str, Case]
    repeats: Mapping[str, tuple[Case, ...]]
    cost: Cost
    clocks: Clocks
    tuning: Tuning
    retriever: HybridRetriever
    by_dense: HybridRetriever | None
    by_lexical: HybridRetriever | None
    fused: HybridRetriever | None


class Workbench:
    """Builds systems over one dataset; a context manager.

    Args:
        dataset: What they are asked.
        models: Where prepared models are.
        cache: File of vectors kept between runs; made if missing. A run that is interrupted goes
            on from what it holds.
        on_progress: Told about the stages that take time.

    Raises:
        QuestionsError: If a quote is not in the sources.
    """

    def __init__(self, dataset: Dataset, models: Path, cache: Path, on_progress: Progress) -> None:
        self.dataset = dataset
        self.evidence = locate(dataset.questions, dataset.sources)
        self._models = models
        self._on_progress = on_progress
        self._encoders: dict[str, WatchedEncoder] = {}
        self._rerankers: dict[str, CrossEncoderReranker] = {}
        self._assemblies: dict[tuple[str, Recipe], tuple[Assembly, Cost]] = {}
        cache.parent.mkdir(parents=True, exist_ok=True)
        self._cache = VectorCache(cache)

    def __enter__(self) -> Self:
        """Use the open cache."""
        self._cache.__enter__()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Close the cache; what was encoded is already committed."""
        self._cache.__exit__(kind, error, trace)

    def build(self, system: System) -> Built:
        """Make a system ready, from parts that earlier ones left where they are the same.

        Raises:
            SystemsError: If its passages are shorter than `casebook build` makes them.
            ModelError: If its encoder is not prepared.
            LexiconError: If its lexicon cannot be used.
            RerankerError: If its reranker is a folder that is not there; one that cannot be loaded
                says so when the system is first asked.
            ExpansionsError: If it uses question expansions and its encoder cannot take one.
        """
        if system.max_tokens < _LEAST_TOKENS:
            message = (
                f"{system.name} 的 max_tokens 是 {system.max_tokens}，"
                f"应不小于 {_LEAST_TOKENS}：再短的段落装不下一句话"
            )
            raise SystemsError(message)
        # First what is cheap: a missing file is not to be found after minutes of encoding.
        lexicon = read_lexicon(Path(system.lexicon)) if system.lexicon else NO_LEXICON
        reranker = self._reranker(system.reranker) if system.reranker else None
        encoder = self._encoder(system.encoder)
        assembly, cost = self._assembly(system, encoder)
        content = assembly.content
        cases = {case.case_id: case for case in content.cases}
        clocks = Clocks()

        def retriever(
            weights: Weights, clocks: Clocks, reranker: Reranker | None = None
        ) -> HybridRetriever:
            return HybridRetriever(
                content.cases,
                content.passages,
                encoder,
                _watched(content.rankers, weights, clocks),
                Tuning(weights, lexicon, reranker=reranker),
            )

        def alone(dense: float) -> HybridRetriever | None:
            if system.dense in {0, 1}:
                return None
            return retriever(replace(system.weights, dense=dense, late=0), Clocks())

        return Built(
            system=system,
            encoder=encoder,
            assembly=assembly,
            holders=holders_of(self.evidence, content.passages, cases),
            cases=cases,
            repeats=_repeats(content.cases),
            cost=cost,
            clocks=clocks,
            tuning=Tuning(system.weights, lexicon, reranker=reranker),
            retriever=retriever(
                system.weights,
                clocks,
                WatchedReranker(reranker, clocks.rerank) if reranker else None,
            ),
            by_dense=alone(1),
            by_lexical=alone(0),
            fused=retriever(system.weights, Clocks()) if reranker else None,
        )

    def _encoder(self, name: str) -> WatchedEncoder:
        if name not in self._encoders:
            self._encoders[name] = watched(load_encoder(name, self._models))
        return self._encoders[name]

    def _reranker(self, name: str) -> CrossEncoderReranker:
        if name not in self._rerankers:
            self._rerankers[name] = CrossEncoderReranker(name)
        return self._rerankers[name]

    def _assembly(self, system: System, encoder: WatchedEncoder) -> tuple[Assembly, Cost]:
        key = system.encoder, system.recipe
        if key not in self._assemblies:
            forgotten = forget_peak()
            encoded, encoding = encoder.encoded, encoder.encoding.seconds
            started = time.perf_counter()
            assembly = assemble(
                self.dataset.sources,
                self.dataset.expansions,
                encoder,
                self._cache,
                system.recipe,
                on_progress=self._on_progress,
            )
            build_s = time.perf_counter() - started
            size = sum(map(len, assembly.content.to_files(self.dataset.sources).values()))
            cost = Cost(
                build_s=build_s,
                encoded=encoder.encoded - encoded,
                index_bytes=size,
                peak_rss_mb=peak_rss_mb() if forgotten else None,
                encode_s=encoder.encoding.seconds - encoding,
            )
            self._assemblies[key] = assembly, cost
        return self._assemblies[key]


def _repeats(cases: Iterable[Case]) -> dict[str, tuple[Case, ...]]:
    repeats: dict[str, tuple[Case, ...]] = {}
    for case in cases:
        if case.duplicate_of:
            repeats[case.duplicate_of] = (*repeats.get(case.duplicate_of, ()), case)
    return repeats


def _watched(rankers: Rankers, weights: Weights, clocks: Clocks) -> Rankers:
    """Time the rankers, and silence the kind that counts for nothing."""

    def legs(inner: Legs) -> Legs:
        return Legs(
            dense=WatchedRanker(inner.dense, clocks.dense) if weights.dense > 0 else Silent(),
            lexical=WatchedRanker(inner.lexical, clocks.lexical) if weights.dense < 1 else Silent(),
        )

    known = rankers.expansions
    return Rankers(
        legs(rankers.text),
        Expansions(legs(known.legs), known.present) if known else None,
        rankers.late,
        rankers.frequency,
    )


def forget_peak() -> bool:
    """Begin to measure peak memory anew, where the system can (Linux).

    Returns:
        Whether it could; if not, a peak would be that of whatever ran before.
    """
    try:
        with _CLEAR.open("r+") as stream:  # never makes the file where there is none
            stream.write(_FORGET_PEAK)
    except OSError:  # another system, or a container that mounts it read-only
        return False
    return True


def peak_rss_mb() -> float | None:
    """Peak resident memory since `forget_peak`, in MiB; None where the system does not tell."""
    if not _STATUS.exists():
        return None
    for line in _STATUS.read_text().splitlines():
        if line.startswith("VmHWM:"):
            return int(line.split()[1]) / 1024
    return None
