"""A recipe's code: every module that decides what an index holds is in its digest."""

from __future__ import annotations

import ast
from importlib.resources import files
from pathlib import Path

import pytest

from index.recipe import _MODULES, DEFAULT_RECIPE, Recipe, code_digest, terms_digest
from rag.chunk import Cut
from rag.tokens import terms_of

ROOT = Path(__file__).parents[2]

DECIDE_NOTHING = {
    "index.content": "layout of files: index.manifest.FORMAT",
    "index.manifest": "the same",
    "index.recipe": "choices: compared as they stand",
    "index.vectors": "gives back what the encoder gave",
    "rag.encoder": "a protocol",
    "rag.errors": "messages",
    "rag.ranking": "protocols",
    "rag.suggestions": "made anew when an index is opened",
}


def reached(module: str, seen: set[str]) -> set[str]:
    """Every module of the project that one imports, itself included."""
    file = ROOT / f"{module.replace('.', '/')}.py"
    if module in seen or not file.is_file():
        return seen
    seen.add(module)
    for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
        if isinstance(node, ast.ImportFrom) and node.module:
            for name in (node.module, *(f"{node.module}.{alias.name}" for alias in node.names)):
                reached(name, seen)
    return seen


def test_every_module_that_a_build_reaches_is_digested_or_decides_nothing() -> None:
    digested = {
        f"{package}.{name.removesuffix('.py')}"
        for package, names in _MODULES.items()
        for name in names
        if name.endswith(".py")
    }
    assert reached("index.assemble", set()) == digested | DECIDE_NOTHING.keys()
    assert not digested & DECIDE_NOTHING.keys()


def test_every_file_of_the_digest_is_there_once() -> None:
    for package, names in _MODULES.items():
        assert len(set(names)) == len(names)
        assert all(files(package).joinpath(name).is_file() for name in names)


def test_the_digests_are_of_64_hex_digits_and_the_same_every_time() -> None:
    for digest in (code_digest, terms_digest):
        first = digest()
        digest.cache_clear()
        assert digest() == first
        assert len(first) == 64
        assert set(first) <= set("0123456789abcdef")


@pytest.mark.parametrize("step", ["casefold", "split"])
def test_another_way_to_cut_terms_is_another_digest(monkeypatch, step: str) -> None:
    before = terms_digest()
    terms_digest.cache_clear()
    other = {"casefold": lambda text: [t.upper() for t in terms_of(text)], "split": str.split}
    monkeypatch.setattr("index.recipe.terms_of", other[step])
    try:
        assert terms_digest() != before
    finally:
        terms_digest.cache_clear()


def test_recipes_are_equal_by_value_and_can_be_keys() -> None:
    assert Recipe() == DEFAULT_RECIPE
    assert len({Recipe(), Recipe(Cut(360)), Recipe(expansions=False), Recipe(keys="passage")}) == 3
