"""Where evidence was lost: its rank in each stage, a class for every miss, and ceilings."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from math import fsum
from typing import Self

from eval.questions import Mode
from eval.result import Ceiling, Miss, MissClass, Ranked
from rag.rerank import RERANKED

MISSED_BEYOND = 10
"""A question that nothing ranked higher answers is a miss: nobody reads further."""
_CUTOFFS = (10, 100)
_FUSED_CUTOFFS = (10, RERANKED)
_WORST_FIRST: tuple[MissClass, ...] = (
    "not_indexed",
    "cut",
    "unfound",
    "lexical_only",
    "dense_only",
    "lost_in_fusion",
    "demoted",
)
"""From what no ranker can mend to what leaving the reranker out would."""


@dataclass(frozen=True, slots=True)
class Trail:
    """Where one piece of evidence was seen: a quote, or the first of the relevant documents.

    Attributes:
        dense: Its rank, from 1, by vectors alone; None if it was not ranked, or the system has no
            vectors.
        lexical: The same by terms alone.
        fused: The same after fusion, before any reranking.
        final: The same in the system's own ranking; that is the fused one unless it reranks.
        indexed: Whether any passage holds a part of it.
        readable: Whether passages together hold all of it.
    """

    dense: int | None
    lexical: int | None
    fused: int | None
    final: int | None
    indexed: bool = True
    readable: bool = True

    @property
    def found(self) -> bool:
        """Whether it is in the system's top 10."""
        return _near(self.final)

    @property
    def kind(self) -> MissClass:
        """Where it was lost, if it was; see `miss_of`."""
        if not self.indexed:
            return "not_indexed"
        if not self.readable:
            return "cut"
        if _near(self.fused):
            return "demoted"
        if _near(self.dense) and _near(self.lexical):
            return "lost_in_fusion"
        if _near(self.dense):
            return "dense_only"
        return "lexical_only" if _near(self.lexical) else "unfound"


@dataclass(frozen=True, slots=True)
class Sighting:
    """Where the relevant units of one question were seen, for the ceilings.

    Attributes:
        relevant: How many there are; 0 if the passages together lack a part of every quote.
        dense: Their ranks by vectors alone, in no order, those not ranked left out; None if the
            system has no vectors.
        lexical: The same by terms alone.
        reached: How many of them either kind has within each of the cut-offs of the ceilings.
        fused: Their ranks after fusion; None if the system does not rerank, so that no later stage
            is there to have a ceiling.
    """

    relevant: int
    dense: tuple[int, ...] | None
    lexical: tuple[int, ...] | None
    reached: tuple[int, ...]
    fused: tuple[int, ...] | None = None

    @classmethod
    def of(
        cls,
        relevant: AbstractSet[str],
        dense: Sequence[Ranked] | None,
        lexical: Sequence[Ranked] | None,
        fused: Sequence[Ranked] | None = None,
    ) -> Self:
        """Look for the relevant units in the rankings.

        Args:
            relevant: Their ids.
            dense: The ranking by vectors alone, best first; None if the system has no vectors.
            lexical: The same by terms alone.
            fused: The ranking before it is reranked; None if the system does not rerank.
        """
        legs = [leg for leg in (dense, lexical) if leg is not None]
        reached = tuple(
            len({ranked.unit_id for leg in legs for ranked in leg[:k]} & relevant) for k in _CUTOFFS
        )
        return cls(
            relevant=len(relevant),
            dense=_ranks(dense, relevant) if dense is not None else None,
            lexical=_ranks(lexical, relevant) if lexical is not None else None,
            reached=reached,
            fused=_ranks(fused, relevant) if fused is not None else None,
        )


def miss_of(trails: Sequence[Trail], mode: Mode) -> Miss | None:
    """Classify a question; None unless it was missed, which is where its hit@10 is 0.

    - ``not_indexed``: no passage holds even a part of the evidence.
    - ``cut``: passages hold parts of it, but even together not all of it.
    - ``dense_only``, ``lexical_only``: one kind of ranker has it in its top 10, the other does not.
    - ``lost_in_fusion``: both have it there, their sum does not.
    - ``demoted``: their sum has it there, the reranker put it further down.
    - ``unfound``: neither has.

    Args:
        trails: One for each quote; for documents, one alone.
        mode: Whether any of them answers, or all are needed.

    Returns:
        Class and ranks of the missing quote that is hardest to mend: classes in the order
        ``not_indexed``, ``cut``, ``unfound``, ``lexical_only``, ``dense_only``,
        ``lost_in_fusion``, ``demoted``; of one class the first quote. None also without quotes.
    """
    missing = [trail for trail in trails if not trail.found]
    if not missing or (mode == "any" and len(missing) < len(trails)):
        return None
    worst = min(missing, key=lambda trail: _WORST_FIRST.index(trail.kind))
    return Miss(worst.kind, worst.dense, worst.lexical, worst.fused)


def ceilings_of(sightings: Iterable[Sighting]) -> tuple[Ceiling, ...]:
    """Average how much of the evidence each stage brings up.

    ``dense@10`` and ``lexical@10`` are the two kinds alone. ``either@10`` is what a fusion could
    reach that always trusts the right one, ``either@100`` what a perfect reranker could. Of a system
    that reranks, ``fused@10`` is what it would have in its top 10 without, ``fused@20`` what a
    perfect reranker of as many passages as it reads could have.

    Returns:
        The ceilings of the stages that the system has; none without questions. Questions whose
        evidence no passage holds count 0: no later stage can mend that.

    Raises:
        ValueError: If a stage ranked for some of the questions and not for others.
    """
    seen = list(sightings)
    ceilings: list[Ceiling] = []
    for at, k in enumerate(_CUTOFFS):
        dense = [s.dense for s in seen if s.dense is not None]
        lexical = [s.lexical for s in seen if s.lexical is not None]
        for name, legs in (("dense", dense), ("lexical", lexical)):
            if legs:
                shares = [_share(_count(ranks, k), s) for ranks, s in zip(legs, seen, strict=True)]
                ceilings.append(Ceiling(f"{name}@{k}", fsum(shares) / len(shares)))
        if dense and lexical:
            shares = [_share(s.reached[at], s) for s in seen]
            ceilings.append(Ceiling(f"either@{k}", fsum(shares) / len(shares)))
    fused = [s.fused for s in seen if s.fused is not None]
    for k in _FUSED_CUTOFFS if fused else ():
        shares = [_share(_count(ranks, k), s) for ranks, s in zip(fused, seen, strict=True)]
        ceilings.append(Ceiling(f"fused@{k}", fsum(shares) / len(shares)))
    return tuple(ceilings)


def _near(rank: int | None) -> bool:
    return rank is not None and rank <= MISSED_BEYOND


def _ranks(ranking: Sequence[Ranked], relevant: AbstractSet[str]) -> tuple[int, ...]:
    return tuple(rank for rank, r in enumerate(ranking, start=1) if r.unit_id in relevant)


def _count(ranks: Sequence[int], k: int) -> int:
    return sum(rank <= k for rank in ranks)


def _share(found: int, sighting: Sighting) -> float:
    return found / sighting.relevant if sighting.relevant else 0.0
