"""``POST /api/v1/ask``: a question in, an answer out, every sentence with its citation."""

from __future__ import annotations

import json
import time
from collections.abc import Generator
from functools import partial
from pathlib import Path
from threading import Event
from typing import Annotated

from fastapi import APIRouter, Depends
from starlette.requests import Request
from starlette.responses import Response

from api import problems
from api.admission import Turnstile, leaving
from api.ask_events import broken, events
from api.ask_schemas import AskRequest, AskResponse
from api.negotiation import weights_of
from api.problems import ProblemError, documented
from api.query_log import QueryLog
from api.replies import reply
from api.search import require_json
from api.streaming import EVENT_STREAM, streamed
from rag.ask import Asker, Part, whole
from rag.conversation import Turn

_EXAMPLE = Path(__file__).parent / "ask_example.json"
"""A question over the bundled collection and its answer, for the OpenAPI document."""

_LEAST = 0.001
"""The smallest weight there is; 0 means: anything but this."""
_DESCRIPTION = (
    "用一句日常的话提问，返回能回答它的原文语句，逐句注明出处。"
    "案例集没有回答时仍是 200：`abstained` 为 true，`answer.text` 说明原因，`citations` 只是最接近的段落。"
    "请求头 Accept 为 text/event-stream 时逐句返回：事件 meta、citations、若干 delta，最后是 done 或 error；"
    "各 delta 的 text 依次相接即为 `answer.text`，done 的内容与一次返回时相同。"
)


def parts_of(
    asker: Asker,
    request: AskRequest,
    left: Event | None = None,
    queries: QueryLog | None = None,
) -> Generator[Part, None, None]:
    """Answer as one request asks, and note it where questions are kept.

    Raises:
        ProblemError: `NO_LANGUAGE_MODEL`, if it asks for one and there is none.
    """
    if request.mode == "llm" and asker.writer is None:
        raise ProblemError(
            problems.NO_LANGUAGE_MODEL,
            "请把 mode 改为 extractive 或 auto，或请管理员在启动服务时用 --llm 配置语言模型。",
        )
    parts = asker.parts(
        request.query,
        limit=request.top_k,
        filters=request.filters.to_filters(),
        worded=request.mode != "extractive" and asker.writer is not None,
        earlier=[Turn(turn.question, turn.answer) for turn in request.history],
        left=left,
    )
    return parts if queries is None else queries.noting(parts)


def run_ask(
    asker: Asker,
    request: AskRequest,
    left: Event | None = None,
    queries: QueryLog | None = None,
) -> AskResponse:
    """Answer one request as a whole."""
    started = time.perf_counter()
    answer = whole(parts_of(asker, request, left, queries))
    took_ms = (time.perf_counter() - started) * 1000
    return AskResponse.from_answer(answer, took_ms=round(took_ms, 1))


def ask_routes(asker: Asker, turnstile: Turnstile, queries: QueryLog | None = None) -> APIRouter:
    """Route questions to an asker, and note them where they are kept."""
    router = APIRouter(tags=["问答"])
    example = json.loads(_EXAMPLE.read_text(encoding="utf-8"))

    # A plain function: it computes, so it runs in the thread pool. Its place is kept until the last
    # event is sent, because every sentence is waited for in that pool.
    @router.post(
        "/api/v1/ask",
        summary="回答问题",
        description=_DESCRIPTION,
        response_description="答案及其依据",
        response_model=AskResponse,
        openapi_extra={
            "requestBody": {"content": {"application/json": {"example": example["request"]}}}
        },
        dependencies=[Depends(require_json), Depends(turnstile)],
        responses={
            200: {
                "content": {
                    "application/json": {"example": example["response"]},
                    EVENT_STREAM: {"schema": {"type": "string"}},
                }
            },
            **documented(
                problems.BODY_TOO_LARGE,
                problems.UNSUPPORTED_MEDIA_TYPE,
                problems.INVALID_FIELD,
                problems.INVALID_JSON,
                problems.NO_LANGUAGE_MODEL,
                problems.INTERNAL,
                problems.OVERLOADED,
                problems.ENCODER_UNAVAILABLE,
            ),
        },
    )
    def ask(
        request: AskRequest, http: Request, left: Annotated[Event, Depends(leaving)]
    ) -> Response:
        if not _wants_events(http):
            return reply(run_ask(asker, request, left, queries))
        write = partial(events, started=time.perf_counter())
        return streamed(parts_of(asker, request, left, queries), write, broken)

    return router


def _wants_events(request: Request) -> bool:
    """Whether events are named, and JSON is not preferred to them (RFC 9110, 12.5.1)."""
    weights = weights_of(request.headers.get("accept", ""))
    return weights.get(EVENT_STREAM, 0.0) >= max(weights.get("application/json", 0.0), _LEAST)
