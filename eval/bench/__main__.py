"""``make bench``: speed and memory, against peers and against calling the libraries directly.

Every contender is a process of its own; all run from the beginning to the end and are asked in turn,
several rounds in one run. Ratios are what counts, because machines differ and drift while ratios
within a round hold. The same model, passages and questions go to all, no question twice. Peers do
less than Casebook: they embed the question and search one vector a passage (``hybrid``: and BM25),
without question expansions, late interaction, confidence or citations; over HTTP without highlights.
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.progress import Progress

from eval.bench import tables
from eval.bench.contender import ContenderError, build, cores
from eval.bench.entries import CASEBOOK, DIRECT, INSTALL, PEERS, SERVICE, entries, peers
from eval.bench.measured import measure, steps
from rag.models import DEFAULT_MODEL


def main() -> int:
    """Build, measure and print; 1 if a contender failed."""
    parser = argparse.ArgumentParser(prog="make bench", description=__doc__)
    parser.add_argument("--rounds", type=int, default=3)
    rounds = parser.parse_args().rounds
    console = Console(stderr=True)
    taking = entries()
    if not PEERS.exists():
        missing = ", ".join(peer.name for peer in peers())
        console.print(f"Not installed, so not compared: {missing}. To install them: {INSTALL}")
    failed: dict[str, ContenderError] = {}
    with tempfile.TemporaryDirectory() as scratch, Progress(console=console) as progress:
        folder = Path(scratch)
        builders = [entry for entry in taking if entry.builds]
        total = 1 + len(builders) + steps(taking, rounds)
        bar = progress.add_task("build Casebook's index", total=total)

        def step(doing: str) -> None:
            progress.update(bar, advance=1, description=doing)

        prepare = [sys.executable, "-m", "eval.bench.prepare", "build", str(folder)]
        stages = {CASEBOOK: build(prepare)}
        for entry in builders:
            step(f"build {entry.name}")
            try:
                stages[entry.name] = build(entry.task("build", folder))
            except ContenderError as error:
                failed[entry.name] = error
        questions = _read(folder / "questions.json")
        passages, counts = len(_read(folder / "passages.json")), _read(folder / "counts.json")
        sound = [entry for entry in taking if entry.name not in failed]
        measured, ended = measure(sound, folder, questions, rounds, step)
        failed |= ended
    for name, reason in failed.items():
        console.print(f"{name}: {reason}", markup=False)
    if not {CASEBOOK, SERVICE, DIRECT} <= measured.keys():
        return 1
    texts = [
        f"{DEFAULT_MODEL}, {passages} passages, {cores()} cores, {rounds} rounds in one run",
        tables.in_process(taking, measured),
        tables.over_http(taking, measured),
        tables.agreement(taking, measured),
        tables.start_and_memory(taking, measured),
        tables.builds(stages, counts, passages),
    ]
    busiest = max(
        share for m in measured.values() for at in m.loads.values() for share in at.client_share
    )
    texts.append(f"The clients took at most {busiest:.0%} of one core.")
    sys.stdout.write("\n\n".join(texts) + "\n")
    return 1 if failed else 0


def _read(file: Path) -> Any:
    return json.loads(file.read_text(encoding="utf-8"))


if __name__ == "__main__":
    sys.exit(main())
