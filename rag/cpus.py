"""How many processors this process is granted: fewer, in a container, than the machine has.

Libraries that count for themselves take the machine's, start a thread for each, and are then
stopped by the kernel in the middle of a question, for the rest of every tenth of a second.

Source:
    https://docs.kernel.org/admin-guide/cgroup-v2.html (``cpu.max``); version 1:
    https://docs.kernel.org/scheduler/sched-bwc.html (``cpu.cfs_quota_us``)
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

_PROC = Path("/proc/self/cgroup")
_MOUNT = Path("/sys/fs/cgroup")


def granted_cpus(*, memberships: Path = _PROC, mount: Path = _MOUNT) -> int:
    """Count the processors that this process may keep busy all the time, at least 1.

    The smallest of what its affinity and the quotas of its control groups allow. Part of a
    processor counts for nothing: a thread for it would wait for the others' most of the time.

    Args:
        memberships: The file that says in which control groups the process is.
        mount: Where control groups are mounted.
    """
    quotas = [int(quota) for quota in _quotas(memberships, mount)]
    return max(1, min([_affine(), *quotas]))


def _affine() -> int:
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def _quotas(memberships: Path, mount: Path) -> Iterator[float]:
    """Quotas in processors, of every group from the process's own up to the root."""
    for line in (_text(memberships) or "").splitlines():
        _, controllers, path = line.split(":", 2)
        if controllers == "":
            roots, read = [mount, mount / "unified"], _quota
        elif "cpu" in controllers.split(","):
            roots, read = [mount / controllers, mount / "cpu"], _quota_v1
        else:
            continue
        # Inside a container the mount is the container's own group, and the path that of the host.
        inner = Path(path.lstrip("/"))
        for folder in (root / part for root in roots for part in (inner, *inner.parents)):
            quota = read(folder)
            if quota is not None:
                yield quota


def _quota(folder: Path) -> float | None:
    limit, _, period = (_text(folder / "cpu.max") or "max").strip().partition(" ")
    return None if limit == "max" else int(limit) / int(period)


def _quota_v1(folder: Path) -> float | None:
    limit = int(_text(folder / "cpu.cfs_quota_us") or -1)
    period = int(_text(folder / "cpu.cfs_period_us") or 0)
    return limit / period if limit > 0 and period > 0 else None


def _text(file: Path) -> str | None:
    """Read a file of the kernel's; None where there is none, as outside of Linux."""
    try:
        return file.read_text(encoding="ascii")
    except OSError:
        return None
