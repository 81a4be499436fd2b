"""What is noted in the scope of a request on its way, for whoever counts and logs it outside."""

from __future__ import annotations

from starlette.types import Scope

CLIENT = "casebook.client"
"""Name of the key that let the request in."""
ROUTE = "casebook.route"
"""Address of what answered in place of a route."""
VERDICT = "casebook.verdict"
"""Verdict of the feedback that was kept."""


def route_of(scope: Scope) -> str:
    """Name what took a request: the template of its route, never its address; ``other`` if none did.

    >>> route_of({"type": "http", "path": "/nowhere"})
    'other'
    """
    if ROUTE in scope:
        return str(scope[ROUTE])
    template = getattr(scope.get("route"), "path", None)
    return "other" if template is None else f"{scope.get('root_path', '')}{template}"
