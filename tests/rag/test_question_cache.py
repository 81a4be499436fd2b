"""Answers kept on disk."""

from __future__ import annotations

from pathlib import Path

import pytest

from rag.question_cache import QuestionCache, QuestionCacheError


def test_an_answer_is_there_again_when_the_file_is_opened_again(tmp_path: Path) -> None:
    file = tmp_path / "a" / "b.jsonl"
    with QuestionCache(file) as cache:
        assert cache.get("k") == ()
        cache.add("k", ("几天", "多久\u2028"))
        assert cache.get("k") == ("几天", "多久\u2028")
    with QuestionCache(file) as cache:
        assert cache.get("k") == ("几天", "多久\u2028")
        cache.add("l", ("谁",))
    assert len(file.read_bytes().splitlines()) == 2


def test_an_answer_is_on_disk_before_the_next_is_asked_for(tmp_path: Path) -> None:
    file = tmp_path / "c.jsonl"
    with QuestionCache(file) as cache:
        cache.add("k", ("几天",))
        assert file.read_text(encoding="utf-8") == '{"key": "k", "questions": ["几天"]}\n'


def test_a_line_that_was_not_written_to_its_end_is_cut_off(tmp_path: Path) -> None:
    file = tmp_path / "c.jsonl"
    whole = '{"key": "k", "questions": ["几天"]}\n'.encode()
    file.write_bytes(whole + b'{"key": "l", "quest')
    with QuestionCache(file) as cache:
        assert (cache.get("k"), cache.get("l")) == (("几天",), ())
        cache.add("m", ("谁",))
    with QuestionCache(file) as cache:
        assert (cache.get("k"), cache.get("m")) == (("几天",), ("谁",))


@pytest.mark.parametrize(
    "line",
    [
        *("", "{", "[]", "\xff", "[" * 100_000),
        '{"key": "k"}',
        '{"key": 1, "questions": []}',
        '{"key": "k", "questions": "abc"}',
        '{"key": "k", "questions": ["a", 3]}',
    ],
)
def test_a_damaged_line_is_named_and_nothing_is_lost(tmp_path: Path, line: str) -> None:
    file = tmp_path / "c.jsonl"
    data = f'{{"key": "k", "questions": ["a"]}}\n{line}\n'.encode("latin-1")
    file.write_bytes(data)
    with pytest.raises(QuestionCacheError) as raised:
        QuestionCache(file)
    assert str(raised.value) == f"{file}：第 2 行：不是存下的回答；请删去这一行后重试"
    assert file.read_bytes() == data
