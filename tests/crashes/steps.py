"""Each step of each thing that is done to an index, ended there."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from index.rollback import rollback
from index.versions import VERSIONS
from rag.errors import CasebookError
from tests.crashes.calls import CUT_OFF, KILLED, step_through
from tests.crashes.children import forked, sure
from tests.crashes.indexes import cases, expected, faults_after, publish


@dataclass(frozen=True)
class Scenario:
    """What is done to an index, and what it answers before and after."""

    action: Callable[[Path], Any]
    old: list[Any] | None
    new: list[Any] | None


def scenario(root: Path, name: str, sound: Sequence[list[Any]]) -> Scenario:
    """Prepare one: the index as it is before lies in the folder ``before-NAME``."""

    def prepare(name: str, *numbers: int) -> None:
        sure(lambda: [publish(root, number, f"before-{name}") for number in numbers])

    if name == "first":
        (root / "before-first").mkdir()
        return Scenario(lambda at: publish(at, 1), None, sound[1])
    if name == "rebuild":
        prepare(name, 1)
        return Scenario(lambda at: publish(at, 2), sound[1], sound[2])
    if name == "rollback":
        prepare(name, 1, 2)
        return Scenario(lambda at: rollback(at / "index"), sound[2], sound[1])
    prepare(name, 1, 2, 3)  # the fourth retires the first, after leftovers of every kind
    half = root / "before-gc" / VERSIONS / ".build"
    half.mkdir()
    (half / "cases.jsonl").write_text("{")
    shutil.copytree(half, half.with_name(".trash-0123"))
    (root / "before-gc" / "LOCK.holder").write_text("1\n")
    return Scenario(lambda at: publish(at, 4), sound[3], sound[4])


def run_steps(root: Path, mode: str, stride: int, names: Sequence[str]) -> dict[str, Any]:
    """Die or fail at every ``stride``-th step of each scenario, and once after the last."""
    failures: list[str] = []
    tried: dict[str, int] = {}
    sound = sure(lambda: [expected(root, number) for number in range(5)])
    for name in names:
        tested = scenario(root, name, sound)
        fatal, done, tried[name] = 1, False, 0
        while not done:
            at = root / f"{name}-{fatal}"
            shutil.copytree(root / f"before-{name}", at / "index")
            for number in range(5):
                shutil.copytree(cases(root, number), at / f"cases-{number}", dirs_exist_ok=True)

            def attempt(at: Path = at, fatal: int = fatal, tested: Scenario = tested) -> Any:
                die, calls = step_through(at / "index", fatal, mode)
                try:
                    tested.action(at)
                except (CasebookError, OSError):
                    return {"failed": True, "steps": len(calls)}
                if len(calls) < fatal and mode == "power":
                    die(CUT_OFF)
                return {"failed": False, "steps": len(calls)}

            status, outcome = forked(attempt)
            done = status == CUT_OFF or (outcome is not None and outcome["steps"] < fatal)
            said_done = status == CUT_OFF or (outcome is not None and not outcome["failed"])
            allowed = [tested.new] if said_done else [tested.old, tested.new]
            wrong = sure(lambda at=at, allowed=allowed: faults_after(at, allowed, sound[0]))
            failures += [f"{name}, step {fatal}: {what}" for what in wrong]
            if status not in (0, KILLED, CUT_OFF):
                failures.append(f"{name}, step {fatal}: exit status {status}")
            shutil.rmtree(at)
            tried[name] += 1
            fatal += stride
    return {"n": sum(tried.values()), "tried": tried, "failures": failures}
