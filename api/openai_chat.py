"""``POST /v1/chat/completions``: answers for every client of OpenAI, citations included.

The content has a mark ``[1]`` behind each sentence, and every mark has a standard ``url_citation``
annotation. Clients that drop annotations can take a model that writes the sources below the answer,
because nearly all of them let people choose a model and nothing else (`api.openai_models`).
"""

from __future__ import annotations

import time
import uuid
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from itertools import pairwise
from threading import Event
from typing import Annotated

from fastapi import APIRouter, Depends
from pydantic import BaseModel
from starlette.requests import Request
from starlette.responses import Response

from api.admission import Turnstile, leaving
from api.ask import parts_of
from api.ask_schemas import MAX_TURNS, AskRequest, TurnIn
from api.fields import MAX_QUESTION
from api.handlers import Failure
from api.links import Links
from api.openai_errors import OpenAIError
from api.openai_models import CHAT_MODELS, WITH_EVENTS, WITH_LIST
from api.openai_schemas import (
    Annotation,
    AnswerMessage,
    ChatMessage,
    ChatRequest,
    ChatUsage,
    Choice,
    Chunk,
    ChunkChoice,
    Completion,
    Delta,
    UrlCitation,
)
from api.openwebui import source_events
from api.query_log import QueryLog
from api.streaming import streamed
from rag.answer import Answer, AnswerSentence, marks_of, piece
from rag.ask import Asker, Evidence, Part, whole


@dataclass(frozen=True, slots=True)
class Reply:
    """How one request is replied to.

    Attributes:
        model: What it asks for.
        question: What it asks, as counted for its usage.
        link: Makes an address of a citation's path.
        count: Counts the tokens of a text.
        id: Of this completion alone.
        created: Unix time in seconds.
    """

    model: str
    question: str
    link: Callable[[str], str]
    count: Callable[[str], int]
    id: str
    created: int

    def whole(self, answer: Answer) -> Completion:
        """Reply at once."""
        content = answer.text + self.sources(answer)
        return Completion(
            id=self.id,
            created=self.created,
            model=self.model,
            system_fingerprint=answer.findings.index_version,
            choices=[
                Choice(message=AnswerMessage(content=content, annotations=self.annotations(answer)))
            ],
            usage=self.usage(content),
        )

    def lines(self, parts: Iterator[Part], *, include_usage: bool) -> Iterator[bytes]:
        """Reply as the parts come, in the lines of a stream; see `rag.ask.Asker.parts`."""
        before: AnswerSentence | None = None
        version = ""
        for part in parts:
            match part:
                case Evidence():
                    version = part.findings.index_version
                    yield self._chunk(version, Delta(role="assistant", content=""))
                    if self.model == WITH_EVENTS and part.reason is None:
                        yield from map(_line, source_events(part.passages, self.link))
                case AnswerSentence():
                    yield self._chunk(version, Delta(content=piece(before, part)))
                    before = part
                case Answer():
                    yield from self._end(part, include_usage=include_usage)

    def _end(self, answer: Answer, *, include_usage: bool) -> Iterator[bytes]:
        version = answer.findings.index_version
        sources = self.sources(answer)
        rest = (answer.notice if answer.abstained else "") + sources
        if rest:
            yield self._chunk(version, Delta(content=rest))
        if annotations := self.annotations(answer):
            yield self._chunk(version, Delta(annotations=annotations))
        yield self._chunk(version, Delta(), last=True)
        if include_usage:
            usage = self.usage(answer.text + sources)
            chunk = Chunk(
                id=self.id,
                created=self.created,
                model=self.model,
                system_fingerprint=version,
                choices=[],
                usage=usage,
            )
            yield _line(chunk)
        yield b"data: [DONE]\n\n"

    def annotations(self, answer: Answer) -> list[Annotation]:
        """Give every mark of the content its link."""
        return [
            Annotation(
                url_citation=UrlCitation(
                    start_index=mark.span.start,
                    end_index=mark.span.end - 1,
                    title=answer.evidence[mark.number - 1].citation.label,
                    url=self.link(answer.evidence[mark.number - 1].citation.url),
                )
            )
            for mark in marks_of(answer.sentences)
        ]

    def sources(self, answer: Answer) -> str:
        """List what is cited, in Markdown, for a model that does; nothing is cited in a refusal."""
        if self.model != WITH_LIST or answer.abstained:
            return ""
        cited = sorted({number for one in answer.sentences for number in one.citations})
        listed = (
            f"{number}. [{_escaped(citation.label)}]({self.link(citation.url)})"
            for number in cited
            for citation in [answer.evidence[number - 1].citation]
        )
        return "\n\n**出处**\n\n" + "\n".join(listed)

    def usage(self, content: str) -> ChatUsage:
        """Count question and answer."""
        asked, said = self.count(self.question), self.count(content)
        return ChatUsage(prompt_tokens=asked, completion_tokens=said, total_tokens=asked + said)

    def _chunk(self, version: str, delta: Delta, *, last: bool = False) -> bytes:
        choice = ChunkChoice(delta=delta, finish_reason="stop" if last else None)
        return _line(
            Chunk(
                id=self.id,
                created=self.created,
                model=self.model,
                system_fingerprint=version,
                choices=[choice],
            )
        )


