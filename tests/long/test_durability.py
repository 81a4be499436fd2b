"""Every way to die, all of them: see `tests/crashes` and `tests/swaps.py`."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from tests.long.records import record
from tests.programs import found_by

pytestmark = [pytest.mark.long, pytest.mark.timeout(1800)]

TESTS = Path(__file__).parents[1]
SCENARIOS = ("first", "rebuild", "gc", "rollback")


found = partial(found_by, timeout_s=1700)


@pytest.mark.parametrize(
    ("mode", "name", "what"),
    [
        ("kill", "index-step-kills", "索引写入的每一步被杀：首次建立、重建、清理旧版本、回退"),
        ("power", "index-power-cuts", "同上，并丢失一切尚未同步的内容和名字（断电）"),
        ("fault", "index-call-faults", "同上，每次系统调用轮流报 EIO、ENOSPC、EINTR"),
    ],
)
def test_every_step_of_every_scenario(tmp_path: Path, mode: str, name: str, what: str) -> None:
    report = found("tests.crashes", "steps", tmp_path, mode, 1, *SCENARIOS)
    record(name, report["n"], len(report["failures"]), what)
    assert report["failures"] == []
    assert all(report["tried"][scenario] >= 8 for scenario in SCENARIOS)


def test_a_thousand_random_kills(tmp_path: Path) -> None:
    def killed(seed: int) -> dict[str, Any]:
        (tmp_path / str(seed)).mkdir()
        return found("tests.crashes", "random", tmp_path / str(seed), 250, seed)

    with ThreadPoolExecutor(4) as pool:  # four indexes at a time: most of it is waiting
        reports = list(pool.map(killed, range(4)))
    kills = sum(report["n"] for report in reports)
    failures = [failure for report in reports for failure in report["failures"]]
    kept = sum(report["feedback"] for report in reports)
    done = sum(report["ended"].get("build", 0) for report in reports)
    what = (
        f"发布、回退、提问、收意见时随机 SIGKILL：回答不是旧的也不是新的，或少了已确认的意见"
        f"（其间建成 {done} 次，确认 {kept} 条意见）"
    )
    record("index-random-kills", kills, len(failures), what)
    assert failures == []
    assert kills == 1000
    for report in reports:
        assert {"build", "rollback", "ask", "feedback"} <= report["during"].keys()


def test_a_full_disk_at_many_places(tmp_path: Path) -> None:
    report = found("tests.crashes", "limits", tmp_path, 61)
    what = f"文件大小上限（RLIMIT_FSIZE）从 0 到 {report['bytes']} 字节，每 61 字节一次：原有索引照常回答"
    record("index-full-disk", report["n"], len(report["failures"]), what)
    assert report["failures"] == []


def test_two_hundred_swaps_under_load(tmp_path: Path) -> None:
    report = found("tests.swaps", tmp_path, 200)
    rss = report["rss_mb"]
    what = f"四个客户端不停提问时换 200 次索引：出错或混合版本的回答；内存 {rss[0]} → {rss[-1]} MB"
    record("index-hot-swaps", report["n"], len(report["failures"]), what)
    assert report["failures"] == []
    assert report["versions"] >= 200
