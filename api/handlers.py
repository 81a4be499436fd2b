"""Exception -> `Failure`: every way a request can fail, and the words for it.

What a failure looks like is the protocol's business: our own answers with a problem document, and
a browser that asks for a page gets a page; others word it in a shape of their own.
"""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, TypeAlias

from fastapi import FastAPI
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import HTMLResponse, Response

from api import problems, render
from api.edge import BodyTooLargeError, BodyTooSlowError
from api.fields import REFUSED
from api.problems import FieldProblem, Kind, ProblemError, problem_headers, problem_response
from rag.errors import AbandonedError, CasebookError

_LOG = logging.getLogger("casebook.api")

_MAX_FIELD_PROBLEMS = 20
"""A body of 64 KiB can hold thousands of unknown fields; nobody reads more than a few."""
_MAX_FIELD_NAME = 80
"""Code points of a field's name as it is echoed."""

_LATER = "请稍后重试；若持续出现，请联系管理员查看服务日志。"

_MESSAGES: Mapping[str, Callable[[Mapping[str, Any]], str]] = {
    "missing": lambda _: "缺少这一项",
    "literal_error": lambda ctx: f"应为 {ctx['expected'].replace(' or ', ' 或 ')}",
    "string_pattern_mismatch": lambda _: "格式不对",
    "extra_forbidden": lambda _: "没有这个字段，请检查拼写",
    "string_type": lambda _: "应为字符串",
    "string_unicode": lambda _: "含有不成对的代理码位（如 \\ud800），不是合法的文字",
    "string_too_long": lambda ctx: f"最多 {ctx['max_length']} 个字",
    "int_type": lambda _: "应为整数",
    "int_parsing": lambda _: "应为整数",
    "int_parsing_size": lambda _: "数值过大",
    "float_type": lambda _: "应为数字",
    "float_parsing": lambda _: "应为数字",
    "finite_number": lambda _: "应为数字",
    "bool_type": lambda _: "应为 true 或 false",
    "list_type": lambda _: "应为列表",
    "too_short": lambda _: "是空的",
    "too_long": lambda ctx: f"最多 {ctx['max_length']} 项",
    "greater_than_equal": lambda ctx: f"不能小于 {ctx['ge']}",
    "less_than_equal": lambda ctx: f"不能大于 {ctx['le']}",
    "model_type": lambda _: "应为 JSON 对象",
    "model_attributes_type": lambda _: "应为 JSON 对象",
}
"""Pydantic's error types that our fields can raise, in words."""


@dataclass(frozen=True, slots=True)
class Failure:
    """One request that failed: what every protocol makes its error of.

    Attributes:
        kind: What sort of problem it is.
        detail: What to do about it, in Chinese.
        errors: The fields refused; empty where it is none of them.
        headers: Headers beyond those of every error, such as ``Allow``.
    """

    kind: Kind
    detail: str
    errors: Sequence[FieldProblem] = ()
    headers: Mapping[str, str] = field(default_factory=dict)


Respond: TypeAlias = Callable[[Request, Failure], Response]
"""Words a failure as one protocol does."""


def as_problem(request: Request, failure: Failure) -> Response:
    """Answer with a problem document, or with a page where one is asked for."""
    asks_for_page = "text/html" in request.headers.get("accept", "")
    if asks_for_page and not request.url.path.startswith("/api/"):
        page = render.error_page(failure.kind.title, failure.detail)
        headers = problem_headers(failure.kind, failure.headers)
        return HTMLResponse(page, failure.kind.status, headers=headers)
    return problem_response(
        failure.kind,
        failure.detail,
        errors=list(failure.errors) or None,
        headers=failure.headers,
    )


def add_handlers(app: FastAPI, respond: Respond = as_problem) -> None:
    """Make every error of an application one of its protocol's.

    Args:
        app: The application; one that is mounted in another answers for itself.
        respond: Words a failure.
    """
    for error, worded in _FAILURES:
        app.exception_handler(error)(_handler(worded, respond))


def _handler(
    worded: Callable[[Request, Any], Failure], respond: Respond
) -> Callable[[Request, Exception], Awaitable[Response]]:
    async def handle(request: Request, error: Exception) -> Response:
        return respond(request, worded(request, error))

    return handle


