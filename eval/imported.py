"""A run of another system, as a `Result`: ranked elsewhere, judged and compared here."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

from eval.dataset import Dataset, Qrels
from eval.measures import recomputed
from eval.provenance import provenance_of_import
from eval.result import Excerpt, Outcome, Ranked, Result
from eval.slices import slices_of
from eval.trec import JudgmentsError

_SHOWN = 3
"""Units of each ranking whose text a report shows."""
_EXCERPT = 600
"""Characters of a document that are kept to show."""


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
        rankings: By question id, best first; a question without one brought up nothing.
        name: What to call the system.
        qrels: Judgments of the units that it ranked. Needed for a dataset with quotes, whose own
            judgments are by Casebook's passages; quotes are then left out.
        command: What reproduces the import.

    Returns:
        The result; confidence, latency and cost are None.

    Raises:
        JudgmentsError: If the run answers questions that were not asked, no unit that it ranked is
            judged (other ids?), or judgments are needed and not given.
    """
    judged = dataset.judgments if qrels is None else qrels
    if not judged:
        message = (
            f"{dataset.name} 以引文判断，排名的是别处的段落；请用 --qrels 给出对那些段落的判断"
        )
        raise JudgmentsError(message)
    asked = {question.question_id for question in dataset.questions}
    if strange := sorted(rankings.keys() - asked):
        message = (
            f"{name} 回答了 {dataset.name} 里没有的问题：{'、'.join(strange[:5])}"
            f"（共 {len(strange)} 个）；请核对题集与问题 id"
        )
        raise JudgmentsError(message)
    units = {unit for grades in judged.values() for unit in grades}
    if not any(ranked.unit_id in units for ranking in rankings.values() for ranked in ranking):
        message = f"{name} 排出的文档没有一个在判断里；请核对文档 id 是否一致"
        raise JudgmentsError(message)
    questions = tuple(replace(question, quotes=()) for question in dataset.questions)
    shown = {r.unit_id for ranking in rankings.values() for r in ranking[:_SHOWN]}
    result = Result(
        provenance=provenance_of_import(dataset, name, command),
        above="",
        about="导入的排名",
        questions=questions,
        qrels={
            question_id: grades for question_id, grades in judged.items() if question_id in asked
        },
        outcomes=tuple(_outcome(q.question_id, rankings.get(q.question_id, ())) for q in questions),
        values={},
        groups=slices_of(dataset.questions, {}, ()),
        faults=(),
        ceilings=(),
        excerpts=tuple(
            Excerpt(source.name, source.name, source.text[:_EXCERPT])
            for source in dataset.sources
            if source.name in shown
        ),
        cost=None,
    )
    return replace(result, values=recomputed(result))


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
