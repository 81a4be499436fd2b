"""``casebook eval --help``: what it costs to import."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

import casebook

HEAVY = {
    "faiss",
    "onnxruntime",
    "ir_measures",
    "scipy",
    "jinja2",
    "opencc",
    "pypinyin",
}


def imported_by(*command: str) -> set[str]:
    """Top-level packages that a fresh process imports to print a help text."""
    arguments = ["-X", "importtime", "-m", "casebook", *command, "--help"]
    root = Path(casebook.__file__).parent
    done = subprocess.run(
        [sys.executable, *arguments], cwd=root, capture_output=True, text=True, check=True
    )
    assert "Usage" in done.stdout
    return {
        line.rpartition("|")[2].strip().partition(".")[0]
        for line in done.stderr.splitlines()
        if line.startswith("import time:")
    }


@pytest.mark.parametrize("command", [[], ["run"], ["gate"]])
def test_help_imports_nothing_that_takes_a_second(command: list[str]) -> None:
    imported = imported_by("eval", *command)
    assert {"typer", "rich"} <= imported
    assert imported & HEAVY == set()


def test_help_does_not_import_numpy_either() -> None:
    assert "numpy" not in imported_by("eval")
