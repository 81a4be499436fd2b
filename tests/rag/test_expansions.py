"""Question expansions: read beside their source, given to the passages that answer them."""

from __future__ import annotations

import hashlib
import json
from dataclasses import replace
from itertools import pairwise
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rag.cases import read_cases
from rag.chunk import Cut, passages_of
from rag.expansions import (
    NO_COMPANIONS,
    Expansion,
    ExpansionsError,
    companion_of,
    parse_expansions,
    questions_of,
    read_companions,
    read_expansions,
)
from rag.source import decode, read
from rag.types import Passage, Source, Span

TEXT = "静安区推出智能退税。企业三日到账。"
SOURCE = decode("a.txt", TEXT.encode())
DATA = Path(__file__).parents[2] / "data"


def line(**changes: object) -> str:
    record = {"start": 0, "end": 10, "questions": ["几天到账"]}
    return json.dumps(record | changes, ensure_ascii=False)


def expansions(tmp_path: Path, data: str | bytes) -> tuple[Expansion, ...]:
    file = tmp_path / "a.questions.jsonl"
    file.write_bytes(data if isinstance(data, bytes) else data.encode())
    return read_expansions(file, SOURCE)


def test_the_bundled_expansions_belong_to_the_bundled_collection() -> None:
    companions = read_companions(read([DATA]))
    assert companions.failures == ()
    assert len(companions.expansions) > 100
    assert [name for name, _ in companions.digests] == [
        "data/shanghai-2022-business-environment-cases.questions.jsonl"
    ]


@pytest.mark.parametrize(
    ("file", "companion"),
    [
        ("案例.txt", "案例.questions.jsonl"),
        ("v1.2.md", "v1.2.questions.jsonl"),
        ("案例", "案例.questions.jsonl"),
    ],
)
def test_a_companion_stands_beside_its_source(file: str, companion: str) -> None:
    assert companion_of(Path("夹") / file) == Path("夹") / companion


def test_a_line_is_a_run_of_the_source_and_questions(tmp_path: Path) -> None:
    second = line(start=10, end=len(TEXT), questions=["甲", " 乙\u2028 "])
    text = f"\ufeff{line()}\r\n\n{second}\n"
    assert expansions(tmp_path, text) == (
        Expansion("a.txt", Span(0, 10), ("几天到账",)),
        Expansion("a.txt", Span(10, 17), ("甲", " 乙\u2028 ")),
    )


def test_an_empty_file_has_none(tmp_path: Path) -> None:
    assert expansions(tmp_path, "\n \n") == ()


@pytest.mark.parametrize(
    ("bad", "said"),
    [
        ("{", "不是 JSON（"),
        ("[" * 100_000, "不是 JSON（"),
        ("[]", "应有且只有这些键：end、questions、start（还可以有 quote）"),
        (line(more=1), "应有且只有这些键："),
        (line(quote=3), "quote 3 应为文字，即这一段开头的几个字"),
        (line(start=-1), "start -1、end 10 不是 a.txt 中的一段（共 17 字）；原文改动后请重新标注"),
        (line(start=10), "start 10、end 10 不是"),
        (line(end=18), "start 0、end 18 不是"),
        (line(start=False), "start False、end 10 不是"),
        (line(end=10.0), "start 0、end 10.0 不是"),
        (line(questions="几天"), "questions 应为列表"),
        (line(questions=[]), "questions 应为列表，至少一项，每项是一个有文字的问题"),
        (line(questions=["几天", " "]), "questions 应为列表"),
        (line(questions=["？？"]), "questions 应为列表"),
        (line(questions=[3]), "questions 应为列表"),
        ('{"start": 0, "end": 1, "questions": ["退\\ud83d"]}', "questions 应为列表"),
    ],
)
def test_a_line_of_another_form_is_named(tmp_path: Path, bad: str, said: str) -> None:
    with pytest.raises(ExpansionsError) as caught:
        expansions(tmp_path, f"{line()}\n\n{bad}\n")
    assert str(caught.value).startswith(f"{tmp_path}/a.questions.jsonl：第 3 行：{said}")


