"""Quotes -> TREC judgments: which passages are relevant to which question."""

from __future__ import annotations

from collections.abc import Sequence

from eval.dataset import Dataset, Qrels
from eval.evidence import Evidence, Holders, holders_of, locate
from rag.cases import read_cases
from rag.chunk import CountTokens, passages_of
from rag.types import Passage


def passage_qrels(evidence: Sequence[Evidence], holders: Sequence[Holders]) -> Qrels:
    """Judge passages: grade 1 for every one that holds a quote, or a part that it takes to read it.

    Args:
        evidence: All pieces.
        holders: For each piece, the passages that hold it.

    Returns:
        By question and ``passage_id``; a question none of whose quotes can be read is absent.
    """
    qrels: dict[str, dict[str, int]] = {}
    for piece, held in zip(evidence, holders, strict=True):
        for passage_id in (each for way in held.ways for each in way):
            qrels.setdefault(piece.question_id, {})[passage_id] = 1
    return qrels


def judged_passages(
    dataset: Dataset, count_tokens: CountTokens
) -> tuple[tuple[Passage, ...], Qrels]:
    """Cut the sources of a dataset with quotes the default way, and judge the passages.

    Args:
        dataset: With quotes.
        count_tokens: The encoder's own count.

    Raises:
        QuestionsError: If a quote is not in the sources.
    """
    cases = read_cases(dataset.sources)
    passages = tuple(passage for case in cases for passage in passages_of(case, count_tokens))
    evidence = locate(dataset.questions, dataset.sources)
    holders = holders_of(evidence, passages, {case.case_id: case for case in cases})
    return passages, passage_qrels(evidence, holders)
