"""Learn how likely a sentence is to answer, from questions whose evidence is known.

Every sentence of the passages found is a row, and its label is whether it holds a quote. How well
the answers do is told of questions that the function was not fitted on, by the product's own
extraction.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import astuple, dataclass, fields

import numpy as np

from eval.answers import contains
from eval.calibrate import CalibrateError
from eval.logistic import fit
from eval.parts import position_of
from eval.reference import Need, Reference
from eval.statistics import Interval, interval_of
from rag.answer import Answer
from rag.assistant import Assistant, Findings
from rag.extract import CONSIDERED, considered, extract
from rag.likelihood import Candidate, Likelihood, SentenceSignals, candidates

FOLDS = 10
_RIDGE = 0.01
"""On signals as they are, in [0, 1]: next to none."""
_PASSAGES = 5
"""That an answer is looked for in, where it is not told case by case."""
_LEAST = 20
"""Questions, at least: two in each fold."""
_DIGITS = 4
_SIGNALS = fields(SentenceSignals)
_COMMENT = """\
# How likely a sentence is to answer: see `Likelihood` in rag/likelihood.py. Written by
# `casebook eval calibrate-answers`.
"""


@dataclass(frozen=True, slots=True)
class Studied:
    """A question as asked of one system, and what answers it.

    Attributes:
        system: Which was asked.
        reference: The question and its evidence.
        findings: What it brought up, more than an answer considers.
    """

    system: str
    reference: Reference
    findings: Findings

    @property
    def question_id(self) -> str:
        """The question."""
        return self.reference.question.question_id


@dataclass(frozen=True, slots=True)
class Answered:
    """How a system's answers do, by functions not fitted on their questions.

    Attributes:
        system: Its name.
        single: Questions with one quote whose answer contains it, refused ones included.
        alternatives: The same of those with several quotes of which any answers; None without any.
        several: Share of the quotes contained, of those that need all of theirs; None likewise.
        sentences: Of an answer to a question with one quote, refusals left out.
        characters: The same.
    """

    system: str
    single: Interval | None
    alternatives: Interval | None
    several: Interval | None
    sentences: Interval | None
    characters: Interval | None


@dataclass(frozen=True, slots=True)
class Learnt:
    """A function and how it does.

    Attributes:
        likelihood: The function, fitted on all questions.
        questions: Fitted on, each counted once.
        rows: Sentences.
        positive: Those that hold a quote.
        answered: A system each.
    """

    likelihood: Likelihood
    questions: int
    rows: int
    positive: int
    answered: tuple[Answered, ...]


def study(system: str, assistant: Assistant, references: Iterable[Reference]) -> list[Studied]:
    """Ask a system the questions that something answers."""
    return [
        Studied(system, one, assistant.search(one.question.text, limit=CONSIDERED))
        for one in references
        if one.answerable
    ]


def learn(studied: Sequence[Studied], texts: Mapping[str, str], threshold: float) -> Learnt:
    """Fit the function on questions as one system or several found them.

    Args:
        studied: All that was asked of all systems.
        texts: The sources as read, by name.
        threshold: What is likelier is shown; it is given, not learnt.

    Raises:
        CalibrateError: If there are fewer than 20 questions, or no sentence holds a quote.
    """
    questions = dict.fromkeys(one.question_id for one in studied)
    if len(questions) < _LEAST:
        message = f"有引文的问题只有 {len(questions)} 个，至少要有 {_LEAST} 个；请增加问题"
        raise CalibrateError(message)
    rows = [_rows(one) for one in studied]
    everything = [row for own in rows for row in own]
    positive = sum(label for _, label in everything)
    if not 0 < positive < len(everything):
        message = f"找到的 {len(everything)} 句中有 {positive} 句含有引文，学不到区别；请核对引文"
        raise CalibrateError(message)
    folds = [int(position_of(one.question_id, 1) * FOLDS) for one in studied]
    by_fold = {
        fold: _fitted(
            [row for own, its in zip(rows, folds, strict=True) if its != fold for row in own],
            threshold,
        )
        for fold in sorted(set(folds))
    }
    answers = [
        extract(one.findings.first(considered(one.findings, _PASSAGES)), likelihood=by_fold[fold])
        for one, fold in zip(studied, folds, strict=True)
    ]
    return Learnt(
        likelihood=_fitted(everything, threshold),
        questions=len(questions),
        rows=len(everything),
        positive=positive,
        answered=tuple(
            _answered(
                system,
                [(one, a) for one, a in zip(studied, answers, strict=True) if one.system == system],
                texts,
            )
            for system in dict.fromkeys(one.system for one in studied)
        ),
    )


def toml_of(learnt: Learnt, made: str) -> str:
    """Write the file that `rag.likelihood` reads.

    Args:
        learnt: The function.
        made: What made it: command, date, commit.
    """
    function = learnt.likelihood
    weights = "".join(f"{it.name} = {getattr(function.weights, it.name)}\n" for it in _SIGNALS)
    provenance = f"{made}：{_told(learnt)}"
    return (
        f"{_COMMENT}\nintercept = {function.intercept}\nthreshold = {function.threshold}\n"
        f"provenance = {json.dumps(provenance, ensure_ascii=False)}\n\n[weights]\n{weights}"
    )


def _told(learnt: Learnt) -> str:
    told = (
        f"；{one.system} 十折交叉检验：一条引文的题中证据在所示句中的 {one.single.mean:.3f} "
        f"[{one.single.low:.3f}, {one.single.high:.3f}]（n={one.single.n}），"
        f"平均 {one.sentences.mean:.2f} 句、{one.characters.mean:.0f} 字"
        for one in learnt.answered
        if one.single is not None and one.sentences is not None and one.characters is not None
    )
    made_of = f"{learnt.questions} 题，{learnt.rows} 句，其中 {learnt.positive} 句含引文"
    return made_of + "".join(told)


def holds(candidate: Candidate, reference: Reference) -> bool:
    """Whether a sentence holds a quote whole, or is itself a part of one that runs on."""
    file, place = candidate.finding.citation.file, candidate.place
    return any(
        at.source == file
        and (
            (place.start <= at.span.start and at.span.end <= place.end)
            or (at.span.start <= place.start and place.end <= at.span.end)
        )
        for piece in reference.evidence
        for at in piece.occurrences
    )


def _rows(one: Studied) -> list[tuple[SentenceSignals, bool]]:
    found = one.findings.findings[:_PASSAGES]
    listed = candidates(one.reference.question.text, found)
    return [(candidate.signals, holds(candidate, one.reference)) for candidate in listed]


def _fitted(rows: Sequence[tuple[SentenceSignals, bool]], threshold: float) -> Likelihood:
    features = np.array([astuple(signals) for signals, _ in rows], dtype=np.float64)
    labels = np.array([float(label) for _, label in rows])
    logistic = fit(features, labels, np.ones(len(rows)), ridge=_RIDGE)
    weights = (round(value, _DIGITS) for value in logistic.coefficients)
    return Likelihood(round(logistic.intercept, _DIGITS), SentenceSignals(*weights), threshold, "")


def _answered(
    system: str, answers: Sequence[tuple[Studied, Answer]], texts: Mapping[str, str]
) -> Answered:
    held: dict[Need | None, dict[str, float]] = {}
    sentences: dict[str, float] = {}
    characters: dict[str, float] = {}
    for one, answer in answers:
        reference = one.reference
        share = reference.share_of(contains(answer, each, texts) for each in reference.evidence)
        if share is None:
            continue
        held.setdefault(reference.need, {})[one.question_id] = share
        if reference.need == "one" and not answer.abstained:
            sentences[one.question_id] = float(len(answer.sentences))
            characters[one.question_id] = float(sum(len(s.text) for s in answer.sentences))
    return Answered(
        system,
        _mean(held.get("one", {})),
        _mean(held.get("any", {})),
        _mean(held.get("all", {})),
        _mean(sentences),
        _mean(characters),
    )


def _mean(values: Mapping[str, float]) -> Interval | None:
    return interval_of(values) if values else None
