"""A run of another system, as a `Result`: ranked elsewhere, judged and compared here."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace

from eval.dataset import Dataset, Qrels
from eval.measures import recomputed
from eval.provenance import provenance_of_import
from eval.questions import Question, listed
from eval.result import SHOWN, Excerpt, Outcome, Ranked, Result
from eval.slices import evidence_text_of, slices_of
from eval.systems import system_of
from eval.trec import JudgmentsError, decreasing


def imported(
    dataset: Dataset,
    rankings: Mapping[str, Sequence[Ranked]],
    name: str,
    *,
    qrels: Qrels | None = None,
    command: str = "",
) -> Result:
    """Judge a run that was made elsewhere.

    Args:
        dataset: What was asked.
        rankings: By question id, best first; a question without one brought up nothing, counts 0
            and is noted. Scores are kept `decreasing`, as they will be stored.
        name: What to call the system; what a declared one could be called.
        qrels: Judgments of the units that it ranked. Needed for a dataset with quotes, whose own
            judgments are by Casebook's passages; quotes are then left out. Answerable questions
            that it lacks have no values and are noted.
        command: What reproduces the import.

    Returns:
        The result; confidence, latency and cost are None. Its notes are the dataset's and those
        on questions that the run or the judgments lack.

    Raises:
        SystemsError: If the name cannot be a system's.
        JudgmentsError: If the run answers questions that were not asked, no unit that it ranked is
            judged (other ids?), or judgments are needed and not given.
        ValueError: If a ranking is not best first or holds a unit twice, or there are judgments of
            questions that were not asked.
    """
    system_of(name, {}, "--name")
    judged = dataset.judgments if qrels is None else qrels
    if not judged:
        message = (
            f"{dataset.name} 以引文判断，排名的是别处的段落；请用 --qrels 给出对那些段落的判断"
        )
        raise JudgmentsError(message)
    asked = {question.question_id for question in dataset.questions}
    rankings = {question_id: decreasing(ranking) for question_id, ranking in rankings.items()}
    if strange := sorted(rankings.keys() - asked):
        message = f"{name} 回答了 {dataset.name} 里没有的 {listed(strange)}；请核对题集与问题 id"
        raise JudgmentsError(message)
    units = {unit for grades in judged.values() for unit in grades}
    if not any(ranked.unit_id in units for ranking in rankings.values() for ranked in ranking):
        message = f"{name} 排出的文档没有一个在判断里；请核对文档 id 是否一致"
        raise JudgmentsError(message)
    questions = tuple(replace(question, quotes=()) for question in dataset.questions)
    shown = {r.unit_id for ranking in rankings.values() for r in ranking[:SHOWN]}
    result = Result(
        provenance=provenance_of_import(dataset, name, command),
        above="",
        about="导入的排名",
        questions=questions,
        qrels=judged,
        outcomes=tuple(_outcome(q.question_id, rankings.get(q.question_id, ())) for q in questions),
        values={},
        groups=slices_of(dataset.questions, evidence_text_of(dataset), ()),
        faults=(),
        ceilings=(),
        excerpts=tuple(
            Excerpt.of_document(source) for source in dataset.sources if source.name in shown
        ),
        cost=None,
        notes=(*dataset.notes, *_notes(dataset, judged, rankings, name)),
    )
    return replace(result, values=recomputed(result))


def _notes(
    dataset: Dataset, judged: Qrels, rankings: Mapping[str, Sequence[Ranked]], name: str
) -> Iterator[str]:
    def counts(question: Question) -> bool:
        return any(grade > 0 for grade in judged.get(question.question_id, {}).values())

    answerable = [q for q in dataset.questions if dataset.answerable(q)]
    if left_out := [q.question_id for q in answerable if not counts(q)]:
        yield f"{dataset.name}：给出的判断里，{listed(left_out)}没有相关（等级大于 0）的，未计入"
    silent = [
        q.question_id for q in dataset.questions if counts(q) and not rankings.get(q.question_id)
    ]
    if silent:
        yield f"{dataset.name}：{name} 没有排出 {listed(silent)}，各项指标都按 0 计"


def _outcome(question_id: str, ranking: Sequence[Ranked]) -> Outcome:
    return Outcome(
        question_id=question_id,
        ranking=tuple(ranking),
        confidence=None,
        reason=None,
        evidence=(),
        case_found=None,
        districts=(),
        district_found=None,
        stages=None,
        miss=None,
    )
