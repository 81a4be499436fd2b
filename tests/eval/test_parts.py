"""Which questions may be tuned on, and which are kept to check the tuning with."""

from __future__ import annotations

from dataclasses import replace

import pytest

from eval.dataset import Dataset
from eval.parts import Part, PartError, part_of, require_names
from eval.questions import Question

TUNING = ["Q1", "Q15", "Q22", "Q24", "Q27", "Q28", "Q34", "Q36", "Q37"]
"""Those of Q0 to Q39 whose hash falls below the tuning share."""


@pytest.fixture
def dataset() -> Dataset:
    questions = tuple(Question(f"Q{n}", "fact", "几天？", ("三日",), "any") for n in range(40))
    return Dataset("小集", questions, (), {}, "d")


def ids(dataset: Dataset) -> list[str]:
    return [question.question_id for question in dataset.questions]


def test_the_tuning_part_is_three_tenths_of_the_questions_by_a_hash_of_the_id(
    dataset: Dataset,
) -> None:
    tuning = part_of(dataset, Part.TUNING)
    assert ids(tuning) == TUNING
    assert tuning.name == "小集-tuning"
    backwards = replace(dataset, questions=dataset.questions[::-1])
    assert ids(part_of(backwards, Part.TUNING)) == TUNING[::-1]


def test_the_held_out_part_is_all_the_others(dataset: Dataset) -> None:
    held_out = part_of(dataset, Part.HELD_OUT)
    assert ids(held_out) == [f"Q{n}" for n in range(40) if f"Q{n}" not in TUNING]
    assert held_out.digest not in {dataset.digest, part_of(dataset, Part.TUNING).digest}
    assert part_of(dataset, Part.ALL) is dataset


def test_judgments_of_other_questions_are_not_in_a_part(dataset: Dataset) -> None:
    unquoted = tuple(replace(question, quotes=()) for question in dataset.questions)
    judgments = {question.question_id: {"某市": 1} for question in unquoted}
    tuning = part_of(replace(dataset, questions=unquoted, judgments=judgments), Part.TUNING)
    assert list(tuning.judgments) == TUNING


def test_a_set_too_small_to_tune_on_is_refused(dataset: Dataset) -> None:
    small = replace(dataset, questions=dataset.questions[:1])
    with pytest.raises(PartError, match="小集 的 1 题中，0 题属于 tuning，没有一题有答案"):
        part_of(small, Part.TUNING)


def test_datasets_of_one_name_are_refused(dataset: Dataset) -> None:
    require_names([dataset, replace(dataset, name="另一")])
    with pytest.raises(PartError, match="有 2 个题集都叫 小集，结果会互相覆盖"):
        require_names([dataset, dataset])
