"""Questions whose passage is known are chosen from all over, and have to find it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from index.build import build
from index.canary import Canary, canaries, require_answers, unanswered
from index.store import open_version, read_content
from rag.errors import CasebookError
from rag.passages import Passages


def test_own_words_and_known_questions_are_asked(tmp_path, collection, encoder) -> None:
    text = (collection / "某市.txt").read_text(encoding="utf-8")
    start = text.index("嘉定区设立")
    line = {"start": start, "end": start + 16, "questions": ["谁能替我跑腿", "退税退税"]}
    (collection / "某市.questions.jsonl").write_text(json.dumps(line), encoding="utf-8")
    version = build([collection], tmp_path / "index", encoder).version
    content = read_content(version)

    asked = canaries(content)

    texts = [passage.text for passage in content.passages]
    assert asked == (*(Canary(text, text) for text in texts), Canary("谁能替我跑腿", texts[2]))
    assert unanswered(open_version(version, encoder), asked) == ()


def cases(folder: Path, count: int) -> Path:
    folder.mkdir()
    text = "\n".join(
        f"排名{n}\n第{n}个\n{'退' * n}{'帮' * (count - n)}。" for n in range(1, count + 1)
    )
    (folder / "多.txt").write_text(text, encoding="utf-8")
    return folder


def test_eight_passages_are_taken_evenly(tmp_path, encoder) -> None:
    version = build([cases(tmp_path / "cases", 20)], tmp_path / "index", encoder).version
    asked = canaries(read_content(version))
    assert [canary.words.count("退") for canary in asked] == [1, 3, 5, 7, 9, 11, 13, 15]


@pytest.mark.parametrize(("missed", "refused"), [(2, False), (3, True)])
def test_a_quarter_may_fail(tmp_path, encoder, monkeypatch, missed: int, *, refused: bool) -> None:
    version = build([cases(tmp_path / "cases", 20)], tmp_path / "index", encoder).version
    answers = iter([False] * missed + [True] * (8 - missed))
    monkeypatch.setattr("index.canary._found", lambda *_: next(answers))
    if refused:
        with pytest.raises(CasebookError, match="8 个已知出处的问题有 3 个没有查到原文"):
            require_answers(version, encoder)
    else:
        require_answers(version, encoder)


def test_an_index_whose_rows_are_mixed_up_does_not_pass(tmp_path, encoder, monkeypatch) -> None:
    version = build([cases(tmp_path / "cases", 20)], tmp_path / "index", encoder).version
    from index import content

    straight = content.passages_from_files

    def mixed_up(*given: Any) -> Passages:
        passages = straight(*given)
        return Passages.of(passages.cases, passages[::-1])

    monkeypatch.setattr("index.content.passages_from_files", mixed_up)
    with pytest.raises(CasebookError, match="没有通过试查"):
        require_answers(version, encoder)
