"""What is removed loses its name first; leftovers go at the next chance."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from index.retire import discard, retire, sweep

NAMES = [f"v{number:06d}-0123456789" for number in range(1, 7)]


@pytest.fixture
def index(tmp_path: Path) -> Path:
    for name in [*NAMES, ".build", ".trash-1"]:
        (tmp_path / "versions" / name).mkdir(parents=True)
        (tmp_path / "versions" / name / "cases.jsonl").write_text("{}")
    return tmp_path


def names(index: Path) -> list[str]:
    return sorted(path.name for path in (index / "versions").iterdir())


def test_all_but_the_last_three_and_those_in_use_go(index: Path) -> None:
    retire(index, {NAMES[0], NAMES[5]})
    assert names(index) == [".build", ".trash-1", NAMES[0], *NAMES[3:]]


def test_leftovers_are_swept_and_nothing_else(index: Path) -> None:
    sweep(index)
    assert names(index) == NAMES


def test_what_is_removed_has_no_name_while_it_is_removed(index: Path, monkeypatch) -> None:
    seen: list[list[str]] = []
    monkeypatch.setattr(shutil, "rmtree", lambda *_, **__: seen.append(names(index)))
    discard(index / "versions" / NAMES[0])
    assert NAMES[0] not in seen[0]
    assert len(seen[0]) == len(NAMES) + 2
    discard(index / "versions" / NAMES[0])  # not there: nothing to do
    assert len(seen) == 1


def test_a_version_that_resists_is_told_and_left_whole(index: Path, monkeypatch, caplog) -> None:
    def refuse(self: Path, _target: Path) -> Path:
        raise PermissionError(13, "Permission denied", str(self))

    monkeypatch.setattr(Path, "rename", refuse)
    retire(index, set())
    assert [record.getMessage() for record in caplog.records] == [
        f"旧版本 {name} 现在删不掉（Permission denied），下次 build 再删" for name in NAMES[:3]
    ]
    assert set(NAMES) <= set(names(index))
