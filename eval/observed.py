"""Questions as a retriever saw them: what a calibration is learnt from."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum

from eval.dataset import Dataset
from eval.parts import position_of
from eval.questions import Question
from rag.retrieve import Retriever
from rag.signals import Signals

MOST = 600
"""Questions about something else asked of a file, at most: chosen by a hash of their id."""
ANSWERABLE = "有答案"
"""What reports count answerable questions under."""
_SEED = 2  # another than those of the splits, or all that are chosen would fall on one side


class Kind(StrEnum):
    """What a question is to the index it is asked of."""

    ANSWERABLE = "answerable"
    UNANSWERABLE = "unanswerable"
    ELSEWHERE = "elsewhere"


@dataclass(frozen=True, slots=True)
class Asked:
    """A question as asked of one system.

    Attributes:
        question_id: Questions of one id are always on the same side of a split.
        system: Which was asked.
        group: What reports count it under.
        kind: What it is to the index.
        signals: Of the first passage.
    """

    question_id: str
    system: str
    group: str
    kind: Kind
    signals: Signals


@dataclass(frozen=True, slots=True)
class Others:
    """Questions that nothing answers, beside those of the dataset.

    Attributes:
        unanswerable: About the cases of the index.
        elsewhere: About something else, by what reports call them.
    """

    unanswerable: tuple[Question, ...] = ()
    elsewhere: Mapping[str, tuple[Question, ...]] = field(default_factory=dict)


def ask_all(
    system: str,
    retriever: Retriever,
    dataset: Dataset,
    others: Others,
    on_progress: Callable[[int, int], None] = lambda _done, _total: None,
) -> tuple[Asked, ...]:
    """Ask a system a dataset's questions and others, and keep the signals of what comes first.

    Unanswerable questions are grouped by their type. A question that finds nothing is left out: it
    is refused whatever the calibration.

    Args:
        system: Its name.
        retriever: Asked.
        dataset: Asked of its own index.
        others: Asked of the same; `some_of` those about something else.
        on_progress: Called with the number of questions asked, and of all.
    """
    questions = [
        (question, ANSWERABLE, Kind.ANSWERABLE)
        if dataset.answerable(question)
        else (question, question.type, Kind.UNANSWERABLE)
        for question in dataset.questions
    ]
    questions += [(question, question.type, Kind.UNANSWERABLE) for question in others.unanswerable]
    for name, some in others.elsewhere.items():
        questions += [(question, name, Kind.ELSEWHERE) for question in some_of(some)]
    asked = []
    for done, (question, group, kind) in enumerate(questions, start=1):
        signals = retriever.retrieve(question.text, limit=1).signals
        if signals is not None:
            asked.append(Asked(question.question_id, system, group, kind, signals))
        on_progress(done, len(questions))
    return tuple(asked)


def some_of(questions: Sequence[Question], most: int = MOST) -> tuple[Question, ...]:
    """Choose questions by a hash of their id, in their order; all where there are no more."""
    by_hash = sorted(questions, key=lambda question: position_of(question.question_id, _SEED))
    chosen = {question.question_id for question in by_hash[:most]}
    return tuple(question for question in questions if question.question_id in chosen)