def test_a_line_may_quote_how_its_run_begins(tmp_path: Path) -> None:
    (found,) = expansions(tmp_path, line(quote="静安区"))
    assert found == Expansion("a.txt", Span(0, 10), ("几天到账",), "静安区")
    (whole,) = expansions(tmp_path, line(quote="静安区推出智能退税。"))
    assert whole.quote == "静安区推出智能退税。"
    assert expansions(tmp_path, line(quote=""))[0].quote == ""


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        (
            {"start": 5, "end": 17, "quote": "企业三日"},
            (
                "quote 是 '企业三日'，而 a.txt 第 5 字起是 '智能退税'，原文可能改动过；"
                "这几个字现在从第 10 字起，请把 start、end 各加 5，"
                "或运行 casebook expand 路径 --realign 把各行一并改正"
            ),
        ),
        (
            {"start": 10, "end": 17, "quote": "静安"},
            (
                "quote 是 '静安'，而 a.txt 第 10 字起是 '企业'，原文可能改动过；"
                "这几个字现在从第 0 字起，请把 start、end 各减 10，"
                "或运行 casebook expand 路径 --realign 把各行一并改正"
            ),
        ),
        (
            {"start": 0, "end": 17, "quote": "。"},
            (
                "quote 是 '。'，而 a.txt 第 0 字起是 '静'，原文可能改动过；"
                "请按现在的原文改正 start、end 和 quote，或删去这一行"
            ),
        ),
        (
            {"start": 0, "end": 17, "quote": "嘉定"},
            (
                "quote 是 '嘉定'，而 a.txt 第 0 字起是 '静安'，原文可能改动过；"
                "请按现在的原文改正 start、end 和 quote，或删去这一行"
            ),
        ),
        (
            {"start": 0, "end": 2, "quote": "静安区"},
            (
                "quote 是 '静安区'，而 a.txt 第 0 字起是 '静安'，原文可能改动过；"
                "请按现在的原文改正 start、end 和 quote，或删去这一行"
            ),
        ),
    ],
)
def test_a_line_whose_run_begins_otherwise_is_named_with_what_to_do(
    tmp_path: Path, changes: dict[str, object], said: str
) -> None:
    with pytest.raises(ExpansionsError) as caught:
        expansions(tmp_path, f"{line()}\n{line(**changes)}\n")
    assert str(caught.value) == f"{tmp_path}/a.questions.jsonl：第 2 行：{said}"


@pytest.mark.parametrize("place", [0, 10_000, 30_000])
def test_no_line_behind_an_edit_of_the_bundled_collection_is_believed(place: int) -> None:
    (source,) = read([DATA]).sources
    file = DATA / "shanghai-2022-business-environment-cases.questions.jsonl"
    edited = replace(source, text=f"{source.text[:place]}新{source.text[place:]}")
    believed = 0
    for number, text in enumerate(file.read_bytes().splitlines()):
        try:
            parse_expansions(file, text, edited)
        except ExpansionsError:
            continue
        believed += 1
        assert read_expansions(file, source)[number].span.start < place
    assert believed == sum(e.span.start < place for e in read_expansions(file, source))


def test_a_file_that_is_not_utf_8_is_named_with_its_line(tmp_path: Path) -> None:
    with pytest.raises(ExpansionsError, match=r"jsonl：第 2 行：不是 UTF-8；请另存为 UTF-8$"):
        expansions(tmp_path, line().encode() + b"\n\xff")


def test_a_file_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(ExpansionsError, match=r"none：读不了（.+）；应为预设问法"):
        read_expansions(tmp_path / "none", SOURCE)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    folder = tmp_path / "案例"
    folder.mkdir()
    for name in ("a.txt", "b.md", "c.txt"):
        (folder / name).write_text(TEXT, encoding="utf-8")
    return folder


def test_companions_are_read_in_the_order_of_the_sources_with_their_digests(folder: Path) -> None:
    for name in ("c", "b"):
        (folder / f"{name}.questions.jsonl").write_text(line(questions=[name]), encoding="utf-8")
    found = read_companions(read([folder]))
    assert found.expansions == (
        Expansion("案例/b.md", Span(0, 10), ("b",)),
        Expansion("案例/c.txt", Span(0, 10), ("c",)),
    )
    assert found.digests == tuple(
        (
            f"案例/{name}.questions.jsonl",
            hashlib.sha256(line(questions=[name]).encode()).hexdigest(),
        )
        for name in ("b", "c")
    )
    assert found.failures == ()


def test_sources_without_companions_are_the_rule(folder: Path) -> None:
    assert read_companions(read([folder])) == NO_COMPANIONS


