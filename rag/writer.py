"""A language model as the writer of answers: `rag.ask` asks it, everything that it says is checked."""

from __future__ import annotations

from collections.abc import Generator, Sequence

from rag.answer import Answer, AnswerSentence
from rag.assistant import Finding, Findings
from rag.chat import ChatClient, Deadline
from rag.conversation import Turn, standalone
from rag.filters import Filters
from rag.generate import GenerationConfig, evidence_of, generate

_FOLLOWING = Deadline(total_s=5.0, first_s=5.0)
"""For a follow-up question: nothing is on the page before it is answered."""


class ModelWriter:
    """Words answers with a language model; safe to use from several threads at once.

    Args:
        chat: The model.
        config: What it may take for an answer.
        following: What it may take for a follow-up question.
    """

    def __init__(
        self,
        chat: ChatClient,
        config: GenerationConfig | None = None,
        following: Deadline = _FOLLOWING,
    ) -> None:
        self._chat = chat
        self._config = config or GenerationConfig()
        self._following = following

    def evidence(self, findings: Findings) -> tuple[Finding, ...]:
        """The passages that its sentences number; see `rag.generate.evidence_of`."""
        return evidence_of(findings)

    def write(
        self, findings: Findings, filters: Filters
    ) -> Generator[AnswerSentence | Answer, None, None]:
        """Word an answer; see `rag.generate.generate`."""
        return generate(findings, self._chat, self._config, filters)

    def standalone(self, turns: Sequence[Turn], message: str, districts: Sequence[str]) -> str:
        """Put a follow-up question in whole words; see `rag.conversation.standalone`."""
        return standalone(self._chat, turns, message, districts=districts, deadline=self._following)
