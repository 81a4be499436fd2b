"""Results -> rows: the table that terminal, README and report all show.

One row a system: means with intervals, paired comparisons with the row it is set against, latency
and cost. The primary measures are few and fixed, so that nobody picks the one that flatters.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, fields, replace

import numpy as np

from eval.questions import Question
from eval.result import Cost, Outcome, Result, Stages
from eval.statistics import Comparison, Interval, compare, holm, interval_of

QUOTE_MEASURES = ("evidence@1", "evidence@5", "RR@10", "nDCG@10")
DOCUMENT_MEASURES = ("nDCG@10", "R@10", "RR@10", "Success@1")


@dataclass(frozen=True, slots=True)
class Row:
    """One system on one dataset.

    Attributes:
        system: Its name.
        dataset: The dataset's name.
        about: One line on it.
        above: Name of the system it is compared with; empty for the first.
        measures: The primary measures, the headline first, also those it has no values of.
        cells: Measure -> mean with interval; a measure without values is absent.
        comparisons: This system against ``above``, a primary measure each, in the same order; the
            headline's p is Holm-corrected over the headlines of the dataset's rows, the others
            describe and are not corrected. None if there is nothing to compare with: it is the
            first, or the other result is not among the results.
        p50: Milliseconds of a question, median; None if nothing was asked.
        p95: The same, 95th percentile, interpolated.
        stages: Both of them for each stage, in the order of the work; empty for an imported run.
        cost: What the system takes; None for an imported run.
    """

    system: str
    dataset: str
    about: str
    above: str
    measures: tuple[str, ...]
    cells: Mapping[str, Interval]
    comparisons: tuple[Comparison, ...] | None
    p50: float | None
    p95: float | None
    stages: Mapping[str, tuple[float, float]]
    cost: Cost | None

    @property
    def build_s(self) -> float | None:
        """Seconds to build the index; None for an imported run."""
        return self.cost.build_s if self.cost else None

    @property
    def index_mb(self) -> float | None:
        """MiB of the index on disk; None for an imported run."""
        return self.cost.index_bytes / 2**20 if self.cost else None

    @property
    def peak_rss_mb(self) -> float | None:
        """MiB of memory at the peak; None for an imported run, or where it cannot be told."""
        return self.cost.peak_rss_mb if self.cost else None

    @property
    def headline(self) -> Comparison | None:
        """The comparison of the first primary measure; None if one of the two lacks it."""
        return headline_of(self.comparisons or (), self.measures)

    @property
    def descriptive(self) -> tuple[Comparison, ...]:
        """The comparisons of the other primary measures: no verdict follows from them."""
        return tuple(pair for pair in self.comparisons or () if pair.measure != self.measures[0])


def headline_of(comparisons: Sequence[Comparison], measures: Sequence[str]) -> Comparison | None:
    """Pick the comparison of the first of the measures; None if it is not among them."""
    return next((pair for pair in comparisons if pair.measure == measures[0]), None)


def report_rows(results: Sequence[Result]) -> tuple[Row, ...]:
    """Make the rows, in the order of the results.

    The family that is corrected is the verdicts a reader sees: one a row, the first primary
    measure's. A family of all primary measures would pay for figures that are one finding told in
    four ways, and hide most gains.

    Raises:
        ValueError: If two results are of the same system and dataset.
    """
    known = {result.name: result for result in results}
    if len(known) != len(results):
        message = f"two results of one system and dataset among {[r.name for r in results]}"
        raise ValueError(message)
    rows = [_row(result, results) for result in results]
    corrected: dict[tuple[str, str], Comparison] = {}
    for dataset in dict.fromkeys(row.dataset for row in rows):
        family = [
            (row.system, row.headline)
            for row in rows
            if row.dataset == dataset and row.headline is not None
        ]
        for (system, _), pair in zip(family, holm([pair for _, pair in family]), strict=True):
            corrected[system, dataset] = pair
    return tuple(
        replace(row, comparisons=(headline, *row.descriptive))
        if (headline := corrected.get((row.system, row.dataset))) is not None
        else row
        for row in rows
    )


def all_cells(result: Result) -> Mapping[str, Interval]:
    """Average every measure of a result, with intervals: the primary ones first, then as stored."""
    names = dict.fromkeys((*measures_of(result), *result.values))
    return {name: interval_of(result.values[name]) for name in names if result.values.get(name)}


def measures_of(result: Result) -> tuple[str, ...]:
    """Name the primary measures: by quotes where questions carry them, by document otherwise."""
    return DOCUMENT_MEASURES if result.document_judged else QUOTE_MEASURES


def above_of(result: Result, results: Sequence[Result]) -> Result | None:
    """Find the result that this one is compared with; None if it is first or the other not here."""
    name = f"{result.above}@{result.provenance.dataset}"
    return next((other for other in results if other.name == name), None)


def compared(other: Result, result: Result) -> tuple[Comparison, ...]:
    """Compare a result with another by the primary measures that both have; p uncorrected.

    Questions that only one of the two has a value of are left out: another cut of the passages
    can leave a quote whole or not, and with it the question's judgments. `Comparison.n` says how
    many are left.
    """
    comparisons = []
    for measure in measures_of(result):
        before, after = other.values.get(measure, {}), result.values.get(measure, {})
        shared = [question_id for question_id in before if question_id in after]
        if shared:
            old = {question_id: before[question_id] for question_id in shared}
            new = {question_id: after[question_id] for question_id in shared}
            comparisons.append(compare(old, new, measure))
    return tuple(comparisons)


def comparison_record(pair: Comparison, *, headline: bool) -> dict[str, object]:
    """Write a comparison as a record; one that only describes has no verdict and no corrected p."""
    if headline:
        return {**asdict(pair), "verdict": pair.verdict}
    return {**asdict(pair), "p_holm": None, "family": None, "verdict": None}


def answerable(result: Result, question: Question) -> bool:
    """Whether something answers the question: a quote, or a unit of grade 1 or more."""
    grades = result.qrels.get(question.question_id, {})
    return bool(question.quotes) or any(grade > 0 for grade in grades.values())


def ranks_of(result: Result, outcome: Outcome) -> tuple[int | None, ...]:
    """Ranks, from 1, of what answers: one a quote, or the one of the first unit judged relevant.

    None stands for what was not ranked.
    """
    if outcome.evidence:
        return outcome.evidence
    grades = result.qrels.get(outcome.question_id, {})
    ranks = enumerate(outcome.ranking, start=1)
    return (next((rank for rank, unit in ranks if grades.get(unit.unit_id, 0) > 0), None),)


def first_of(ranks: Sequence[int | None]) -> int | None:
    """Take the best of some ranks; None if there is none."""
    return min((rank for rank in ranks if rank is not None), default=None)


def _stages(result: Result) -> dict[str, tuple[float, float]]:
    taken = [outcome.stages for outcome in result.outcomes if outcome.stages]
    if not taken:
        return {}
    percentiles = {
        field.name: np.percentile([getattr(stages, field.name) for stages in taken], (50, 95))
        for field in fields(Stages)
    }
    return {name: (float(p50), float(p95)) for name, (p50, p95) in percentiles.items()}


def _row(result: Result, results: Sequence[Result]) -> Row:
    measures = measures_of(result)
    taken = result.latencies_ms
    other = above_of(result, results)
    return Row(
        system=result.provenance.system,
        dataset=result.provenance.dataset,
        about=result.about,
        above=result.above,
        measures=measures,
        cells={m: interval_of(result.values[m]) for m in measures if result.values.get(m)},
        comparisons=None if other is None else compared(other, result),
        p50=float(np.percentile(taken, 50)) if taken else None,
        p95=float(np.percentile(taken, 95)) if taken else None,
        stages=_stages(result),
        cost=result.cost,
    )
