"""Sources as Open WebUI shows them: the passages of an answer, whole, beside a chat.

Open WebUI hands on every streamed line that has an ``event``; other clients may choke on such lines,
so only a model of its own sends them (`api.openai_models`).

Source:
    open-webui, ``utils/middleware.py`` (events of an upstream) and ``Citations.svelte`` (fields).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Literal

from pydantic import BaseModel, ConfigDict

from rag.assistant import Finding


class SourceName(BaseModel):
    """What a source is called; sources of one name are one entry."""

    model_config = ConfigDict(frozen=True)

    id: str
    name: str


class SourceMetadata(BaseModel):
    """What is known of one passage of a source.

    Attributes:
        source: Names the entry that the passage is shown under. It is no address: for addresses, a
            reader's browser would fetch an icon from outside.
        name: What the entry is called.
        source_url: Where the passage stands.
        passage_id: Which passage it is.
        number: What the answer calls it.
    """

    model_config = ConfigDict(frozen=True)

    source: str
    name: str
    source_url: str
    passage_id: str
    number: int


class Source(BaseModel):
    """A source; ``document``, ``metadata`` and ``distances`` are parallel."""

    model_config = ConfigDict(frozen=True)

    source: SourceName
    document: list[str]
    metadata: list[SourceMetadata]
    distances: list[float]


class SourceEvent(BaseModel):
    """An event that adds a source to a chat."""

    model_config = ConfigDict(frozen=True)

    type: Literal["source"] = "source"
    data: Source


class EventLine(BaseModel):
    """What a streamed line holds."""

    model_config = ConfigDict(frozen=True)

    event: SourceEvent


def source_events(passages: Sequence[Finding], link: Callable[[str], str]) -> list[EventLine]:
    """Write passages as events, one each, in their order.

    Args:
        passages: As an answer numbers them, from 1.
        link: Makes an address of a citation's path.
    """
    return [
        EventLine(event=SourceEvent(data=_source(number, finding, link)))
        for number, finding in enumerate(passages, start=1)
    ]


def _source(number: int, finding: Finding, link: Callable[[str], str]) -> Source:
    citation, passage = finding.citation, finding.hit.passage
    name = f"[{number}] {citation.label}"
    return Source(
        source=SourceName(id=passage.passage_id, name=name),
        document=[passage.text],
        metadata=[
            SourceMetadata(
                source=passage.passage_id,
                name=name,
                source_url=link(citation.url),
                passage_id=passage.passage_id,
                number=number,
            )
        ],
        distances=[finding.hit.score],
    )
