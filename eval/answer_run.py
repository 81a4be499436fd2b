"""Ask every question for its answer, and once more for passages alone, to compare the time."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TypeVar

from eval.answers import AnswerScores, Supports, score
from eval.provenance import provenance_of
from eval.questions import Question
from eval.reference import Reference, references_of
from eval.result import Provenance
from eval.slices import evidence_text_of, slices_of
from eval.workbench import Built, Workbench
from rag.answer import Answer
from rag.assistant import Assistant
from rag.retrieve import HybridRetriever

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Pace:
    """How long one question took, in milliseconds.

    Attributes:
        search: To find passages.
        ask: To answer.
    """

    search: float
    ask: float


@dataclass(frozen=True, slots=True)
class Answerer:
    """What is asked.

    Attributes:
        answer: Question -> answer.
        search: Question -> passages, for the time that it takes.
        supports: Judges sentences that a language model worded; None where none does.
    """

    answer: Callable[[str], Answer]
    search: Callable[[str], object]
    supports: Supports | None = None


@dataclass(frozen=True, slots=True)
class AnswerRun:
    """One system's answers to a dataset.

    Attributes:
        provenance: How they came about.
        references: The questions, in the order asked.
        answers: One for each.
        scores: Of each.
        paces: Of each.
        groups: Slice -> question id -> group.
    """

    provenance: Provenance
    references: tuple[Reference, ...] = field(repr=False)
    answers: tuple[Answer, ...] = field(repr=False)
    scores: tuple[AnswerScores, ...]
    paces: tuple[Pace, ...] = field(repr=False)
    groups: Mapping[str, Mapping[str, str]] = field(repr=False)


def assistant_of(built: Built) -> Assistant:
    """Put an assistant on a built system; it encodes each question each time, as when serving."""
    content = built.assembly.content
    retriever = HybridRetriever(
        content.cases, content.passages, built.encoder.inner, content.rankers, built.tuning
    )
    return Assistant(content.cases, retriever, built.system.name)


def run_answers(
    bench: Workbench,
    built: Built,
    answerer: Answerer,
    *,
    unanswerable: Sequence[Question] = (),
    command: str = "",
    on_progress: Callable[[int, int], None] = lambda _done, _total: None,
) -> AnswerRun:
    """Have every question of a dataset answered.

    Each is answered and searched for right after each other, in turns first: whatever else the
    machine does meets both alike. The first question is asked once before.

    Args:
        bench: The dataset's.
        built: The system that the answers rest on.
        answerer: Asked.
        unanswerable: Further questions, which nothing answers.
        command: What reproduces the run.
        on_progress: Called with the number of questions asked, and of all.

    Raises:
        ValueError: If a sentence was worded and there is nobody to judge it.
    """
    dataset = bench.dataset
    provenance = provenance_of(dataset, built.system, built.encoder.identity, command)
    questions = (*dataset.questions, *unanswerable)
    located = list(zip(bench.evidence, built.holders, strict=True))
    references = references_of(questions, located, built.cases)
    texts = {source.name: source.text for source in dataset.sources}
    answers: list[Answer] = []
    paces: list[Pace] = []
    if questions:  # the very first sets up threads and pages; it is nobody's latency
        answerer.answer(questions[0].text)
    for done, question in enumerate(questions):
        if done % 2:
            search_ms, _ = _timed(answerer.search, question.text)
            ask_ms, answer = _timed(answerer.answer, question.text)
        else:
            ask_ms, answer = _timed(answerer.answer, question.text)
            search_ms, _ = _timed(answerer.search, question.text)
        answers.append(answer)
        paces.append(Pace(search_ms, ask_ms))
        on_progress(done + 1, len(questions))
    districts = {d.name for case in built.cases.values() for d in case.districts}
    return AnswerRun(
        provenance=provenance,
        references=references,
        answers=tuple(answers),
        scores=tuple(
            score(answer, reference, texts, answerer.supports)
            for answer, reference in zip(answers, references, strict=True)
        ),
        paces=tuple(paces),
        groups=slices_of(questions, evidence_text_of(dataset), districts),
    )


def _timed(act: Callable[[str], T], question: str) -> tuple[float, T]:
    started = time.perf_counter()
    result = act(question)
    return 1000 * (time.perf_counter() - started), result
