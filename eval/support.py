"""Whether the passages that a worded sentence cites hold it: a second look, by another rule.

`rag.grounding` has let the sentence through. This asks less and asks it differently, so that a
mistake there is not repeated here: each clause of the sentence must stand, symbol for symbol, in
each passage it cites, in the sentence's order.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from rag.answer import AnswerSentence
from rag.assistant import Finding
from rag.symbols import symbols_of

_PAUSE = re.compile(r"[，,。；;！!]")


def clauses_stand(sentence: AnswerSentence, cited: Sequence[Finding]) -> bool:
    """Tell whether every passage cited holds every clause; see `eval.answers.Supports`."""
    return all(_held(sentence.text, finding.hit.passage.text) for finding in cited)


def _held(sentence: str, passage: str) -> bool:
    text, position = _spelt(passage), 0
    for clause in filter(None, map(_spelt, _PAUSE.split(sentence))):
        position = text.find(clause, position)
        if position < 0:
            return False
        position += len(clause)
    return True


def _spelt(text: str) -> str:
    return "".join(symbol.text for symbol in symbols_of(text))
