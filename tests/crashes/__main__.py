"""Ways to die while an index is written; a program of its own, whose children die.

    python -m tests.crashes steps ROOT MODE STRIDE SCENARIO... [GUARD]   every STRIDE-th step of each
    python -m tests.crashes random ROOT TIMES SEED                       SIGKILL at random moments
    python -m tests.crashes limits ROOT STRIDE                           no file may outgrow a limit

MODE is what happens at a step: ``kill`` ends the process; ``power`` also takes back what was not synced,
names and contents; ``fault`` fails the call, with EIO, ENOSPC and EINTR in turn. GUARD, as ``module:function``, is a function that
is made to do nothing: what protects against a failure is worth something only if the failure shows without it.

Prints a JSON object: how many were tried, and what went wrong. This process itself never runs
FAISS, whose threads do not survive a fork.
"""

from __future__ import annotations

import json
import os
import pkgutil
import sys
import threading
from pathlib import Path

from tqdm import tqdm

# A child has none of its parent's threads, but every lock that one of them held: there may be no threads.
os.environ["OMP_NUM_THREADS"] = os.environ["OPENBLAS_NUM_THREADS"] = "1"

import index.store
from index.lexical import LexicalRanker
from rag.cases import read_cases
from rag.chunk import passages_of
from rag.source import decode
from tests.conftest import COLLECTION
from tests.crashes.disk import Disk
from tests.crashes.indexes import ENCODER
from tests.crashes.kills import run_random
from tests.crashes.limits import run_limits
from tests.crashes.steps import run_steps


def without(guard: str) -> None:
    """Make a function do nothing."""
    if guard == "os:fsync":
        Disk.forgets_files = True
        return
    module, _, name = guard.partition(":")
    setattr(pkgutil.resolve_name(module), name, lambda *_args, **_named: None)


def main(what: str, folder: str, *more: str) -> None:
    # What is imported on first use is imported here, once, and not by every child.
    tqdm.monitor_interval = 0  # its thread
    # Its own lock is shared by all children, and one that is killed would hold it for ever.
    tqdm.set_lock(threading.RLock())
    passages_of(read_cases([decode("a.txt", COLLECTION.encode())])[0], len)
    LexicalRanker.build([COLLECTION])
    if len(list(Path("/proc/self/task").iterdir())) > 1:
        message = "this program may not fork: a library has started threads"
        raise RuntimeError(message)
    index.store.load_encoder = lambda *_args, **_prompts: ENCODER  # its own way, without a model
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


main(*sys.argv[1:])
