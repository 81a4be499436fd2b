"""Where evidence was lost: its rank in each stage, a class for every miss, and ceilings."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from math import fsum
from typing import Self

from eval.result import Ceiling, Miss, MissClass, Ranked

MISSED_BEYOND = 10
"""A question whose first relevant unit ranks lower is a miss: nobody reads further."""
_CUTOFFS = (10, 100)


@dataclass(frozen=True, slots=True)
class Sighting:
    """Where the relevant units of one question were seen.

    Attributes:
        relevant: How many there are; 0 if the passages together lack a part of every quote.
        dense: Their ranks by vectors alone, in no order, those not ranked left out; None if the
            system has no vectors.
        lexical: The same by terms alone.
        fused: The same in the system's own ranking.
        reached: How many of them either kind has within each of the cut-offs of the ceilings.
        indexed: Whether any passage holds a part of the evidence.
    """

    relevant: int
    dense: tuple[int, ...] | None
    lexical: tuple[int, ...] | None
    fused: tuple[int, ...]
    reached: tuple[int, ...]
    indexed: bool

    @classmethod
    def of(
        cls,
        *,
        relevant: AbstractSet[str],
        dense: Sequence[Ranked] | None,
        lexical: Sequence[Ranked] | None,
        fused: Sequence[Ranked],
        indexed: bool,
    ) -> Self:
        """Look for the relevant units in the rankings.

        Args:
            relevant: Their ids.
            dense: The ranking by vectors alone, best first; None if the system has no vectors.
            lexical: The same by terms alone.
            fused: The system's own.
            indexed: Whether any passage holds a part of the evidence.
        """
        legs = [leg for leg in (dense, lexical) if leg is not None]
        reached = tuple(
            len({ranked.unit_id for leg in legs for ranked in leg[:k]} & relevant) for k in _CUTOFFS
        )
        return cls(
            relevant=len(relevant),
            dense=_ranks(dense, relevant) if dense is not None else None,
            lexical=_ranks(lexical, relevant) if lexical is not None else None,
            fused=_ranks(fused, relevant),
            reached=reached,
            indexed=indexed,
        )


def miss_of(sighting: Sighting) -> Miss | None:
    """Classify a question; None unless it was missed.

    - ``not_indexed``: no passage holds even a part of the evidence.
    - ``cut``: passages hold parts of it, but even together not all of it.
    - ``dense_only``, ``lexical_only``: one kind of ranker has it in its top 10, the other does not.
    - ``lost_in_fusion``: both have it there, their sum does not.
    - ``unfound``: neither has.

    One relevant unit in the top 10 is enough not to be missed, even where an answer needs more.
    """
    first = min(sighting.fused, default=None)
    if first is not None and first <= MISSED_BEYOND:
        return None
    dense, lexical = (
        min(ranks or (), default=None) for ranks in (sighting.dense, sighting.lexical)
    )
    return Miss(_class(sighting, dense, lexical), dense, lexical, first)


def ceilings_of(sightings: Iterable[Sighting]) -> tuple[Ceiling, ...]:
    """Average how much of the evidence each stage brings up.

    ``dense@10`` and ``lexical@10`` are the two kinds alone. ``either@10`` is what a fusion could
    reach that always trusts the right one, ``either@100`` what a perfect reranker could.

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
    return tuple(ceilings)


def _class(sighting: Sighting, dense: int | None, lexical: int | None) -> MissClass:
    if not sighting.indexed:
        return "not_indexed"
    if not sighting.relevant:
        return "cut"
    near = dense is not None and dense <= MISSED_BEYOND
    shared = lexical is not None and lexical <= MISSED_BEYOND
    if near and shared:
        return "lost_in_fusion"
    if near:
        return "dense_only"
    return "lexical_only" if shared else "unfound"


def _ranks(ranking: Sequence[Ranked], relevant: AbstractSet[str]) -> tuple[int, ...]:
    return tuple(rank for rank, r in enumerate(ranking, start=1) if r.unit_id in relevant)


def _count(ranks: Sequence[int], k: int) -> int:
    return sum(rank <= k for rank in ranks)


def _share(found: int, sighting: Sighting) -> float:
    return found / sighting.relevant if sighting.relevant else 0.0