def chat_routes(
    asker: Asker,
    turnstile: Turnstile,
    links: Links,
    count: Callable[[str], int],
    queries: QueryLog | None = None,
) -> APIRouter:
    """Route conversations to an asker.

    Args:
        asker: Answers the last message of the user.
        turnstile: Counts answers, with those of our own protocol.
        links: Make addresses of citations.
        count: Counts the tokens of a text.
        queries: Where questions are kept, if anywhere.
    """
    router = APIRouter()

    @router.post("/chat/completions", dependencies=[Depends(turnstile)], response_model=Completion)
    def create_completion(
        request: ChatRequest, http: Request, left: Annotated[Event, Depends(leaving)]
    ) -> Response | Completion:
        asked = _asked(request)
        reply = Reply(
            request.model,
            asked.query,
            lambda path: links.to(path, http),
            count,
            id=f"chatcmpl-{uuid.uuid4().hex}",
            created=int(time.time()),
        )
        parts = parts_of(asker, asked, left, queries)
        if not request.stream:
            return reply.whole(whole(parts))
        usage = bool(request.stream_options and request.stream_options.include_usage)
        write = partial(reply.lines, include_usage=usage)
        return streamed(parts, write, _line_of_error)

    return router


def _asked(request: ChatRequest) -> AskRequest:
    """Read what a conversation asks: its last message of the user.

    Raises:
        OpenAIError: If there is no such model, no question, or more than one answer is wanted.
    """
    if request.model not in CHAT_MODELS:
        raise OpenAIError.no_such_model(request.model)
    if request.n not in (None, 1):
        message = "只有一个回答，应为 1。"
        raise OpenAIError.invalid(message, param="n")
    said = [it for it in request.messages if it.role in {"user", "assistant"}]
    while said and said[-1].role != "user":
        said.pop()
    question = said[-1].content.strip() if said else ""
    if not question:
        message = "没有用户的提问；请加上 role 为 user 的消息。"
        raise OpenAIError.invalid(message, param="messages")
    if len(question) > MAX_QUESTION:
        message = f"提问最多 {MAX_QUESTION} 个字，现有 {len(question)} 个。"
        raise OpenAIError.invalid(message, param="messages", code="context_length_exceeded")
    own = request.casebook
    return AskRequest(
        query=question,
        top_k=own.top_k,
        filters=own.filters,
        mode=own.mode,
        history=_turns(said[:-1])[-MAX_TURNS:],
    )


def _turns(messages: Sequence[ChatMessage]) -> list[TurnIn]:
    """Pair each question with the answer right after it; long ones are told in part."""
    return [
        TurnIn(question=asked.content[:MAX_QUESTION], answer=said.content)
        for asked, said in pairwise(messages)
        if asked.role == "user" and said.role == "assistant"
    ]


def _line(data: BaseModel) -> bytes:
    return f"data: {data.model_dump_json()}\n\n".encode()


def _line_of_error(failure: Failure) -> bytes:
    return OpenAIError.of_failure(failure).line()


def _escaped(label: str) -> str:
    """Keep Markdown's own signs in a label from being read as such."""
    return "".join(f"\\{sign}" if sign in "\\`*_[]<>" else sign for sign in label)
