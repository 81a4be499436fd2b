"""How a result came about: code, configuration, data, machine."""

from __future__ import annotations

import hashlib
import json
import os
import platform
import shlex
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path

from eval.dataset import Dataset
from eval.resampling import SEED
from eval.result import Provenance
from eval.systems import System
from index.recipe import code_digest
from rag.encoder import EncoderIdentity

_ROOT = Path(__file__).parent.parent
_LOCK = _ROOT / "constraints.txt"
_CPU = Path("/proc/cpuinfo")


def provenance_of(
    dataset: Dataset, system: System, encoder: EncoderIdentity, command: str
) -> Provenance:
    """Write down what a run is made with, now and here; to be called as it starts.

    A file that the system reads beside the sources is known by its digest: ``lexicon_sha256``, and
    ``expansions_sha256`` over the dataset's expansions; empty where the system uses none. Of the
    lexicon's path only the name is kept: folders differ from machine to machine.
    """
    return _written(
        dataset,
        name=system.name,
        configuration=_configuration(system, dataset),
        encoder=asdict(encoder),
        code=code_digest(),
        command=command,
    )


def provenance_of_import(dataset: Dataset, name: str, command: str) -> Provenance:
    """Write down what is known of a run that was made elsewhere: the dataset, and who judged it."""
    return _written(dataset, name=name, configuration={}, encoder={}, code="", command=command)


def ran() -> str:
    """Say what was run, when and on what code, for a file that is made by it.

    Paths by their names alone: folders differ from machine to machine.
    """
    words = [Path(word).name if "/" in word else word for word in sys.argv[1:]]
    command = shlex.join(["casebook", *words])
    return f"{command}（{datetime.now(UTC).date()}，commit {commit() or '未知'}）"


def _written(
    dataset: Dataset,
    *,
    name: str,
    configuration: Mapping[str, object],
    encoder: Mapping[str, object],
    code: str,
    command: str,
) -> Provenance:
    corpus = hashlib.sha256("".join(source.sha256 for source in dataset.sources).encode())
    return Provenance(
        system=name,
        configuration=configuration,
        dataset=dataset.name,
        questions_sha256=dataset.digest,
        corpus_sha256=corpus.hexdigest(),
        encoder=encoder,
        index_code_sha256=code,
        commit=commit(),
        lock_sha256=_digest(_LOCK.read_bytes()) if _LOCK.is_file() else "",
        python=platform.python_version(),
        cpu=_cpu(),
        threads=_threads(),
        seed=SEED,
        started=datetime.now(UTC).isoformat(timespec="seconds"),
        command=command,
    )


def _configuration(system: System, dataset: Dataset) -> dict[str, object]:
    lexicon = Path(system.lexicon)
    expansions = [asdict(expansion) for expansion in dataset.expansions]
    return {
        **system.configuration(),
        "lexicon": lexicon.name,
        "reranker": Path(system.reranker).name,
        "lexicon_sha256": _digest(lexicon.read_bytes()) if system.lexicon else "",
        "expansions_sha256": _digest(json.dumps(expansions).encode()) if system.expansions else "",
    }


def _digest(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


def _threads() -> int:
    if hasattr(os, "sched_getaffinity"):  # Linux: fewer than the machine has in a container
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def commit() -> str:
    """The checkout's commit, ``+`` behind it if files differ; empty outside a checkout.

    Files that git does not know do not count: no code that it knows reads them.
    """
    if not (_ROOT / ".git").exists():
        return ""
    head = _git("rev-parse", "--short=10", "HEAD")
    return head + ("+" if head and _git("status", "--porcelain", "--untracked-files=no") else "")


def _git(*arguments: str) -> str:
    command = ["git", "-C", str(_ROOT), *arguments]
    try:
        done = subprocess.run(command, capture_output=True, text=True, check=False)  # noqa: S603 -- fixed words
    except FileNotFoundError:  # no git on this machine: the commit is unknown, and says so
        return ""
    return done.stdout.strip() if done.returncode == 0 else ""


def _cpu() -> str:
    if not _CPU.is_file():
        return platform.processor()
    names = (
        line
        for line in _CPU.read_text(encoding="utf-8").splitlines()
        if line.startswith("model name")
    )
    return next(names, "").partition(":")[2].strip()
