"""The fixed parts of pages: the ``.html`` files beside the scripts, filled by `string.Template`.

Values come in escaped. Nothing is ever written into a script, a style or an attribute without
quotes.
"""

from __future__ import annotations

from functools import cache
from html import escape
from importlib.resources import files
from string import Template


def href(root: str, path: str) -> str:
    """Write the address of a path for a page, relative: a proxy may have the service in a folder.

    Args:
        root: The service as the page sees it: ``./`` or ``../``.
        path: From the service's root, such as a citation's ``url``.

    >>> href("../", "/cases/c1?v=1&w=2")
    '../cases/c1?v=1&amp;w=2'
    """
    return escape(root + path.removeprefix("/"))


@cache
def template(name: str) -> Template:
    """Read a page's fixed parts; they ship with the package and never change while it runs."""
    return Template((files("api") / "pages" / name).read_text(encoding="utf-8"))
