"""The weights that Casebook ships with stand in one file."""

from __future__ import annotations

import tomllib
from dataclasses import asdict
from pathlib import Path

import rag.tuning
from rag.tuning import DEFAULT_TUNING, DEFAULT_WEIGHTS


def test_the_weights_are_those_of_the_file_which_says_how_they_were_chosen() -> None:
    file = Path(rag.tuning.__file__).with_name("weights.toml")
    table = tomllib.loads(file.read_text(encoding="utf-8"))
    assert asdict(DEFAULT_WEIGHTS) == {
        name: value for name, value in table.items() if name != "provenance"
    }
    assert set(table["provenance"]) == {"chosen", "run"}
    assert DEFAULT_TUNING.weights == DEFAULT_WEIGHTS
    assert all(0 <= weight <= 1 for weight in asdict(DEFAULT_WEIGHTS).values())
