"""Question -> `Findings`: the pipeline from what a person types to cited passages.

This is the one object that the front ends hold. It knows cases and a retriever; it has never heard
of files, FAISS or HTTP.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Any

from rag.cite import Citation, cite
from rag.cited_cases import CitedCase, cited_cases
from rag.filters import NO_FILTERS, Filters
from rag.highlight import highlights, matched_terms
from rag.named_districts import elsewhere
from rag.retrieve import Reason, Retriever
from rag.suggestions import KnownQuestion
from rag.types import Case, Hit, Passage, Span

_CITED = 1024
"""Passages whose citations are kept."""


@dataclass(frozen=True, slots=True)
class Finding:
    """A passage that was found, with its citation.

    Attributes:
        hit: The passage, its scores and its best sentence.
        citation: Where it stands.
        elsewhere: Whether its case is of other districts than those that the question names; never
            where either are none.
        question: What was asked.
    """

    hit: Hit
    citation: Citation
    elsewhere: bool
    question: str

    @property
    def highlights(self) -> tuple[Span, ...]:
        """Runs of the question's words in ``hit.passage.text``, in code points of that text.

        In order, without overlap. Found when they are asked for: whoever shows a passage marks it,
        and whoever answers from ten does not (.2 ms).
        """
        return highlights(self.question, self.hit.passage.text)

    @property
    def matched_terms(self) -> tuple[str, ...]:
        """The question's words in the passage, longest first, each once; few ever ask for them."""
        return matched_terms(self.question, self.hit.passage.text)

    def to_json(self, rank: int) -> dict[str, Any]:
        """The finding as every surface shows it, ready for ``json.dumps``.

        Args:
            rank: Its place among the findings, from 1.
        """
        return {
            "rank": rank,
            "passage_id": self.hit.passage.passage_id,
            "text": self.hit.passage.text,
            "score": self.hit.score,
            "highlights": [[span.start, span.end] for span in self.highlights],
            "other_district": self.elsewhere,
            "citation": self.citation.to_json(),
        }


@dataclass(frozen=True, slots=True)
class Findings:
    """What a question brought up, best first.

    Attributes:
        question: As it was asked.
        index_version: The index that was searched.
        findings: Ranked passages; the nearest ones even where ``reason`` is set.
        confidence: In [0, 1], comparable between questions: how sure it is that the first answers.
        reason: Why the passages should not be taken for an answer; None where they may.
        named: Official names of the districts that the question names, in its order; often none.
    """

    question: str
    index_version: str
    findings: tuple[Finding, ...]
    confidence: float
    reason: Reason | None
    named: tuple[str, ...]

    @property
    def by_case(self) -> tuple[CitedCase, ...]:
        """The cases of the findings, in the order of their first, with the ranks of theirs."""
        return cited_cases([finding.citation for finding in self.findings])

    def first(self, count: int) -> Findings:
        """Keep only the best passages, ``count`` of them at most."""
        return replace(self, findings=self.findings[:count])

    @property
    def abstained(self) -> bool:
        """Whether the collection was found not to answer."""
        return self.reason is not None

    def to_json(self, *, by_case: bool) -> dict[str, Any]:
        """The findings as every surface shows them, ready for ``json.dumps``.

        Args:
            by_case: Whether to list the cases too.
        """
        passages = [finding.to_json(rank) for rank, finding in enumerate(self.findings, start=1)]
        cases = {"cases": [case.to_json() for case in self.by_case]} if by_case else {}
        return {
            "query": self.question,
            "index_version": self.index_version,
            "abstained": self.abstained,
            "confidence": self.confidence,
            "reason": self.reason,
            "named_districts": list(self.named),
            "passages": passages,
            **cases,
        }


class Assistant:
    """Answers questions from one opened index.

    Safe to use from several threads at once.

    Args:
        cases: All cases, duplicates included, in the order of their sources.
        retriever: Ranks their passages.
        index_version: Name of the index that both came from.
        questions: What its cases are known to answer; it may not know any.
    """

    def __init__(
        self,
        cases: Sequence[Case],
        retriever: Retriever,
        index_version: str,
        questions: Sequence[KnownQuestion] = (),
    ) -> None:
        self.cases = tuple(cases)
        self.index_version = index_version
        self.questions = tuple(questions)
        self._retriever = retriever
        by_id = {case.case_id: case for case in self.cases}
        self._by_id = by_id

        @lru_cache(
            maxsize=_CITED
        )  # the same ones are found again and again; ten take .2 milliseconds
        def cited(passage: Passage) -> Citation:
            return cite(by_id[passage.case_id], passage)

        self._cited = cited

    def case(self, case_id: str) -> Case | None:
        """Look a case up; None if there is none of that id."""
        return self._by_id.get(case_id)

    def search(self, question: str, *, limit: int = 5, filters: Filters = NO_FILTERS) -> Findings:
        """Find the passages that answer a question.

        Args:
            question: As typed; white space around it is ignored.
            limit: How many passages at most.
            filters: Which cases to search; applied before ranking.

        Raises:
            ValueError: If the question is blank or ``limit`` is below 1.
        """
        retrieval = self._retriever.retrieve(question, limit=limit, filters=filters)
        return Findings(
            question=question,
            index_version=self.index_version,
            findings=tuple(self._finding(question, retrieval.named, hit) for hit in retrieval.hits),
            confidence=retrieval.confidence,
            reason=retrieval.reason,
            named=retrieval.named,
        )

    def _finding(self, question: str, named: tuple[str, ...], hit: Hit) -> Finding:
        citation = self._cited(hit.passage)
        return Finding(
            hit=hit,
            citation=citation,
            elsewhere=elsewhere(named, citation.districts),
            question=question,
        )
