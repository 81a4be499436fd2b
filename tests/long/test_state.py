"""State under hardship, many times over; what was found goes to var/reliability."""

from __future__ import annotations

import json
import runpy
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest

from rag.masking import masked
from tests.long.records import record

pytestmark = pytest.mark.long

ROOT = Path(__file__).parents[2]


def hardship(*arguments: object) -> dict[str, object]:
    script = ROOT / "tests" / "api" / "state_hardship.py"
    there = Path("/dev/shm")  # noqa: S108 - syncing is quick there; made and removed here
    with tempfile.TemporaryDirectory(dir=there if there.is_dir() else None) as folder:
        what, *more = map(str, arguments)
        done = subprocess.run(
            [sys.executable, str(script), what, folder, *more],
            env={"PYTHONPATH": str(ROOT), "PATH": ""},
            stdout=subprocess.PIPE,
            timeout=550,
            check=True,
        )
    return dict(json.loads(done.stdout))


def test_every_acknowledged_row_survives_hundreds_of_kills() -> None:
    found = hardship("kill", 400, 7)

    lost = [*found["missing"], *found["faults"]]  # type: ignore[misc]
    what = (
        f"SIGKILL at random moments while feedback and audit entries are written, every fifth during a "
        f"migration: acknowledged rows missing, files unsound; {found['acknowledged']} rows acknowledged"
    )
    record("state-kill", 400, len(lost), what)
    assert lost == []


def test_a_disk_that_is_full_at_any_size_loses_nothing_acknowledged() -> None:
    found = hardship("fill", 2048, 256 * 1024)

    lost = [*found["missing"], *found["faults"]]  # type: ignore[misc]
    what = (
        f"files that may grow to 0, 2, … 254 KiB: acknowledged rows missing, refusals without words; "
        f"{found['acknowledged']} rows acknowledged, {found['refused']} refused"
    )
    record("state-full-disk", 128, len(lost), what)
    assert lost == []


def test_masking_over_many_made_sentences() -> None:
    sets = runpy.run_path(str(ROOT / "tests" / "rag" / "masking_sets.py"))
    made = sets["personal"](3000, 1)
    missed = [one for one in made if one.number[-6:] in masked(one.text)]
    kept = [*sets["collected"](), *sets["harmless"](3000, 1)]
    changed = [text for text in kept if masked(text) != text]

    record("masking-recall", len(made), len(missed), "formatted personal numbers left in sentences")
    record("masking-harm", len(kept), len(changed), "sentences without any that were changed")
    assert len(missed) <= 0.01 * len(made)
    assert len(changed) <= 0.001 * len(kept), changed[:5]
