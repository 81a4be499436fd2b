"""An `AnswerRun` -> figures with intervals, by type of question, and the misses to look at."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from eval.answer_run import AnswerRun, Pace
from eval.answers import AnswerScores
from eval.share import Share
from eval.statistics import Interval, interval_of


@dataclass(frozen=True, slots=True)
class Figure:
    """One number of a table.

    Attributes:
        key: Its name in JSON.
        zh: What it is, for people.
        value: The mean or share; None where nothing applies.
        low: Lower end of the 95% interval: the bootstrap's over questions for a mean, Wilson's
            for a share, which knows that nothing wrong in twenty is not never.
        high: Upper end.
        n: What was counted: questions, or for shares sentences or citations.
        some: How many of ``n`` a share counts; None for a mean.
    """

    key: str
    zh: str
    value: float | None
    low: float | None
    high: float | None
    n: int
    some: int | None = None


@dataclass(frozen=True, slots=True)
class Latency:
    """Answering against searching, in one run, question by question.

    Attributes:
        n: Questions.
        search_p50: Milliseconds.
        search_p95: Milliseconds.
        ask_p50: Milliseconds.
        ask_p95: Milliseconds.
    """

    n: int
    search_p50: float
    search_p95: float
    ask_p50: float
    ask_p95: float

    @property
    def ratio_p50(self) -> float:
        """How many times as long the middle answer takes as the middle search."""
        return self.ask_p50 / self.search_p50

    @property
    def ratio_p95(self) -> float:
        """The same of the slow ones."""
        return self.ask_p95 / self.search_p95


@dataclass(frozen=True, slots=True)
class TypeRow:
    """The questions of one type that something answers.

    Attributes:
        type: As the question file says.
        n: How many.
        refused: How many of them were refused.
        means: By measure, of `MEASURES`; a measure that applies to none is absent.
    """

    type: str
    n: int
    refused: int
    means: Mapping[str, Interval]


@dataclass(frozen=True, slots=True)
class Misses:
    """Ids of questions to look at, in the order asked.

    Attributes:
        unsupported: A sentence is not where it says it is, or no checker passed it.
        elsewhere: A citation is of another district than the question names.
        uncontained: Answered, and not all of the evidence that it takes is in the sentences.
        refused: Answerable, and refused.
        unrefused: Unanswerable, and answered.
    """

    unsupported: tuple[str, ...]
    elsewhere: tuple[str, ...]
    uncontained: tuple[str, ...]
    refused: tuple[str, ...]
    unrefused: tuple[str, ...]


def _share_of(some: int, n: int) -> float | None:
    return some / n if n else None


MEASURES: Mapping[str, Callable[[AnswerScores], float | None]] = {
    "contained": lambda one: one.contained,
    "cited": lambda one: one.cited,
    "precision": lambda one: _share_of(one.holding, one.citations) if one.answerable else None,
    "sentence_precision": lambda one: (
        _share_of(one.touching, one.sentences)
        if one.answerable and one.touching is not None
        else None
    ),
    "facts": lambda one: one.facts,
    "all_facts": lambda one: None if one.facts is None else float(one.facts == 1),
    "sentences": lambda one: float(one.sentences) if one.answerable and not one.refused else None,
    "characters": lambda one: float(one.characters) if one.answerable and not one.refused else None,
}
"""What each question has of its own; None where it does not apply."""


def values_of(scores: Iterable[AnswerScores], measure: str) -> dict[str, float]:
    """Question id -> value of a measure, for the questions that it applies to."""
    of = MEASURES[measure]
    return {one.question_id: value for one in scores if (value := of(one)) is not None}


def figures_of(scores: Sequence[AnswerScores]) -> tuple[Figure, ...]:
    """Sum up: the table of `docs/answers.md`, in its order."""
    one, any_of, all_of = ([s for s in scores if s.need == need] for need in ("one", "any", "all"))
    answerable = [s for s in scores if s.answerable]
    refused = [s for s in scores if s.refused]
    others = [s for s in scores if not s.answerable]
    naming = [s for s in scores if s.elsewhere is not None]
    placed = [s for s in scores if s.beside is not None]
    return (
        _rate(
            "support", "句子原样在出处（句）", _sum(scores, "supported"), _sum(scores, "sentences")
        ),
        _rate(
            "elsewhere",
            "引到别的区（问句写明区的引用）",
            _sum(naming, "elsewhere"),
            _sum(naming, "citations"),
        ),
        _rate(
            "beside", "引到证据以外的区（引用）", _sum(placed, "beside"), _sum(placed, "citations")
        ),
        _mean("contained_single", "证据在句中：一条引文的题", one, "contained"),
        _mean("contained_any", "证据在句中：几条任一即可", any_of, "contained"),
        _mean("contained_all", "证据在句中：几条都要（比例）", all_of, "contained"),
        _mean("precision", "引用精确率", answerable, "precision"),
        _mean("recall", "引用召回率", answerable, "cited"),
        _mean("sentence_precision", "句子精确率", answerable, "sentence_precision"),
        _mean("facts", "参考答案的数字与名称（比例）", answerable, "facts"),
        _mean("all_facts", "参考答案的数字与名称（全有）", answerable, "all_facts"),
        _rate(
            "refusal_precision", "拒答精确率", sum(not s.answerable for s in refused), len(refused)
        ),
        _rate("refusal_recall", "拒答召回率", sum(s.refused for s in others), len(others)),
        _rate("false_refusals", "误拒", sum(s.refused for s in answerable), len(answerable)),
        _mean("sentences", "句数", answerable, "sentences"),
        _mean("characters", "字数", answerable, "characters"),
    )


def types_of(run: AnswerRun) -> tuple[TypeRow, ...]:
    """Sum up by type of question, in the order in which the types come up."""
    return _rows_of(run.scores, run.groups.get("type", {}))


def slices_in(run: AnswerRun) -> dict[str, tuple[TypeRow, ...]]:
    """The same by every slice of `eval.slices`."""
    return {name: _rows_of(run.scores, group_of) for name, group_of in run.groups.items()}


def misses_of(scores: Iterable[AnswerScores]) -> Misses:
    """List what went wrong."""
    listed = tuple(scores)

    def ids(wrong: Callable[[AnswerScores], bool]) -> tuple[str, ...]:
        return tuple(one.question_id for one in listed if wrong(one))

    return Misses(
        unsupported=ids(lambda one: one.supported < one.sentences),
        elsewhere=ids(lambda one: bool(one.elsewhere)),
        uncontained=ids(
            lambda one: not one.refused and one.contained is not None and one.contained < 1
        ),
        refused=ids(lambda one: one.answerable and one.refused),
        unrefused=ids(lambda one: not one.answerable and not one.refused),
    )


def latency_of(paces: Collection[Pace]) -> Latency | None:
    """Take the middle and the 95th percentile of both; None where nothing was asked."""
    if not paces:
        return None
    search = np.percentile([pace.search for pace in paces], [50, 95])
    ask = np.percentile([pace.ask for pace in paces], [50, 95])
    return Latency(len(paces), *map(float, search), *map(float, ask))


def _rows_of(scores: Sequence[AnswerScores], group_of: Mapping[str, str]) -> tuple[TypeRow, ...]:
    groups: dict[str, list[AnswerScores]] = {}
    for one in scores:
        if one.answerable and one.question_id in group_of:
            groups.setdefault(group_of[one.question_id], []).append(one)
    return tuple(
        TypeRow(
            name,
            len(own),
            sum(one.refused for one in own),
            {key: interval_of(values) for key in MEASURES if (values := values_of(own, key))},
        )
        for name, own in groups.items()
    )


def _sum(scores: Iterable[AnswerScores], field: str) -> int:
    return sum(getattr(one, field) for one in scores)


def _rate(key: str, zh: str, some: int, n: int) -> Figure:
    if not n:
        return Figure(key, zh, None, None, None, 0, 0)
    share = Share(some, n)
    return Figure(key, zh, share.value, share.low, share.high, n, some)


def _mean(key: str, zh: str, scores: Sequence[AnswerScores], measure: str) -> Figure:
    values = values_of(scores, measure)
    if not values:
        return Figure(key, zh, None, None, None, 0)
    interval = interval_of(values)
    return Figure(key, zh, interval.mean, interval.low, interval.high, interval.n)
