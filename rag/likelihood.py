"""How likely a sentence of a passage is to answer: a logistic function of what is known of it.

The function is data, ``likelihood.toml`` beside this module, learnt by ``casebook eval
calibrate-answers`` from questions whose evidence is known.
"""

from __future__ import annotations

import math
import tomllib
from collections.abc import Sequence
from dataclasses import astuple, dataclass, fields
from importlib.resources import files

from rag.asked import kinds_asked
from rag.assistant import Finding
from rag.tokens import normalized, telling_terms, terms_of
from rag.types import Span

_FILE = "likelihood.toml"
"""Beside this module."""


@dataclass(frozen=True, slots=True)
class SentenceSignals:
    """What is known of one sentence among those of the passages found; also a weight for each.

    Attributes:
        shared: Share of the question's terms that it holds, in [0, 1].
        said: Share of the kinds of value asked for of which it holds one, in [0, 1]; a half where
            none is asked for.
        passage_behind: By how much its passage scores less than the best one, in [0, 1].
        sentence_behind: By how much it is less similar to the question than the most similar
            sentence of its passage, in [0, 1].
    """

    shared: float
    said: float
    passage_behind: float
    sentence_behind: float


@dataclass(frozen=True, slots=True)
class Likelihood:
    """1 / (1 + exp(-(intercept + sum of weight * signal))).

    Attributes:
        intercept: Log-odds of a sentence without any signal.
        weights: One for each signal.
        threshold: What is likelier is shown, as far as there is room.
        provenance: What it was learnt from and how well it did, for people.
    """

    intercept: float
    weights: SentenceSignals
    threshold: float
    provenance: str

    def of(self, signals: SentenceSignals) -> float:
        """Compute the likelihood, in (0, 1).

        >>> Likelihood(-1.0, SentenceSignals(2.0, 0.0, -1.0, 0.0), 0.1, "by hand").of(
        ...     SentenceSignals(0.5, 0.5, 0.0, 0.0))
        0.5
        """
        pairs = zip(astuple(self.weights), astuple(signals), strict=True)
        return 1 / (1 + math.exp(-self.intercept - sum(a * b for a, b in pairs)))


@dataclass(frozen=True, slots=True)
class Candidate:
    """A sentence that may answer.

    Attributes:
        finding: Its passage.
        place: Where it stands in the source.
        text: Its characters.
        signals: What is known of it.
    """

    finding: Finding
    place: Span
    text: str
    signals: SentenceSignals


def candidates(question: str, found: Sequence[Finding]) -> list[Candidate]:
    """List the sentences of some passages with what is known of them.

    Args:
        question: As typed.
        found: The passages that are compared with each other.

    Returns:
        In the order given, sentences in reading order; none without passages.
    """
    terms, kinds = telling_terms(question), kinds_asked(question)
    first = max((finding.hit.score for finding in found), default=0.0)
    listed: list[Candidate] = []
    for finding in found:
        hit, start = finding.hit, finding.hit.passage.span.start
        nearest = max(hit.near)
        for place, near in zip(hit.passage.sentences, hit.near, strict=True):
            text = hit.passage.text[place.start - start : place.end - start]
            words = normalized(text)
            held = sum(kind.said.search(words) is not None for kind in kinds)
            signals = SentenceSignals(
                shared=len(terms & set(terms_of(text))) / len(terms) if terms else 0.0,
                said=held / len(kinds) if kinds else 0.5,
                passage_behind=first - hit.score,
                sentence_behind=nearest - near,
            )
            listed.append(Candidate(finding, place, text, signals))
    return listed


def _shipped() -> Likelihood:
    table = tomllib.loads(files("rag").joinpath(_FILE).read_text(encoding="utf-8"))
    weights = SentenceSignals(
        **{it.name: table["weights"][it.name] for it in fields(SentenceSignals)}
    )
    return Likelihood(table["intercept"], weights, table["threshold"], table["provenance"])


DEFAULT_LIKELIHOOD = _shipped()
"""What Casebook ships with; the file says how it was learnt."""
