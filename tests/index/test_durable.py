"""What is written is read back; a file is replaced whole."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from index.durable import replace_durably, write_durably
from rag.errors import IndexDamagedError


def test_a_file_is_written_with_its_folders_and_replaced(tmp_path: Path) -> None:
    file = tmp_path / "a" / "b" / "c"
    write_durably(file, b"one")
    replace_durably(file, b"two")
    assert file.read_bytes() == b"two"
    assert [path.name for path in file.parent.iterdir()] == ["c"]


def test_a_disk_that_gives_back_something_else_is_found(tmp_path: Path, monkeypatch) -> None:
    file = tmp_path / "CURRENT"
    file.write_bytes(b"old")
    sync = os.fsync

    def lying(descriptor: int) -> None:
        sync(descriptor)
        os.ftruncate(descriptor, 1)

    monkeypatch.setattr(os, "fsync", lying)
    with pytest.raises(IndexDamagedError, match=r"CURRENT\.new 写入后读出的内容不同"):
        replace_durably(file, b"new")
    assert file.read_bytes() == b"old"
    assert [path.name for path in tmp_path.iterdir()] == ["CURRENT"]
