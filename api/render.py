"""What went wrong -> a page for people."""

from __future__ import annotations

from html import escape

from api.templates import template


def error_page(title: str, detail: str) -> str:
    """Render what went wrong, for people."""
    return template("error.html").substitute(title=escape(title), detail=escape(detail))
