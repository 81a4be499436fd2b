"""What a refusal says: why, and what comes nearest."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from rag.assistant import Finding
from rag.cited_cases import cited_cases
from rag.filters import NO_FILTERS, Filters
from rag.retrieve import Reason

_NEAREST = 3
"""Cases that a refusal names."""

_WHY: dict[Reason, str] = {
    "not_in_collection": "{where}没有与这个问题有关的内容。",
    "not_in_district": "{where}没有{districts}与这个问题有关的内容。",
    "low_confidence": "{where}没有找到能回答这个问题的原文。",
}


def notice_of(
    reason: Reason,
    named: Sequence[str],
    nearest: Sequence[Finding],
    filters: Filters = NO_FILTERS,
) -> str:
    """Put a refusal into words.

    Args:
        reason: Why there is no answer.
        named: Official names of the districts that the question names; often none.
        nearest: The passages that come nearest, best first.
        filters: What was searched. Of anything else nothing is said, save of a district that is a
            filter: whether it is the district that lacks an answer is what the reason tells.

    >>> notice_of("not_in_district", ["静安区", "嘉定区"], [])
    '案例集里没有静安区、嘉定区与这个问题有关的内容。'
    >>> notice_of("not_in_district", ["静安区"], [], Filters(districts=("嘉定区",)))
    '所选范围里没有静安区与这个问题有关的内容。'
    """
    elsewhere = replace(filters, districts=()) != NO_FILTERS or (named and filters.districts)
    why = _WHY[reason].format(
        where="所选范围里" if elsewhere else "案例集里",
        districts="、".join(named or filters.districts),
    )
    if not nearest:
        return why
    labels = (case.label for case in cited_cases([one.citation for one in nearest])[:_NEAREST])
    return f"{why}最接近的是：{'；'.join(labels)}。这些原文不一定回答了问题。"
