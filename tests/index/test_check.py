"""`casebook check` looks at everything and says what to run."""

from __future__ import annotations

from pathlib import Path

import pytest

from index.check import check
from index.store import current_version


@pytest.mark.model
def test_a_sound_index_passes_every_check(real_index: Path, models: Path) -> None:
    findings = check(real_index, models)
    assert [(finding.name, finding.ok) for finding in findings] == [
        ("版本", True),
        ("文件", True),
        ("引文", True),
        ("编码器", True),
        ("试查", True),
    ]
    assert findings[2].detail == "22 个案例（21 个互不相同），202 个段落都与原文逐字相同"


def test_no_index_is_one_finding_with_the_command(tmp_path: Path) -> None:
    (finding,) = check(tmp_path / "none", tmp_path)
    assert not finding.ok
    assert "casebook build" in finding.detail


@pytest.mark.model
def test_every_damaged_file_is_named_and_nothing_else_is_tried(
    real_index: Path, models: Path, tmp_path: Path
) -> None:
    import shutil

    copy = tmp_path / "index"
    shutil.copytree(real_index, copy)
    folder = current_version(copy).folder
    (folder / "cases.jsonl").write_bytes(b"")
    (folder / "dense.faiss").unlink()

    findings = check(copy, models)

    assert [(finding.name, finding.ok) for finding in findings] == [
        ("版本", True),
        ("文件 cases.jsonl", False),
        ("文件 dense.faiss", False),
    ]


@pytest.mark.model
def test_a_model_that_is_not_there_is_named_with_the_command(
    real_index: Path, tmp_path: Path
) -> None:
    findings = check(real_index, tmp_path)
    assert [finding.ok for finding in findings] == [True, True, True, False, False]
    assert "casebook model prepare m3e-small" in findings[3].detail
