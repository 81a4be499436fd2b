"""A test collection: questions, the texts they are asked of, and what answers them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TypeAlias

from eval.questions import Question
from rag.expansions import Expansion
from rag.types import Source

Qrels: TypeAlias = Mapping[str, Mapping[str, int]]
"""Question id -> judged unit (passage or document id) -> grade; 0 is judged and not relevant."""


@dataclass(frozen=True, slots=True)
class Dataset:
    """Questions with judgments over a set of sources.

    Judgments come in one of two kinds. With verbatim quotes (`Question.quotes`) the unit that is
    ranked and judged is the passage, and relevance follows from character spans, whatever the
    passages. With `judgments` it is the document: a source, whose name is the document's id.

    Attributes:
        name: What reports call it.
        questions: In the order of the file.
        sources: The texts, in the order of the build.
        judgments: By document, for a question id; empty where questions carry quotes.
        digest: sha256 over questions and judgments as read, in hex.
        expansions: Questions that runs of the sources are known to answer, for systems that use
            them; never the dataset's own questions.
        notes: What was left out on reading and why, in Chinese; empty if nothing was.
    """

    name: str
    questions: tuple[Question, ...]
    sources: tuple[Source, ...] = field(repr=False)
    judgments: Qrels = field(repr=False)
    digest: str
    expansions: tuple[Expansion, ...] = field(default=(), repr=False)
    notes: tuple[str, ...] = ()

    @property
    def by_document(self) -> bool:
        """Whether documents rather than passages are judged."""
        return bool(self.judgments)

    def answerable(self, question: Question) -> bool:
        """Whether something answers the question: a quote, or a document of grade 1 or more."""
        if self.by_document:
            return any(grade > 0 for grade in self.judgments.get(question.question_id, {}).values())
        return bool(question.quotes)
