"""The search page, the case pages, and the files that they load."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from importlib.resources import files
from typing import Literal

from fastapi import APIRouter, Depends
from pydantic import ValidationError
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import HTMLResponse, Response

from api import problems
from api.admission import Turnstile
from api.browse import Choice, Shelf
from api.case_page import Surroundings, case_page
from api.case_schemas import Facets
from api.catalogue import case_or_problem
from api.handlers import field_problems
from api.negotiation import is_known
from api.problems import ProblemError
from api.query_log import QueryLog
from api.schemas import SearchRequest, SearchResponse
from api.search import run_search
from api.search_page import search_page
from rag.assistant import Assistant
from rag.permalink import LinkedVersion, linked_version
from rag.types import Case

_LABELS = {
    "query": "问题",
    "filters.district[0]": "区",
    "filters.collection[0]": "案例集",
    "filters.year[0]": "年份",
}
"""What people call the fields that an address can fill in."""

_GONE = (
    "引用时有这个案例，现在的案例集里没有了：可能已经删去，或者改了标题、换了案例集。"
    "请到首页检索，或在 /api/v1/cases 查看全部案例。"
)


@dataclass(frozen=True, slots=True)
class Asset:
    """A file that pages load.

    Attributes:
        content: Its bytes.
        media_type: What they are.
        etag: Changes with the bytes, and with nothing else.
    """

    content: bytes
    media_type: str
    etag: str


def read_assets() -> Mapping[str, Asset]:
    """Read the files that pages load, by name. There are no others, so no path can escape."""
    types = {
        "embed.css": "text/css",
        "embed.js": "text/javascript",
        "casebook.css": "text/css",
        "search.css": "text/css",
        "case.css": "text/css",
        "search.js": "text/javascript",
        "case.js": "text/javascript",
        "citation.js": "text/javascript",
    }
    assets = {}
    for name, media_type in types.items():
        content = (files("api") / "pages" / name).read_bytes()
        etag = f'"{hashlib.sha256(content).hexdigest()[:16]}"'
        assets[name] = Asset(content, media_type, etag)
    return assets


def site_routes(
    assistant: Assistant, facets: Facets, turnstile: Turnstile, queries: QueryLog | None = None
) -> APIRouter:
    """Route people to pages. They are no part of the OpenAPI document."""
    router = APIRouter(include_in_schema=False, default_response_class=HTMLResponse)
    assets = read_assets()
    shelf = Shelf.of(assistant.cases, facets)

    @router.get("/")
    def search(
        q: str = "", district: str = "", collection: str = "", year: str = ""
    ) -> HTMLResponse:
        return HTMLResponse(search_page(shelf, q, Choice(district, collection, year), None))

    # Where the form leads in a browser without scripts; with them it never gets here.
    @router.get("/search", dependencies=[Depends(turnstile, scope="function")])
    def results(
        q: str = "", district: str = "", collection: str = "", year: str = ""
    ) -> HTMLResponse:
        choice = Choice(district, collection, year)
        return HTMLResponse(search_page(shelf, q, choice, _searched(q, choice)))

    def _searched(question: str, choice: Choice) -> SearchResponse | str:
        """Search, or say what is wrong with which field."""
        filters: dict[str, list[str] | list[int]] = {
            name: [value] for name, value in choice.fields.items()
        }
        if choice.year.isdecimal():
            filters["year"] = [int(choice.year)]
        try:
            request = SearchRequest.model_validate({"query": question, "filters": filters})
        except ValidationError as error:
            # The path of a field begins behind "body", as in a request to the search interface.
            refused = field_problems([{**it, "loc": ("body", *it["loc"])} for it in error.errors()])
            return "；".join(f"{_LABELS[it.field]}{it.message}" for it in refused) + "。"
        return run_search(assistant, request, queries)

    @router.get("/cases/{case_id}")
    def case(case_id: str, v: str = "") -> HTMLResponse:
        found = _linked_case(assistant, case_id, v)
        surroundings = Surroundings.of(found, assistant.cases)
        return HTMLResponse(case_page(found, surroundings, _linked(v)))

    @router.get("/static/{name}")
    async def static(name: str, request: Request) -> Response:
        asset = assets.get(name)
        if asset is None:
            raise HTTPException(404)
        # Asked again each time and answered 304: a new release must never meet an old script.
        headers = {"ETag": asset.etag, "Cache-Control": "no-cache"}
        if is_known(asset.etag, request):
            return Response(status_code=304, headers=headers)
        return Response(asset.content, headers=headers, media_type=asset.media_type)

    return router


def _linked(version: str) -> LinkedVersion | Literal["unreadable"] | None:
    """Read the version in a link; None where the link has none."""
    if not version:
        return None
    return linked_version(version) or "unreadable"


def _linked_case(assistant: Assistant, case_id: str, version: str) -> Case:
    """Look a case up; a link that once led to one says so.

    Raises:
        ProblemError: `CASE_NOT_FOUND`.
    """
    if assistant.case(case_id) is None and linked_version(version) is not None:
        raise ProblemError(problems.CASE_NOT_FOUND, _GONE)
    return case_or_problem(assistant, case_id)
