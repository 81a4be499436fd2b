"""``POST /dify/retrieval``: an external knowledge base for Dify.

Dify drops what is not a 200 and goes on without records; so that somebody can learn why, every
refusal is logged. It tries an address out by a request with a key and no body, and takes 403 and
404 for a failure.
"""

from __future__ import annotations

import json
import logging
import time
from collections.abc import Mapping
from dataclasses import replace

from fastapi import Depends, FastAPI
from starlette.requests import Request
from starlette.responses import Response

from api import problems
from api.access import AccessDeniedError, Refusal
from api.admission import Turnstile
from api.dify_conditions import allowed_cases
from api.dify_schemas import Record, RetrievalRequest, RetrievalResponse, RetrievalSetting
from api.dify_scope import scope_of
from api.handlers import Failure, add_handlers
from api.problems import Kind, ProblemError, problem_headers
from api.query_log import Asked, QueryLog
from api.search import require_json
from rag.assistant import Assistant
from rag.filters import Filters

_LOG = logging.getLogger("casebook.dify")

FORBIDDEN = Kind("forbidden", 403, "没有可用的密钥")
UNKNOWN_KNOWLEDGE = Kind("unknown-knowledge", 404, "没有这个知识库")

_MALFORMED_KEY = 1001
_WRONG_KEY = 1002
_NO_KEY = frozenset({Refusal.MISSING, Refusal.MALFORMED})
_CODES: Mapping[Kind, int] = {UNKNOWN_KNOWLEDGE: 2001}
"""Dify's own codes; where it has none, the HTTP status stands in."""


def retrieve(
    assistant: Assistant, request: RetrievalRequest, queries: QueryLog | None = None
) -> RetrievalResponse:
    """Retrieve as one request asks.

    Where the collection does not answer, there are no records: what is handed to a model as
    knowledge gets told, and the nearest passages are knowledge of something else.

    Raises:
        ProblemError: `UNKNOWN_KNOWLEDGE`.
    """
    scope = scope_of(request.knowledge_id, assistant.cases)
    if scope is None:
        raise ProblemError(
            UNKNOWN_KNOWLEDGE,
            f"没有知识库 {request.knowledge_id[:80]!r}；外部知识库 ID 应为 all、district:区、"
            "collection:案例集或 year:年份，并且其中有案例。",
        )
    filters = _filters(assistant, request, scope.filters)
    if filters is None:
        return RetrievalResponse(records=[])
    setting = request.retrieval_setting or RetrievalSetting()
    started = time.perf_counter()
    findings = assistant.search(request.query, limit=setting.limit, filters=filters)
    if queries is not None:
        took_ms = (time.perf_counter() - started) * 1000
        queries.note(Asked.of(findings, "search", took_ms))
    if findings.abstained and not scope.nearest:
        return RetrievalResponse(records=[])
    return RetrievalResponse(
        records=[
            Record.from_finding(
                finding, index_version=findings.index_version, abstained=findings.abstained
            )
            for finding in findings.findings
            if finding.hit.score >= (setting.score_threshold or 0)
        ]
    )


def _filters(assistant: Assistant, request: RetrievalRequest, scope: Filters) -> Filters | None:
    """Narrow a scope by the request's conditions; None where they leave no case."""
    asked = request.metadata_condition
    if asked is None or not asked.conditions:
        return scope
    within = [case for case in assistant.cases if scope.allow(case)]
    conditions = [condition.to_condition() for condition in asked.conditions]
    allowed = allowed_cases(within, conditions, any_of=asked.logical_operator == "or")
    return replace(scope, case_ids=allowed) if allowed else None


def dify_app(
    assistant: Assistant, turnstile: Turnstile, queries: QueryLog | None = None
) -> FastAPI:
    """Build the application; to be mounted at ``/dify``, so paths inside begin after it.

    Args:
        assistant: Answers.
        turnstile: Counts searches, with those of our own protocol.
        queries: Where questions are kept, if anywhere.
    """
    app = FastAPI(openapi_url=None, redirect_slashes=False)
    add_handlers(app, respond)

    # The second address is what Dify asks if one was registered that ends in a slash.
    @app.post(
        "//retrieval", dependencies=[Depends(require_json), Depends(turnstile, scope="function")]
    )
    @app.post(
        "/retrieval", dependencies=[Depends(require_json), Depends(turnstile, scope="function")]
    )
    def retrieval(request: RetrievalRequest) -> RetrievalResponse:
        return retrieve(assistant, request, queries)

    return app


def respond(_request: Request, failure: Failure) -> Response:
    """Word a failure as Dify reads it."""
    kind = failure.kind
    if kind in {problems.INVALID_FIELD, problems.INVALID_JSON}:
        kind = replace(kind, status=400)
    code = _CODES.get(kind, kind.status)
    return _error(kind, code, failure.detail, headers=failure.headers)


def refuse(_request: Request, error: AccessDeniedError) -> Response:
    """Answer a request that is not let in: 403, which Dify knows from its own keys."""
    code = _MALFORMED_KEY if error.refusal in _NO_KEY else _WRONG_KEY
    return _error(FORBIDDEN, code, error.refusal.value)


def _error(
    kind: Kind, code: int, message: str, *, headers: Mapping[str, str] | None = None
) -> Response:
    _LOG.warning("retrieval refused with %d (%d): %s", kind.status, code, message)
    return Response(
        json.dumps({"error_code": code, "error_msg": message}, ensure_ascii=False).encode(
            "utf-8", errors="replace"
        ),
        status_code=kind.status,
        headers=problem_headers(kind, headers),
        media_type="application/json",
    )
