"""`casebook check` looks at everything and says what to run."""

from __future__ import annotations

from pathlib import Path

import pytest

from index.build import build
from index.check import check
from index.versions import current_version
from rag.encoders import load_encoder
from rag.lexicon_file import LEXICON
from rag.models import DEFAULT_MODEL


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
    assert findings[2].detail == "22 个案例（21 个互不相同），153 个段落都与原文逐字相同"


def test_no_index_is_one_finding_with_the_command(tmp_path: Path) -> None:
    (finding,) = check(tmp_path / "none", tmp_path)
    assert not finding.ok
    assert "casebook build" in finding.detail


@pytest.mark.model
def test_every_damaged_file_is_named_and_nothing_else_is_tried(
    copied_index: Path, models: Path
) -> None:
    folder = current_version(copied_index).folder
    (folder / "cases.jsonl").write_bytes(b"")
    (folder / "dense.faiss").unlink()

    findings = check(copied_index, models)

    assert [(finding.name, finding.ok) for finding in findings] == [
        ("版本", True),
        ("文件 cases.jsonl", False),
        ("文件 dense.faiss", False),
    ]


@pytest.mark.model
def test_every_faulty_line_of_the_operators_lexicon_is_a_finding(
    copied_index: Path, models: Path
) -> None:
    file = copied_index / LEXICON

    def findings() -> list[tuple[bool, str]]:
        return [(f.ok, f.detail) for f in check(copied_index, models) if f.name == "口语词表"]

    file.write_text("退税\t退还\n=\t=\n退税\n", encoding="utf-8")
    first, second = findings()
    assert first[1].startswith(f"{file}：第 2 行：应为")
    assert second[1].startswith(f"{file}：第 3 行：应为")
    assert not first[0]
    assert not second[0]
    file.write_text("退税\t退还\n", encoding="utf-8")
    assert findings() == [(True, "1 个说法")]
    file.unlink()
    file.mkdir()
    ((ok, detail),) = findings()
    assert (ok, "读不了" in detail) == (False, True)


@pytest.mark.model
def test_a_model_that_is_not_there_is_named_with_the_command(
    real_index: Path, tmp_path: Path
) -> None:
    findings = check(real_index, tmp_path)
    assert [finding.ok for finding in findings] == [True, True, True, False]
    assert "casebook model prepare multilingual-e5-small" in findings[3].detail


@pytest.mark.model
def test_cases_of_the_same_title_do_not_make_an_index_faulty(tmp_path: Path, models: Path) -> None:
    text = "排名1\n营商环境工作\n静安区退税快，三日到账。\n排名2\n营商环境工作\n营商环境工作很好，嘉定区帮办多。"
    (tmp_path / "同名.txt").write_text(text, encoding="utf-8")
    build([tmp_path / "同名.txt"], tmp_path / "index", load_encoder(DEFAULT_MODEL, models))
    assert [finding.ok for finding in check(tmp_path / "index", models)] == [True] * 5
