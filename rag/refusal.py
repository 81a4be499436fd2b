"""What a refusal says: why, and what comes nearest."""

from __future__ import annotations

from collections.abc import Sequence

from rag.assistant import Finding
from rag.cited_cases import cited_cases
from rag.retrieve import Reason

_NEAREST = 3
"""Cases that a refusal names."""

_WHY: dict[Reason, str] = {
    "not_in_collection": "案例集里没有与这个问题有关的内容。",
    "not_in_district": "案例集里没有{districts}的相关内容。",
    "low_confidence": "案例集里没有找到能回答这个问题的原文。",
}


def notice_of(reason: Reason, districts: Sequence[str], nearest: Sequence[Finding]) -> str:
    """Put a refusal into words.

    Args:
        reason: Why there is no answer.
        districts: Official names of the districts that were asked about; often none.
        nearest: The passages that come nearest, best first.

    >>> notice_of("not_in_district", ["静安区", "嘉定区"], [])
    '案例集里没有静安区、嘉定区的相关内容。'
    """
    why = _WHY[reason].format(districts="、".join(districts) or "所选范围")
    if not nearest:
        return why
    labels = (case.label for case in cited_cases([one.citation for one in nearest])[:_NEAREST])
    return f"{why}最接近的是：{'；'.join(labels)}。这些原文不一定回答了问题。"
