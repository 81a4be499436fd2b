"""Measures of one system's rankings, question by question.

Three kinds, told apart by name: those of the field over judged units (``nDCG@10``), computed by
ir_measures; this project's, over verbatim quotes (``evidence@5``), because a quote is relevant
wherever the passages were cut; and the first passage's case (``case@1``). A measure that applies
to no question is absent, and so is a question that a measure does not apply to.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from math import fsum

import ir_measures
from ir_measures import RR, Judged, Measure, R, Success, nDCG

from eval.dataset import Qrels
from eval.evidence import case_is_right, read_by
from eval.questions import Mode
from eval.result import Outcome, Ranked, Result, Values

MEASURES: tuple[Measure, ...] = (
    nDCG @ 10,
    *(R @ cutoff for cutoff in (1, 3, 5, 10, 100)),
    RR @ 10,
    *(Success @ cutoff for cutoff in (1, 5, 10)),
    Judged @ 10,
)
"""Over judged units. Grades are gains as they stand, discounts log2, relevant is grade 1 or more."""


def by_judgments(qrels: Qrels, rankings: Mapping[str, Sequence[Ranked]]) -> Values:
    """Compute `MEASURES` for every question with a relevant unit.

    A question that brought up nothing, or is not in `rankings`, has 0 in every measure: it was
    asked. Rankings of other questions are left out: nothing answers those.

    Units are ordered by score alone, as ir_measures does. trec_eval, behind it, keeps scores in
    single precision and puts equal ones in descending order of id; the script of MS MARCO, which
    gives RR@10, puts them in ascending order. Scores that strictly decrease in single precision
    leave both no choice (see `eval.trec.decreasing`).

    Args:
        qrels: Judgments; empty gives no measure.
        rankings: By question, in any order.

    Raises:
        ValueError: If a ranking holds a unit twice.

    Source:
        MacAvaney, Macdonald and Ounis, ECIR 2022, doi:10.1007/978-3-030-99739-7_38; trec_eval.

    >>> values = by_judgments({"q": {"a": 2, "b": 1}}, {"q": [Ranked("c", 0.9), Ranked("b", 0.5)]})
    >>> values["RR@10"], values["R@10"], values["Success@1"], values["Judged@10"]
    ({'q': 0.5}, {'q': 0.5}, {'q': 0.0}, {'q': 0.5})
    """
    judged = {
        question_id: dict(grades)
        for question_id, grades in qrels.items()
        if any(grade > 0 for grade in grades.values())
    }
    if not judged:
        return {}
    # An empty ranking is no ranking to ir_measures: Judged would divide by its length.
    run = {
        question_id: _scores(question_id, rankings[question_id])
        for question_id in judged
        if rankings.get(question_id)
    }
    values: dict[str, dict[str, float]] = {
        str(measure): dict.fromkeys(judged, 0.0) for measure in MEASURES
    }
    for metric in ir_measures.iter_calc(MEASURES, judged, run):
        values[str(metric.measure)][metric.query_id] = float(metric.value)
    return values


def by_evidence(
    evidence: Mapping[str, tuple[int | None, ...]], modes: Mapping[str, Mode]
) -> Values:
    """Compute this project's measures from the rank of each quote.

    - ``evidence@k``: share of a question's quotes found in the top k, the R@k of the design.
    - ``hit@k``: 1 if enough of them are there to answer: one where any answers, else every one.
    - ``coverage@10``: evidence@10 of questions with two quotes or more.

    Args:
        evidence: For each quote of a question, the rank (from 1) by which all of it has been read:
            that of the first passage that holds it whole or, where boundaries cut it, of the last
            of the passages that it takes, so that it never ranks 1; None if a part is missing.
        modes: For each of these questions, whether any quote answers or all are needed.

    Raises:
        ValueError: If a question has no quotes (it is to be left out, not scored 0), no mode, or a
            rank below 1.

    >>> values = by_evidence({"q": (2, None, 6)}, {"q": "all"})
    >>> values["evidence@5"], values["hit@10"]
    ({'q': 0.3333333333333333}, {'q': 0.0})
    """
    for question_id, ranks in evidence.items():
        _require_ranks(question_id, ranks)
        if question_id not in modes:
            message = f"question {question_id} has no mode"
            raise ValueError(message)
    several = {qid: ranks for qid, ranks in evidence.items() if len(ranks) > 1}
    values = {
        **{
            f"evidence@{k}": {qid: _share(ranks, k) for qid, ranks in evidence.items()}
            for k in (1, 3, 5, 10)
        },
        **{
            f"hit@{k}": {qid: _hit(ranks, k, modes[qid]) for qid, ranks in evidence.items()}
            for k in (1, 5, 10)
        },
        "coverage@10": {qid: _share(ranks, 10) for qid, ranks in several.items()},
    }
    return {measure: by_question for measure, by_question in values.items() if by_question}


def by_case(found: Mapping[str, bool]) -> Values:
    """``case@1``: whether the first passage is of a case that holds evidence.

    >>> by_case({"q": True})
    {'case@1': {'q': 1.0}}
    """
    return {"case@1": {qid: float(right) for qid, right in found.items()}} if found else {}


@dataclass(frozen=True, slots=True)
class ConfusionMatrix:
    """Whose case came first, against whose was asked for.

    Attributes:
        districts: Rows and columns: every district that occurs, in code point order, so that the
            matrices of two systems line up; last None, for none stated.
        counts: Questions; a row for the expected district, a column for the one found.
    """

    districts: tuple[str | None, ...]
    counts: tuple[tuple[int, ...], ...]

    @property
    def total(self) -> int:
        """Questions counted."""
        return sum(map(sum, self.counts))

    @property
    def agreed(self) -> int:
        """Questions on the diagonal."""
        return sum(row[place] for place, row in enumerate(self.counts))


def confusion(pairs: Iterable[tuple[tuple[str, ...], str | None]]) -> ConfusionMatrix:
    """Count expected against found districts.

    Args:
        pairs: A pair a question: districts of the cases that hold evidence, empty where none is
            stated, and the district of the first passage's case. Where several are expected, the
            question is credited to the one found if it is among them, else to the first.

    >>> confusion([(("静安区", "长宁区"), "长宁区"), (("静安区",), None)])
    ConfusionMatrix(districts=('长宁区', '静安区', None), counts=((1, 0, 0), (0, 0, 1), (0, 0, 0)))
    """
    counts = Counter(
        (found if found in expected else next(iter(expected), None), found)
        for expected, found in pairs
    )
    named = sorted({name for cell in counts for name in cell if name is not None})
    districts = (*named, None)
    return ConfusionMatrix(
        districts, tuple(tuple(counts[row, column] for column in districts) for row in districts)
    )


def recomputed(result: Result) -> Values:
    """Compute every measure of a result again from what it stores, without a model.

    Ranks of quotes and the first case follow from the rankings and `Outcome.holders`. Where an
    outcome has no holders, they are taken as they stand in it.

    Raises:
        ValueError: If questions, outcomes, quotes and judgments do not belong together.
    """
    asked = [question.question_id for question in result.questions]
    if [outcome.question_id for outcome in result.outcomes] != asked:
        message = f"{result.name}: there is not one outcome for each question, in order"
        raise ValueError(message)
    if stray := sorted(result.qrels.keys() - set(asked)):
        message = f"{result.name}: judgments for questions that were not asked: {stray[:5]}"
        raise ValueError(message)
    pairs = list(zip(result.questions, result.outcomes, strict=True))
    for question, outcome in pairs:
        if len(question.quotes) != len(ranks_of(outcome)):
            message = (
                f"{result.name}: question {question.question_id} has {len(question.quotes)} "
                f"quotes and {len(ranks_of(outcome))} ranks"
            )
            raise ValueError(message)
    quoted = [(question, outcome) for question, outcome in pairs if question.quotes]
    found = {outcome.question_id: first_case_of(outcome) for outcome in result.outcomes}
    return {
        **by_judgments(result.qrels, {o.question_id: o.ranking for o in result.outcomes}),
        **by_evidence(
            {outcome.question_id: ranks_of(outcome) for _, outcome in quoted},
            {question.question_id: question.mode for question, _ in quoted},
        ),
        **by_case({qid: right for qid, right in found.items() if right is not None}),
    }


def ranks_of(outcome: Outcome) -> tuple[int | None, ...]:
    """Ranks of the quotes, from the ranking where it is known which passages hold them."""
    if outcome.holders is None:
        return outcome.evidence
    return read_by(outcome.holders, outcome.units)


def first_case_of(outcome: Outcome) -> bool | None:
    """Whether the first passage's case is right, found likewise; None without quotes."""
    if outcome.holders is None:
        return outcome.case_found
    return case_is_right(outcome.holders, outcome.units) if outcome.holders else None


