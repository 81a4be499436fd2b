"""Question -> scored candidates: every ranker puts some forward, and all of them are scored by all.

The rankers live in `index` and follow the protocols of `rag.ranking`. What they say is added up in
absolute scores; see docs/decisions/0002-fusion.md.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from rag.encoder import Encoder, TokenEncoder
from rag.lexicon import located, weighted_terms
from rag.ranking import Mask, Rankers, Rows, Scores, SentenceMatches, TokenRanker
from rag.tuning import Tuning
from rag.unmarked import unmarked

RESCORED = 20
"""Passages whose tokens are compared with the question's. On the development questions 15 give every
measure that 25 give (40: evidence@10 .973 against .966 without expansions); on RGB, nDCG@10 against
that of 25, 15 lose .0016 [.0003, .0032], 20 lose .0005 [.0000, .0013]. Each costs 12 microseconds."""


@dataclass(frozen=True, slots=True)
class Scored:
    """Candidates of one question, row for row, best first; ties by passage id.

    Attributes:
        rows: The passages.
        fused: Their scores, in [0, 1].
        by_vector: Of text and expansions together.
        by_term: Likewise.
        dense: Of the text alone.
        lexical: Likewise.
        expansion: By vector, of the expansions alone; 0 without any.
        late: Of the tokens; 0 beyond the first `RESCORED`.
        by_sentence: Knows the best sentence of each.
    """

    rows: Rows
    fused: Scores
    by_vector: Scores
    by_term: Scores
    dense: Scores
    lexical: Scores
    expansion: Scores
    late: Scores
    by_sentence: SentenceMatches

    def __len__(self) -> int:
        """Count the candidates."""
        return len(self.rows)


@dataclass(frozen=True, slots=True)
class _Late:
    """What late interaction takes.

    Attributes:
        encoder: Gives the tokens of a question.
        ranker: Compares them with those of passages.
        share: Of the score of a text, above 0.
    """

    encoder: TokenEncoder
    ranker: TokenRanker
    share: float


class Scorer:
    """Scores the passages of an index for questions.

    Args:
        encoder: The one that the index was made with.
        rankers: Over its passages.
        tuning: Weights and lexicon.
        id_order: For each passage its place in the order of ids, which settles ties.

    Raises:
        ValueError: If tokens are to be compared and the encoder gives none.
    """

    def __init__(
        self, encoder: Encoder, rankers: Rankers, tuning: Tuning, id_order: NDArray[np.integer]
    ) -> None:
        self._late: _Late | None = None
        if rankers.late is not None and tuning.weights.late:
            if not isinstance(encoder, TokenEncoder):
                message = f"late interaction needs the tokens of a question, {encoder} gives none"
                raise ValueError(message)
            self._late = _Late(encoder, rankers.late, tuning.weights.late)
        self._encoder = encoder
        self._rankers = rankers
        self._weights = tuning.weights
        self._lexicon = tuning.lexicon
        self._id_order = id_order

    def score(self, question: str, allowed: Mask, depth: int) -> Scored:
        """Score the candidates of all rankers by all rankers, so that none lacks a score.

        Args:
            question: In words the index can match; not blank.
            allowed: Which passages may be candidates.
            depth: How many each ranker puts forward.
        """
        question = located(question, self._lexicon)
        if self._late is None:
            vector = self._encoder.encode_query(unmarked(question))
            return self._fused(question, vector, allowed, depth)[0]
        vector, tokens = self._late.encoder.encode_query_tokens(unmarked(question))
        scored, text = self._fused(question, vector, allowed, depth)
        return self._compared(self._late, scored, text, tokens)

    def contrast(self, question: str, allowed: Mask, depth: int) -> float:
        """Tell by how much the best candidate stands out from the median one; 0 without any."""
        vector = self._encoder.encode_query(unmarked(question))
        fused = self._fused(question, vector, allowed, depth)[0].fused
        return float(fused[0] - np.median(fused)) if len(fused) else 0.0

    def _fused(
        self, question: str, vector: Scores, allowed: Mask, depth: int
    ) -> tuple[Scored, Scores]:
        """Score by vector and by term; also tell the share of the text in each fused score."""
        text, expansions = self._rankers.text, self._rankers.expansions
        terms = weighted_terms(question, self._lexicon, self._weights.lexicon)
        dense, lexical = text.dense.match(vector), text.lexical.match(terms)
        candidates = [
            dense.best(limit=depth, allowed=allowed),
            lexical.best(limit=depth, allowed=allowed),
        ]
        if expansions is None:
            rows = np.union1d(*candidates)
            near, shared = dense.scores(rows), lexical.scores(rows)
            by_vector, by_term, alike = near, shared, np.zeros_like(near)
            share = np.zeros_like(near)
        else:
            legs, present = expansions.legs, expansions.present
            asked, worded = legs.dense.match(vector), legs.lexical.match(terms)
            known = allowed & present
            candidates += [
                asked.best(limit=depth, allowed=known),
                worded.best(limit=depth, allowed=known),
            ]
            rows = np.unique(np.concatenate(candidates))
            near, shared, alike = dense.scores(rows), lexical.scores(rows), asked.scores(rows)
            # A passage without expansions is judged by its text alone, not held to lack something.
            share = np.asarray(self._weights.expansions * present[rows], dtype=np.float32)
            by_vector = near + share * (alike - near)
            by_term = shared + share * (worded.scores(rows) - shared)
        fused = self._both(by_vector, by_term)
        scored = Scored(
            rows, fused, by_vector, by_term, near, shared, alike, np.zeros_like(fused), dense
        )
        order = self._order(scored)
        return _taken(scored, order), (1 - share)[order]

    def _compared(self, by: _Late, scored: Scored, text: Scores, tokens: Scores) -> Scored:
        """Give late interaction its share of the text's score; those not compared stay behind."""
        late = np.zeros_like(scored.fused)
        late[:RESCORED] = by.ranker.scores(tokens, scored.rows[:RESCORED])
        said = self._both(scored.dense, scored.lexical)
        fused = scored.fused + by.share * text * (late - said)
        # What is not compared loses less where less of its score is the text's; it stays behind.
        fused[RESCORED:] = np.minimum(fused[RESCORED:], fused[:RESCORED].min())
        again = replace(scored, fused=np.asarray(fused, dtype=np.float32), late=late)
        return _taken(again, self._order(again))

    def _both(self, by_vector: Scores, by_term: Scores) -> Scores:
        share = self._weights.dense
        return np.asarray(share * by_vector + (1 - share) * by_term, dtype=np.float32)

    def _order(self, scored: Scored) -> Rows:
        return np.lexsort((self._id_order[scored.rows], -scored.fused))


def _taken(scored: Scored, order: Rows) -> Scored:
    return Scored(
        scored.rows[order],
        scored.fused[order],
        scored.by_vector[order],
        scored.by_term[order],
        scored.dense[order],
        scored.lexical[order],
        scored.expansion[order],
        scored.late[order],
        scored.by_sentence,
    )
