"""A question -> an `Answer`: search, then sentences, each as soon as it is sure.

The evidence comes first, then the prose. Without a language model the sentences are the source's
own; with one (`rag.generate`) they are the model's, as far as the evidence holds them.
"""

from __future__ import annotations

from collections.abc import Generator, Iterable, Sequence
from dataclasses import dataclass
from threading import Event
from typing import Protocol, TypeAlias

from rag.answer import Answer, AnswerSentence, Mode
from rag.assistant import Assistant, Finding, Findings
from rag.conversation import Turn
from rag.extract import CONSIDERED, considered, extract, own_findings
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


def whole(parts: Iterable[Part]) -> Answer:
    """Wait for the end of an answer.

    Raises:
        TypeError: If there is no answer at the end.
    """
    *_, answer = parts
    if not isinstance(answer, Answer):
        raise TypeError(answer)
    return answer


class Writer(Protocol):
    """Words answers, such as a language model (`rag.writer`)."""

    def write(
        self, extracted: Answer, left: Event | None = None
    ) -> Generator[AnswerSentence | Answer, None, None]:
        """Word an answer.

        Args:
            extracted: The answer in the source's own words; not a refusal.
            left: Set when nobody waits for it any more; it then ends in `AbandonedError`.

        Returns:
            Sentences, each checked, and the whole answer last; their numbers are those of
            `rag.extract.own_findings`, from 1.
        """
        ...

    def standalone(self, turns: Sequence[Turn], message: str, districts: Sequence[str]) -> str:
        """Put a follow-up question so that it can be searched for; as typed where it cannot."""
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
        self._districts = tuple({d.name: None for c in assistant.cases for d in c.districts})

    def ask(
        self,
        question: str,
        *,
        limit: int = 5,
        filters: Filters = NO_FILTERS,
        worded: bool = False,
        earlier: Sequence[Turn] = (),
    ) -> Answer:
        """Answer a question; see `parts`."""
        return whole(
            self.parts(question, limit=limit, filters=filters, worded=worded, earlier=earlier)
        )

    def parts(
        self,
        question: str,
        *,
        limit: int = 5,
        filters: Filters = NO_FILTERS,
        worded: bool = False,
        earlier: Sequence[Turn] = (),
        left: Event | None = None,
    ) -> Generator[Part, None, None]:
        """Answer a question, piece by piece.

        Args:
            question: As typed; white space around it is ignored.
            limit: From how many passages; one over several cases is answered from ten at least.
            filters: Which cases to answer from.
            worded: Whether the writer words it; a refusal never is.
            earlier: What was asked and answered before, oldest first. The writer puts a follow-up
                question in whole words; without one it is searched for as typed.
            left: Set when nobody waits for the answer any more.

        Returns:
            `Evidence`, every sentence, and the `Answer`.

        Raises:
            ValueError: If the question is blank, ``limit`` is below 1, or it is to be worded and
                there is no writer.
            AbandonedError: Out of the parts, once ``left`` is set while a writer is waited for.
        """
        writer = self.writer if worded else None
        if worded and writer is None:
            message = "an answer can be worded by a writer only"
            raise ValueError(message)
        if writer is not None and earlier:
            question = writer.standalone(earlier, question, self._districts)
        found = self.assistant.search(question, limit=max(limit, CONSIDERED), filters=filters)
        findings = found.first(considered(found, limit))
        extracted = extract(findings, filters)
        if writer is None or extracted.abstained:
            yield Evidence(findings, extracted.evidence, "extractive", extracted.reason)
            yield from extracted.sentences
            yield extracted
        else:
            yield Evidence(findings, own_findings(findings), "llm")
            yield from writer.write(extracted, left)
