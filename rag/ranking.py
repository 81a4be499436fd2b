"""What ranks passages: the protocol that rankers of `index` follow, and how they are combined.

All score on an absolute scale from 0 to 1, so their weighted sum is one too: it means the same for
every question and is never stretched to make the best passage look good.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Generic, Protocol, TypeAlias, TypeVar

import numpy as np
from numpy.typing import NDArray

Rows: TypeAlias = NDArray[np.int64]
"""Positions in the list of passages that an index was built from."""
Scores: TypeAlias = NDArray[np.float32]
Mask: TypeAlias = NDArray[np.bool_]
"""One truth value for each passage."""

QueryT_contra = TypeVar("QueryT_contra", contravariant=True)
MatchesT_co = TypeVar("MatchesT_co", bound="Matches", covariant=True)

Terms: TypeAlias = Mapping[str, float]
"""What a question is looked up by: weight by term, in (0, 1]."""

Frequency: TypeAlias = Callable[[str], int]
"""How many texts of an index have a term; 0 for one that it does not know."""


class Matches(Protocol):
    """How the passages of an index match one query, best first or one by one."""

    def best(self, *, limit: int, allowed: Mask) -> Rows:
        """Return up to ``limit`` passages, best first, none repeated; only ``allowed`` ones."""
        ...

    def scores(self, rows: Rows) -> Scores:
        """Score given passages on a scale from 0 to 1, in their order."""
        ...


class SentenceMatches(Matches, Protocol):
    """Matches by sentence, which can also score the sentences of a passage one by one."""

    def by_sentence(self, rows: Rows) -> list[Scores]:
        """Score every sentence of each passage on a scale from 0 to 1, in reading order."""
        ...


class Ranker(Protocol, Generic[QueryT_contra, MatchesT_co]):
    """One way to rank the passages of an index; safe to call from several threads."""

    def match(self, query: QueryT_contra) -> MatchesT_co:
        """Match a query against every passage."""
        ...


class TokenRanker(Protocol):
    """Scores passages by the tokens of a question; safe to call from several threads."""

    def scores(self, tokens: NDArray[np.float32], rows: Rows) -> Scores:
        """Score given passages on a scale from 0 to 1, in their order.

        Args:
            tokens: Vectors of the question's tokens, as a `rag.encoder.TokenEncoder` gives them.
            rows: The passages.
        """
        ...


@dataclass(frozen=True, slots=True)
class Legs:
    """The two rankers over one text of the passages."""

    dense: Ranker[Scores, SentenceMatches]
    lexical: Ranker[Terms, Matches]


@dataclass(frozen=True, slots=True)
class Expansions:
    """The two rankers over the questions that passages are known to answer.

    Attributes:
        legs: The rankers; same rows as those over the text.
        present: Which passages have any.
    """

    legs: Legs
    present: Mask


def knows_no_term(_term: str) -> int:
    """A `Frequency` for rankers that keep no terms: nothing is known, so nothing is corrected."""
    return 0


@dataclass(frozen=True, slots=True)
class Rankers:
    """Every ranker of an index, over the same rows.

    Attributes:
        text: Ranks by what the passages say.
        expansions: Ranks by what they are known to answer; None if that is known of none.
        late: Scores by tokens; None if the encoder gives none.
        frequency: Of terms, in texts and expansions together.
    """

    text: Legs
    expansions: Expansions | None = None
    late: TokenRanker | None = None
    frequency: Frequency = knows_no_term
