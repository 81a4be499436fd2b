"""Which sentences say no more than their source, by example and over the bundled collection."""

from __future__ import annotations

import itertools
import random
import re
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import pytest

from rag.derivation import derives
from rag.sentences import sentences_of
from rag.types import Span

SAID = "为破解退税难题，区税务局积极推出智能退税，三日到账，企业满意。"


@pytest.mark.parametrize(
    ("sentence", "source"),
    [
        (SAID, SAID),
        ("区税务局积极推出智能退税，三日到账，企业满意。", SAID),
        ("区税务局推出智能退税，3日到账。", SAID),
        ("区稅務局推出“智能退税”；三日到账", SAID),
        ("推进一网通办，办理12000件。", "二是推进一网通办，办理1.2万件。"),
        ("设立退税专窗。", "同时，设立退税专窗。"),
        ("企业与群众都满意。", "企业和群众都满意。"),
        ("先到先办，随到随办。", "先到先办；随到随办。"),
        ("区里设立帮办站。", "区里设立帮办站。帮办六千次。"),
    ],
)
def test_harmless_things_may_be_left_out(sentence: str, source: str) -> None:
    assert derives(sentence, source)


@pytest.mark.parametrize(
    ("sentence", "source"),
    [
        ("三日到账，企业满意。", SAID),  # whose?
        ("区税务局积极推出智能退税，企业满意。", SAID),
        ("区税务局积极推出。", SAID),
        ("区税务局积极推出智能退税，五日到账。", SAID),
        ("区税务局积极推出智能退税三日到账。", SAID),
        ("退税企业两千户。", "退税企业两千户，但未申报的除外。"),
        ("企业可以退税。", "企业可以退税，须提交申请。"),
        ("如果企业逾期。", "如果企业逾期，将被罚款。"),
        ("网上可以办吗。", "网上可以办吗？"),
        ("网上可以办理。", "网上可以办理，群众满意吗？"),
        ("不，可以三天到账。", "不可以三天到账。"),
        ("三天办结到账。", "3至5天办结到账。"),
        ("五亿元投资到位。", "3.5亿元投资到位。"),
        ("10天内办结。", "5、10天内办结。"),
        ("区税务局三天到账", "“区税务局三天到账”，是谣言。"),
        ("是的。", "是的。"),
        ("", ""),
    ],
)
def test_what_changes_what_is_said_may_not(sentence: str, source: str) -> None:
    assert not derives(sentence, source)


@pytest.fixture(scope="module")
def sentences() -> list[str]:
    """The sentences of the bundled collection that have something to corrupt."""
    data = Path(__file__).parents[2] / "data" / "shanghai-2022-business-environment-cases.txt"
    text = data.read_text(encoding="utf-8")
    cut = (place.of(text) for place in sentences_of(text, Span(0, len(text))))
    return [one for one in cut if 18 <= len(one) <= 200 and one[-1] in "。；！"]


Corrupted = Iterator[tuple[str, str]]  # source, corrupted sentence


def clauses(sentence: str) -> list[str]:
    return sentence.rstrip("。；！").split("，")


def with_another_number(sentences: Sequence[str]) -> Corrupted:
    for one in sentences:
        for match in re.finditer(r"\d+", one):
            yield one, f"{one[: match.start()]}{int(match.group()) + 1}{one[match.end() :]}"


def with_another_unit(sentences: Sequence[str]) -> Corrupted:
    for one in sentences:
        for match in re.finditer(r"(?<=\d)(?:天|个月|小时|年|家|件|次|户|人|%|个|项)", one):
            unit = "天" if match.group() != "天" else "个月"
            yield one, one[: match.start()] + unit + one[match.end() :]


def with_numbers_swapped(sentences: Sequence[str]) -> Corrupted:
    for one in sentences:
        numbers = list(re.finditer(r"\d+", one))
        for a, b in itertools.pairwise(numbers):
            if a.group() != b.group():
                between = one[a.end() : b.start()]
                yield one, one[: a.start()] + b.group() + between + a.group() + one[b.end() :]


def with_a_clause_of_another(sentences: Sequence[str]) -> Corrupted:
    for one, other in zip(sentences, sentences[40:], strict=False):
        yield one, "，".join([*clauses(one)[:-1], clauses(other)[-1]])
        yield one, "，".join([*clauses(one), clauses(other)[-1]])
        yield one, "，".join([clauses(other)[0], *clauses(one)[1:]])


def with_the_next_ones_clause(sentences: Sequence[str]) -> Corrupted:
    for one, following in itertools.pairwise(sentences):
        if len(clauses(following)) > 1:
            yield one + following, f"{clauses(one)[0]}，{clauses(following)[-1]}"


def with_a_negation(sentences: Sequence[str]) -> Corrupted:
    for one in sentences:
        for match in re.finditer("可|能|须|需|要|将|会|设立|建立|推出|实现|提供|开展|完成", one):
            yield one, f"{one[: match.start()]}不{one[match.start() :]}"


def without_a_word_that_limits(sentences: Sequence[str]) -> Corrupted:
    limit = r"不|未|无|仅|只|至少|超过|以上|近(?=\d)|约|余|拟|计划|预计|力争|主要|部分|基本"
    for one in sentences:
        for match in re.finditer(limit, one):
            yield one, one[: match.start()] + one[match.end() :]


def with_parties_swapped(sentences: Sequence[str]) -> Corrupted:
    party = r"[一-鿿]{2,4}(?:局|委|中心|平台|法院|街道|公司|企业|群众)"
    for one in sentences:
        named = re.findall(party, one)
        for a, b in itertools.pairwise(named):
            if a not in b and b not in a:
                yield one, one.replace(a, "\0").replace(b, a).replace("\0", b)


def with_something_left_out(sentences: Sequence[str]) -> Corrupted:
    """A few characters from within a clause, at random, words of zeal and openings apart."""
    chance = random.Random(7)  # noqa: S311 -- no secret
    for one in sentences:
        for _ in range(3):
            start = chance.randrange(1, len(one) - 8)
            gone = one[start : start + chance.randrange(1, 7)]
            harmless = re.search("[，。；！、：]|进一步|切实|积极|大力|[“”]|^[ \u3000]*$", gone)
            rest = one[start + len(gone) :]
            if harmless or start < 12 or rest.startswith(gone[:1]) or one[start - 1] == gone[-1]:
                continue
            yield one, one[:start] + rest


@pytest.mark.parametrize(
    ("corrupted", "least"),
    [
        (with_another_number, 300),
        (with_another_unit, 100),
        (with_numbers_swapped, 100),
        (with_a_clause_of_another, 1000),
        (with_the_next_ones_clause, 300),
        (with_a_negation, 300),
        (without_a_word_that_limits, 100),
        (with_parties_swapped, 100),
        (with_something_left_out, 500),
    ],
)
def test_no_corrupted_sentence_of_the_collection_passes(
    sentences: list[str], corrupted: Callable[[Sequence[str]], Corrupted], least: int
) -> None:
    pairs = [(source, wrong) for source, wrong in corrupted(sentences) if source != wrong]
    assert len(pairs) >= least
    assert [pair for pair in pairs if derives(pair[1], pair[0])] == []


def test_every_sentence_of_the_collection_says_what_it_says(sentences: list[str]) -> None:
    assert len(sentences) > 400
    assert [one for one in sentences if not derives(one, one)] == []
    assert [one for one in sentences if not derives(one.replace("，", ","), one)] == []
