"""What went wrong, as a client sees it: RFC 9457 problem documents, one kind per thing to do.

Every error that leaves the HTTP edge is made here. A kind is a stable ``type`` that programs match
on; the detail is a Chinese sentence that says what to do next, and never what happened inside.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Self

from pydantic import BaseModel, ConfigDict, Field
from starlette.responses import Response

from api.edge import SECURITY_HEADERS
from rag.errors import (
    AbandonedError,
    CasebookError,
    EncoderUnavailableError,
    IndexDamagedError,
    IndexMismatchError,
    IndexMissingError,
    StateUnavailableError,
)

MEDIA_TYPE = "application/problem+json"


@dataclass(frozen=True, slots=True)
class Kind:
    """A sort of problem that a client would handle in its own way.

    Attributes:
        slug: Last part of the problem's ``type``; never changes once released.
        status: HTTP status.
        title: The same words for every problem of this kind.
        retry_after_s: Seconds after which trying again makes sense; None where it never does.
    """

    slug: str
    status: int
    title: str
    retry_after_s: int | None = None

    @property
    def type(self) -> str:
        """The problem's ``type``, a reference relative to the service."""
        return f"/problems/{self.slug}"


INVALID_FIELD = Kind("invalid-field", 422, "字段不符合要求")
INVALID_JSON = Kind("invalid-json", 422, "请求体不是合法的 JSON")
CASE_NOT_FOUND = Kind("case-not-found", 404, "没有这个案例")
STALE_CITATION = Kind("stale-citation", 409, "出处与现在的原文对不上")
ACCESS_DENIED = Kind("access-denied", 401, "没有访问权限")
NOT_PERMITTED = Kind("not-permitted", 403, "密钥的权限不够")
TOO_MANY = Kind("too-many-requests", 429, "请求过于频繁", retry_after_s=5)
MISDIRECTED = Kind("misdirected", 421, "不接受以这个名字访问")
HOST_NOT_ALLOWED = Kind("host-not-allowed", 403, "不接受以这个域名访问")
NOT_FOUND = Kind("not-found", 404, "没有这个地址")
METHOD_NOT_ALLOWED = Kind("method-not-allowed", 405, "这个地址不支持该请求方法")
BODY_TOO_LARGE = Kind("body-too-large", 413, "请求体过大")
BODY_TOO_SLOW = Kind("body-too-slow", 408, "请求体来得太慢")
UNSUPPORTED_MEDIA_TYPE = Kind("unsupported-media-type", 415, "请求体不是 JSON 类型")
NO_LANGUAGE_MODEL = Kind("no-language-model", 422, "没有配置语言模型")
INTERNAL = Kind("internal", 500, "服务内部出错")
CLIENT_LEFT = Kind("client-left", 499, "客户端已离开")  # the status that nginx has for it
STOPPING = Kind("stopping", 503, "服务正在停止", retry_after_s=10)
OVERLOADED = Kind("overloaded", 503, "服务繁忙", retry_after_s=2)
INDEX_UNUSABLE = Kind("index-unusable", 503, "索引暂不可用", retry_after_s=60)
TOO_MUCH_FEEDBACK = Kind("too-much-feedback", 429, "意见太多", retry_after_s=60)
FEEDBACK_UNAVAILABLE = Kind("feedback-unavailable", 503, "意见暂时存不下来", retry_after_s=60)
ENCODER_UNAVAILABLE = Kind("encoder-unavailable", 503, "向量模型暂不可用", retry_after_s=5)

NOT_KEPT = "意见没有存下，检索不受影响。请管理员检查 casebook serve --state 指定的文件夹能否写入。"
"""What a service says that has nowhere to keep feedback."""

_OF_ERROR: Mapping[type[CasebookError], tuple[Kind, str]] = {
    IndexMissingError: (INDEX_UNUSABLE, "请稍后重试；若持续出现，请管理员重建索引。"),
    IndexDamagedError: (INDEX_UNUSABLE, "请稍后重试；若持续出现，请管理员重建索引。"),
    IndexMismatchError: (INDEX_UNUSABLE, "请稍后重试；若持续出现，请管理员重建索引。"),
    AbandonedError: (CLIENT_LEFT, "客户端断开了连接。"),
    EncoderUnavailableError: (ENCODER_UNAVAILABLE, "请稍后重试；若持续出现，请联系管理员。"),
    StateUnavailableError: (FEEDBACK_UNAVAILABLE, NOT_KEPT),
    CasebookError: (INTERNAL, "请稍后重试；若持续出现，请联系管理员查看服务日志。"),
}
"""The one place where an error of ours becomes a status; an unlisted class goes by its base."""


