"""A language model as the writer of answers: `rag.ask` asks it, everything that it says is checked."""

from __future__ import annotations

from collections.abc import Generator, Sequence
from threading import Event

from rag.answer import Answer, AnswerSentence
from rag.chat import ChatClient, Deadline, config_of
from rag.conversation import Turn, standalone
from rag.generate import GenerationConfig, generate

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

    def write(
        self, extracted: Answer, left: Event | None = None
    ) -> Generator[AnswerSentence | Answer, None, None]:
        """Word an answer; see `rag.generate.generate`."""
        return generate(extracted, self._chat, self._config, left)

    def standalone(self, turns: Sequence[Turn], message: str, districts: Sequence[str]) -> str:
        """Put a follow-up question in whole words; see `rag.conversation.standalone`."""
        return standalone(self._chat, turns, message, districts=districts, deadline=self._following)


def writer_of(name: str) -> ModelWriter:
    """Make a writer of what a user calls a language model; see `rag.chat.config_of`.

    Raises:
        ModelError: If it is none.
    """
    return ModelWriter(ChatClient(config_of(name)))
