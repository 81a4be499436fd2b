"""Contenders as processes: what they say, and how they fail."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from eval.bench.child import Address
from eval.bench.contender import Contender, ContenderError, build, environment, load

ECHO = [sys.executable, "-m", "tests.eval.bench.echo"]


def started(folder: Path, kind: str = "") -> Contender:
    return Contender([*ECHO, "answer", str(folder), kind], folder / "errors.txt")


def test_a_contender_is_asked_in_process_and_over_http_and_weighed(tmp_path: Path) -> None:
    with started(tmp_path) as contender:
        times = contender.ask("dense", ["一", "二", "三"], 60)
        done = load(contender.serve(), 2, ["四", "五"], 60)
    assert len(times) == 3
    assert len(done.times) == 2
    heard = (tmp_path / "heard.txt").read_text(encoding="utf-8").split()
    assert heard[:3] == ["一", "二", "三"]
    assert sorted(heard[3:]) == ["五", "四"]
    assert contender.ready_s > 0
    assert (
        contender.rss_mb > 10
    )  # at most is unknown: the peak begins with that of the process that forked it


def test_a_contender_is_asked_once_at_least_and_no_more_when_the_time_is_over(
    tmp_path: Path,
) -> None:
    with started(tmp_path) as contender:
        assert len(contender.ask("dense", ["一", "二", "三"], 0)) == 1


@pytest.mark.parametrize(
    ("kind", "said"),
    [("mortal", "out of memory"), ("short", "9 passages instead of 10 for '0'")],
)
def test_a_contender_that_dies_is_reported_with_what_it_said(
    tmp_path: Path, kind: str, said: str
) -> None:
    questions = [str(number) for number in range(20)]
    with started(tmp_path, kind) as contender, pytest.raises(ContenderError) as caught:
        contender.ask("dense", questions, 60)
    assert f"answer {tmp_path} {kind}\nended with exit code 1:\n" in str(caught.value)
    assert said in str(caught.value)


def test_a_contender_that_never_gets_ready_is_reported(tmp_path: Path) -> None:
    with pytest.raises(ContenderError, match="ended with exit code 1:\nno such model"):
        started(tmp_path, "stillborn")


def test_a_build_tells_its_stages_whatever_libraries_print(tmp_path: Path) -> None:
    assert build([*ECHO, "build", str(tmp_path)]) == {"index": 0.5}


def test_a_build_that_fails_is_reported(tmp_path: Path) -> None:
    with pytest.raises(ContenderError, match="the disk is full"):
        build([*ECHO, "build", str(tmp_path), "broken"])


def test_clients_that_cannot_ask_are_reported(tmp_path: Path) -> None:
    with started(tmp_path) as contender:
        address = contender.serve()
        with pytest.raises(ContenderError, match="404 Not Found"):
            load(Address(address.port, "/nowhere?q="), 1, ["一"], 60)


def test_an_operators_settings_do_not_reach_the_contenders() -> None:
    found = environment({"CASEBOOK_LLM": "openai:x", "PATH": "/bin", "OMP_NUM_THREADS": "64"})
    assert "CASEBOOK_LLM" not in found
    assert found["PATH"] == "/bin"
    assert int(found["OMP_NUM_THREADS"]) < 64 or found["OMP_NUM_THREADS"] == "64"
