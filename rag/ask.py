"""A question -> an `Answer`: search, then answer from what was found."""

from __future__ import annotations

from rag.answer import Answer
from rag.assistant import Assistant
from rag.extract import CONSIDERED, considered, extract
from rag.filters import NO_FILTERS, Filters


def ask(
    assistant: Assistant, question: str, *, limit: int = 5, filters: Filters = NO_FILTERS
) -> Answer:
    """Answer a question in the words of its sources.

    Args:
        assistant: Finds the passages.
        question: As typed; white space around it is ignored.
        limit: From how many passages; one over several cases is answered from ten at least.
        filters: Which cases to answer from.

    Raises:
        ValueError: If the question is blank or ``limit`` is below 1.
    """
    findings = assistant.search(question, limit=max(limit, CONSIDERED), filters=filters)
    return extract(findings.first(considered(findings, limit)), filters.districts)
