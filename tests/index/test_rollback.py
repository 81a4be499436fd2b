"""Going back: the pointer alone, after a look at every file."""

from __future__ import annotations

from pathlib import Path

import pytest

from index.build import build
from index.rollback import rollback
from index.versions import VERSIONS, current_name, current_version, published
from rag.errors import CasebookError, IndexDamagedError, IndexMismatchError, IndexMissingError


@pytest.fixture
def index(tmp_path: Path, collection: Path, encoder) -> Path:
    """Three versions."""
    folder = tmp_path / "index"
    for _ in range(3):
        build([collection], folder, encoder, force=True)
    return folder


def state(index: Path) -> dict[str, bytes]:
    return {
        path.relative_to(index).as_posix(): path.read_bytes()
        for path in index.rglob("*")
        if path.is_file() and path.name != "CURRENT"
    }


def test_the_version_before_becomes_the_current_one_and_nothing_else_changes(index: Path) -> None:
    names, before = published(index), state(index)
    assert rollback(index).name == names[1]
    assert current_version(index).name == names[1]
    assert rollback(index).name == names[0]
    assert state(index) == before


@pytest.mark.parametrize("whole", [True, False])
def test_a_version_can_be_named_also_a_newer_one(index: Path, *, whole: bool) -> None:
    names = published(index)
    rollback(index, "v000001")
    assert rollback(index, names[2] if whole else "v000003").name == names[2]
    assert current_name(index) == names[2]


def test_a_damaged_version_is_passed_over_and_refused_where_it_is_named(index: Path) -> None:
    names = published(index)
    (index / VERSIONS / names[1] / "dense.faiss").write_bytes(b"")
    with pytest.raises(IndexDamagedError, match=r"dense\.faiss 有 0 字节"):
        rollback(index, names[1])
    assert current_name(index) == names[2]
    assert rollback(index).name == names[0]


def test_where_the_pointer_is_lost_the_newest_sound_version_is_taken(index: Path) -> None:
    names = published(index)
    (index / VERSIONS / names[2] / "manifest.json").write_bytes(b"{}")
    (index / "CURRENT").unlink()
    assert rollback(index).name == names[1]


def test_without_anything_older_the_others_are_named(index: Path) -> None:
    names = published(index)
    rollback(index, names[0])
    with pytest.raises(CasebookError) as caught:
        rollback(index)
    assert str(caught.value) == (
        f"没有比 {names[0]} 更早而完好的版本；其余的有 {names[1]}、{names[2]}，"
        f"可以指定一个：casebook rollback {names[2]}"
    )


def test_a_name_that_is_none_is_told_with_those_there_are(index: Path) -> None:
    with pytest.raises(CasebookError, match="没有版本“v000009”；现有 v000001-") as caught:
        rollback(index, "v000009")
    assert "casebook versions" in str(caught.value)
    with pytest.raises(IndexMissingError, match="casebook build"):
        rollback(index / "none")


def test_what_this_release_cannot_open_is_refused(index: Path, monkeypatch) -> None:
    monkeypatch.setattr("index.store.terms_digest", lambda: "another")
    with pytest.raises(IndexMismatchError, match="切词规则"):
        rollback(index, "v000001")
    with pytest.raises(CasebookError, match="没有比 v000003-"):
        rollback(index)
