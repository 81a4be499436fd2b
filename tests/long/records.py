"""Where long tests write down what they found, for docs/reliability.md."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path

_FOLDER = Path(__file__).parents[2] / "var" / "reliability"


def record(
    name: str,
    n: int,
    failures: int,
    what: str,
    figures: Mapping[str, object] | None = None,
) -> None:
    """Write a file of a name: how many were tried, how many failed, what it is, what was measured."""
    _FOLDER.mkdir(parents=True, exist_ok=True)
    row = {"name": name, "n": n, "failures": failures, "what": what}
    if figures:
        row |= {"figures": figures}
    text = json.dumps(row, ensure_ascii=False, indent=1)
    (_FOLDER / f"{name}.json").write_text(f"{text}\n", encoding="utf-8")
