"""``make bench-growth``: latency, recall, memory and disk from 10^3 to 10^6 passages.

    python -m eval.growth build --folder DIR [SIZE ...]      once; what is there is not built again
    python -m eval.growth measure --folder DIR [SIZE ...]    in quiet time
    python -m eval.growth report --folder DIR                table; --write FILE replaces its section

Without a command all three run. Each stage of a build and each measurement is a process of its own,
so that memory is its own. Indexes are of the product's own parts and are opened and searched by the
product's own path; cases are made directly, because reading and cutting text is measured elsewhere.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

from rich.console import Console
from rich.progress import track

from eval.growth_build import STAGES, do_stage, done, write_pool
from eval.growth_measure import measure
from eval.growth_report import Measured, section_of, with_section

_ROOT = Path(__file__).parent.parent
SIZES = (10**3, 10**4, 10**5, 10**6)


def main() -> None:
    """Run what the arguments name."""
    parser = argparse.ArgumentParser(prog="python -m eval.growth", description=__doc__)
    parser.add_argument("command", nargs="?", default="all")
    parser.add_argument("sizes", nargs="*", type=int, default=[])
    parser.add_argument("--folder", type=Path, default=_ROOT / "var" / "growth")
    parser.add_argument("--data", type=Path, help="a BEIR folder: its sentences, its questions")
    parser.add_argument("--cache", type=Path, default=_ROOT / "var" / "eval" / "vectors.sqlite")
    parser.add_argument("--write", type=Path, help="the document whose section is replaced")
    chosen = parser.parse_args()
    folder, sizes = chosen.folder, chosen.sizes or list(SIZES)
    if chosen.command in STAGES:
        do_stage(chosen.command, folder, sizes[0])
    elif chosen.command == "pool":
        write_pool(folder, chosen.data, chosen.cache)
    elif chosen.command == "one":
        measure(folder, sizes[0])
    else:
        _drive(chosen, sizes)


def _drive(chosen: argparse.Namespace, sizes: Sequence[int]) -> None:
    console, folder = Console(stderr=True), chosen.folder
    if chosen.command in ("all", "build"):
        if not (folder / "pool.npz").exists():
            if chosen.data is None:
                sys.exit("--data names the BEIR folder that the sentences are taken from")
            _child("pool", folder, "--data", chosen.data, "--cache", chosen.cache)
        steps = [(size, stage) for size in sizes for stage in STAGES]
        for size, stage in track(steps, description="build", console=console):
            if not done(folder, size, stage).exists():
                _child(stage, folder, str(size))
    if chosen.command in ("all", "measure"):
        for size in track(sizes, description="measure", console=console):
            _child("one", folder, str(size))
    if chosen.command in ("all", "report"):
        found = sorted(folder.glob("*/measured.json"), key=lambda file: int(file.parent.name))
        measured = [Measured(**json.loads(file.read_text(encoding="utf-8"))) for file in found]
        section = section_of(measured)
        sys.stdout.write(section)
        if chosen.write:
            old = chosen.write.read_text(encoding="utf-8") if chosen.write.exists() else ""
            chosen.write.write_text(with_section(old, section), encoding="utf-8")


def _child(command: str, folder: Path, *arguments: str | Path) -> None:
    """Do a part in a process of its own; it fails with the part."""
    line = [sys.executable, "-m", "eval.growth", command, *arguments, "--folder", str(folder)]
    subprocess.run(line, check=True, cwd=_ROOT)  # noqa: S603 -- our own module


if __name__ == "__main__":
    main()
