"""``POST /api/v1/verify``: a text in, what became of each of its quotations out."""

from __future__ import annotations

from fastapi import APIRouter, Depends

from api import problems
from api.admission import Turnstile
from api.problems import ProblemError, documented
from api.search import require_json
from api.verify_schemas import VerificationOut, VerifyRequest
from rag.errors import NothingToVerifyError, StaleCitationError, UnknownCaseError
from rag.verification import Verifier


def run_verify(verifier: Verifier, request: VerifyRequest) -> VerificationOut:
    """Verify as one request asks.

    Raises:
        ProblemError: `CASE_NOT_FOUND`, `STALE_CITATION` or `INVALID_FIELD`.
    """
    cited = None if request.citation is None else request.citation.to_place()
    try:
        verification = verifier.verify(request.text, cited, scope=request.scope)
    except UnknownCaseError as error:
        raise ProblemError(problems.CASE_NOT_FOUND, f"{error}。") from None
    except StaleCitationError as error:
        raise ProblemError(problems.STALE_CITATION, f"{error}。") from None
    except NothingToVerifyError as error:
        raise ProblemError(problems.INVALID_FIELD, f"text：{error}。") from None
    return VerificationOut.from_verification(verification)


def verify_routes(verifier: Verifier, turnstile: Turnstile) -> APIRouter:
    """Route verifications to a verifier."""
    router = APIRouter(tags=["核对"])

    # A plain function: it computes, so it runs in the thread pool and never on the event loop.
    @router.post(
        "/api/v1/verify",
        summary="核对引文",
        description=(
            "逐条核对一段文字里的引文：原文就是这样写的、相近而不同，还是原文没有；附原文中的位置。"
            "给出 `citation` 时，只在那个案例或段落里核对；话在别处的，列在 `elsewhere`。"
            "数字不同的引文再像也不算 `exact`，并且 `numbers_differ` 为 true。"
        ),
        response_description="核对结果",
        dependencies=[Depends(require_json), Depends(turnstile, scope="function")],
        responses=documented(
            problems.CASE_NOT_FOUND,
            problems.STALE_CITATION,
            problems.BODY_TOO_LARGE,
            problems.UNSUPPORTED_MEDIA_TYPE,
            problems.INVALID_FIELD,
            problems.INVALID_JSON,
            problems.INTERNAL,
            problems.OVERLOADED,
        ),
    )
    def verify(request: VerifyRequest) -> VerificationOut:
        return run_verify(verifier, request)

    return router
