"""Mixed work on one index, killed at random moments."""

from __future__ import annotations

import os
import random
import signal
import time
from collections import Counter
from pathlib import Path
from typing import Any

from api.feedback_store import Feedback, FeedbackStore, read_feedback
from index.rollback import rollback
from index.store import open_index
from index.versions import number_of, published
from rag.errors import CasebookError
from tests.crashes.children import sure
from tests.crashes.indexes import answered, answers, broken, expected, faults_after, publish


def work_until_killed(root: Path, seed: int, log: int) -> None:
    """Publish, go back, ask and take feedback, telling before and after each."""
    chance = random.Random(seed)  # noqa: S311 - a test's order
    store = FeedbackStore(root / "state", rows_a_minute=10**9)
    count = 0
    while True:
        what = chance.choice(("build", "build", "rollback", "ask", "feedback"))
        count += 1
        number = chance.randrange(5)
        os.write(log, f"begin {what} {number}\n".encode())
        done = ""
        if what == "build":
            done = publish(root, number)
        elif what == "rollback":
            try:
                done = rollback(root / "index").name
            except CasebookError:  # nothing older
                done = ""
        elif what == "ask":
            answers(root / "index")
        else:
            done = f"{seed}-{count}"
            store.add(Feedback(done, "useful", (), "v1", (), "search", None))
        os.write(log, f"end {what} {number} {done}\n".encode())


def run_random(root: Path, times: int, seed: int) -> dict[str, Any]:
    """Kill the same work on the same index again and again, at any moment."""
    chance = random.Random(seed)  # noqa: S311 - a test's order
    sound = sure(lambda: [expected(root, number) for number in range(5)])
    took_s = 0.0
    said: set[str] = set()
    failures: list[str] = []
    kinds, ended = Counter[str](), Counter[str]()
    for attempt in range(times):
        if attempt % 25 == 0:  # a kill falls within the work, however busy the machine is
            started = time.monotonic()
            current = sure(lambda: publish(root, 0))
            took_s = time.monotonic() - started
        reader, log = os.pipe()
        child = os.fork()
        if not child:
            work_until_killed(root, chance.randrange(10**9), log)
        os.close(log)
        time.sleep(chance.uniform(0, 3 * took_s))
        os.kill(child, signal.SIGKILL)
        status = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
        with os.fdopen(reader, encoding="utf-8") as stream:
            lines = [line.split() for line in stream.read().splitlines()]
        ended.update(line[1] for line in lines if line[0] == "end")
        for line in lines:
            if line[0] == "end" and line[1] == "feedback":
                said.add(line[3])
            elif line[0] == "end" and len(line) > 3:
                current = line[3]
        under_way = lines[-1] if lines and lines[-1][0] == "begin" else ["", "nothing", "0"]
        kinds[under_way[1]] += 1

        def state() -> Any:
            folder = root / "index"
            opened = open_index(folder, folder)
            number = int(opened.version.manifest.sources[0].name[len("cases-")])
            kept = {row.feedback.query for row in read_feedback(root / "state")} if said else set()
            whole = not any(broken(folder, name) for name in published(folder))
            return (
                opened.version.name,
                number,
                answered(opened.assistant),
                opened.degraded,
                whole,
                sorted(said - kept),
            )

        name, number, found, degraded, whole, lost = sure(state)
        old, new = number_of(current), number_of(name)
        asked = under_way[1]
        moved = (asked == "build" and new > old and number == int(under_way[2])) or (
            asked == "rollback" and new < old
        )
        if not (name == current or moved) or found != sound[number]:
            failures.append(f"kill {attempt} during {under_way}: {current} became {name}")
        if degraded or not whole or lost or status != -signal.SIGKILL:
            failures.append(f"kill {attempt}: {degraded}, {whole}, lost {lost}, status {status}")
        current = name
    wrong = sure(lambda: faults_after(root, sound, sound[0]))
    return {
        "n": times,
        "during": kinds,
        "ended": ended,
        "feedback": len(said),
        "failures": failures + wrong,
    }
