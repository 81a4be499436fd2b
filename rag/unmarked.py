"""What of a question is encoded: all but the marks that it ends in."""

from __future__ import annotations

import string

_MARKS = "。．.？?！!…～~，,、；;：:" + string.whitespace + "\u00a0\u3000"


def unmarked(question: str) -> str:
    """Leave out the marks that a question ends in; one of nothing else stays as it is.

    A question mark says nothing about what is asked, yet it takes a share of the question's vector,
    compares itself with every token of a passage, and is one more token to wait for. Whoever types
    without one, and whoever writes question expansions, is met half-way (docs/retrieval.md).

    >>> unmarked("静安退税几天到账？！"), unmarked("？？")
    ('静安退税几天到账', '？？')
    """
    return question.rstrip(_MARKS) or question
