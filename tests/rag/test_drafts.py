"""Drafts: written beside their source, reviewed, accepted."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rag.drafts import (
    Accepted,
    accept_drafts,
    draft_of,
    expansion_of,
    known_expansions,
    merged,
    write_expansions,
)
from rag.errors import CasebookError
from rag.expansions import Expansion, ExpansionsError, companion_of, read_companions
from rag.source import Reading, decode, read
from rag.types import Span

TEXT = "静安区推出智能退税，谁都能办。企业三日到账。"
SOURCE = decode("a.txt", TEXT.encode())


def about(start: int, end: int, *questions: str, quote: str = "") -> Expansion:
    return Expansion("a.txt", Span(start, end), questions, quote)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    folder = tmp_path / "案例"
    folder.mkdir()
    (folder / "a.txt").write_text(TEXT, encoding="utf-8")
    return folder


def reading(folder: Path) -> Reading:
    return read([folder])


def write_draft(folder: Path, *lines: dict[str, object], name: str = "a") -> Path:
    draft = folder / f"{name}.questions.draft.jsonl"
    draft.write_text("".join(f"{json.dumps(line)}\n" for line in lines), encoding="utf-8")
    return draft


def test_a_draft_stands_beside_its_source_under_a_name_of_its_own() -> None:
    file = Path("夹/案例.v2.txt")
    assert draft_of(file) == Path("夹/案例.v2.questions.draft.jsonl")
    assert draft_of(file) != companion_of(file)


def test_no_build_reads_a_draft(folder: Path) -> None:
    write_draft(folder, {"start": 0, "end": 5, "questions": ["谁"]})
    assert [source.name for source in reading(folder).sources] == ["案例/a.txt"]
    assert read_companions(reading(folder)).expansions == ()


def test_a_new_line_quotes_the_first_twelve_characters_of_its_run() -> None:
    assert expansion_of(SOURCE, Span(0, 15), ("谁",)) == about(
        0, 15, "谁", quote="静安区推出智能退税，谁都"
    )
    assert expansion_of(SOURCE, Span(15, 19), ("谁",)).quote == "企业三日"


def test_what_is_written_is_read_again(folder: Path) -> None:
    file = folder / "a.questions.jsonl"
    lines = (about(0, 15, "谁", "几天\u2028", quote="静安"), about(15, 22, "多久"))
    write_expansions(file, lines, SOURCE)
    assert known_expansions(file, SOURCE) == lines
    assert file.read_text(encoding="utf-8").splitlines()[0] == (
        '{"start": 0, "end": 15, "quote": "静安", "questions": ["谁", "几天'
    )
    assert [path.name for path in folder.iterdir() if "new" in path.name] == []


def test_what_could_not_be_read_again_is_not_written(folder: Path) -> None:
    file = folder / "a.questions.jsonl"
    file.write_text("原样", encoding="utf-8")
    with pytest.raises(ExpansionsError, match="quote 是 '嘉定'"):
        write_expansions(file, [about(0, 15, "谁", quote="嘉定")], SOURCE)
    assert file.read_text(encoding="utf-8") == "原样"
    assert len(list(folder.iterdir())) == 2


def test_lines_of_one_span_become_one_with_the_editors_questions_first() -> None:
    kept = [about(15, 22, "多久", "几天")]
    added = [about(0, 15, "谁", "谁", quote="静"), about(15, 22, "哪天", "几天", quote="企")]
    assert merged(kept, added) == (
        about(0, 15, "谁", quote="静"),
        about(15, 22, "多久", "几天", "哪天", quote="企"),
    )


def test_lines_that_an_editor_keeps_apart_stay_apart() -> None:
    kept = [about(0, 15, "谁"), about(0, 15, "几天", quote="静安")]
    assert merged(kept, [about(0, 15, "几天", "多久", quote="静")]) == (
        about(0, 15, "谁", "多久", quote="静"),
        about(0, 15, "几天", quote="静安"),
    )


LINES = st.lists(
    st.builds(
        lambda start, size, asked: about(start, start + size, *asked),
        st.integers(0, 2),
        st.integers(1, 2),
        st.lists(st.sampled_from("甲乙丙丁"), min_size=1, max_size=3),
    ),
    max_size=5,
)


@given(kept=LINES, added=LINES)
def test_merging_loses_nothing_adds_nothing_else_and_can_be_repeated(
    kept: list[Expansion], added: list[Expansion]
) -> None:
    whole = merged(kept, added)
    asked = {(e.span, q) for e in (*kept, *added) for q in e.questions}
    assert {(e.span, q) for e in whole for q in e.questions} == asked
    assert [e.span for e in whole] == sorted(e.span for e in whole)
    spans = {e.span for e in kept}
    for old in kept:  # each line of the editor's is the beginning of one
        assert any(e.questions[: len(old.questions)] == old.questions for e in whole)
    assert len(whole) == len(kept) + len({e.span for e in added} - spans)
    assert merged(whole, added) == whole


def test_accepting_moves_a_draft_to_where_builds_read_it(folder: Path) -> None:
    draft = write_draft(folder, {"start": 0, "end": 15, "quote": "静安区", "questions": ["谁"]})
    companion = folder / "a.questions.jsonl"
    assert accept_drafts(reading(folder)) == (Accepted(companion, 1, 1),)
    assert not draft.exists()
    assert companion.read_text(encoding="utf-8") == (
        '{"start": 0, "end": 15, "quote": "静安区", "questions": ["谁"]}\n'
    )


def test_accepting_adds_to_what_an_editor_wrote(folder: Path) -> None:
    companion = folder / "a.questions.jsonl"
    companion.write_text('{"start":0,"end":15,"questions":["谁能办"]}\n', encoding="utf-8")
    write_draft(folder, {"start": 0, "end": 15, "questions": ["谁能办", "找谁"]})
    assert accept_drafts(reading(folder)) == (Accepted(companion, 1, 1),)
    assert json.loads(companion.read_text(encoding="utf-8"))["questions"] == ["谁能办", "找谁"]


def test_a_draft_that_brings_nothing_new_leaves_the_companion_as_it_is(folder: Path) -> None:
    companion = folder / "a.questions.jsonl"
    as_written = '{"start":0,"end":15,"questions":["谁能办"]}'
    companion.write_text(as_written, encoding="utf-8")
    draft = write_draft(folder, {"start": 0, "end": 15, "questions": ["谁能办"]})
    assert accept_drafts(reading(folder)) == (Accepted(companion, 1, 0),)
    assert companion.read_text(encoding="utf-8") == as_written
    assert not draft.exists()


def test_a_bad_draft_is_named_and_nothing_is_moved(folder: Path) -> None:
    (folder / "b.txt").write_text(TEXT, encoding="utf-8")
    good = write_draft(folder, {"start": 0, "end": 15, "questions": ["谁"]})
    bad = write_draft(folder, {"start": 0, "end": 15, "quote": "嘉", "questions": ["谁"]}, name="b")
    with pytest.raises(
        ExpansionsError, match=r"b\.questions\.draft\.jsonl：第 1 行：quote 是 '嘉'"
    ):
        accept_drafts(reading(folder))
    assert good.exists()
    assert bad.exists()
    assert not list(folder.glob("?.questions.jsonl"))


def test_without_a_draft_the_command_to_run_is_told(folder: Path) -> None:
    with pytest.raises(CasebookError, match=r"没有草稿.*请先运行 casebook expand"):
        accept_drafts(reading(folder))


def test_a_draft_of_two_sources_is_refused(folder: Path) -> None:
    (folder / "a.md").write_text(TEXT, encoding="utf-8")
    draft = write_draft(folder, {"start": 0, "end": 15, "questions": ["谁"]})
    with pytest.raises(CasebookError, match="有 2 个原文与它同名，不知标注的是哪个；请改名后重试"):
        accept_drafts(reading(folder))
    assert draft.exists()
