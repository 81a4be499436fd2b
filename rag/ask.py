"""A question -> an `Answer`: search, then sentences, each as soon as it is sure.

The evidence comes first, then the prose. Without a language model the sentences are the source's
own; with one (`rag.generate`) they are the model's, as far as the evidence holds them.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Protocol, TypeAlias

from rag.answer import Answer, AnswerSentence, Mode
from rag.assistant import Assistant, Finding, Findings
from rag.extract import CONSIDERED, considered, extract
from rag.filters import NO_FILTERS, Filters
from rag.retrieve import Reason


@dataclass(frozen=True, slots=True)
class Evidence:
    """What is known before the first sentence.

    Attributes:
        findings: What the question brought up.
        passages: What the sentences to come will number, from 1; some may stay uncited. In a
            refusal, the nearest ones.
        mode: Whose words are to come.
        reason: Why no sentence will come; None where some will.
    """

    findings: Findings
    passages: tuple[Finding, ...]
    mode: Mode
    reason: Reason | None = None


Part: TypeAlias = Evidence | AnswerSentence | Answer
"""An answer as it comes: the evidence, the sentences, and the whole of it at the end."""


class Writer(Protocol):
    """Words answers, such as a language model."""

    def write(self, findings: Findings, extracted: Answer) -> Iterator[AnswerSentence | Answer]:
        """Word an answer.

        Args:
            findings: What may be cited, numbered from 1 in this order; not a refusal.
            extracted: The answer in the source's own words, to fall back on.

        Returns:
            Sentences, each checked, and the whole answer last.
        """
        ...


class Asker:
    """Answers questions; safe to use from several threads at once.

    Args:
        assistant: Finds the passages.
        writer: Words the answers; None leaves them in the words of their sources.
    """

    def __init__(self, assistant: Assistant, writer: Writer | None = None) -> None:
        self.assistant = assistant
        self.writer = writer

    def ask(
        self, question: str, *, limit: int = 5, filters: Filters = NO_FILTERS, worded: bool = False
    ) -> Answer:
        """Answer a question; see `parts`."""
        for part in self.parts(question, limit=limit, filters=filters, worded=worded):
            if isinstance(part, Answer):
                return part
        raise AssertionError  # the last part is an answer

    def parts(
        self, question: str, *, limit: int = 5, filters: Filters = NO_FILTERS, worded: bool = False
    ) -> Iterator[Part]:
        """Answer a question, piece by piece.

        Args:
            question: As typed; white space around it is ignored.
            limit: From how many passages; one over several cases is answered from ten at least.
            filters: Which cases to answer from.
            worded: Whether the writer words it; a refusal never is.

        Returns:
            `Evidence`, every sentence, and the `Answer`.

        Raises:
            ValueError: If the question is blank, ``limit`` is below 1, or it is to be worded and
                there is no writer.
        """
        if worded and self.writer is None:
            message = "an answer can be worded by a writer only"
            raise ValueError(message)
        found = self.assistant.search(question, limit=max(limit, CONSIDERED), filters=filters)
        findings = found.first(considered(found, limit))
        extracted = extract(findings, filters.districts)
        if self.writer is None or not worded or extracted.abstained:
            yield Evidence(findings, extracted.evidence, "extractive", extracted.reason)
            yield from extracted.sentences
            yield extracted
        else:
            yield Evidence(findings, findings.findings, "llm")
            yield from self.writer.write(findings, extracted)
