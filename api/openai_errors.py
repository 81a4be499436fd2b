"""Errors as clients of OpenAI read them: ``{"error": {"message", "type", "param", "code"}}``.

All of ``/v1`` is one application (`api.openai_app`), so that every error below it has this shape, also
those of a wrong address or method. Endpoints raise `OpenAIError` for what only they can know.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Self

from fastapi import FastAPI
from starlette.requests import Request
from starlette.responses import Response

from api import problems
from api.access import AccessDeniedError, Refusal
from api.handlers import Failure, add_handlers
from api.problems import Kind, problem_headers

# Types that OpenAI's own service uses; its client tells errors apart by status.
INVALID_REQUEST = "invalid_request_error"
RATE_LIMIT = "rate_limit_error"
SERVER = "server_error"

UNAUTHORIZED = Kind("unauthorized", 401, "没有可用的密钥")
BAD_REQUEST = Kind("bad-request", 400, "请求不符合要求")
MODEL_NOT_FOUND = Kind("model-not-found", 404, "没有这个模型")
RATE_LIMITED = Kind("rate-limited", 429, "请求较多", retry_after_s=2)

_AS_HERE: Mapping[Kind, Kind] = {
    problems.INVALID_FIELD: BAD_REQUEST,
    problems.INVALID_JSON: BAD_REQUEST,
    # The client waits and asks again on either status; this one it also names.
    problems.OVERLOADED: RATE_LIMITED,
    problems.TOO_MANY: RATE_LIMITED,
}
"""Kinds that have another status here than in our own protocol."""

_CODES: Mapping[Kind, str] = {
    UNAUTHORIZED: "invalid_api_key",
    problems.NOT_PERMITTED: "insufficient_permissions",
    MODEL_NOT_FOUND: "model_not_found",
    RATE_LIMITED: "rate_limit_exceeded",
    problems.INVALID_JSON: "invalid_json",
    problems.BODY_TOO_LARGE: "request_too_large",
}

_NO_KEY = frozenset({Refusal.MISSING, Refusal.MALFORMED})


class OpenAIError(Exception):
    """Ends a request below ``/v1``.

    Attributes:
        kind: What sort of problem it is; its status is the answer's.
        message: What is wrong and what to do, in Chinese.
        param: The field of the request that is to blame; None where it is no single one.
        code: What programs match on; None goes by the kind.
    """

    def __init__(
        self, kind: Kind, message: str, *, param: str | None = None, code: str | None = None
    ) -> None:
        self.kind = kind
        self.message = message
        self.param = param
        self.code = code or _CODES.get(kind)
        super().__init__(f"{kind.slug}: {message}")

    @classmethod
    def invalid(cls, message: str, *, param: str, code: str | None = None) -> Self:
        """Refuse one field: 400."""
        return cls(BAD_REQUEST, f"{param}：{message}", param=param, code=code)

    @classmethod
    def no_such_model(cls, model: str) -> Self:
        """Refuse a model that is not served: 404."""
        message = f"没有模型 {model[:80]!r}；可用的模型见 GET /v1/models。"
        return cls(MODEL_NOT_FOUND, message, param="model")

    @classmethod
    def of_failure(cls, failure: Failure) -> Self:
        """Say in this shape what goes wrong in every protocol."""
        kind = _AS_HERE.get(failure.kind, failure.kind)
        named = failure.kind == problems.INVALID_FIELD and failure.errors[0].field != "body"
        return cls(
            kind,
            failure.detail,
            param=failure.errors[0].field if named else None,
            code=_CODES.get(failure.kind),
        )

    def to_json(self) -> dict[str, dict[str, str | None]]:
        """The body of the answer; also what a stream sends that breaks off."""
        if self.kind == RATE_LIMITED:
            type_ = RATE_LIMIT
        else:
            type_ = SERVER if self.kind.status >= problems.INTERNAL.status else INVALID_REQUEST
        return {
            "error": {
                "message": self.message,
                "type": type_,
                "param": self.param,
                "code": self.code,
            }
        }

    def line(self) -> bytes:
        """Say in a stream that it broke off."""
        return f"data: {json.dumps(self.to_json(), ensure_ascii=False)}\n\n".encode()

    def response(self, headers: Mapping[str, str] | None = None) -> Response:
        """Answer with it, ``Retry-After`` included; ``headers`` come on top."""
        return Response(
            json.dumps(self.to_json(), ensure_ascii=False).encode("utf-8", errors="replace"),
            status_code=self.kind.status,
            headers=problem_headers(self.kind, headers),
            media_type="application/json",
        )


def add_openai_handlers(app: FastAPI) -> None:
    """Make every error of an application one that clients of OpenAI read."""
    add_handlers(app, respond)
    app.exception_handler(OpenAIError)(_on_openai_error)


def refuse(_request: Request, error: AccessDeniedError) -> Response:
    """Answer a request that is not let in: 401, or 403 where the key is good for something else."""
    kind = problems.NOT_PERMITTED if error.refusal is Refusal.SCOPE else UNAUTHORIZED
    code = "missing_api_key" if error.refusal in _NO_KEY else None
    refused = OpenAIError(kind, error.refusal.value, code=code)
    return refused.response({"WWW-Authenticate": "Bearer"})


def respond(_request: Request, failure: Failure) -> Response:
    """Word a failure as clients of OpenAI read it."""
    return OpenAIError.of_failure(failure).response(failure.headers)


async def _on_openai_error(_request: Request, error: OpenAIError) -> Response:
    return error.response()
