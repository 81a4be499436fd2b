"""``POST /api/v1/search``: a question in, cited passages out."""

from __future__ import annotations

import json
import time
from pathlib import Path

from fastapi import APIRouter, Depends
from starlette.requests import Request
from starlette.responses import Response

from api import problems
from api.admission import Turnstile
from api.problems import ProblemError, documented
from api.query_log import Asked, QueryLog
from api.replies import reply
from api.schemas import SearchRequest, SearchResponse
from rag.assistant import Assistant

_EXAMPLE = Path(__file__).parent / "search_example.json"
"""A question over the bundled collection and its answer, for the OpenAPI document."""


async def require_json(request: Request) -> None:
    """Refuse a body that does not claim to be JSON.

    Raises:
        ProblemError: `UNSUPPORTED_MEDIA_TYPE`.
    """
    media_type = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if media_type != "application/json":
        raise ProblemError(
            problems.UNSUPPORTED_MEDIA_TYPE,
            "请以 JSON 发送请求体，并注明 Content-Type: application/json。",
        )


def run_search(
    assistant: Assistant, request: SearchRequest, queries: QueryLog | None = None
) -> SearchResponse:
    """Search as one request asks, and note it where questions are kept."""
    started = time.perf_counter()
    findings = assistant.search(
        request.query, limit=request.top_k, filters=request.filters.to_filters()
    )
    took_ms = (time.perf_counter() - started) * 1000
    if queries is not None:
        queries.note(Asked.of(findings, "search", took_ms))
    return SearchResponse.from_findings(
        findings,
        took_ms=round(took_ms, 1),
        explain=request.explain,
        by_case=request.by_case,
    )


def search_routes(
    assistant: Assistant, turnstile: Turnstile, queries: QueryLog | None = None
) -> APIRouter:
    """Route searches to an assistant, and note them where they are kept."""
    router = APIRouter(tags=["检索"])
    example = json.loads(_EXAMPLE.read_text(encoding="utf-8"))

    # A plain function: it computes, so it runs in the thread pool and never on the event loop.
    @router.post(
        "/api/v1/search",
        response_model=SearchResponse,
        summary="检索段落",
        description=(
            "用一句日常的话提问，返回能回答它的段落及其出处。"
            "案例集没有回答时仍是 200：`abstained` 为 true，段落仅供参考。"
            "问题提到了区时，其他区的段落 `other_district` 为 true，显示时请注明。"
        ),
        response_description="检索结果",
        openapi_extra={
            "requestBody": {"content": {"application/json": {"example": example["request"]}}}
        },
        dependencies=[Depends(require_json), Depends(turnstile, scope="function")],
        responses={
            200: {"content": {"application/json": {"example": example["response"]}}},
            **documented(
                problems.BODY_TOO_LARGE,
                problems.UNSUPPORTED_MEDIA_TYPE,
                problems.INVALID_FIELD,
                problems.INVALID_JSON,
                problems.INTERNAL,
                problems.OVERLOADED,
                problems.ENCODER_UNAVAILABLE,
            ),
        },
    )
    def search(request: SearchRequest) -> Response:
        return reply(run_search(assistant, request, queries))

    return router
