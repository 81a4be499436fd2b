"""``GET /api/v1/cases`` and ``/facets``: what the collections hold, apart from any question."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Path, Query

from api import problems
from api.case_schemas import CaseDetail, CaseFilters, CaseList, Facets
from api.problems import ProblemError, documented
from rag.assistant import Assistant
from rag.types import Case

CaseId = Annotated[str, Path(description="案例编号", examples=["c0123456789"], max_length=200)]


def case_or_problem(assistant: Assistant, case_id: str) -> Case:
    """Look a case up.

    Raises:
        ProblemError: `CASE_NOT_FOUND`.
    """
    case = assistant.case(case_id)
    if case is None:
        raise ProblemError(problems.CASE_NOT_FOUND, "请检查案例编号；全部案例见 /api/v1/cases。")
    return case


def catalogue_routes(assistant: Assistant, facets: Facets) -> APIRouter:
    """Route look-ups to an assistant's cases."""
    router = APIRouter(tags=["案例"])

    @router.get(
        "/api/v1/cases",
        summary="列出案例",
        description="按原文件中的次序列出案例，含重复；可按区、案例集、年份筛选。",
        response_description="案例列表",
        responses=documented(problems.INVALID_FIELD, problems.INTERNAL),
    )
    def list_cases(filters: Annotated[CaseFilters, Query()]) -> CaseList:
        chosen = filters.to_filters()
        cases = [case for case in assistant.cases if chosen.allow(case)]
        return CaseList.from_cases(cases, index_version=assistant.index_version)

    @router.get(
        "/api/v1/cases/{case_id}",
        summary="取一个案例",
        description="案例全文、章节及所属区的原文依据；位置均按原文件的 Unicode 码位计。",
        response_description="案例全文",
        responses=documented(problems.CASE_NOT_FOUND, problems.INVALID_FIELD, problems.INTERNAL),
    )
    def get_case(case_id: CaseId) -> CaseDetail:
        return CaseDetail.from_case(case_or_problem(assistant, case_id))

    @router.get(
        "/api/v1/facets",
        summary="可用的筛选值",
        description="区、案例集、年份及各自的案例数（不计重复）；没有写明的记作 null。",
        response_description="筛选值",
        responses=documented(problems.INTERNAL),
    )
    def get_facets() -> Facets:
        return facets

    return router
