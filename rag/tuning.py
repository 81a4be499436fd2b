"""What can be changed about retrieval without building an index anew."""

from __future__ import annotations

import tomllib
from dataclasses import dataclass, fields
from importlib.resources import files

from rag.confidence import DEFAULT as DEFAULT_CALIBRATION
from rag.confidence import Calibration
from rag.lexicon import NO_LEXICON, Wording
from rag.rerank import Reranker

_WEIGHTS = "weights.toml"
"""Beside this module."""


@dataclass(frozen=True, slots=True)
class Weights:
    """What each score counts for; see docs/decisions/0002-fusion.md.

    Attributes:
        dense: Share of the scores by vector; the rest is by term.
        late: Share of late interaction in the score of a text, where there is any; the rest is the
            two above.
        expansions: Share of the scores by expansion, where a passage has any; the rest is by text.
        lexicon: Of a term that only the lexicon brings; the question's own count 1.
    """

    dense: float
    late: float
    expansions: float
    lexicon: float


def _shipped() -> Weights:
    table = tomllib.loads(files("rag").joinpath(_WEIGHTS).read_text(encoding="utf-8"))
    return Weights(**{field.name: table[field.name] for field in fields(Weights)})


DEFAULT_WEIGHTS = _shipped()
"""What Casebook ships with; the file says how it was chosen, and which run it gave."""


@dataclass(frozen=True, slots=True)
class Tuning:
    """What can be changed without building an index anew.

    Attributes:
        weights: What each score counts for.
        lexicon: Official terms for everyday ones.
        calibration: How scores become a confidence, and from which one on it answers.
        reranker: Orders the best `RERANKED` passages anew; None leaves them as they are fused.
    """

    weights: Weights = DEFAULT_WEIGHTS
    lexicon: Wording = NO_LEXICON
    calibration: Calibration = DEFAULT_CALIBRATION
    reranker: Reranker | None = None


DEFAULT_TUNING = Tuning()
