"""The widget's script as it is sent: two addresses, packed at the start, with its hash for whoever pins it.

/widget/v1/casebook.js             always the newest, asked again each time
/widget/v1.{digest}/casebook.js    this one and no other, kept for a year
/widget/v1/manifest.json           both addresses and the hash
"""

from __future__ import annotations

import base64
import gzip
import hashlib
from dataclasses import dataclass
from typing import Self

from fastapi import APIRouter
from pydantic import BaseModel, ConfigDict
from starlette.requests import Request
from starlette.responses import Response

from api import problems
from api.negotiation import is_known, weights_of
from api.problems import ProblemError

_SCRIPT = "text/javascript; charset=utf-8"
_ASK_AGAIN = "no-cache"
_KEEP = "public, max-age=31536000, immutable"


@dataclass(frozen=True, slots=True)
class Packed:
    """Bytes in both forms in which they are sent.

    Over plain HTTP browsers ask for gzip and never for Brotli, so there is no third form.

    Attributes:
        plain: As they are.
        gzipped: The same, packed as small as gzip can; equal for equal bytes.
        media_type: What they are.
    """

    plain: bytes
    gzipped: bytes
    media_type: str

    @classmethod
    def of(cls, plain: bytes, media_type: str) -> Self:
        """Pack bytes."""
        return cls(plain, gzip.compress(plain, 9, mtime=0), media_type)

    def response(self, request: Request, cache_control: str) -> Response:
        """Answer a request for them: packed where that is understood, 304 where they are known.

        Each form has a strong ETag of its own: a cache must not take one for the other.
        """
        packed = accepts_gzip(request.headers.get("accept-encoding", ""))
        etag = f'"{hashlib.sha256(self.plain).hexdigest()[:16]}{"-gzip" if packed else ""}"'
        headers = {
            "ETag": etag,
            "Cache-Control": cache_control,
            "Vary": "Accept-Encoding",
            # Pages that isolate themselves (COEP) may load it too; who may ask is the CORS list's affair.
            "Cross-Origin-Resource-Policy": "cross-origin",
        }
        if is_known(etag, request):
            return Response(status_code=304, headers=headers)
        if packed:
            headers["Content-Encoding"] = "gzip"
        content = self.gzipped if packed else self.plain
        return Response(content, headers=headers, media_type=self.media_type)


class Manifest(BaseModel):
    """What somebody needs who pins the script."""

    model_config = ConfigDict(frozen=True)

    alias: str
    pinned: str
    integrity: str
    bytes: int
    gzip_bytes: int


@dataclass(frozen=True, slots=True)
class Widget:
    """The script and what it is known by.

    Attributes:
        script: Itself.
        manifest: Its addresses and its hash.
    """

    script: Packed
    manifest: Manifest

    @classmethod
    def of(cls, script: bytes) -> Self:
        """Take a script into delivery."""
        packed = Packed.of(script, _SCRIPT)
        return cls(
            packed,
            Manifest(
                alias="/widget/v1/casebook.js",
                pinned=f"/widget/v1.{hashlib.sha256(script).hexdigest()[:10]}/casebook.js",
                integrity=f"sha384-{base64.b64encode(hashlib.sha384(script).digest()).decode()}",
                bytes=len(packed.plain),
                gzip_bytes=len(packed.gzipped),
            ),
        )


def accepts_gzip(accept_encoding: str) -> bool:
    """Whether a client takes gzip; ``*`` speaks for it where nothing else does.

    >>> accepts_gzip("br;q=1.0, gzip;q=0.5"), accepts_gzip("gzip;q=0, *"), accepts_gzip("identity")
    (True, False, False)
    """
    weights = weights_of(accept_encoding)
    return weights.get("gzip", weights.get("*", 0.0)) > 0


def widget_routes(widget: Widget) -> APIRouter:
    """Route pages to the script. It is for tags, not for programs: no part of the OpenAPI document."""
    router = APIRouter(include_in_schema=False)
    manifest = Packed.of(widget.manifest.model_dump_json().encode(), "application/json")

    @router.get("/widget/v1/casebook.js")
    async def newest(request: Request) -> Response:
        return widget.script.response(request, _ASK_AGAIN)

    @router.get("/widget/v1/manifest.json")
    async def known_by(request: Request) -> Response:
        return manifest.response(request, _ASK_AGAIN)

    @router.get("/widget/v1.{digest}/casebook.js")
    async def pinned(digest: str, request: Request) -> Response:
        if widget.manifest.pinned != f"/widget/v1.{digest}/casebook.js":
            detail = f"这里没有版本为 {digest[:20]} 的检索框，服务升级后它就换了。请到 /embed 取新的代码。"
            raise ProblemError(problems.NOT_FOUND, detail)
        return widget.script.response(request, _KEEP)

    return router
