"""The files of ``api/widget`` -> the one script that a page loads.

No build step: the sources are what is served, one after another, without comments and white space and with
shorter names, in two parts: what a page needs at once, and a function of what it needs once somebody turns
to the element.
"""

from __future__ import annotations

import json
import re
from functools import cache
from importlib.resources import files

from api.widget_names import short_properties, shortened

AT_ONCE = ("strings.js", "shell.js", "element.js", "mount.js")
"""Runs when the script is loaded, and so on every page that has it."""

LATER = (
    "dom.js",
    "text.js",
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
)
"""Runs once somebody turns to an element. Of both, what is declared with ``const`` or ``class`` comes before
what runs with it."""

STYLES, LATER_STYLES = "casebook.css", "outcome.css"

_TOKEN = re.compile(
    r"""
    (?P<kept> "(?:\\.|[^"\\])*" | `(?:\\.|[^`\\])*`            # strings
            | (?<=[^\w)\]\s]) [ ]? /(?![/*]) (?:\\.|\[(?:\\.|[^]\\])*\]|[^/\\\n])+ /  # patterns
    )
    | (?: \s | //[^\n]* | /\*[\s\S]*?\*/ )+                       # what only people read
    """,
    re.VERBOSE,
)

_FUNCTION = re.compile(r"^function (\w+)(\(.*?^)\}$", re.MULTILINE | re.DOTALL)
"""One of a file's own, which ends where the next line that is not indented begins."""

_MARK = "\ufeff"
"""Read before any ``charset``: portals in GBK declare theirs for every script that they load."""


@cache
def widget_script() -> bytes:
    """Bundle the element into a script: a classic one, so that an old page can load it as it is.

    What is not needed at once stands in a function of its own: until that is called, a browser only
    looks for its end.

    Returns:
        UTF-8 with a byte order mark; the same bytes for the same sources.
    """
    return f'{_MARK}(() => {{\n"use strict";\n{shortened(readable_script())}}})();\n'.encode()


def readable_script() -> str:
    """The same with the names that its authors gave."""
    first = _sheet(STYLES) + "".join(minified(at_once(_read(name))) for name in AT_ONCE)
    later = _sheet(LATER_STYLES) + "".join(minified(_read(name)) for name in LATER)
    return f"{first}function later(){{{later}return panel}}"


def _sheet(name: str) -> str:
    """A sheet as the files beside it know it."""
    names = short_properties(_styles(STYLES) + _styles(LATER_STYLES))
    styles = re.sub("|".join(sorted(names, reverse=True)), lambda it: names[it[0]], _styles(name))
    return f"const STYLES={json.dumps(styles, ensure_ascii=False)};"


def _read(name: str) -> str:
    return (files("api") / "widget" / name).read_text(encoding="utf-8")


def at_once(source: str) -> str:
    r"""Have functions compiled while the page is still being read, rather than when they are first called.

    Browsers take a function in brackets for one that is called at once, and compile it beside the page's
    own thread.

    Source:
        https://v8.dev/blog/preparser#pife

    >>> at_once("function one() {\n  return 1;\n}\n")
    'const one = (function () {\n  return 1;\n});\n'
    """
    return _FUNCTION.sub(r"const \1 = (function \2});", source)


def minified(source: str) -> str:
    r"""Drop comments, white space except between words, and what ends the last line before a brace.

    Args:
        source: JavaScript that ends its statements with semicolons, has strings in double quotes and
            no template inside of a template.

    >>> minified("const sum = (a, b) => { return a + b; } // of two")
    'const sum=(a,b)=>{return a+b}'
    >>> minified("{\n  one: 1,\n}")
    '{one:1}'
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
        elif pieces[-1].endswith((";", ",")) and source.startswith("}", end):
            pieces[-1] = pieces[-1][:-1]
    return "".join([*pieces, source[end:]])


def _styles(name: str) -> str:
    """Drop what a browser does not need: comments, spaces beside punctuation, zeros before points.

    Spaces around ``+`` and before ``(`` or ``:`` mean something, and stay.
    """
    sheet = re.sub(r"/\*[\s\S]*?\*/", "", _read(name))
    sheet = re.sub(r"\s+", " ", sheet)
    sheet = re.sub(r" ?([{};,]) ?|(?<=:) ", r"\1", sheet).replace(";}", "}")
    return re.sub(r"(?<![\w.])0(?=\.\d)", "", sheet).strip()
