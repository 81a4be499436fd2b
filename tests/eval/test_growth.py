"""A growth run of sixty passages, from sentences to a section: every step that a million take."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

ROOT = Path(__file__).parent.parent.parent
DIMENSION = 384
"""Of the default model, which the index is opened with."""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Thirty sentences of ten documents, and a question about each document."""
    random = np.random.default_rng(0)
    vectors = random.normal(size=(30, DIMENSION)).astype(np.float32)
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    words = "企业办事窗口材料一次告知限时办结跨区通办"
    texts = ["".join(random.choice(list(words), 12)) + "。" for _ in range(30)]
    (tmp_path / "pool.json").write_text(
        json.dumps({"texts": texts, "questions": texts[::3]}, ensure_ascii=False), encoding="utf-8"
    )
    documents = np.repeat(np.arange(10), 3)
    np.savez(tmp_path / "pool.npz", documents=documents, vectors=vectors, asked=vectors[::3])
    return tmp_path


def growth(*arguments: str) -> str:
    done = subprocess.run(
        [sys.executable, "-m", "eval.growth", *arguments],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.mark.model
@pytest.mark.usefixtures("models")
def test_a_run_builds_measures_and_reports_and_builds_nothing_twice(folder: Path) -> None:
    document = folder / "performance.md"
    document.write_text("# Performance\n\n## Start\n\n1 s\n", encoding="utf-8")
    to = ("--folder", str(folder))

    section = growth("all", "60", *to, "--write", str(document))

    assert document.read_text(encoding="utf-8") == f"# Performance\n\n## Start\n\n1 s\n\n{section}"
    measured = json.loads((folder / "60" / "measured.json").read_text(encoding="utf-8"))
    assert (measured["passages"], measured["real"], measured["vectors"]) == (60, 10, 180)
    assert (measured["kind"], measured["questions"]) == ("exact", 10)
    assert measured["recalled"] == [1.0] * 10
    assert measured["recalled_fused"] == [1.0] * 10
    assert len(measured["search_ms"]) == len(measured["filtered_ms"]) == 10
    assert "| 60 | 10 | 180 | exact |" in section
    files = folder / "60" / "version"
    assert sum(measured["disk"].values()) == sum(
        path.stat().st_size for path in files.rglob("*") if path.is_file()
    )

    before = {path: path.stat().st_mtime_ns for path in files.rglob("*")}
    growth("build", "60", *to)
    assert {path: path.stat().st_mtime_ns for path in files.rglob("*")} == before


def test_a_run_without_sentences_says_what_to_give(tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "eval.growth", "build", "60", "--folder", str(tmp_path)],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 1
    assert "--data names the BEIR folder" in done.stderr
