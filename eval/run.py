"""Questions through an assistant: at which rank was the evidence found?"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from statistics import mean

from eval.measures import evidence_recall, reciprocal_rank
from eval.questions import Question, squeeze
from rag.assistant import Assistant

DEPTH = 10


@dataclass(frozen=True, slots=True)
class Outcome:
    """What one question brought up.

    Attributes:
        question: The question.
        ranks: For each of its quotes, the rank of the first passage that holds it, or None.
        abstained: Whether the assistant said that the collection does not answer.
    """

    question: Question
    ranks: tuple[int | None, ...]
    abstained: bool


@dataclass(frozen=True, slots=True)
class Summary:
    """Means over questions with evidence, and refusals.

    Attributes:
        name: ``all`` or a question type.
        n: Questions with evidence that the means are over.
        recall_1: Mean share of evidence at rank 1.
        recall_5: The same in the top 5.
        recall_10: The same in the top 10.
        rr_10: Mean reciprocal rank, cut at 10.
        refused: Questions with evidence that were refused, a fault.
        unanswerable: Questions without evidence.
        unanswerable_refused: How many of those were refused, as they should be.
    """

    name: str
    n: int
    recall_1: float
    recall_5: float
    recall_10: float
    rr_10: float
    refused: int
    unanswerable: int
    unanswerable_refused: int


def run(
    assistant: Assistant,
    questions: Sequence[Question],
    *,
    on_progress: Callable[[int], None] = lambda _done: None,
) -> tuple[Outcome, ...]:
    """Ask every question and find its evidence in the top 10.

    Args:
        assistant: The system.
        questions: In the order in which outcomes are returned.
        on_progress: Called with the number of questions done.
    """
    outcomes: list[Outcome] = []
    for done, question in enumerate(questions, start=1):
        findings = assistant.search(question.text, limit=DEPTH)
        texts = [squeeze(finding.hit.passage.text) for finding in findings.findings]
        ranks = tuple(
            next((rank for rank, text in enumerate(texts, start=1) if quote in text), None)
            for quote in map(squeeze, question.quotes)
        )
        outcomes.append(Outcome(question, ranks, findings.abstained))
        on_progress(done)
    return tuple(outcomes)


def summarize(name: str, outcomes: Sequence[Outcome]) -> Summary:
    """Average some outcomes.

    Raises:
        ValueError: If none of the questions has evidence.
    """
    judged = [outcome for outcome in outcomes if outcome.ranks]
    others = [outcome for outcome in outcomes if not outcome.ranks]
    if not judged:
        message = f"no question of {name} has evidence"
        raise ValueError(message)
    return Summary(
        name=name,
        n=len(judged),
        recall_1=mean(evidence_recall(outcome.ranks, 1) for outcome in judged),
        recall_5=mean(evidence_recall(outcome.ranks, 5) for outcome in judged),
        recall_10=mean(evidence_recall(outcome.ranks, 10) for outcome in judged),
        rr_10=mean(reciprocal_rank(outcome.ranks, 10) for outcome in judged),
        refused=sum(outcome.abstained for outcome in judged),
        unanswerable=len(others),
        unanswerable_refused=sum(outcome.abstained for outcome in others),
    )
