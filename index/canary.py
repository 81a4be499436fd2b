"""Questions whose passage is known, put to an index before anybody relies on it.

Digests tell that files are what was written, not that what was written answers.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import TypeVar

from index.content import Content
from index.store import assistant_on, read_content
from index.versions import Version
from rag.assistant import Assistant
from rag.encoder import Encoder
from rag.errors import CasebookError

_PASSAGES, _QUESTIONS = 8, 4
_WORDS = 80
"""Characters of a passage that are asked with. Of the bundled collection's 153 passages, every one comes first
when asked for with its first 40, 80 or 200 characters."""
_WITHIN = 5
_TOLERATED = 0.25
"""Share that may fail: in a collection of near copies, a passage need not be among the first."""
_SHOWN = 20
_Item = TypeVar("_Item")


@dataclass(frozen=True, slots=True)
class Canary:
    """A question, and the words of a passage that must be among the first."""

    question: str
    words: str


def canaries(content: Content) -> tuple[Canary, ...]:
    """Choose questions from all over a collection.

    Returns:
        The first words of up to eight passages, and up to four questions that passages are known
        to answer; none for a collection without a word.
    """
    spoken = [p for p in content.passages if any(map(str.isalnum, p.text[:_WORDS]))]
    own = [Canary(p.text[:_WORDS], p.text[:_WORDS]) for p in _spread(spoken, _PASSAGES)]
    asked = content.known.questions if content.known else ()
    known = [
        Canary(questions[0], passage.text)
        for passage, questions in zip(content.passages, asked, strict=False)
        if questions
    ]
    return (*own, *_spread(known, _QUESTIONS))


def unanswered(assistant: Assistant, questions: Sequence[Canary]) -> tuple[Canary, ...]:
    """Ask, and return the questions whose passage was not among the first five."""
    return tuple(canary for canary in questions if not _found(assistant, canary))


def require_answers(version: Version, encoder: Encoder) -> None:
    """Open a version from the disk as a service would, and ask it.

    Args:
        version: Need not be published.
        encoder: The one that it was built with.

    Raises:
        CasebookError: If more than a quarter of the questions do not bring up their passage.
        IndexDamagedError: If a file is missing or is not what the manifest says.
    """
    content = read_content(version)
    questions = canaries(content)
    missed = unanswered(assistant_on(content, version, encoder), questions)
    if len(missed) > _TOLERATED * len(questions):
        message = (
            f"新建的索引没有通过试查：{len(questions)} 个已知出处的问题有 {len(missed)} 个没有查到原文，"
            f"如“{missed[0].question[:_SHOWN]}”；没有启用它，原有索引不变。"
            f"请重新准备模型后再建立：casebook model prepare {version.manifest.encoder.name}"
        )
        raise CasebookError(message)


def _found(assistant: Assistant, canary: Canary) -> bool:
    findings = assistant.search(canary.question, limit=_WITHIN).findings
    return any(canary.words in finding.hit.passage.text for finding in findings)


def _spread(items: Sequence[_Item], count: int) -> Iterator[_Item]:
    """Take up to ``count`` items, evenly over the whole."""
    return islice(iter(items[:: max(1, len(items) // count)]), count)
