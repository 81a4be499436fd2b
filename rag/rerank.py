"""Question and passages -> how well each answers, read together: an optional stage after fusion.

No reranker lives here: what serves imports no network. `eval.crossencoder` has one to measure with.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

RERANKED = 20
"""Passages that are reranked at most: the cost grows with each, while a reader sees a few."""


class Reranker(Protocol):
    """Reads a question and a passage together, which no index can do beforehand."""

    def score(self, question: str, texts: Sequence[str]) -> NDArray[np.float32]:
        """Say how well each text answers the question.

        Returns:
            Shape ``(len(texts),)``, in the order of the texts, each in [0, 1], higher is better.
        """
        ...


def relevance_of(reranker: Reranker, question: str, texts: Sequence[str]) -> NDArray[np.float64]:
    """Ask a reranker and hold it to its protocol.

    Returns:
        Its scores, in the order of the texts.

    Raises:
        ValueError: If it gives another number of scores than texts, or one outside [0, 1].
    """
    scores = np.asarray(reranker.score(question, texts), dtype=np.float64)
    if scores.shape != (len(texts),):
        message = f"a reranker gave scores of shape {scores.shape} for {len(texts)} texts"
        raise ValueError(message)
    wrong = scores[~((scores >= 0) & (scores <= 1))]  # nan fails both
    if len(wrong):
        message = f"a reranker gave {float(wrong[0])}, which is not in [0, 1]"
        raise ValueError(message)
    return scores
