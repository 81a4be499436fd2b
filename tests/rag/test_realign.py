"""Expansions that follow their quotes."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rag.drafts import expansion_of, known_expansions, write_expansions
from rag.errors import CasebookError
from rag.realign import Realigned, realign
from rag.source import decode, read
from rag.types import Span

TEXT = "静安区推出智能退税。企业三日到账。帮办员现场服务。"
SPANS = (Span(0, 10), Span(10, 17), Span(17, 25))


@pytest.fixture
def file(tmp_path: Path) -> Path:
    """A companion with a line for each sentence."""
    source = decode("a.txt", TEXT.encode())
    lines = [expansion_of(source, span, (f"问{span.start}",)) for span in SPANS]
    write_expansions(tmp_path / "a.questions.jsonl", lines, source)
    return tmp_path / "a.questions.jsonl"


def realigned(file: Path, text: str) -> tuple[tuple[Realigned, ...], list[str]]:
    """Realign to another text; also tell what the lines stand at then."""
    (file.parent / "a.txt").write_text(text, encoding="utf-8", newline="")
    changed = realign(read([file.parent]))
    lines = [json.loads(line) for line in file.read_bytes().splitlines()]
    return changed, [text[line["start"] : line["end"]] for line in lines]


def test_where_nothing_changed_nothing_is_written(file: Path) -> None:
    before = file.read_bytes()
    assert realigned(file, TEXT) == ((), [span.of(TEXT) for span in SPANS])
    assert file.read_bytes() == before


def test_lines_behind_an_edit_move(file: Path) -> None:
    changed, texts = realigned(file, TEXT.replace("企业", "按新规，企业", 1))
    assert changed == (Realigned(file, 2, ()),)
    assert texts[2] == "帮办员现场服务。"
    assert texts[1] == "企业三日到账。"


def test_a_quote_that_stands_nowhere_is_lost_and_its_line_is_as_it_was(file: Path) -> None:
    before = file.read_bytes().splitlines()
    changed, _ = realigned(file, "新" + TEXT.replace("企业", "公司"))
    assert changed == (Realigned(file, 2, (2,)),)
    assert file.read_bytes().splitlines()[1] == before[1]


def test_a_quote_that_stands_in_several_places_moves_with_the_line_before_it(file: Path) -> None:
    changed, texts = realigned(file, "新" + TEXT + "又：企业三日到账。")
    assert changed == (Realigned(file, 3, ()),)
    assert texts == [span.of(TEXT) for span in SPANS]


def test_a_quote_that_stands_in_several_places_and_not_there_is_lost(file: Path) -> None:
    changed, texts = realigned(file, TEXT.replace("企业", "另：企业") + "企业三日到账。")
    assert changed == (Realigned(file, 1, (2,)),)
    assert texts[2] == "帮办员现场服务。"


def test_lines_without_a_quote_and_other_lines_are_left_as_they_are(file: Path) -> None:
    other = '{"start": 0, "end": 3, "questions": ["谁"]}\n\n{\n[1]\n{"start": "0", "quote": "新"}\n'
    file.write_text(other, encoding="utf-8")
    (file.parent / "a.txt").write_text("新" + TEXT, encoding="utf-8")
    assert realign(read([file.parent])) == ()
    assert file.read_text(encoding="utf-8") == other


def test_drafts_follow_as_well(file: Path) -> None:
    draft = file.rename(file.with_name("a.questions.draft.jsonl"))
    changed, texts = realigned(draft, "新" + TEXT)
    assert changed == (Realigned(draft, 3, ()),)
    assert texts == [span.of(TEXT) for span in SPANS]


def test_a_companion_of_two_sources_is_refused(file: Path) -> None:
    (file.parent / "a.md").write_text(TEXT, encoding="utf-8")
    (file.parent / "a.txt").write_text(TEXT, encoding="utf-8")
    with pytest.raises(CasebookError, match="有 2 个原文与它同名"):
        realign(read([file.parent]))


@given(
    place=st.integers(0, len(TEXT)), words=st.text("新旧规，", max_size=9), cut=st.integers(0, 9)
)
def test_whatever_was_edited_each_line_then_fits_or_is_lost(
    tmp_path_factory: pytest.TempPathFactory, place: int, words: str, cut: int
) -> None:
    folder = tmp_path_factory.mktemp("edit")
    file, source = folder / "a.questions.jsonl", decode("a.txt", TEXT.encode())
    lines = [expansion_of(source, span, ("问",)) for span in SPANS]
    write_expansions(file, lines, source)
    edited = TEXT[:place] + words + TEXT[place + cut :] + "完"
    changed, _ = realigned(file, edited)
    lost = {number for done in changed for number in done.lost}
    after = decode("a.txt", edited.encode())
    for number, line in enumerate(file.read_bytes().splitlines(), start=1):
        alone = folder / "line.jsonl"
        alone.write_bytes(line)
        if number not in lost:
            (expansion,) = known_expansions(alone, after)
            assert expansion.quote == lines[number - 1].quote
        else:
            assert edited.count(lines[number - 1].quote) != 1
