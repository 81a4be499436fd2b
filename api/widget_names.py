"""Long names in the widget's script and sheets -> short ones, where no parser is needed to be sure of it."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator
from itertools import chain, product
from string import ascii_letters

_WORD = re.compile(r"(?<![\w$])[A-Za-z_]\w*")
_TOKEN = re.compile(
    r"""
    (?P<string> "(?:\\.|[^"\\])*" )
    | (?P<template> `(?:\\.|[^`\\])*` )
    | (?P<pattern> (?:(?<=[^\w$)\]\s])|(?<=return)) /(?![/*]) (?:\\.|\[(?:\\.|[^]\\])*\]|[^/\\\n])+ / )
    """,
    re.VERBOSE,
)
_SLOT = re.compile(r"(?<=\$\{)[^{}]*(?=\})")
"""Code within a template."""

_DECLARED = re.compile(r"\b(?:const|let|function|class) (\w{3,})|[(,](\w{3,})(?=[,)]\)?=>)")

_PROPERTY = re.compile(
    r"(?<!\.\.)\.([A-Za-z_]\w*)|(?<![\w.$])([A-Za-z_]\w*):|(?<=[{,])\s*([A-Za-z_]\w*)(?=\s*[,}])"
)

OF_THE_PAGE = frozenset({"event", "name", "open", "status", "stop", "top"})
"""Declared here, and something else where it is not: ``window.open`` is called as ``open``."""


def renamed(script: str) -> dict[str, str]:
    """Choose names to shorten, and what to.

    Only names that are declared here and that are nowhere a property or could be one: not behind a point,
    not before a colon, not between braces and commas. The same name means the same everywhere, so that no
    scope need be known; what is new occurs nowhere else.

    Args:
        script: As `api.widget_bundle.minified` makes it.

    Returns:
        New names by old, the most frequent first.

    >>> renamed("const sum=(left)=>left+left;say({sum});")
    {'left': 'a'}
    """
    code = "\n".join(_code(script))
    words = Counter(_WORD.findall(code))
    declared = {one or other for one, other in _DECLARED.findall(code)} - OF_THE_PAGE
    free = declared - _properties(code)
    mine = [word for word, _ in words.most_common() if word in free]
    letters = product(ascii_letters)
    fresh = (
        "".join(it)
        for it in chain(letters, product("$", ascii_letters), product("_", ascii_letters))
    )
    return dict(zip(mine, (it for it in fresh if it not in words), strict=False))


def shortened(script: str) -> str:
    """Write a script with the names that `renamed` chooses, and `let` for `const`; strings and patterns stay.

    >>> shortened('const count=(many)=>`count ${many+"many"}`;')
    'let b=(a)=>`count ${a+"many"}`;'
    """
    names = {**renamed(script), "const": "let"}  # which says something to readers alone

    def code(text: str) -> str:
        pieces = re.split(r'("(?:\\.|[^"\\])*")', text)
        pieces[::2] = [
            re.sub(
                r"(?<![\w$])(?:(?<=\.\.\.)|(?<!\.))[A-Za-z_]\w*",
                lambda it: names.get(it[0], it[0]),
                piece,
            )
            for piece in pieces[::2]
        ]
        return "".join(pieces)

    pieces = []
    end = 0
    for token in _TOKEN.finditer(script):
        pieces.append(code(script[end : token.start()]))
        end = token.end()
        pieces.append(
            _SLOT.sub(lambda it: code(it[0]), token[0]) if token["template"] else token[0]
        )
    return "".join([*pieces, code(script[end:])])


def short_properties(sheets: str) -> dict[str, str]:
    """Choose letters for the sheets' own properties; those that a page may set keep their names.

    Raises:
        ValueError: If there are more than letters.

    >>> short_properties(".a{--ink:red;color:var(--ink,var(--casebook-accent))}")
    {'--ink': '--a'}
    """
    own = list(dict.fromkeys(re.findall(r"--(?!casebook-)[a-z-]+", sheets)))
    if len(own) > len(ascii_letters):
        message = f"{len(own)} properties of the sheets' own, and {len(ascii_letters)} letters"
        raise ValueError(message)
    return {name: f"--{letter}" for name, letter in zip(own, ascii_letters, strict=False)}


def _code(script: str) -> Iterator[str]:
    """The script without strings and patterns; of templates, what stands in their slots."""
    end = 0
    for token in _TOKEN.finditer(script):
        yield script[end : token.start()] + '""'
        end = token.end()
        if token["template"]:
            yield from (
                re.sub(r'"(?:\\.|[^"\\])*"', '""', slot) for slot in _SLOT.findall(token[0])
            )
    yield script[end:]


def _properties(code: str) -> set[str]:
    """List what is somewhere a property, or stands where it could be one."""
    return {name for found in _PROPERTY.findall(code) for name in found if name}
