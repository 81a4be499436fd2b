"""``POST /api/v1/ask``: a question in, an answer out, every sentence with its citation."""

from __future__ import annotations

import json
import re
import time
from collections.abc import Iterator
from pathlib import Path

from fastapi import APIRouter, Depends
from starlette.requests import Request
from starlette.responses import Response, StreamingResponse

from api import problems
from api.admission import Turnstile
from api.ask_events import events
from api.ask_schemas import AskRequest, AskResponse
from api.problems import ProblemError, documented
from api.search import require_json
from rag.answer import Answer
from rag.ask import Asker, Part
from rag.conversation import Turn

_EXAMPLE = Path(__file__).parent / "ask_example.json"
"""A question over the bundled collection and its answer, for the OpenAPI document."""

EVENT_STREAM = "text/event-stream"
_WEIGHT = re.compile(r"(?:^|;)\s*q\s*=\s*([01](?:\.[0-9]{0,3})?)\s*(?:;|$)")
_LEAST = 0.001
"""The smallest weight there is; 0 means: anything but this."""
_DESCRIPTION = (
    "用一句日常的话提问，返回能回答它的原文语句，逐句注明出处。"
    "案例集没有回答时仍是 200：`abstained` 为 true，`answer.text` 说明原因，`citations` 只是最接近的段落。"
    "请求头 Accept 为 text/event-stream 时逐句返回：事件 meta、citations、若干 delta，最后是 done 或 error；"
    "各 delta 的 text 依次相接即为 `answer.text`，done 的内容与一次返回时相同。"
)


def parts_of(asker: Asker, request: AskRequest) -> Iterator[Part]:
    """Answer as one request asks.

    Raises:
        ProblemError: `NO_LANGUAGE_MODEL`, if it asks for one and there is none.
    """
    if request.mode == "llm" and asker.writer is None:
        raise ProblemError(
            problems.NO_LANGUAGE_MODEL,
            "请把 mode 改为 extractive 或 auto，或请管理员在启动服务时用 --llm 配置语言模型。",
        )
    return asker.parts(
        request.query,
        limit=request.top_k,
        filters=request.filters.to_filters(),
        worded=request.mode != "extractive" and asker.writer is not None,
        earlier=[Turn(turn.question, turn.answer) for turn in request.history],
    )


def run_ask(asker: Asker, request: AskRequest) -> AskResponse:
    """Answer one request as a whole."""
    started = time.perf_counter()
    *_, answer = parts_of(asker, request)
    if not isinstance(answer, Answer):
        raise TypeError(answer)  # the last part is an answer
    took_ms = (time.perf_counter() - started) * 1000
    return AskResponse.from_answer(answer, took_ms=round(took_ms, 1))


def ask_routes(asker: Asker, turnstile: Turnstile) -> APIRouter:
    """Route questions to an asker."""
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
    def ask(request: AskRequest, http: Request) -> Response | AskResponse:
        if not _wants_events(http):
            return run_ask(asker, request)
        started = time.perf_counter()
        parts = parts_of(asker, request)
        first = next(parts)  # what fails until here is still a problem with its own status
        return StreamingResponse(
            events(_chained(first, parts), started),
            media_type=EVENT_STREAM,
            headers={"Cache-Control": "no-store", "X-Accel-Buffering": "no"},
        )

    return router


def _wants_events(request: Request) -> bool:
    """Whether events are named, and JSON is not preferred to them (RFC 9110, 12.5.1)."""
    weights: dict[str, float] = {}
    for one in request.headers.get("accept", "").lower().split(","):
        name, _, parameters = one.partition(";")
        weight = _WEIGHT.search(parameters)
        weights[name.strip()] = float(weight[1]) if weight else 1.0
    return weights.get(EVENT_STREAM, 0.0) >= max(weights.get("application/json", 0.0), _LEAST)


def _chained(first: Part, rest: Iterator[Part]) -> Iterator[Part]:
    yield first
    yield from rest
