"""Robustness: the same questions, typed otherwise, as paired differences."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

from eval.measures import mean_of
from eval.perturbations import PERTURBATIONS, perturbed
from eval.result import Result
from eval.rows import measures_of
from eval.run import run
from eval.statistics import Comparison, compare, holm
from eval.workbench import Built, Workbench
from rag.errors import CasebookError


class RobustnessError(CasebookError):
    """There is nothing to compare by."""


@dataclass(frozen=True, slots=True)
class Variation:
    """One perturbation, on the questions that it changes.

    Attributes:
        name: The perturbation.
        about: What it does.
        n: Answerable questions that it changes; the comparison is over these.
        before: Mean on them as they were written.
        after: Mean as perturbed.
        comparison: After against before; None if it changes no answerable question.
    """

    name: str
    about: str
    n: int
    before: float | None
    after: float | None
    comparison: Comparison | None


def variations_of(
    bench: Workbench,
    built: Built,
    base: Result,
    *,
    measure: str = "",
    on_progress: Callable[[int, int], None] = lambda _done, _total: None,
) -> tuple[Variation, ...]:
    """Ask a system every question in every other way of writing it.

    Args:
        bench: The dataset's.
        built: The system.
        base: What it did with the questions as they are.
        measure: What is compared; the first primary one if empty.
        on_progress: Told how many perturbations are done, and of how many.

    Returns:
        One a perturbation, in the order of `PERTURBATIONS`; p corrected over all of them
        (Holm).

    Raises:
        RobustnessError: If there is no such measure.
    """
    measure = measure or measures_of(base)[0]
    if measure not in base.values:
        message = f"{base.name} 没有指标 {measure}；有：{'、'.join(base.values) or '无'}"
        raise RobustnessError(message)
    districts = sorted({d.name for case in built.cases.values() for d in case.districts})
    variations: list[Variation] = []
    for done, perturbation in enumerate(PERTURBATIONS.values()):
        on_progress(done, len(PERTURBATIONS))
        questions = tuple(
            changed
            for question in bench.dataset.questions
            if (changed := perturbed(question, perturbation.name, districts)) is not None
        )
        name = f"{bench.dataset.name}:{perturbation.name}"
        dataset = replace(bench.dataset, name=name, questions=questions)
        after = run(bench, built, dataset=dataset).values.get(measure, {}) if questions else {}
        before = {q: value for q, value in base.values[measure].items() if q in after}
        if not before:
            variations.append(Variation(perturbation.name, perturbation.about, 0, None, None, None))
            continue
        variations.append(
            Variation(
                name=perturbation.name,
                about=perturbation.about,
                n=len(before),
                before=mean_of({measure: before}, measure),
                after=mean_of({measure: after}, measure),
                comparison=compare(before, after, measure),
            )
        )
    on_progress(len(PERTURBATIONS), len(PERTURBATIONS))
    corrected = iter(holm([v.comparison for v in variations if v.comparison is not None]))
    return tuple(replace(v, comparison=next(corrected)) if v.comparison else v for v in variations)
