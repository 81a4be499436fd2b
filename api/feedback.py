"""``POST /api/v1/feedback``: what somebody says of an answer, kept before it is acknowledged."""

from __future__ import annotations

from dataclasses import replace

from fastapi import APIRouter, Depends
from starlette.requests import Request
from starlette.responses import Response

from api import problems
from api.feedback_schemas import FeedbackRequest
from api.feedback_store import FeedbackStore, TooMuchFeedbackError
from api.notes import VERDICT
from api.problems import ProblemError, documented
from api.search import require_json


def feedback_routes(store: FeedbackStore | None) -> APIRouter:
    """Route feedback to a store; without one it is refused, and nothing else is."""
    router = APIRouter(tags=["问答"])

    # A plain function: it waits for the disk.
    @router.post(
        "/api/v1/feedback",
        status_code=204,
        response_class=Response,
        summary="提交意见",
        description=(
            "对一次回答的意见：有用没用、为什么。204 表示已经存到磁盘。"
            "问题和说明里的电话、身份证号、银行卡号和邮箱在存之前就遮掉。"
        ),
        response_description="已存下",
        dependencies=[Depends(require_json)],
        responses=documented(
            problems.BODY_TOO_LARGE,
            problems.UNSUPPORTED_MEDIA_TYPE,
            problems.INVALID_FIELD,
            problems.INVALID_JSON,
            problems.TOO_MUCH_FEEDBACK,
            problems.INTERNAL,
            problems.FEEDBACK_UNAVAILABLE,
        ),
    )
    def give_feedback(request: FeedbackRequest, http: Request) -> None:
        if store is None:
            raise ProblemError(problems.FEEDBACK_UNAVAILABLE, problems.NOT_KEPT)
        try:
            store.add(request.to_feedback())
            http.scope[VERDICT] = request.verdict
        except TooMuchFeedbackError as error:
            kind = replace(problems.TOO_MUCH_FEEDBACK, retry_after_s=error.wait_s)
            detail = f"提交意见的人较多，请 {error.wait_s} 秒后重试。"
            raise ProblemError(kind, detail) from None

    return router
