"""Results on one dataset -> everything a report says about it, ready to be laid out."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from eval.footnotes import caption_of, corpus_warning, footnotes_of
from eval.groups import GroupRow, group_rows
from eval.measures import ConfusionMatrix, confusion
from eval.misses import Flip, Story, flips_of, found_measure, stories_of
from eval.phrase import Phrase, p_equation, signed
from eval.refusals import Refusals, refusals_of
from eval.result import Result
from eval.rows import Row, above_of, all_cells, answerable, compared, headline_of, report_rows
from eval.statistics import Comparison, Interval
from eval.wording import WORDS

_FLIPS = (1, 5)


@dataclass(frozen=True, slots=True)
class Detail:
    """One system, question by question.

    Attributes:
        row: Its row of the table.
        result: What it did.
        cells: Every measure -> mean with interval.
        stories: Questions whose evidence is not first.
        flips: Cut-off and the questions that changed sides there, against the row compared with;
            without one, or without its values, empty.
        refusals: How it abstains; None if it was asked nothing, or states no confidence.
        confusion: Districts, expected against found; None where no question has one.
    """

    row: Row
    result: Result
    cells: Mapping[str, Interval]
    stories: tuple[Story, ...]
    flips: tuple[tuple[int, tuple[Flip, ...]], ...]
    refusals: Refusals | None
    confusion: ConfusionMatrix | None


@dataclass(frozen=True, slots=True)
class Chapter:
    """All systems on one dataset.

    Attributes:
        dataset: Its name.
        details: A system each, in the order of the results.
        summary: The verdict of the last system, a sentence each comparison.
        groups: Measure -> means by group, for the first two primary measures that have any.
        questions: Questions asked of the last system.
        unanswerable: Those among them that nothing answers.
    """

    dataset: str
    details: tuple[Detail, ...]
    summary: tuple[Phrase, ...]
    groups: tuple[tuple[str, tuple[GroupRow, ...]], ...]
    questions: int
    unanswerable: int

    @property
    def rows(self) -> tuple[Row, ...]:
        """The rows of the table."""
        return tuple(detail.row for detail in self.details)

    @property
    def results(self) -> tuple[Result, ...]:
        """The results, in the same order."""
        return tuple(detail.result for detail in self.details)

    @property
    def measures(self) -> tuple[str, ...]:
        """Every measure that one of the systems has, in the order in which they first occur."""
        return tuple(dict.fromkeys(name for detail in self.details for name in detail.cells))

    @property
    def caption(self) -> Phrase:
        """What the table's numbers are."""
        return caption_of(self.rows)

    @property
    def footnotes(self) -> tuple[Phrase, ...]:
        """What is to be said below the table."""
        return footnotes_of(self.rows)

    @property
    def warning(self) -> Phrase | None:
        """That the results are not of the same texts; None where they are."""
        return corpus_warning(self.results)

    @property
    def last(self) -> Detail:
        """The system that the chapter is about."""
        return self.details[-1]


def chapters_of(results: Sequence[Result], target_risk: float) -> tuple[Chapter, ...]:
    """Put results together by dataset, in the order in which datasets first occur.

    Raises:
        ValueError: If there is no result, two are of the same system and dataset, or the target
            is not in [0, 1].
    """
    if not results:
        message = "a report needs a result"
        raise ValueError(message)
    rows = {f"{row.system}@{row.dataset}": row for row in report_rows(results)}
    datasets = dict.fromkeys(result.provenance.dataset for result in results)
    return tuple(
        _chapter(
            dataset,
            [result for result in results if result.provenance.dataset == dataset],
            [row for row in rows.values() if row.dataset == dataset],
            target_risk,
        )
        for dataset in datasets
    )


def _chapter(
    dataset: str, results: Sequence[Result], rows: Sequence[Row], target_risk: float
) -> Chapter:
    last = results[-1]
    tables = ((measure, group_rows(results, measure)) for measure in rows[-1].measures[:2])
    return Chapter(
        dataset=dataset,
        details=tuple(
            _detail(result, row, results, target_risk)
            for result, row in zip(results, rows, strict=True)
        ),
        summary=_summary(results, rows),
        groups=tuple((measure, groups) for measure, groups in tables if groups),
        questions=len(last.questions),
        unanswerable=sum(not answerable(last, question) for question in last.questions),
    )


def _detail(result: Result, row: Row, results: Sequence[Result], target_risk: float) -> Detail:
    above = above_of(result, results)
    flips = [
        (k, flips_of(above, result, k))
        for k in _FLIPS
        if above is not None
        if found_measure(result, k) in above.values and found_measure(result, k) in result.values
    ]
    pairs = [(outcome.districts, outcome.district_found) for outcome in result.outcomes]
    return Detail(
        row=row,
        result=result,
        cells=all_cells(result),
        stories=stories_of(result),
        flips=tuple(flips),
        refusals=refusals_of(result, target_risk),
        confusion=confusion(pair for pair in pairs if pair[0])
        if any(p for p, _ in pairs)
        else None,
    )


def _summary(results: Sequence[Result], rows: Sequence[Row]) -> tuple[Phrase, ...]:
    """Set the last system against the row it names, and against the first if that is another.

    The latter is no row of the table and so of no family: it is told without a verdict.
    """
    last, row = results[-1], rows[-1]
    if len(results) == 1 and not row.above:
        return (WORDS["summary_first"].filled(system=row.system),)
    sentences = []
    if row.above and row.comparisons is None:
        sentences.append(WORDS["summary_absent"].filled(system=row.system, above=row.above))
    elif row.above:
        sentences.append(_sentence(row.system, row.above, row.headline))
    first = rows[0].system
    if len(results) > 1 and first != row.above:
        pair = headline_of(compared(results[0], last), row.measures)
        sentences.append(_sentence(row.system, first, pair, "summary_other"))
    return tuple(sentences)


def _sentence(
    system: str, above: str, comparison: Comparison | None, words: str = "summary"
) -> Phrase:
    if comparison is None:
        return WORDS["summary_unshared"].filled(system=system, above=above)
    return WORDS[words].filled(
        system=system,
        above=above,
        measure=comparison.measure,
        words=Phrase(comparison.in_words("zh"), comparison.in_words("en")),
        difference=signed(comparison.difference),
        low=signed(comparison.low),
        high=signed(comparison.high),
        p=p_equation(comparison.p),
    )
