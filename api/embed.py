"""``/embed``: the page that a webmaster copies from."""

from __future__ import annotations

from html import escape
from importlib.resources import files
from string import Template

from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import HTMLResponse

from api.links import Links
from api.widget_delivery import Widget

_LOOPBACK = frozenset({"127.0.0.1", "localhost", "::1"})

_FALLBACK = """<casebook-search>
  <form role="search" action="{base}/search" method="get">
    <label>案例检索 <input name="q" maxlength="500" required></label>
    <button>检索</button>
  </form>
</casebook-search>"""
"""The form is there before the script is, and stays where scripts are blocked."""


def pinned_tags(widget: Widget, base: str) -> str:
    """Write the tags that run this very script or none."""
    known = widget.manifest
    return (
        f'<script src="{base}{known.pinned}"\n  integrity="{known.integrity}"\n'
        '  crossorigin="anonymous" defer></script>\n' + _FALLBACK.format(base=base)
    )


def newest_tags(widget: Widget, base: str) -> str:
    """Write the tags that run whatever script the service has."""
    return f'<script src="{base}{widget.manifest.alias}" defer></script>\n' + _FALLBACK.format(
        base=base
    )


def embed_routes(widget: Widget, links: Links) -> APIRouter:
    """Route webmasters to the page."""
    router = APIRouter(include_in_schema=False)
    page = Template((files("api") / "pages" / "embed.html").read_text(encoding="utf-8"))

    @router.get("/embed")
    async def embed(request: Request) -> HTMLResponse:
        base = links.to("", request)
        scheme, _, rest = base.partition("://")
        origin = f"{scheme}://{rest.partition('/')[0]}"
        reached_here_alone = links.public_url is None and request.url.hostname in _LOOPBACK
        return HTMLResponse(
            page.substitute(
                base=escape(base),
                pinned_tags=escape(pinned_tags(widget, base)),
                newest_tags=escape(newest_tags(widget, base)),
                policy=escape(f"script-src {origin}; connect-src {origin}"),
                proxied_tags=escape(newest_tags(widget, "/casebook")),
                # Relative: the page may stand behind a proxy's folder.
                script=escape(widget.manifest.pinned.removeprefix("/")),
                integrity=escape(widget.manifest.integrity),
                kilobytes=f"{widget.manifest.gzip_bytes / 1024:.1f}",
                only_here="" if reached_here_alone else " hidden",
            )
        )

    return router
