"""An answer's JSON, written where the answer was computed."""

from __future__ import annotations

from pydantic import BaseModel
from starlette.responses import Response


def reply(content: BaseModel) -> Response:
    """Write a response out in the thread that computed it.

    FastAPI would hand a model that comes from a plain function to a further thread, to be checked
    against itself, and write it on the event loop, where everyone waits: .2 ms a search.
    """
    return Response(content.model_dump_json(by_alias=True), media_type="application/json")
