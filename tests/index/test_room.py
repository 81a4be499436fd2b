"""Room is asked for before anything is written."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from index.room import RESERVE, require_room
from rag.errors import CasebookError


@pytest.mark.parametrize("short", [0, 1])
def test_twice_the_size_and_the_reserve_must_be_free(tmp_path: Path, monkeypatch, short) -> None:
    usage = shutil.disk_usage(tmp_path)._replace(free=2 * 10 * 2**20 + RESERVE - short)
    monkeypatch.setattr(shutil, "disk_usage", lambda folder: {tmp_path: usage}[folder])
    index = tmp_path / "not" / "there"
    if not short:
        require_room(index, 10 * 2**20)
        return
    with pytest.raises(CasebookError) as caught:
        require_room(index, 10 * 2**20)
    assert str(caught.value) == (
        f"{tmp_path} 所在的磁盘只剩 84 MB，建立这个索引需要 84 MB（估计大小 10.0 MB 的两倍，另留 64 MB）；"
        "什么也没有写入，原有索引不变。请腾出空间，或用 --index 换到别的磁盘"
    )
