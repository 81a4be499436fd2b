"""The operator's lexicon: followed while questions are answered, and never lost to a fault."""

from __future__ import annotations

import logging
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from rag.lexicon import NO_LEXICON, Lexicon, LexiconError
from rag.lexicon_file import LexiconFile


@pytest.fixture
def file(tmp_path: Path) -> Path:
    file = tmp_path / "lexicon.tsv"
    save(file, "退税\t税款返还\n")
    return file


def save(file: Path, text: str) -> None:
    """Replace a file whole, as editors do."""
    draft = file.with_suffix(".draft")
    draft.write_text(text, encoding="utf-8")
    draft.replace(file)


def test_a_change_counts_from_the_next_look_on(file: Path) -> None:
    lexicon = LexiconFile(file, pause_s=0)
    assert lexicon.official("退税") == ("税款返还",)
    save(file, "退税\t退还|到账\n")
    assert lexicon.official("退税") == ("退还", "到账")
    save(file, "陆家嘴\t浦东新区\n")
    assert (lexicon.official("退税"), lexicon.districts("陆家嘴")) == ((), ("浦东新区",))


def test_between_two_looks_the_file_is_left_alone(file: Path) -> None:
    lexicon = LexiconFile(file, pause_s=3600)
    save(file, "退税\t退还|到账\n")
    assert lexicon.official("退税") == ("税款返还",)


def test_a_file_that_has_not_changed_is_not_read_again(file: Path) -> None:
    lexicon = LexiconFile(file, pause_s=0)
    assert lexicon.current() is lexicon.current()


def test_no_file_is_an_empty_lexicon_until_there_is_one(tmp_path: Path) -> None:
    file = tmp_path / "lexicon.tsv"
    lexicon = LexiconFile(file, pause_s=0)
    assert lexicon.current() == NO_LEXICON
    save(file, "退税\t退还\n")
    assert lexicon.current() == Lexicon({"退税": ("退还",)})
    file.unlink()
    assert lexicon.current() == NO_LEXICON


def test_a_faulty_file_at_the_start_is_an_error(file: Path) -> None:
    save(file, "退税\n")
    with pytest.raises(LexiconError, match=r"lexicon\.tsv：第 1 行：应为"):
        LexiconFile(file)


def test_a_file_that_becomes_faulty_leaves_the_last_sound_one_and_is_told_once_a_change(
    file: Path, caplog: pytest.LogCaptureFixture
) -> None:
    lexicon = LexiconFile(file, pause_s=0)
    with caplog.at_level(logging.ERROR):
        save(file, "退税\t退还\n退税\n")
        assert [lexicon.official("退税") for _ in range(3)] == [("税款返还",)] * 3
        (told,) = caplog.messages
        assert told.startswith(f"{file}：第 2 行：应为")
        assert told.endswith("现在是 '退税'；仍用此前的口语词表")
        save(file, "退税\t退还\n\n退税\n")
        assert lexicon.official("退税") == ("税款返还",)
        assert len(caplog.messages) == 2
    save(file, "退税\t退还\n")
    assert lexicon.official("退税") == ("退还",)


def test_a_folder_in_the_files_place_is_a_fault(
    file: Path, caplog: pytest.LogCaptureFixture
) -> None:
    lexicon = LexiconFile(file, pause_s=0)
    file.unlink()
    file.mkdir()
    assert lexicon.official("退税") == ("税款返还",)
    assert "读不了" in caplog.text
    with pytest.raises(LexiconError, match="读不了"):
        LexiconFile(file)


def test_threads_that_ask_while_it_changes_each_get_a_whole_state(file: Path) -> None:
    states = [("退税\t退还\n", ("退还",)), ("退税\t到账|办结\n", ("到账", "办结"))]
    save(file, states[0][0])
    lexicon = LexiconFile(file, pause_s=0)

    def ask(_number: int) -> set[tuple[str, ...]]:
        return {lexicon.official("退税") for _ in range(200)}

    with ThreadPoolExecutor(4) as pool:
        answers = pool.map(ask, range(4))
        for turn in range(100):
            save(file, states[turn % 2][0])
        seen = set().union(*answers)
    assert seen <= {official for _, official in states}
    assert lexicon.official("退税") == states[1][1]
