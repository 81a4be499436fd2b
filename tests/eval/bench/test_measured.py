"""The run: nobody is asked a question twice, and a contender that fails stops nobody else."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from eval.bench.entries import Entry
from eval.bench.measured import measure, steps

QUESTIONS = [f"问题{number}" for number in range(1000)]


def echo(name: str, kind: str = "", served: str = "") -> Entry:
    ways = (("dense", ""),)
    return Entry(name, Path(sys.executable), "tests.eval.bench.echo", (kind,), ways, served=served)


def test_every_contender_is_measured_and_nobody_is_asked_twice(tmp_path: Path) -> None:
    told: list[str] = []
    taking = [echo("甲", served="甲，HTTP")]
    found, failed = measure(taking, tmp_path, QUESTIONS, 2, told.append)
    assert failed == {}
    assert found["甲"].ways["dense"].count == 120
    assert {clients: load.latency.count for clients, load in found["甲"].loads.items()} == {
        1: 100,
        4: 120,
        16: 240,
    }
    assert all(rate > 0 for load in found["甲"].loads.values() for rate in load.per_second)
    heard = (tmp_path / "heard.txt").read_text(encoding="utf-8").splitlines()
    assert len(heard) == len(set(heard)) == 100 + 20 + 120 + 460
    assert found["甲"].found == (("段落",) * 10,) * 100
    assert told == ["start 甲", "round 1, 甲", "round 2, 甲"]
    assert len(told) == steps(taking, 2)


@pytest.mark.parametrize(
    ("kind", "said"), [("stillborn", "no such model"), ("mortal", "out of memory")]
)
def test_a_contender_that_fails_is_reported_and_the_others_go_on(
    tmp_path: Path, kind: str, said: str
) -> None:
    found, failed = measure([echo("坏", kind), echo("好")], tmp_path, QUESTIONS, 1)
    assert list(found) == ["好"]
    assert list(failed) == ["坏"]
    assert said in str(failed["坏"])


def test_a_run_that_would_repeat_questions_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="not enough questions: 20 left of 60"):
        measure([echo("甲")], tmp_path, QUESTIONS[:130], 1)
