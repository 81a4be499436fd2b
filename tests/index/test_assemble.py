"""Sources in, content out, and nothing written."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from index.assemble import Assembly, assemble
from index.recipe import DEFAULT_RECIPE, Recipe
from index.vectors import VectorCache
from rag.chunk import Cut
from rag.expansions import Expansion, ExpansionsError
from rag.noise import UNRELATED
from rag.source import decode, read
from rag.types import Source, Span


@pytest.fixture
def cache(tmp_path: Path) -> Iterator[VectorCache]:
    with VectorCache(tmp_path / "v.sqlite") as cache:
        yield cache


@pytest.fixture
def sources(collection: Path) -> tuple[Source, ...]:
    return read([collection]).sources


def asked(source: Source, *questions: str, at: str = "嘉定区设立帮办站") -> Expansion:
    start = source.text.index(at)
    return Expansion(source.name, Span(start, start + len(at)), questions)


def scores(assembly: Assembly, encoder, question: str) -> list[float]:
    content = assembly.content
    matches = content.dense.match(encoder.encode_query(question))
    return matches.scores(np.arange(len(content.passages))).tolist()


def test_sentences_are_the_keys_with_their_district_in_front(sources, cache, encoder) -> None:
    content = assemble(sources, (), encoder, cache).content
    assert encoder.encoded == [
        "静安区 静安区税务局推出智能退税，三日到账。",
        "静安区 企业不再跑窗口。",
        "静安区 静安区退税提速，退税企业两千户。",
        "嘉定区 嘉定区设立帮办站，帮办员现场服务。",
        "嘉定区 帮办六千次，群众少跑腿。",
    ]
    assert (len(content.cases), len(content.passages), content.dense.size) == (2, 3, 5)
    assert content.known is None


def test_passages_can_be_the_keys_instead(sources, cache, encoder) -> None:
    content = assemble(sources, (), encoder, cache, Recipe(keys="passage")).content
    assert content.dense.size == 3
    assert encoder.encoded == [
        f"{content.cases[row].district} {passage.text}"
        for row, passage in zip((0, 0, 1), content.passages, strict=True)
    ]


def test_the_floor_is_measured_and_scores_count_from_it(sources, cache, encoder) -> None:
    assembly = assemble(sources, (), encoder, cache)
    cosines = [assembly.content.dense.top_cosine(encoder.encode_query(q)) for q in UNRELATED]
    assert assembly.floor == pytest.approx(sum(cosines) / len(UNRELATED))
    best = assembly.content.dense.top_cosine(encoder.encode_query("帮办"))
    expected = (best - assembly.floor) / (1 - assembly.floor)
    assert max(scores(assembly, encoder, "帮办")) == pytest.approx(expected, abs=1e-6)


def test_terms_come_from_context_and_text(sources, cache, encoder) -> None:
    content = assemble(sources, (), encoder, cache).content
    every = np.ones(3, dtype=bool)
    for word, rows in (("退税快办", [0, 1]), ("成效", [1]), ("跑腿", [2])):
        found = content.lexical.match({word[:2]: 1.0}).best(limit=3, allowed=every)
        assert sorted(found.tolist()) == rows


def test_the_recipe_decides_cut_and_bm25(sources, cache, encoder) -> None:
    small = assemble(sources, (), encoder, cache, Recipe(Cut(20))).content
    assert max(len(passage.text) for passage in small.passages) <= 20
    other = replace(DEFAULT_RECIPE, bm25=replace(DEFAULT_RECIPE.bm25, k1=2.0))
    one, two = (assemble(sources, (), encoder, cache, r).content for r in (DEFAULT_RECIPE, other))
    row = np.array([0])
    assert two.lexical.match({"退税": 1.0}).scores(row) < one.lexical.match({"退税": 1.0}).scores(
        row
    )


def test_the_recipe_decides_up_to_where_vectors_are_all_compared(sources, cache, encoder) -> None:
    recipe = replace(DEFAULT_RECIPE, exact_up_to=5)
    assert assemble(sources, (), encoder, cache, recipe).content.dense.kind == "exact"
    recipe = replace(DEFAULT_RECIPE, exact_up_to=4)
    assert assemble(sources, (), encoder, cache, recipe).content.dense.kind == "cells 1"


def test_expansions_become_keys_only_where_the_recipe_asks(sources, cache, encoder) -> None:
    expansion = asked(sources[0], "谁替我跑腿")
    plain = Recipe(expansions=False)
    assert assemble(sources, (expansion,), encoder, cache, plain).content.known is None
    assert assemble(sources, (), encoder, cache, Recipe(expansions=True)).content.known is None
    known = assemble(sources, (expansion,), encoder, cache, Recipe(expansions=True)).content.known
    assert known is not None
    assert known.questions == ((), (), ("谁替我跑腿",))
    assert known.expansions().present.tolist() == [False, False, True]
    assert encoder.encoded[-1] == "嘉定区 谁替我跑腿"


def test_an_expansion_scores_as_the_nearest_of_its_questions(sources, cache, encoder) -> None:
    expansion = asked(sources[0], "企业", "退税")
    assembly = assemble(sources, (expansion,), encoder, cache, Recipe(expansions=True))
    assert assembly.content.known is not None
    matches = assembly.content.known.dense.match(encoder.encode_query("退税"))
    assert matches.scores(np.arange(3)).tolist() == [0.0, 0.0, pytest.approx(1.0)]


def test_an_expansion_loses_its_district_where_the_encoder_cannot_take_both(
    sources, cache, make_encoder
) -> None:
    encoder = make_encoder(max_tokens=24)
    expansion = asked(sources[0], "谁" * 24)
    assemble(sources, (expansion,), encoder, cache, Recipe(expansions=True))
    assert encoder.encoded[-1] == "谁" * 24


def test_an_expansion_that_the_encoder_cannot_take_at_all_is_named(
    sources, cache, make_encoder
) -> None:
    encoder = make_encoder(max_tokens=24)
    expansion = asked(sources[0], "退税", "谁" * 25)
    with pytest.raises(ExpansionsError) as caught:
        assemble(sources, (expansion,), encoder, cache, Recipe(expansions=True))
    assert str(caught.value) == (
        f"{sources[0].name}：预设问法“{'谁' * 20}……”有 25 个词元，编码器最多接受 24 个；请改短"
    )


def test_what_is_said_twice_is_encoded_once(cache, encoder) -> None:
    said = "企业退税三个工作日之内就到账。"
    text = f"退税指南\n\n{said}{said}"
    steps: list[tuple[str, int, int]] = []
    content = assemble(
        [decode("a.txt", text.encode())],
        (),
        encoder,
        cache,
        on_progress=lambda *step: steps.append(step),
    ).content
    assert content.dense.size == 2
    assert encoder.encoded == [said]
    assert steps == [("切分案例", 1, 1), ("编码句子", 1, 1)]


def test_known_vectors_are_not_encoded_again(sources, cache, encoder) -> None:
    one = assemble(sources, (), encoder, cache)
    encoder.encoded.clear()
    other = assemble(sources, (), encoder, cache)
    assert encoder.encoded == []
    assert one.floor == other.floor
    assert one.content.to_files(sources) == other.content.to_files(sources)


def test_a_text_without_words_is_found_by_nothing_and_breaks_nothing(cache, encoder) -> None:
    dots = Source("a", "", "utf-8", "……")
    content = assemble([dots, decode("b.txt", "退税。".encode())], (), encoder, cache).content
    every = np.ones(2, dtype=bool)
    assert content.lexical.match({"退税": 1.0}).best(limit=2, allowed=every).tolist() == [1]


def test_no_sources_are_refused(cache, encoder) -> None:
    with pytest.raises(ValueError, match="at least one source"):
        assemble([], (), encoder, cache)
