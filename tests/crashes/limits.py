"""Builds whose files may not outgrow a number of bytes, as on a disk that is full."""

from __future__ import annotations

import resource
import shutil
from pathlib import Path
from typing import Any

from rag.errors import CasebookError
from tests.crashes.children import forked, sure
from tests.crashes.indexes import answers, cases, expected, publish


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
