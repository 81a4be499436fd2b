from __future__ import annotations

import os
from pathlib import Path

import pytest

from rag.cpus import granted_cpus


@pytest.fixture
def four_cpus(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "sched_getaffinity", lambda _: {0, 1, 2, 3}, raising=False)


def group(tmp_path: Path, memberships: str, **files: str) -> int:
    (tmp_path / "self").write_text(memberships)
    for name, text in files.items():
        file = tmp_path / "cgroup" / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text)
    return granted_cpus(memberships=tmp_path / "self", mount=tmp_path / "cgroup")


@pytest.mark.usefixtures("four_cpus")
@pytest.mark.parametrize(
    ("quota", "granted"),
    [
        ("max 100000\n", 4),
        ("200000 100000\n", 2),
        ("250000 100000\n", 2),
        ("50000 100000\n", 1),
        ("900000 100000\n", 4),
    ],
)
def test_a_quota_of_version_2_grants_whole_processors(
    tmp_path: Path, quota: str, granted: int
) -> None:
    assert group(tmp_path, "0::/\n", **{"cpu.max": quota}) == granted


@pytest.mark.usefixtures("four_cpus")
def test_the_tightest_group_on_the_way_up_decides(tmp_path: Path) -> None:
    found = group(
        tmp_path,
        "0::/system.slice/casebook.service\n",
        **{
            "system.slice/casebook.service/cpu.max": "max 100000",
            "system.slice/cpu.max": "300000 100000",
            "cpu.max": "350000 100000",
        },
    )

    assert found == 3


@pytest.mark.usefixtures("four_cpus")
@pytest.mark.parametrize(("limit", "granted"), [("-1", 4), ("200000", 2)])
def test_a_quota_of_version_1_counts_likewise(tmp_path: Path, limit: str, granted: int) -> None:
    found = group(
        tmp_path,
        "4:memory:/x\n1:cpu,cpuacct:/docker/abc\n0::/\n",
        **{
            "cpu,cpuacct/cpu.cfs_quota_us": limit,
            "cpu,cpuacct/cpu.cfs_period_us": "100000",
        },
    )

    assert found == granted


@pytest.mark.usefixtures("four_cpus")
def test_without_control_groups_affinity_decides(tmp_path: Path) -> None:
    assert granted_cpus(memberships=tmp_path / "none", mount=tmp_path / "none") == 4


def test_this_process_is_granted_one_at_least() -> None:
    assert 1 <= granted_cpus() <= (os.cpu_count() or 1)
