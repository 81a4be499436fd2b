"""Exception -> problem: every way a request can fail, and the words for it.

A browser that asks for a page gets a page; everyone else gets the problem document.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from fastapi import FastAPI
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import HTMLResponse, Response

from api import problems, render
from api.edge import MAX_BODY_BYTES
from api.fields import REFUSED
from api.problems import FieldProblem, Kind, ProblemError, problem_headers, problem_response
from rag.errors import CasebookError

_LOG = logging.getLogger("casebook.api")

_MAX_FIELD_PROBLEMS = 20
"""A body of 64 KiB can hold thousands of unknown fields; nobody reads more than a few."""
_MAX_FIELD_NAME = 80
"""Code points of a field's name as it is echoed."""

_MESSAGES: Mapping[str, Callable[[Mapping[str, Any]], str]] = {
    "missing": lambda _: "缺少这一项",
    "extra_forbidden": lambda _: "没有这个字段，请检查拼写",
    "string_type": lambda _: "应为字符串",
    "string_unicode": lambda _: "含有不成对的代理码位（如 \\ud800），不是合法的文字",
    "string_too_long": lambda ctx: f"最多 {ctx['max_length']} 个字",
    "int_type": lambda _: "应为整数",
    "int_parsing": lambda _: "应为整数",
    "int_parsing_size": lambda _: "数值过大",
    "bool_type": lambda _: "应为 true 或 false",
    "list_type": lambda _: "应为列表",
    "too_long": lambda ctx: f"最多 {ctx['max_length']} 项",
    "greater_than_equal": lambda ctx: f"不能小于 {ctx['ge']}",
    "less_than_equal": lambda ctx: f"不能大于 {ctx['le']}",
    "model_type": lambda _: "应为 JSON 对象",
    "model_attributes_type": lambda _: "应为 JSON 对象",
}
"""Pydantic's error types that our fields can raise, in words."""


def add_handlers(app: FastAPI) -> None:
    """Make every error of an application a problem."""
    app.exception_handler(ProblemError)(_on_problem)
    app.exception_handler(CasebookError)(_on_casebook_error)
    app.exception_handler(RequestValidationError)(_on_invalid_request)
    app.exception_handler(HTTPException)(_on_http_exception)
    app.exception_handler(Exception)(_on_unforeseen)


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


def _answer(
    request: Request,
    kind: Kind,
    detail: str,
    *,
    errors: list[FieldProblem] | None = None,
    headers: Mapping[str, str] | None = None,
) -> Response:
    asks_for_page = "text/html" in request.headers.get("accept", "")
    if asks_for_page and not request.url.path.startswith("/api/"):
        page = render.error_page(kind.title, detail)
        return HTMLResponse(page, kind.status, headers=problem_headers(kind, headers))
    return problem_response(kind, detail, errors=errors, headers=headers)


async def _on_problem(request: Request, error: ProblemError) -> Response:
    return _answer(request, error.kind, error.detail)


async def _on_casebook_error(request: Request, error: CasebookError) -> Response:
    _LOG.error("%s %s failed", request.method, request.url.path, exc_info=error)
    kind, detail = problems.problem_of(error)
    return _answer(request, kind, detail)


async def _on_invalid_request(request: Request, error: RequestValidationError) -> Response:
    errors = error.errors()
    if errors and errors[0]["type"] == "json_invalid":
        message = f"第 {errors[0]['loc'][-1] + 1} 个字符处不合 JSON 语法"
        return _answer(
            request,
            problems.INVALID_JSON,
            f"{message}。请检查引号、逗号和括号后重试。",
            errors=[FieldProblem(field="body", message=message)],
        )
    fields = field_problems(errors)
    more = f"等 {len(errors)} 处" if len(errors) > 1 else ""
    detail = f"{fields[0].field}：{fields[0].message}{more}。请改正后重试。"
    return _answer(request, problems.INVALID_FIELD, detail, errors=fields)


async def _on_http_exception(request: Request, error: HTTPException) -> Response:
    """What Starlette and FastAPI raise by themselves."""
    if error.status_code == problems.METHOD_NOT_ALLOWED.status:
        allowed = (error.headers or {}).get("Allow", "GET")
        if "GET" in allowed and "HEAD" not in allowed:
            allowed += ", HEAD"
        detail = f"请改用 {allowed}。"
        return _answer(request, problems.METHOD_NOT_ALLOWED, detail, headers={"Allow": allowed})
    if error.status_code == problems.BODY_TOO_LARGE.status:
        detail = f"请求体最多 {MAX_BODY_BYTES // 1024} KiB。请缩短问题或减少筛选条件后重试。"
        return _answer(request, problems.BODY_TOO_LARGE, detail, headers={"Connection": "close"})
    if error.status_code == 400:  # noqa: PLR2004 - FastAPI's answer to a body it cannot decode
        message = "不是 UTF-8 编码的 JSON，或者嵌套过深"
        return _answer(
            request,
            problems.INVALID_JSON,
            f"请求体{message}。请改正后重试。",
            errors=[FieldProblem(field="body", message=message)],
        )
    if error.status_code == problems.NOT_FOUND.status:
        detail = "请检查地址；接口说明见 /openapi.json，检索页面在 / 。"
        return _answer(request, problems.NOT_FOUND, detail)
    return await _on_unforeseen(request, error)


async def _on_unforeseen(request: Request, _error: Exception) -> Response:
    """Answer an error that nobody planned for; the server logs it with its traceback."""
    detail = "请稍后重试；若持续出现，请联系管理员查看服务日志。"
    return _answer(request, problems.INTERNAL, detail)
