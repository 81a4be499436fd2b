"""Content as files, and back."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from index.assemble import Assembly, assemble
from index.content import Content, QuestionIndex
from index.manifest import FORMAT, Manifest, SourceRecord
from index.recipe import Recipe
from index.vectors import VectorCache
from rag.expansions import Expansion
from rag.retrieve import HybridRetriever
from rag.source import read
from rag.types import Source, Span

SENTENCES, PASSAGES = Recipe(expansions=True), Recipe(keys="passage", expansions=True)
PLAIN = Recipe(expansions=False)


@pytest.fixture
def sources(collection: Path) -> tuple[Source, ...]:
    (collection / "又.txt").write_text("黄浦区\n\n企业办事。\u2028一网通办。", encoding="utf-8")
    return read([collection]).sources


@pytest.fixture
def made(tmp_path: Path, sources, encoder) -> Callable[[Recipe], Assembly]:
    """Assemble with a recipe; expansions of the second passage and the last."""

    def make(recipe: Recipe) -> Assembly:
        text = sources[1].text if "退税" in sources[1].text else sources[0].text
        name = next(source.name for source in sources if source.text == text)
        other = next(source for source in sources if source.text != text)
        start = text.index("静安区退税提速")
        expansions = (
            Expansion(name, Span(start, start + 10), ("退税多少户", "企业\u2028几家")),
            Expansion(other.name, Span(5, 9), ("去哪办",)),
        )
        with VectorCache(tmp_path / "v.sqlite") as cache:
            return assemble(sources, expansions, encoder, cache, recipe)

    return make


def manifest(recipe: Recipe, assembly: Assembly, sources, encoder) -> Manifest:
    return Manifest(
        format=FORMAT,
        code="",
        terms="",
        encoder=encoder.identity,
        recipe=recipe,
        floor=assembly.floor,
        cases=0,
        passages=0,
        sentences=0,
        sources=tuple(SourceRecord(s.name, s.sha256, s.encoding) for s in sources),
        expansions=(),
        files={},
    )


@pytest.mark.parametrize("recipe", [PLAIN, SENTENCES, PASSAGES])
def test_what_is_written_is_what_is_read(made, sources, encoder, recipe: Recipe) -> None:
    assembly = made(recipe)
    files = assembly.content.to_files(sources)

    read_back = Content.from_files(files, manifest(recipe, assembly, sources, encoder))

    assert read_back.cases == assembly.content.cases
    assert read_back.passages == assembly.content.passages
    assert read_back.to_files(sources) == files
    for question in ("退税企业", "去哪办", "红烧肉", "几家"):
        one, other = (
            HybridRetriever(c.cases, c.passages, encoder, c.rankers).retrieve(question, limit=9)
            for c in (assembly.content, read_back)
        )
        assert one == other


def test_files_of_the_questions_stand_in_a_folder_of_their_own(made, sources) -> None:
    plain, asked = (set(made(recipe).content.to_files(sources)) for recipe in (PLAIN, SENTENCES))
    assert asked - plain == {
        f"questions/{name}"
        for name in (
            "questions.json",
            "dense.faiss",
            "lexical/terms.json",
            "lexical/starts.npy",
            "lexical/rows.npy",
            "lexical/weights.npy",
            "lexical/highest.npy",
        )
    }
    assert plain < asked


def test_sources_are_kept_without_a_suffix_as_they_were_read(made, sources) -> None:
    files = made(PLAIN).content.to_files(sources)
    kept = {name: data.decode() for name, data in files.items() if name.startswith("sources/")}
    assert kept == {f"sources/0000{row}": source.text for row, source in enumerate(sources)}


def test_questions_keep_their_rows_and_their_order(made) -> None:
    content = made(SENTENCES).content
    assert content.known is not None
    files = content.known.to_files()
    asked = [of for of in content.known.questions if of]
    assert sorted(asked) == [("去哪办",), ("退税多少户", "企业\u2028几家")]
    assert json.loads(files["questions.json"]) == [list(of) for of in content.known.questions]
    restored = QuestionIndex.from_files(files, 0.0)
    assert restored.questions == content.known.questions
    present = restored.expansions().present
    assert present.tolist() == [bool(of) for of in content.known.questions]
    assert present.dtype == np.bool_


def test_without_questions_only_the_text_is_ranked(made) -> None:
    assert made(PLAIN).content.rankers.expansions is None
    assert made(SENTENCES).content.rankers.expansions is not None


def test_vectors_that_do_not_belong_to_the_passages_are_refused(made, sources, encoder) -> None:
    assembly = made(SENTENCES)
    files = assembly.content.to_files(sources)
    wrong = manifest(replace(SENTENCES, keys="passage"), assembly, sources, encoder)
    with pytest.raises(ValueError, match="vectors, its passages"):
        Content.from_files(files, wrong)
