"""An answer as server-sent events: the evidence, then the prose as it comes.

``meta`` and ``citations`` come before the first ``delta``; the texts of the deltas, joined, are
``answer.text``; ``done`` carries the whole response, and ``error`` a problem document in its place.

Source:
    Server-sent events, https://html.spec.whatwg.org/multipage/server-sent-events.html
"""

from __future__ import annotations

import time
from collections.abc import Iterator

from fastapi.sse import format_sse_event
from pydantic import BaseModel, ConfigDict, Field

from api.ask_schemas import AskMeta, AskResponse, CitedPassageOut, SentenceOut
from api.citation_schemas import CitedCaseOut
from api.handlers import Failure
from api.problems import Problem
from rag.answer import Answer, AnswerSentence, numbered, piece
from rag.ask import Evidence, Part


class CitationsEvent(BaseModel):
    """``citations``: what the sentences to come may cite."""

    model_config = ConfigDict(frozen=True)

    citations: list[CitedPassageOut] = Field(description="按编号排列；有的可能不被引用")
    nearest: list[CitedCaseOut] = Field(description="没有回答时最接近的案例；有回答时为空")


class DeltaEvent(BaseModel):
    """``delta``: how the answer's text goes on."""

    model_config = ConfigDict(frozen=True)

    text: str = Field(description="接在已有文字之后的一段，含引注")
    sentence: SentenceOut | None = Field(description="这一段所含的语句；没有回答时为 null")


def events(parts: Iterator[Part], started: float) -> Iterator[bytes]:
    """Write an answer as events.

    Args:
        parts: As `rag.ask.Asker.parts` gives them.
        started: When the request began, by ``time.perf_counter``.

    Returns:
        One event at a time, each whole.
    """
    before: AnswerSentence | None = None
    for part in parts:
        match part:
            case Evidence():
                yield _event("meta", AskMeta.from_evidence(part))
                yield _event("citations", _citations(part))
            case AnswerSentence():
                sentence = SentenceOut.from_sentence(part)
                yield _event("delta", DeltaEvent(text=piece(before, part), sentence=sentence))
                before = part
            case Answer():
                if part.abstained:
                    yield _event("delta", DeltaEvent(text=part.notice, sentence=None))
                took_ms = round((time.perf_counter() - started) * 1000, 1)
                yield _event("done", AskResponse.from_answer(part, took_ms=took_ms))


def broken(failure: Failure) -> bytes:
    """Write the event that ends an answer which cannot be ended."""
    return _event("error", Problem.of(failure.kind, failure.detail))


def _citations(evidence: Evidence) -> CitationsEvent:
    findings = evidence.findings
    cases = findings.by_case if evidence.reason else ()
    return CitationsEvent(
        citations=[
            CitedPassageOut.model_validate(one)
            for one in numbered(evidence.passages, findings.findings)
        ],
        nearest=[CitedCaseOut.from_cited(case) for case in cases],
    )


def _event(name: str, data: BaseModel) -> bytes:
    return format_sse_event(event=name, data_str=data.model_dump_json())
