"""A program that treats state badly and prints, as JSON, what was acknowledged and is not there.

    python tests/api/state_hardship.py kill FOLDER TIMES SEED
    python tests/api/state_hardship.py fill FOLDER STEP LIMIT

``kill`` forks writers of feedback and of the audit log and kills each at a random moment, every fifth while it
takes over a file of version 1. ``fill`` forks writers whose files may grow to so many bytes, in steps.
"""

from __future__ import annotations

import json
import os
import random
import resource
import signal
import sqlite3
import sys
import time
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

from api import audit_log, feedback_store, state_file
from api.audit_log import AuditLog, Entry, read_entries, verified
from api.feedback_store import Feedback, FeedbackStore, read_feedback
from rag.errors import CasebookError

OLD_ROWS = 300
KILL_WITHIN_S = 0.1


def forked(work: Callable[[Callable[[str], None]], None], then: Callable[[int], None]) -> list[str]:
    """Run a writer as a process of its own; what it acknowledged, line by line."""
    reading, writing = os.pipe()
    if (pid := os.fork()) == 0:
        os.close(reading)
        try:
            work(lambda line: (os.write(writing, f"{line}\n".encode()), None)[1])
        finally:
            os._exit(0)
    os.close(writing)
    then(pid)
    with os.fdopen(reading) as acknowledged:
        lines = [line[:-1] for line in acknowledged if line.endswith("\n")]
    os.waitpid(pid, 0)
    return lines


def feedback(query: str, comment: str | None = None) -> Feedback:
    return Feedback(query, "useful", (), "v1", (), "search", comment)


def write_both(folder: Path, name: str, tell: Callable[[str], None]) -> None:
    store, log = FeedbackStore(folder, rows_a_minute=10**9), AuditLog(folder)
    for number in range(10**6):
        store.add(feedback(f"{name}-{number}"))
        tell(f"feedback {name}-{number}")
        log.append(Entry(f"{name}-{number}"))
        tell(f"audit {name}-{number}")


def old_file(folder: Path) -> None:
    """Make a file of version 1 with numbers that were not masked then."""
    folder.mkdir()
    with closing(sqlite3.connect(folder / feedback_store.SCHEMA.file)) as database:
        for statement in feedback_store.SCHEMA.migrations[0]:
            database.execute(statement)
        database.execute("PRAGMA user_version = 1")
        rows = [(f"old-{number} 沪A12345",) for number in range(OLD_ROWS)]
        database.executemany(
            "INSERT INTO feedback VALUES (NULL, '2022-03-15T12:00:00Z', ?, 'useful', '[]', 'v1', '[]', 'search', NULL)",
            rows,
        )
        database.commit()


def kept_in(folder: Path) -> tuple[set[str], list[str]]:
    """What is there, and what is unsound about it."""
    kept: set[str] = set()
    faults: list[str] = []
    for schema in (feedback_store.SCHEMA, audit_log.SCHEMA):
        try:
            state_file.check(folder, schema)
            if schema is audit_log.SCHEMA:
                kept |= {f"audit {one.entry.action}" for one in read_entries(folder)}
                verified(folder)
            else:
                kept |= {f"feedback {one.feedback.query}" for one in read_feedback(folder)}
        except CasebookError as error:
            if "不存在" not in str(error) and "是空的" not in str(error):
                faults.append(str(error))
    return kept, faults


def kill(folder: Path, times: int, seed: int) -> dict[str, object]:
    moments = random.Random(seed)  # noqa: S311 - the same moments again
    missing: list[str] = []
    faults: list[str] = []
    acknowledged = 0
    told_there: dict[Path, set[str]] = {}

    def kill_soon(pid: int) -> None:
        time.sleep(moments.uniform(0, KILL_WITHIN_S))
        os.kill(pid, signal.SIGKILL)

    for number in range(times):
        state = (
            folder / f"state-{number // 25}"
        )  # each is killed over many times, and read anew each time
        if number % 5 == 0:
            state = folder / f"old-{number}"
            old_file(state)
        expected = told_there.setdefault(state, set())
        told = forked(
            lambda tell, state=state, n=number: write_both(state, str(n), tell), kill_soon
        )  # type: ignore[misc]
        expected |= set(told)
        acknowledged += len(told)
        kept, unsound = kept_in(state)
        faults += unsound
        missing += sorted(expected - kept)
        if number % 5 == 0:
            plain = {f"feedback old-{row} 沪A12345" for row in range(OLD_ROWS)}
            masked = {f"feedback old-{row} 【车牌号】" for row in range(OLD_ROWS)}
            if not (plain <= kept and not masked & kept) and not (
                masked <= kept and not plain & kept
            ):
                faults.append(f"kill {number}: a migration was done by half")
    return {"n": times, "acknowledged": acknowledged, "missing": missing, "faults": faults}


def fill(folder: Path, step: int, limit: int) -> dict[str, object]:
    missing: list[str] = []
    faults: list[str] = []
    acknowledged, refused = 0, 0

    for budget in range(0, limit, step):
        state = folder / str(budget)

        def work(tell: Callable[[str], None], state: Path = state, budget: int = budget) -> None:
            resource.setrlimit(resource.RLIMIT_FSIZE, (budget, resource.RLIM_INFINITY))
            store, log = FeedbackStore(state, rows_a_minute=10**9), AuditLog(state)
            for number in range(20):
                for kind, write in (
                    ("feedback", lambda n=number: store.add(feedback(f"{n}", "满" * 2000))),
                    ("audit", lambda n=number: log.append(Entry(f"{n}" + " " * 6000))),
                ):
                    try:
                        write()
                    except CasebookError as error:
                        tell(f"refused {error}")
                    else:
                        tell(f"{kind} {number}" + (" " * 6000 if kind == "audit" else ""))

        told = forked(work, lambda _: None)
        refusals = [line for line in told if line.startswith("refused ")]
        rows = set(told) - set(refusals)
        acknowledged += len(rows)
        refused += len(refusals)
        faults += [f"{budget}: {line}" for line in refusals if "磁盘已满" not in line]
        if len(rows) + len(refusals) != 40:  # 20 of each
            faults.append(f"{budget}: a writer ended early, after {len(told)}")
        FeedbackStore(state).add(feedback("room again"))
        kept, unsound = kept_in(state)
        faults += unsound
        missing += [f"{budget}: {one}" for one in sorted(rows - kept)]
        if "feedback room again" not in kept:
            missing.append(f"{budget}: room again")
    return {
        "n": len(range(0, limit, step)),
        "acknowledged": acknowledged,
        "refused": refused,
        "missing": missing,
        "faults": faults,
    }


if __name__ == "__main__":
    what, where, first, second = sys.argv[1:]
    Path(where).mkdir(exist_ok=True)
    do = {"kill": kill, "fill": fill}[what]
    print(json.dumps(do(Path(where), int(first), int(second)), ensure_ascii=False))  # noqa: T201
