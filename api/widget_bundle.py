"""The files of ``api/widget`` -> the one script that a page loads.

No build step: the sources are what is served, one after another in one scope, without comments and
white space.
"""

from __future__ import annotations

import json
import re
from functools import cache
from importlib.resources import files

FILES = (
    "strings.js",
    "dom.js",
    "service.js",
    "composition.js",
    "announcer.js",
    "combobox.js",
    "scope.js",
    "citation.js",
    "passages.js",
    "feedback.js",
    "answer.js",
    "inquiry.js",
    "panel.js",
    "element.js",
    "mount.js",
)
"""What is declared with ``const`` or ``class`` comes before what runs with it."""

STYLES = "casebook.css"

_TOKEN = re.compile(
    r"""
    (?P<kept> "(?:\\.|[^"\\])*" | `(?:\\.|[^`\\])*`            # strings
            | (?<=[^\w)\]\s]) [ ]? /(?![/*]) (?:\\.|\[(?:\\.|[^]\\])*\]|[^/\\\n])+ /  # patterns
    )
    | (?: \s | //[^\n]* | /\*[\s\S]*?\*/ )+                       # what only people read
    """,
    re.VERBOSE,
)

_MARK = "\ufeff"
"""Read before any ``charset``: portals in GBK declare theirs for every script that they load."""


@cache
def widget_script() -> bytes:
    """Bundle the element into a script: a classic one, so that an old page can load it as it is.

    Returns:
        UTF-8 with a byte order mark; the same bytes for the same sources.
    """
    styles = f"const STYLES = {json.dumps(_styles(), ensure_ascii=False)};\n"
    sources = "".join(minified(_read(name)) for name in FILES)
    return f'{_MARK}(() => {{\n"use strict";\n{styles}{sources}}})();\n'.encode()


def _read(name: str) -> str:
    return (files("api") / "widget" / name).read_text(encoding="utf-8")


def minified(source: str) -> str:
    """Drop comments and white space, except between words.

    Args:
        source: JavaScript that ends its statements with semicolons, has strings in double quotes and
            no template inside of a template. Names stay: a parser would have to tell them from the
            names of properties, for a tenth of the size.

    >>> minified("const sum = (a, b) => a + b; // of two")
    'const sum=(a,b)=>a+b;'
    """
    pieces: list[str] = []
    end = 0
    for match in _TOKEN.finditer(source):
        pieces.append(source[end : match.start()])
        end = match.end()
        if match["kept"]:
            pieces.append(match["kept"].lstrip(" "))
        elif re.fullmatch(
            r"[\w$]{2}", source[match.start() - 1 : match.start()] + source[end : end + 1]
        ):
            pieces.append(" ")
    return "".join([*pieces, source[end:]])


def _styles() -> str:
    """Drop what a browser does not need: comments, spaces beside punctuation, zeros before points.

    Spaces around ``+`` and before ``(`` or ``:`` mean something, and stay.
    """
    sheet = re.sub(r"/\*[\s\S]*?\*/", "", _read(STYLES))
    sheet = re.sub(r"\s+", " ", sheet)
    sheet = re.sub(r" ?([{};,]) ?|(?<=:) ", r"\1", sheet).replace(";}", "}")
    return re.sub(r"(?<![\w.])0(?=\.\d)", "", sheet).strip()