class FieldProblem(BaseModel):
    """One field that was refused."""

    model_config = ConfigDict(frozen=True)

    field: str = Field(description="字段路径，整个请求体记作 body", examples=["top_k"])
    message: str = Field(description="哪里不对、应当怎样", examples=["不能大于 50"])


class Problem(BaseModel):
    """A problem document (RFC 9457)."""

    model_config = ConfigDict(
        frozen=True,
        json_schema_extra={"description": "出错说明（RFC 9457，application/problem+json）"},
    )

    type: str = Field(description="错误类别，稳定不变，供程序判断", examples=[INVALID_FIELD.type])
    title: str = Field(description="该类错误的名称", examples=[INVALID_FIELD.title])
    status: int = Field(description="HTTP 状态码", examples=[422])
    detail: str = Field(
        description="这一次出了什么问题、该怎么办",
        examples=["top_k 不能大于 50。请改正后重试。"],
    )
    errors: list[FieldProblem] | None = Field(
        default=None,
        exclude_if=lambda errors: errors is None,
        description="逐个字段的说明；仅字段错误时出现",
    )

    @classmethod
    def of(cls, kind: Kind, detail: str, errors: list[FieldProblem] | None = None) -> Self:
        """Describe one occurrence of a kind."""
        return cls(
            type=kind.type, title=kind.title, status=kind.status, detail=detail, errors=errors
        )


class ProblemError(Exception):
    """Ends a request with a problem.

    Attributes:
        kind: What sort of problem it is.
        detail: What to do about it, in Chinese.
        headers: Headers beyond those of every problem of the kind, or other ones.
    """

    def __init__(self, kind: Kind, detail: str, headers: Mapping[str, str] | None = None) -> None:
        self.kind = kind
        self.detail = detail
        self.headers = headers or {}
        super().__init__(f"{kind.slug}: {detail}")


def problem_of(error: CasebookError) -> tuple[Kind, str]:
    """Find the kind and detail for an error of ours.

    The error's own message is for the log: it names files and commands of this machine.
    """
    return next(_OF_ERROR[cls] for cls in type(error).__mro__ if cls in _OF_ERROR)


def problem_response(
    kind: Kind,
    detail: str,
    *,
    errors: list[FieldProblem] | None = None,
    headers: Mapping[str, str] | None = None,
) -> Response:
    """Build the response for a problem, ``Retry-After`` included.

    Args:
        kind: What sort of problem it is.
        detail: What to do about it, in Chinese.
        errors: The fields refused, for `INVALID_FIELD` and `INVALID_JSON`.
        headers: More headers, such as ``Allow``.
    """
    return Response(
        json.dumps(Problem.of(kind, detail, errors).model_dump(), ensure_ascii=False).encode(
            "utf-8", errors="replace"
        ),
        status_code=kind.status,
        headers=problem_headers(kind, headers),
        media_type=MEDIA_TYPE,
    )


def problem_headers(kind: Kind, headers: Mapping[str, str] | None = None) -> dict[str, str]:
    """Headers of an error, whatever its body.

    The security headers stand here too: the answer to an unforeseen error is sent outside of the
    middleware that adds them.
    """
    retry = {} if kind.retry_after_s is None else {"Retry-After": str(kind.retry_after_s)}
    return {**SECURITY_HEADERS, "Cache-Control": "no-store", **retry, **(headers or {})}


def documented(*kinds: Kind) -> dict[int | str, dict[str, Any]]:
    """Document the problems of a route for OpenAPI, one response per status.

    Those that come from before the routes are every route's.
    """
    statuses: dict[int | str, dict[str, Any]] = {}
    for kind in (*kinds, ACCESS_DENIED, NOT_PERMITTED, MISDIRECTED, TOO_MANY):
        example = {
            "summary": kind.title,
            "value": {"type": kind.type, "title": kind.title, "status": kind.status, "detail": "…"},
        }
        entry = statuses.setdefault(
            kind.status,
            {
                "description": kind.title,
                "content": {
                    MEDIA_TYPE: {
                        "schema": {"$ref": "#/components/schemas/Problem"},
                        "examples": {},
                    }
                },
            },
        )
        if kind.title not in entry["description"]:
            entry["description"] += f"；{kind.title}"
        entry["content"][MEDIA_TYPE]["examples"][kind.slug] = example
        if kind.retry_after_s is not None:
            entry["headers"] = {
                "Retry-After": {"description": "多少秒后重试", "schema": {"type": "integer"}}
            }
    return statuses
