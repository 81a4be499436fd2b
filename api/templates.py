"""The fixed parts of pages: the ``.html`` files beside the scripts, filled by `string.Template`.

Values come in escaped. Nothing is ever written into a script, a style or an attribute without
quotes.
"""

from __future__ import annotations

from functools import cache
from importlib.resources import files
from string import Template


@cache
def template(name: str) -> Template:
    """Read a page's fixed parts; they ship with the package and never change while it runs."""
    return Template((files("api") / "pages" / name).read_text(encoding="utf-8"))
