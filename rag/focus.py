"""A long message -> the clauses that ask something.

People who speak, or paste a whole story, ask in 20 of 300 characters. The mean of all of it is a
vector of small talk, and the terms of the rest hold the question's own against every passage.
"""

from __future__ import annotations

import re
from collections.abc import Callable

from rag.tokens import terms_of

LONG = 100
"""Characters above which a question is searched for what it asks."""
_CLAUSE = re.compile(r"[^，。；！？,;!?\n]{1,40}[，。；！？,;!?\n]*")
"""40 characters at most: who speaks without a pause gets one."""
_SHARE = 0.5
_MOST = 40
"""Clauses that are weighed, each of which is encoded: 300 spoken characters have about thirty. Of more,
neighbours are taken together."""


def focused(question: str, contrast: Callable[[str], float]) -> str:
    """Keep the clauses that single out passages.

    A clause weighs its contrast times its terms: small talk is near to every passage alike, and a
    short clause easily fits one by chance.

    Args:
        question: Any length; it is cut at commas and whatever ends a sentence.
        contrast: By how much a clause scores the passage it fits best above the others, 0 or more.

    Returns:
        The clauses that weigh at least half of what the heaviest does, in their order; the question
        as it is if none has a term.

    >>> focused("喂，你好，静安退税几天到账？谢谢", lambda clause: float("退税" in clause))
    '静安退税几天到账？'
    """
    clauses = [clause.group() for clause in _CLAUSE.finditer(question)]
    if len(clauses) > _MOST:
        together = -(-len(clauses) // _MOST)
        clauses = ["".join(clauses[at : at + together]) for at in range(0, len(clauses), together)]
    weights = [
        len(terms) * contrast(clause) if (terms := set(terms_of(clause))) else 0.0
        for clause in clauses
    ]
    least = _SHARE * max(weights, default=0.0)
    kept = [one for one, weight in zip(clauses, weights, strict=True) if weight >= least > 0]
    return "".join(kept) or question
