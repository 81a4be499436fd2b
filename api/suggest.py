"""``GET /api/v1/suggest``: the beginning of a question in, what may be meant out."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Query

from api import problems
from api.problems import documented
from api.suggest_schemas import SuggestRequest, SuggestResponse
from rag.assistant import Assistant
from rag.suggestions import Suggestions


def suggest_routes(assistant: Assistant) -> APIRouter:
    """Route what is typed to an assistant's known questions and titles; they are made ready here, once."""
    router = APIRouter(tags=["检索"])
    suggestions = Suggestions.of(assistant.cases, assistant.questions)

    # On the event loop: it takes a fraction of a millisecond, and has an answer even while every
    # thread searches.
    @router.get(
        "/api/v1/suggest",
        summary="输入建议",
        description=(
            "边输入边提示：预设的问题和案例标题中，以输入开头的在前，其次是含有它的。"
            "全角半角、繁简、大小写、标点和空白不计。不用模型，不需要自定义请求头。"
        ),
        response_description="建议",
        responses=documented(problems.INVALID_FIELD, problems.INTERNAL),
    )
    async def suggest(typed: Annotated[SuggestRequest, Query()]) -> SuggestResponse:
        return SuggestResponse.from_suggestions(typed.q, suggestions.matching(typed.q, typed.limit))

    return router