def failure_of(error: Exception) -> Failure:
    """Word what breaks a response that has begun, so that its status can say nothing any more."""
    if isinstance(error, ProblemError):
        return Failure(error.kind, error.detail, headers=error.headers)
    if isinstance(error, CasebookError):
        return Failure(*problems.problem_of(error))
    return Failure(problems.INTERNAL, _LATER)


def field_problems(errors: Sequence[Mapping[str, Any]]) -> list[FieldProblem]:
    """Put pydantic's errors into words.

    Args:
        errors: As pydantic lists them; locations may begin with ``body`` or ``query``.

    Returns:
        In the same order, at most twenty.
    """
    return [
        FieldProblem(field=_path(error["loc"]), message=_message(error))
        for error in errors[:_MAX_FIELD_PROBLEMS]
    ]


def _message(error: Mapping[str, Any]) -> str:
    words = _MESSAGES.get(error["type"])
    if words is not None:
        return words(error.get("ctx", {}))
    return str(error["msg"]) if error["type"] == REFUSED else "取值不符合要求"


def _path(loc: Sequence[str | int]) -> str:
    """Write a location as a path: ``("body", "filters", "year", 0)`` is ``filters.year[0]``."""
    steps = loc[1:] if loc and loc[0] in {"body", "query", "path"} else loc
    path = ""
    for step in steps:
        path += f"[{step}]" if isinstance(step, int) else f".{step[:_MAX_FIELD_NAME]}"
    return path.removeprefix(".") or "body"


def _of_problem(_request: Request, error: ProblemError) -> Failure:
    return failure_of(error)


def _of_casebook_error(request: Request, error: CasebookError) -> Failure:
    if not isinstance(error, AbandonedError):
        _LOG.error("%s %s failed", request.method, request.url.path, exc_info=error)
    return failure_of(error)


def _of_invalid_request(_request: Request, error: RequestValidationError) -> Failure:
    errors = error.errors()
    if errors and errors[0]["type"] == "json_invalid":
        message = f"第 {errors[0]['loc'][-1] + 1} 个字符处不合 JSON 语法"
        return _not_json(f"{message}。请检查引号、逗号和括号后重试。", message)
    fields = field_problems(errors)
    more = f"等 {len(errors)} 处" if len(errors) > 1 else ""
    detail = f"{fields[0].field}：{fields[0].message}{more}。请改正后重试。"
    return Failure(problems.INVALID_FIELD, detail, fields)


def _of_http_exception(_request: Request, error: HTTPException) -> Failure:
    """What Starlette and FastAPI raise by themselves."""
    if error.status_code == problems.METHOD_NOT_ALLOWED.status:
        allowed = (error.headers or {}).get("Allow", "GET")
        if "GET" in allowed and "HEAD" not in allowed:
            allowed += ", HEAD"
        return Failure(
            problems.METHOD_NOT_ALLOWED, f"请改用 {allowed}。", headers={"Allow": allowed}
        )
    if isinstance(error, BodyTooLargeError):
        detail = f"请求体最多 {error.limit // 1024} KiB。请缩短内容，或分几次发送。"
        return Failure(problems.BODY_TOO_LARGE, detail, headers={"Connection": "close"})
    if isinstance(error, BodyTooSlowError):
        detail = f"请在 {error.limit_s:g} 秒内发完请求体。请检查网络后重试。"
        return Failure(problems.BODY_TOO_SLOW, detail, headers={"Connection": "close"})
    if error.status_code == 400:  # noqa: PLR2004 - FastAPI's answer to a body it cannot decode
        message = "不是 UTF-8 编码的 JSON，或者嵌套过深"
        return _not_json(f"请求体{message}。请改正后重试。", message)
    if error.status_code == problems.NOT_FOUND.status:
        detail = "请检查地址；接口说明见 /openapi.json，检索页面在 / 。"
        return Failure(problems.NOT_FOUND, detail)
    return _of_unforeseen(_request, error)


def _of_unforeseen(_request: Request, error: Exception) -> Failure:
    """An error that nobody planned for; the server logs it with its traceback."""
    return failure_of(error)


def _not_json(detail: str, message: str) -> Failure:
    return Failure(problems.INVALID_JSON, detail, [FieldProblem(field="body", message=message)])


_FAILURES: Sequence[tuple[type[Exception], Callable[[Request, Any], Failure]]] = (
    (ProblemError, _of_problem),
    (CasebookError, _of_casebook_error),
    (RequestValidationError, _of_invalid_request),
    (HTTPException, _of_http_exception),
    (Exception, _of_unforeseen),
)
