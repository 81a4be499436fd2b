"""A question about several districts: each of them has its say among the first.

``比较静安和嘉定`` is answered by one passage of each, not by the five nearest ones, which may all be of
one. Nothing else is spread out: at most three passages a case, or two, lost more than they won
(docs/retrieval.md).
"""

from __future__ import annotations

from collections.abc import Collection, Sequence

_SEVERAL = 2


def covering(
    ranking: Sequence[Collection[str]], named: Collection[str], within: int
) -> tuple[int, ...]:
    """Bring the best passage of every named district among the first.

    Args:
        ranking: The districts of each passage, best first.
        named: Those that the question names; fewer than two change nothing.
        within: How many are the first; more districts than that are served in order of rank.

    Returns:
        Every position of the ranking, reordered: the first ones keep their order among themselves,
        and so do the others.

    >>> covering(["A", "A", "A", "B"], ["A", "B"], within=2)
    (0, 3, 1, 2)
    """
    everything = range(len(ranking))
    if len(named) < _SEVERAL:
        return tuple(everything)
    best = {
        place: None
        for district in named
        if (place := next((i for i in everything if district in ranking[i]), None)) is not None
    }
    needed = sorted(best)[:within]
    filled = [place for place in everything if place not in needed][: within - len(needed)]
    first = sorted([*needed, *filled])
    return (*first, *(place for place in everything if place not in set(first)))
