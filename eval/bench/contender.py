"""A contender: a process that is started, asked in process and over HTTP, and measured."""

from __future__ import annotations

import http.client
import json
import os
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager, suppress
from dataclasses import asdict
from pathlib import Path
from types import TracebackType
from typing import Any

from eval.bench.child import Address
from eval.bench.clients import Done, Task

_ROOT = Path(__file__).parent.parent.parent
_SHOWN = 15
"""Lines of standard error that a failure shows."""
_WAIT_S = 20

Found = tuple[tuple[str, ...], ...]
"""For each question the texts of the passages found, best first."""


class ContenderError(RuntimeError):
    """A contender ended before it was told to; the message has the end of what it said."""


class Contender(AbstractContextManager["Contender"]):
    """A running process that speaks the lines of `eval.bench.child`.

    Args:
        command: Starts it.
        errors: File that its standard error goes to.

    Attributes:
        ready_s: Seconds from its start until it was ready.
        rss_mb: Its peak resident memory in MiB; known once it has ended.

    Raises:
        ContenderError: If it ends before it is ready.
    """

    def __init__(self, command: Sequence[str], errors: Path) -> None:
        self.rss_mb = 0.0
        self._command = tuple(command)
        self._errors = errors
        started = time.perf_counter()
        with errors.open("wb") as stream:
            self._process = subprocess.Popen(  # noqa: S603 -- our own modules
                command,
                cwd=_ROOT,
                env=environment(os.environ),
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=stream,
                text=True,
                encoding="utf-8",
            )
        try:
            self._ready()
        except BaseException:
            self._close()
            raise
        self.ready_s = time.perf_counter() - started

    def ask(self, way: str, questions: Sequence[str], seconds: float) -> tuple[float, ...]:
        """Milliseconds of each question, asked one after another in the process itself.

        Args:
            way: One of the contender's ways.
            questions: At least one.
            seconds: After these no further question is asked.
        """
        return tuple(self._order("ask", way, questions, seconds))

    def find(self, way: str, questions: Sequence[str]) -> Found:
        """What it finds for questions, in the process itself.

        Args:
            way: One that searches by vectors.
            questions: Any number.
        """
        return tuple(tuple(texts) for texts in self._order("find", way, questions))

    def serve(self) -> Address:
        """Start its server."""
        return Address(**self._order("serve"))

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """End the process and learn its peak memory."""
        self._close()

    def _close(self) -> None:
        if self._process.returncode is None:
            self._end()
            _, status, usage = os.wait4(self._process.pid, 0)
            self._process.returncode = os.waitstatus_to_exitcode(status)
            # ru_maxrss: bytes on macOS, KiB elsewhere
            self.rss_mb = usage.ru_maxrss / (2**20 if sys.platform == "darwin" else 2**10)
        for pipe in (self._process.stdin, self._process.stdout):
            assert pipe is not None  # noqa: S101 -- pipes were asked for
            with suppress(BrokenPipeError):  # what one that died did not read is not missed
                pipe.close()

    def _ready(self) -> None:
        self._heard()

    def _end(self) -> None:
        """Ask it to end."""
        self._process.kill()

    def _order(self, *order: object) -> Any:
        pipe = self._process.stdin
        assert pipe is not None  # noqa: S101 -- a pipe was asked for
        try:
            pipe.write(json.dumps(order) + "\n")
            pipe.flush()
        except BrokenPipeError as error:
            raise self._died() from error
        return json.loads(self._heard())

    def _heard(self) -> str:
        pipe = self._process.stdout
        assert pipe is not None  # noqa: S101 -- a pipe was asked for
        line = pipe.readline()
        if not line:
            raise self._died()
        return line

    def _died(self) -> ContenderError:
        self._process.wait()
        said = self._errors.read_text(encoding="utf-8", errors="replace")
        return _failed(self._command, self._process.returncode, said)


class Service(Contender):
    """``casebook serve``, started as a user starts it."""

    def serve(self) -> Address:
        """Where it is."""
        return self._address

    def _ready(self) -> None:
        port = int(self._heard().partition("127.0.0.1:")[2].partition("/")[0])
        self._address = Address(port, "/api/v1/search", "query", {"top_k": 10})
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=_WAIT_S)
        connection.request("GET", "/readyz")
        status = connection.getresponse().status
        connection.close()
        if status != http.HTTPStatus.OK:
            message = f"casebook serve is not ready: {status}"
            raise ContenderError(message)

    def _end(self) -> None:
        self._process.terminate()


def build(command: Sequence[str]) -> dict[str, float]:
    """Run a contender's build; returns the seconds of its stages.

    Raises:
        ContenderError: If it fails.
    """
    stages: dict[str, float] = json.loads(_output(command, ""))
    return stages


def load(address: Address, clients: int, questions: Sequence[str], seconds: float) -> Done:
    """Let clients ask, from a process of their own.

    Raises:
        ContenderError: If an answer is not good.
    """
    task = json.dumps(asdict(Task(address, clients, tuple(questions), seconds)))
    return Done(**json.loads(_output([sys.executable, "-m", "eval.bench.clients"], task)))


def _output(command: Sequence[str], given: str) -> str:
    """Run to its end; what it wrote to standard output."""
    ran = subprocess.run(  # noqa: S603 -- our own modules
        command,
        cwd=_ROOT,
        env=environment(os.environ),
        input=given,
        capture_output=True,
        text=True,
        encoding="utf-8",
        check=False,
    )
    if ran.returncode:
        raise _failed(command, ran.returncode, ran.stderr)
    return ran.stdout


def _failed(command: Sequence[str], code: int, said: str) -> ContenderError:
    last = "\n".join(said.splitlines()[-_SHOWN:])
    return ContenderError(f"{' '.join(command)}\nended with exit code {code}:\n{last}")


def environment(given: Mapping[str, str]) -> dict[str, str]:
    """What every contender is started with: as many threads, and nothing fetched or reported."""
    kept = {name: value for name, value in given.items() if not name.startswith("CASEBOOK_")}
    return {
        **kept,
        "OMP_NUM_THREADS": str(cores()),
        "PYTHONUTF8": "1",
        "TOKENIZERS_PARALLELISM": "false",
        "HF_HUB_OFFLINE": "1",
        "HAYSTACK_TELEMETRY_ENABLED": "False",
        "NO_PROXY": "127.0.0.1",
    }


def cores() -> int:
    """Count the processor cores that contenders may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1
