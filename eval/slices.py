"""Question -> group, in several slices: where is a system weak?

A mean over all questions hides that long ones fail, or those that share no words with what answers
them. Slices follow from the questions and their evidence alone, never from a system's rankings, so
that two systems are compared within the same groups.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence

from eval.dataset import Dataset
from eval.perturbations import to_simplified
from eval.questions import Question, squeeze
from rag.divisions import stem_of
from rag.tokens import runs_of

LENGTHS = ("<=10", "11-20", "21-40", ">40")
"""Groups of the slice ``length``, in code points without white space."""
OVERLAPS = ("<.2", ".2-.4", ".4-.6", ">=.6")
"""Groups of the slice ``overlap``; a share on a border is in the upper one."""
SCRIPTS = ("simplified", "traditional")
"""Groups of the slice ``script``."""
DISTRICTS = ("named", "unnamed")
"""Groups of the slice ``district``."""
_BEGINNING = 2000
"""Characters of a relevant document that a question is compared with: all of a long one holds
almost any pair."""


def slices_of(
    questions: Sequence[Question],
    evidence_text: Mapping[str, str],
    districts: Collection[str],
) -> Mapping[str, Mapping[str, str]]:
    """Sort questions into groups.

    - ``type``: as the question file says; questions without a type are in no group.
    - ``length``: `LENGTHS`, punctuation included.
    - ``overlap``: `OVERLAPS`, the share of a question's distinct pairs of neighbouring characters
      that its evidence has too; width and case are folded, and no pair crosses punctuation.
      Questions that nothing answers, or that have no pair, are in no group.
    - ``script``: ``traditional`` if conversion to simplified characters changes the question.
    - ``district``: ``named`` if a district stands in it by its name or as people say it (``静安``),
      in either script. Any such run of characters counts, ``静安寺`` included.

    Args:
        questions: In any order; it is kept in each slice.
        evidence_text: Question id -> its quotes, or the documents that answer it, a line each; of
            answerable questions alone.
        districts: Official names of the collection's districts. If there are none, there is no
            slice ``district``.

    Returns:
        Slice -> question id -> group. A slice without a question is absent.
    """
    names = [
        form for name in map(to_simplified, sorted(districts)) for form in (name, stem_of(name))
    ]
    group_in: dict[str, Callable[[Question], str]] = {
        "type": lambda question: question.type,
        "length": lambda question: _length(question.text),
        "overlap": lambda question: _overlap(
            question.text, evidence_text.get(question.question_id, "")
        ),
        "script": lambda question: SCRIPTS[to_simplified(question.text) != question.text],
        "district": lambda question: _district(question.text, names),
    }
    slices = {
        name: {
            question.question_id: group for question in questions if (group := group_of(question))
        }
        for name, group_of in group_in.items()
    }
    return {name: groups for name, groups in slices.items() if groups}


def evidence_text_of(dataset: Dataset) -> Mapping[str, str]:
    """Question id -> what answers it: its quotes, or the beginnings of the relevant documents.

    Questions that nothing answers are absent.
    """
    if not dataset.by_document:
        return {q.question_id: "\n".join(q.quotes) for q in dataset.questions if q.quotes}
    relevant = {
        question.question_id: {
            unit_id
            for unit_id, grade in dataset.judgments.get(question.question_id, {}).items()
            if grade > 0
        }
        for question in dataset.questions
    }
    wanted = set[str]().union(*relevant.values())
    texts = {s.name: s.text[:_BEGINNING] for s in dataset.sources if s.name in wanted}
    return {
        question_id: "\n".join(texts[unit_id] for unit_id in sorted(unit_ids))
        for question_id, unit_ids in relevant.items()
        if unit_ids
    }


def _length(text: str) -> str:
    size = len(squeeze(text))
    return LENGTHS[sum(size > most for most in (10, 20, 40))]


def _overlap(text: str, evidence: str) -> str:
    """Group by overlap; empty if the question has no pairs or there is no evidence."""
    asked = _pairs(text)
    if not asked or not evidence:
        return ""
    share = len(asked & _pairs(evidence)) / len(asked)
    return OVERLAPS[sum(share >= least for least in (0.2, 0.4, 0.6))]


def _pairs(text: str) -> frozenset[str]:
    return frozenset(
        run[start : start + 2] for run in runs_of(squeeze(text)) for start in range(len(run) - 1)
    )


def _district(text: str, names: Collection[str]) -> str:
    if not names:
        return ""
    simplified = to_simplified(text)
    return DISTRICTS[not any(name in simplified for name in names)]
