"""Ways to die while an index is written; a program of its own, whose children die.

    python tests/crashes.py steps ROOT MODE STRIDE SCENARIO... [GUARD]   every STRIDE-th step of each
    python tests/crashes.py random ROOT TIMES SEED                       SIGKILL at random moments
    python tests/crashes.py limits ROOT STRIDE                           no file may outgrow a limit

MODE is what happens at a step: ``kill`` ends the process; ``power`` also takes back what was not synced,
names and contents; ``fault`` fails the call, with EIO, ENOSPC and EINTR in turn. GUARD, as ``module:function``, is a function that
is made to do nothing: what protects against a failure is worth something only if the failure shows without it.

Prints a JSON object: how many were tried, and what went wrong. This process itself never runs
FAISS, whose threads do not survive a fork.
"""

# What `os` does is what is counted here, so that is what this program calls.
# ruff: noqa: PTH100, PTH104, PTH108, PTH110, PTH112, PTH116, PTH119

from __future__ import annotations

import errno
import io
import json
import os
import pkgutil
import random
import resource
import shutil
import signal
import sys
import threading
import time
import traceback
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tqdm import tqdm

sys.path.insert(0, str(Path(__file__).parents[1]))

# A child has none of its parent's threads, but every lock that one of them held: there may be no threads.
os.environ["OMP_NUM_THREADS"] = os.environ["OPENBLAS_NUM_THREADS"] = "1"

import index.store
from api.feedback_store import Feedback, FeedbackStore, read_feedback
from index.build import build
from index.lexical import LexicalRanker
from index.rollback import rollback
from index.store import open_index
from index.versions import (
    VERSIONS,
    damaged_files,
    number_of,
    published,
    read_version,
)
from rag.assistant import Assistant
from rag.cases import read_cases
from rag.chunk import passages_of
from rag.errors import CasebookError, IndexMissingError
from rag.source import decode
from tests.conftest import COLLECTION, CountingEncoder

KILLED, CUT_OFF = 137, 138
"""Exit statuses: killed at a step, and with the power cut right after it was said to be done."""
QUESTIONS = ("退税几天", "帮办企业", "谁能替我跑腿")
ENCODER = CountingEncoder()


# What is imported on first use is imported here, once, and not by every child.
tqdm.monitor_interval = 0  # its thread
# Its own lock is shared by all children, and one that is killed would hold it for ever.
tqdm.set_lock(threading.RLock())
passages_of(read_cases([decode("a.txt", COLLECTION.encode())])[0], len)
LexicalRanker.build([COLLECTION])


class Died(Exception):  # noqa: N818 - an event
    """A child ended in a way that no test meant."""


def cases(root: Path, number: int) -> Path:
    """A collection that answers differently for each number, with a question known for a passage."""
    folder = root / f"cases-{number}"
    if not folder.exists():
        folder.mkdir(parents=True)
        text = COLLECTION.replace("两千户", f"{number}户")
        (folder / "某市.txt").write_text(text, encoding="utf-8")
        start = text.index("嘉定区设立")
        line = {"start": start, "end": start + 16, "questions": [f"谁能替我跑腿{'退' * number}"]}
        (folder / "某市.questions.jsonl").write_text(json.dumps(line), encoding="utf-8")
    return folder


def publish(root: Path, number: int, place: str = "index") -> str:
    built = build([cases(root, number)], root / place, ENCODER, force=True)
    return built.version.name


def answers(folder: Path) -> list[Any] | None:
    """What a service that starts now answers; None if it has no index."""
    try:
        return answered(open_index(folder, folder).assistant)
    except IndexMissingError:
        return None


def answered(assistant: Assistant) -> list[Any]:
    return [
        [[f.hit.passage.text, round(f.hit.score, 6)] for f in assistant.search(question).findings]
        for question in QUESTIONS
    ]


def expected(root: Path, number: int) -> list[Any] | None:
    """What the index of a collection answers, built where nothing goes wrong."""
    publish(root, number, f"sound-{number}")
    return answers(root / f"sound-{number}")


