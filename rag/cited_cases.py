"""Citations -> the cases that they cite: what is ranked by passage, to be read by case."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

from rag.cite import Citation
from rag.permalink import url_of


@dataclass(frozen=True, slots=True)
class CitedCase:
    """A case among citations.

    Attributes:
        case_id: The case; ``/api/v1/cases/{case_id}`` returns it whole.
        title: Its title.
        district: Its main district; None where the text names none.
        districts: All districts that share it, the main one first.
        label: One line for people, as the citations have it.
        url: Path of its page.
        ranks: Places of its citations, from 1, rising; never empty.
    """

    case_id: str
    title: str
    district: str | None
    districts: tuple[str, ...]
    label: str
    url: str
    ranks: tuple[int, ...]

    def to_json(self) -> dict[str, Any]:
        """The case as every surface shows it, ready for ``json.dumps``."""
        return {**asdict(self), "districts": list(self.districts), "ranks": list(self.ranks)}


def cited_cases(citations: Sequence[Citation]) -> tuple[CitedCase, ...]:
    """Group citations by case.

    Args:
        citations: Best first; the ranks are their places, from 1.

    Returns:
        Each case once, in the order of its first citation, so that every rank stands in exactly one
        of them; none without citations.
    """
    ranks: dict[str, list[int]] = {}
    for rank, citation in enumerate(citations, start=1):
        ranks.setdefault(citation.case_id, []).append(rank)
    return tuple(_cited(citations[places[0] - 1], tuple(places)) for places in ranks.values())


def _cited(citation: Citation, ranks: tuple[int, ...]) -> CitedCase:
    return CitedCase(
        case_id=citation.case_id,
        title=citation.title,
        district=citation.district,
        districts=citation.districts,
        label=citation.label,
        url=url_of(citation.case_id),
        ranks=ranks,
    )
