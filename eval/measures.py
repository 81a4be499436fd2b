"""Measures over the ranks at which a question's evidence was found."""

from __future__ import annotations

from collections.abc import Sequence


def evidence_recall(ranks: Sequence[int | None], k: int) -> float:
    """Share of a question's evidence found in the top ``k`` (R@k of the design's table).

    Args:
        ranks: For each quote, the rank (from 1) of the first passage that holds it; None if no
            passage that was returned does.
        k: Cut-off, at least 1.

    Raises:
        ValueError: If there is no evidence: such a question is left out, not scored 0.

    >>> evidence_recall([1, 7, None], k=5)
    0.3333333333333333
    """
    if not ranks:
        message = "a question without evidence has no recall"
        raise ValueError(message)
    return sum(rank is not None and rank <= k for rank in ranks) / len(ranks)


def reciprocal_rank(ranks: Sequence[int | None], k: int) -> float:
    """One over the rank of the first evidence within the top ``k``; 0 if none is there (RR@k).

    Raises:
        ValueError: If there is no evidence.

    >>> reciprocal_rank([None, 4], k=10)
    0.25
    """
    if not ranks:
        message = "a question without evidence has no reciprocal rank"
        raise ValueError(message)
    found = [rank for rank in ranks if rank is not None and rank <= k]
    return 1 / min(found) if found else 0.0