def forked(work: Callable[[], Any]) -> tuple[int, Any]:
    """Run in a child; its exit status, and what was returned."""
    reader, writer = os.pipe()
    child = os.fork()
    if not child:
        status = 1
        try:
            os.write(writer, json.dumps(work()).encode())
            status = 0
        except BaseException:  # noqa: BLE001 - a child must not go on as its parent
            traceback.print_exc()
        finally:
            os._exit(status)
    os.close(writer)
    with os.fdopen(reader, "rb") as stream:
        returned = stream.read()
    status = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
    return status, json.loads(returned) if returned else None


def sure(work: Callable[[], Any]) -> Any:
    """Run in a child that must not fail."""
    status, returned = forked(work)
    if status:
        raise Died(status)
    return returned


class Disk:
    """What the disk has for certain, below a folder; the rest may be gone after a power cut."""

    forgets_files = False
    """Whether syncing a file has no effect, as if nobody did."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.unsynced: set[int] = set()
        self.entries: list[tuple[int, str, str | None, bytes | None]] = []

    def opened(self, descriptor: int, file: str, *, new: bool) -> None:
        self.unsynced.add(os.fstat(descriptor).st_ino)
        if new:
            self.made(file)

    def made(self, path: str) -> None:
        parent, name = os.path.split(os.path.abspath(path))
        self.entries.append((os.stat(parent).st_ino, name, None, None))

    def renamed(self, old: str, new: str, lost: bytes | None) -> None:
        parent, name = os.path.split(os.path.abspath(new))
        self.entries.append((os.stat(parent).st_ino, name, os.path.basename(old), lost))

    def synced(self, descriptor: int) -> None:
        inode = os.fstat(descriptor).st_ino
        if not self.forgets_files:
            self.unsynced.discard(inode)
        self.entries = [entry for entry in self.entries if entry[0] != inode]

    def lose(self) -> None:
        """Take back names first made last, then contents."""
        for parent, name, old, lost in reversed(self.entries):
            folder = next((p for p in self._paths() if p.stat().st_ino == parent), None)
            if folder is None or not (folder / name).exists():
                continue
            if old is not None:
                os.rename(folder / name, folder / old)
                if lost is not None:
                    (folder / name).write_bytes(lost)
            elif (folder / name).is_dir():
                shutil.rmtree(folder / name)
            else:
                os.unlink(folder / name)
        for path in self._paths():
            if path.is_file() and path.stat().st_ino in self.unsynced:
                os.truncate(path, path.stat().st_size // 2)

    def _paths(self) -> Iterator[Path]:
        yield self.root
        yield from self.root.rglob("*")


def step_through(  # noqa: C901 - one closure a call
    folder: Path, fatal: int, mode: str
) -> tuple[Callable[[], None], list[str]]:
    """Count every call that changes the disk; at one of them, die or fail.

    Returns:
        What ends the process as the mode has it, and the names of the calls so far.
    """
    real = {
        name: getattr(os, name)
        for name in ("fsync", "rename", "replace", "mkdir", "unlink", "rmdir", "_exit")
    }
    plain_open, disk, calls = io.open, Disk(folder), []

    def die(status: int = KILLED) -> None:
        for name, function in real.items():
            setattr(os, name, function)
        io.open = plain_open
        if mode == "power":
            disk.lose()
        os._exit(status)

    def step(name: str) -> None:
        calls.append(name)
        if len(calls) == fatal:
            if mode in ("kill", "power"):
                die()
            number = (errno.EIO, errno.ENOSPC, errno.EINTR)[fatal % 3]
            raise OSError(number, os.strerror(number))

    class Stream(io.BufferedWriter):
        def write(self, data: Any) -> int:
            step("write")
            half = len(data) // 2
            super().write(data[:half])
            self.flush()
            step("write on")
            super().write(data[half:])
            return len(data)

    def fsync(descriptor: int) -> None:
        step("fsync")
        disk.synced(descriptor)

    def rename(old: Any, new: Any) -> None:
        step("rename")
        lost = Path(new).read_bytes() if Path(new).is_file() else None
        real["replace"](old, new)
        disk.renamed(str(old), str(new), lost)

    def mkdir(path: Any, *more: Any, **named: Any) -> None:
        if not os.path.isdir(path):
            step("mkdir")
        real["mkdir"](path, *more, **named)
        disk.made(str(path))

    def removing(name: str) -> Callable[..., None]:
        def remove(path: Any, **named: Any) -> None:
            step(name)
            real[name](path, **named)

        return remove

    def opening(file: Any, mode: str = "r", *more: Any, **named: Any) -> Any:
        if "w" not in mode:
            return plain_open(file, mode, *more, **named)
        step("open")
        new = not os.path.exists(file)
        stream = (
            Stream(io.FileIO(file, "w")) if mode == "wb" else plain_open(file, mode, *more, **named)
        )
        disk.opened(stream.fileno(), str(file), new=new)
        return stream

    os.fsync, os.rename, os.replace, os.mkdir = fsync, rename, rename, mkdir
    os.unlink, os.rmdir = removing("unlink"), removing("rmdir")
    io.open = opening
    return die, calls


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


def broken(folder: Path, name: str) -> dict[str, str]:
    return damaged_files(read_version(folder / VERSIONS / name, name))


def faults_after(root: Path, allowed: list[Any], next_answers: Any) -> list[str]:
    """Look at an index as whoever comes next does; what is wrong with it."""
    folder, wrong = root / "index", []
    try:
        if answers(folder) not in allowed:
            wrong.append("answers are neither the old nor the new ones")
        wrong += [f"{name} is damaged" for name in published(folder) if broken(folder, name)]
        publish(root, 0)
        if answers(folder) != next_answers:
            wrong.append("the next build does not answer")
        stray = {p.name for p in folder.iterdir()} - {"CURRENT", "LOCK", VERSIONS, "vectors.sqlite"}
        stray |= {p.name for p in (folder / VERSIONS).iterdir()} - set(published(folder))
        if stray or len(published(folder)) > 4:
            wrong.append(f"left over: {sorted(stray)}, {published(folder)}")
    except (CasebookError, OSError, ValueError, KeyError) as error:
        wrong.append(repr(error))
    return wrong


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


def run_limits(root: Path, stride: int) -> dict[str, Any]:
    """Let no file grow beyond a number of bytes, for numbers from nothing to enough."""
    old, new = sure(lambda: [expected(root, 1), expected(root, 2)])
    failures: list[str] = []
    limit = tried = 0
    done = False
    while not done:
        at = root / f"limit-{limit}"
        shutil.copytree(root / "sound-1", at / "index")
        for number in (1, 2):
            shutil.copytree(cases(root, number), at / f"cases-{number}")

        def attempt(at: Path = at, limit: int = limit) -> bool:
            resource.setrlimit(resource.RLIMIT_FSIZE, (limit, limit))
            try:
                publish(at, 2)
            except (CasebookError, OSError):
                return False
            return True

        status, done = forked(attempt)
        found = sure(lambda at=at: answers(at / "index"))
        if status or found != (new if done else old):
            failures.append(f"limit {limit}: exit status {status}, done {done}")
        shutil.rmtree(at)
        limit, tried = limit + stride, tried + 1
    return {"n": tried, "bytes": limit - stride, "failures": failures}


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


def without(guard: str) -> None:
    """Make a function do nothing."""
    if guard == "os:fsync":
        Disk.forgets_files = True
        return
    module, _, name = guard.partition(":")
    setattr(pkgutil.resolve_name(module), name, lambda *_args, **_named: None)


if __name__ == "__main__":
    if len(list(Path("/proc/self/task").iterdir())) > 1:
        message = "this program may not fork: a library has started threads"
        raise RuntimeError(message)
    index.store.load_encoder = lambda *_args, **_prompts: ENCODER  # its own way, without a model
    what, folder, *more = sys.argv[1:]
    if what == "steps":
        for guard in filter(lambda name: ":" in name, more):
            without(guard)
        names = [name for name in more[2:] if ":" not in name]
        report = run_steps(Path(folder), more[0], int(more[1]), names)
    elif what == "limits":
        report = run_limits(Path(folder), int(more[0]))
    else:
        report = run_random(Path(folder), int(more[0]), int(more[1]))
    sys.stdout.write(json.dumps(report, ensure_ascii=False))
