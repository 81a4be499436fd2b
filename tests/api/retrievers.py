"""Retrievers to compute by hand, and some that fail or find nothing."""

from __future__ import annotations

import threading
from dataclasses import dataclass, field

from rag.filters import NO_FILTERS, Filters
from rag.named_districts import DistrictNames
from rag.retrieve import Retrieval
from rag.types import Case, Hit, Passage


@dataclass(frozen=True, slots=True)
class SharedCharacters:
    """Scores a passage by the share of the question's distinct characters that it holds."""

    cases: tuple[Case, ...]
    passages: tuple[Passage, ...]
    names: DistrictNames

    def retrieve(self, question: str, *, limit: int, filters: Filters = NO_FILTERS) -> Retrieval:
        allowed = {
            case.case_id for case in self.cases if case.duplicate_of is None and filters.allow(case)
        }
        hits = [
            Hit(passage, score, score, score, 0.0, 0.5, (score,) * len(passage.sentences))
            for passage in self.passages
            if passage.case_id in allowed
            for score in [len(set(question) & set(passage.text)) / len(set(question))]
        ]
        hits.sort(key=lambda hit: (-hit.score, hit.passage.span))
        named = self.names.read(question).districts
        if not hits:
            return Retrieval((), 0.0, "not_in_district", named=named)
        confidence = hits[0].score
        reason = None if confidence >= 0.5 else "not_in_collection"
        return Retrieval(tuple(hits[:limit]), confidence, reason, named=named)


class NoRetriever:
    """Searching is not what is tested."""

    def retrieve(self, question: str, *, limit: int, filters: Filters = NO_FILTERS) -> Retrieval:
        raise AssertionError(question)


class Nothing:
    """Finds nothing."""

    def retrieve(self, question: str, *, limit: int, filters: Filters = NO_FILTERS) -> Retrieval:
        return Retrieval((), 0.0, "not_in_collection")


@dataclass(frozen=True, slots=True)
class Failing:
    """Fails every search in one way."""

    error: Exception

    def retrieve(self, question: str, *, limit: int, filters: Filters = NO_FILTERS) -> Retrieval:
        raise self.error


@dataclass(frozen=True)
class Waiting(Nothing):
    """Is busy until it is told to stop, and then finds nothing."""

    busy: threading.Event = field(default_factory=threading.Event)
    stop: threading.Event = field(default_factory=threading.Event)

    def retrieve(self, question: str, *, limit: int, filters: Filters = NO_FILTERS) -> Retrieval:
        self.busy.set()
        self.stop.wait(30)
        return super().retrieve(question, limit=limit, filters=filters)