def mean_of(values: Values, measure: str) -> float:
    """Average a measure over the questions that it applies to.

    Raises:
        ValueError: If it applies to none: there is no mean, and it is not 0.
    """
    by_question = values.get(measure)
    if not by_question:
        message = f"no question has a value of {measure}; there are values of {sorted(values)}"
        raise ValueError(message)
    return fsum(by_question.values()) / len(by_question)


def _within(ranks: Iterable[int | None], k: int) -> list[bool]:
    return [rank is not None and rank <= k for rank in ranks]


def _share(ranks: Sequence[int | None], k: int) -> float:
    return sum(_within(ranks, k)) / len(ranks)


def _hit(ranks: Sequence[int | None], k: int, mode: Mode) -> float:
    found = _within(ranks, k)
    return float(all(found) if mode == "all" else any(found))


def _require_ranks(question_id: str, ranks: Sequence[int | None]) -> None:
    if not ranks:
        message = f"question {question_id} has no quotes: leave it out, it has no value"
        raise ValueError(message)
    if any(rank is not None and rank < 1 for rank in ranks):
        message = f"question {question_id} has ranks {ranks}; ranks count from 1"
        raise ValueError(message)


def _scores(question_id: str, ranking: Sequence[Ranked]) -> dict[str, float]:
    scores = {ranked.unit_id: float(ranked.score) for ranked in ranking}
    if len(scores) != len(ranking):
        message = f"the ranking of question {question_id} holds a unit twice"
        raise ValueError(message)
    return scores
