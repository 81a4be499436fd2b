"""Parts of a dataset: what may be tuned on, and what is kept to check the tuning with."""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import replace
from enum import StrEnum

from eval.dataset import Dataset
from rag.errors import CasebookError

TUNING_SHARE = 0.3
"""Of the questions, by a hash of their id: adding questions moves none from part to part."""


class PartError(CasebookError):
    """A part of a dataset has nothing to measure with."""


class Part(StrEnum):
    """Which questions are asked."""

    ALL = "all"
    TUNING = "tuning"
    HELD_OUT = "held-out"


def calibration_split(
    ids: Iterable[str], *, share: float = 0.5, seed: int = 0
) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Split questions by a hash of their id: adding questions moves none from side to side.

    Args:
        ids: Question ids.
        share: Chance of an id to be for calibration.
        seed: Another seed gives another split.

    Returns:
        Ids for calibration, ids for testing; each in the given order.

    Raises:
        ValueError: If an id repeats, or the share is not in [0, 1].
    """
    if not 0 <= share <= 1:
        message = f"share {share} is not in [0, 1]"
        raise ValueError(message)
    learn: list[str] = []
    test: list[str] = []
    for question_id in ids:
        (learn if position_of(question_id, seed) < share else test).append(question_id)
    if len({*learn, *test}) < len(learn) + len(test):
        message = "ids must be distinct"
        raise ValueError(message)
    return tuple(learn), tuple(test)


def position_of(question_id: str, seed: int) -> float:
    """Where an id falls in [0, 1), the same on every machine."""
    digest = hashlib.sha256(f"{seed}:{question_id}".encode()).digest()
    return int.from_bytes(digest[:6]) / 2**48


def part_of(dataset: Dataset, part: Part) -> Dataset:
    """Keep one part of a dataset's questions; the same ones every time.

    Returns:
        The dataset with these questions and their judgments alone, questions in their order, its
        name ending in the part; itself for `Part.ALL`.

    Raises:
        PartError: If none of the questions is answerable.
    """
    if part is Part.ALL:
        return dataset
    ids = [question.question_id for question in dataset.questions]
    tuning, held_out = calibration_split(ids, share=TUNING_SHARE)
    kept = set(tuning if part is Part.TUNING else held_out)
    questions = tuple(q for q in dataset.questions if q.question_id in kept)
    if not any(map(dataset.answerable, questions)):
        message = (
            f"{dataset.name} 的 {len(ids)} 题中，{len(questions)} 题属于 {part}，没有一题有答案；"
            "请用题目更多的题集"
        )
        raise PartError(message)
    return replace(
        dataset,
        name=f"{dataset.name}-{part}",
        questions=questions,
        digest=hashlib.sha256(f"{dataset.digest} {part}".encode()).hexdigest(),
        judgments={q: grades for q, grades in dataset.judgments.items() if q in kept},
    )


def require_names(datasets: Sequence[Dataset]) -> None:
    """Refuse datasets of one name: their results would overwrite each other.

    Raises:
        PartError: Names the first that occurs twice.
    """
    for name, count in Counter(dataset.name for dataset in datasets).items():
        if count > 1:
            message = f"有 {count} 个题集都叫 {name}，结果会互相覆盖；请给其中的文件或文件夹改名"
            raise PartError(message)