def test_a_bad_companion_is_a_failure_and_hides_no_other(folder: Path) -> None:
    (folder / "a.questions.jsonl").write_text("{", encoding="utf-8")
    (folder / "b.questions.jsonl").write_text(line(), encoding="utf-8")
    found = read_companions(read([folder]))
    assert [expansion.source for expansion in found.expansions] == ["案例/b.md"]
    assert [name for name, _ in found.digests] == ["案例/b.questions.jsonl"]
    (failure,) = found.failures
    assert str(failure).startswith(f"案例/a.txt：{folder}/a.questions.jsonl：第 1 行：不是 JSON")


def test_a_companion_that_the_disk_refuses_is_a_failure(folder: Path) -> None:
    memory = Path("/proc/self/mem")
    if not memory.is_file():
        pytest.skip("no file here that exists and cannot be read")
    (folder / "a.questions.jsonl").symlink_to(memory)
    found = read_companions(read([folder]))
    assert ["读不了" in str(failure) for failure in found.failures] == [True]


def test_a_companion_of_two_sources_is_a_failure_of_both(folder: Path) -> None:
    (folder / "a.md").write_text("另一份。" * 9, encoding="utf-8")
    (folder / "a.questions.jsonl").write_text(line(), encoding="utf-8")
    found = read_companions(read([folder]))
    assert (found.expansions, found.digests) == ((), ())
    assert [failure.file for failure in found.failures] == ["案例/a.md", "案例/a.txt"]
    assert "有 2 个原文与它同名" in str(found.failures[0])


def given_to(*expansions: Expansion, size: int = 9) -> dict[str, tuple[str, ...]]:
    (case,) = read_cases([SOURCE])
    passages = passages_of(case, len, Cut(size))
    return {
        passage.text: asked
        for passage, asked in zip(passages, questions_of(passages, [case], expansions), strict=True)
    }


def about(start: int, end: int, *questions: str, source: str = "a.txt") -> Expansion:
    return Expansion(source, Span(start, end), questions)


TAX, DAYS = "静安区推出智能退税。", "企业三日到账。"


def test_an_expansion_belongs_to_the_passage_it_stands_in() -> None:
    assert given_to(about(0, 10, "谁退税"), about(12, 14, "几天"), size=10) == {
        TAX: ("谁退税",),
        DAYS: ("几天",),
    }


def test_an_expansion_over_several_passages_belongs_to_all_that_it_mostly_covers() -> None:
    assert given_to(about(4, 17, "都问"), size=10) == {TAX: ("都问",), DAYS: ("都问",)}
    assert given_to(about(5, 17, "都问"), size=10) == {TAX: (), DAYS: ("都问",)}


def test_an_expansion_that_covers_half_of_none_belongs_to_the_one_it_shares_most_with() -> None:
    assert given_to(about(7, 13, "跨两段"), size=10) == {TAX: ("跨两段",), DAYS: ()}


def test_questions_keep_their_order_and_stand_once() -> None:
    found = given_to(about(0, 9, "乙", "甲"), about(1, 8, "甲", "丙"), size=10)
    assert found[TAX] == ("乙", "甲", "丙")


def test_expansions_of_other_sources_and_of_no_passage_are_left_out() -> None:
    assert given_to(about(0, 10, "别处", source="b.txt"), size=10) == {TAX: (), DAYS: ()}
    gap = Source("g.txt", "", "utf-8", "标题\n" + TEXT)
    (case,) = read_cases([gap])
    passages = passages_of(case, len)
    assert passages[0].span.start > 1
    assert questions_of(passages, [case], [about(0, 2, "标题", source="g.txt")]) == [()]


@given(
    cuts=st.lists(st.integers(1, 16), unique=True).map(sorted),
    start=st.integers(0, 16),
    size=st.integers(1, 17),
)
def test_an_expansion_is_never_lost_where_the_passages_tile_the_source(
    cuts: list[int], start: int, size: int
) -> None:
    (case,) = read_cases([SOURCE])
    edges = [0, *cuts, 17]
    spans = [Span(a, b) for a, b in pairwise(edges)]
    passages = [Passage(case.case_id, (), span, span.of(TEXT), (span,)) for span in spans]
    run = Span(start, min(17, start + size))

    found = questions_of(passages, [case], [Expansion("a.txt", run, ("问",))])

    shared = [min(s.end, run.end) - max(s.start, run.start) for s in spans]
    chosen = [row for row, asked in enumerate(found) if asked]
    assert chosen
    assert min(shared[row] for row in chosen) > 0
    assert all(
        (row in chosen) == (2 * overlap > min(len(spans[row]), len(run)))
        for row, overlap in enumerate(shared)
        if any(2 * o > min(len(s), len(run)) for o, s in zip(shared, spans, strict=True))
    )
