"""One writer at a time, whoever dies."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from index.lock import writing
from rag.errors import CasebookError

HOLD = """
import sys, time
from pathlib import Path
from index.lock import writing
with writing(Path(sys.argv[1])):
    print("held", flush=True)
    time.sleep(600)
"""


def test_a_second_writer_is_told_the_process_that_holds_it_until_that_dies(tmp_path: Path) -> None:
    command = [sys.executable, "-c", HOLD, str(tmp_path)]
    root = str(Path(__file__).parents[2])
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, cwd=root) as holder:
        assert holder.stdout is not None
        assert holder.stdout.readline() == "held\n"
        with pytest.raises(CasebookError) as caught, writing(tmp_path, patience_s=0.1):
            pass
        holder.send_signal(signal.SIGKILL)
        holder.wait()
    assert str(caught.value) == (
        f"另一个进程（进程号 {holder.pid}）正在写入 {tmp_path}，等了 0.1 秒；请等它结束后重试"
    )
    assert (tmp_path / "LOCK.holder").read_text() == f"{holder.pid}\n"  # left behind
    with writing(tmp_path, patience_s=0):
        assert (tmp_path / "LOCK.holder").read_text() == f"{os.getpid()}\n"
    assert sorted(path.name for path in tmp_path.iterdir()) == ["LOCK"]


def test_a_holder_that_could_not_be_noted_is_another_process(tmp_path: Path) -> None:
    (tmp_path / "LOCK.holder").mkdir()
    with (
        writing(tmp_path),
        pytest.raises(CasebookError, match=r"^另一个进程正在写入 "),
        writing(tmp_path, patience_s=0),
    ):
        pass
