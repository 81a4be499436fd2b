"""Provenance: equal provenance means equal numbers, so every input must show in it."""

from __future__ import annotations

import hashlib
import os
import platform
import re
import subprocess
from dataclasses import asdict, replace
from datetime import UTC, datetime
from pathlib import Path

import pytest

from eval.dataset import Dataset
from eval.provenance import provenance_of
from eval.questions import Question
from eval.resampling import SEED
from eval.systems import System
from index.recipe import code_digest
from rag.expansions import Expansion
from rag.source import decode
from rag.types import Span

SOURCES = (decode("a.txt", "退税".encode()), decode("b.txt", "帮办".encode()))
DATASET = Dataset("小集", (Question("Q1", "", "？", ("退税",), "any"),), SOURCES, {}, "d" * 64)


def test_it_says_what_was_run_on_what_with_what(encoder) -> None:
    before = datetime.now(UTC).replace(microsecond=0)

    found = provenance_of(
        DATASET, System("hybrid", dense=0.4, expansions=False), encoder.identity, "casebook eval"
    )

    digests = "".join(hashlib.sha256(text.encode()).hexdigest() for text in ("退税", "帮办"))
    assert (found.system, found.dataset, found.command) == ("hybrid", "小集", "casebook eval")
    assert found.questions_sha256 == "d" * 64
    assert found.corpus_sha256 == hashlib.sha256(digests.encode()).hexdigest()
    assert found.encoder == asdict(encoder.identity)
    assert found.index_code_sha256 == code_digest()
    assert (found.python, found.seed) == (platform.python_version(), SEED)
    assert 1 <= found.threads <= (os.cpu_count() or 1)
    assert before <= datetime.fromisoformat(found.started) <= datetime.now(UTC)
    assert found.started.endswith("+00:00")
    assert found.configuration == {
        **asdict(System("hybrid", dense=0.4, expansions=False)),
        "lexicon_sha256": "",
        "expansions_sha256": "",
    }


def test_it_is_the_same_again_but_for_the_time(encoder) -> None:
    one, other = (provenance_of(DATASET, System("bm25"), encoder.identity, "") for _ in range(2))
    assert replace(one, started="") == replace(other, started="")


def test_the_order_of_the_sources_shows(encoder) -> None:
    turned = replace(DATASET, sources=SOURCES[::-1])
    one, other = (
        provenance_of(dataset, System("s"), encoder.identity, "") for dataset in (DATASET, turned)
    )
    assert one.corpus_sha256 != other.corpus_sha256


def test_a_lexicon_is_known_by_its_content_and_not_by_its_folder(encoder, tmp_path: Path) -> None:
    found = []
    for folder, text in (("一", "退税\t退还"), ("二", "退税\t退还"), ("三", "退税\t返还")):
        file = tmp_path / folder / "词.tsv"
        file.parent.mkdir()
        file.write_text(text, encoding="utf-8")
        system = System("s", lexicon=str(file))
        found.append(provenance_of(DATASET, system, encoder.identity, "").configuration)
    assert found[0] == found[1]
    assert found[0]["lexicon"] == "词.tsv"
    assert found[0]["lexicon_sha256"] == hashlib.sha256("退税\t退还".encode()).hexdigest()
    assert found[0]["lexicon_sha256"] != found[2]["lexicon_sha256"]


def test_expansions_show_where_they_are_used(encoder) -> None:
    more = replace(DATASET, expansions=(Expansion("a.txt", Span(0, 2), ("怎么退税",)),))
    digests = [
        provenance_of(dataset, System("s", expansions=used), encoder.identity, "").configuration[
            "expansions_sha256"
        ]
        for dataset, used in ((DATASET, False), (more, False), (DATASET, True), (more, True))
    ]
    assert digests[:2] == ["", ""]
    assert len(set(digests[1:])) == 3


def test_the_commit_is_that_of_the_checkout(encoder) -> None:
    root = Path(__file__).parents[2]
    if not (root / ".git").exists():
        pytest.skip("not a checkout")
    head = subprocess.run(
        ["git", "-C", str(root), "rev-parse", "HEAD"],  # noqa: S607 -- whichever git there is
        capture_output=True,
        text=True,
        check=True,
    ).stdout
    found = provenance_of(DATASET, System("s"), encoder.identity, "").commit
    assert re.fullmatch(r"[0-9a-f]{10,}\+?", found)
    assert head.startswith(found.removesuffix("+"))


@pytest.fixture
def checkout(tmp_path: Path, monkeypatch) -> Path:
    """A checkout of its own with one committed file."""
    for name in ("GIT_DIR", "GIT_WORK_TREE", "GIT_INDEX_FILE"):
        monkeypatch.delenv(name, raising=False)
    who = ["-c", "user.name=a", "-c", "user.email=a@example.org", "-c", "commit.gpgsign=false"]
    (tmp_path / "code.py").write_text("one = 1\n", encoding="utf-8")
    for words in (["init", "-q"], ["add", "code.py"], [*who, "commit", "-qm", "one"]):
        subprocess.run(["git", "-C", str(tmp_path), *words], check=True)  # noqa: S607 -- as above
    monkeypatch.setattr("eval.provenance._ROOT", tmp_path)
    return tmp_path


def commit_of(encoder) -> str:
    return provenance_of(DATASET, System("s"), encoder.identity, "").commit


def test_a_changed_file_marks_the_commit_and_an_unknown_one_does_not(
    checkout: Path, encoder
) -> None:
    clean = commit_of(encoder)
    assert re.fullmatch(r"[0-9a-f]{10}", clean)
    (checkout / "notes.txt").write_text("unknown to git", encoding="utf-8")
    assert commit_of(encoder) == clean
    (checkout / "code.py").write_text("one = 2\n", encoding="utf-8")
    assert commit_of(encoder) == clean + "+"


def test_outside_a_checkout_commit_and_lock_are_empty(encoder, tmp_path: Path, monkeypatch) -> None:
    monkeypatch.setattr("eval.provenance._ROOT", tmp_path)
    monkeypatch.setattr("eval.provenance._LOCK", tmp_path / "constraints.txt")
    found = provenance_of(DATASET, System("s"), encoder.identity, "")
    assert (found.commit, found.lock_sha256) == ("", "")


def test_without_git_the_commit_is_empty(checkout: Path, encoder, monkeypatch) -> None:
    monkeypatch.setenv("PATH", str(checkout))
    assert commit_of(encoder) == ""


def test_the_processor_is_named_as_the_system_names_it(
    encoder, tmp_path: Path, monkeypatch
) -> None:
    file = tmp_path / "cpuinfo"
    file.write_text("processor\t: 0\nmodel name\t: Chip: X 1\nmodel name\t: Y\n", encoding="utf-8")
    monkeypatch.setattr("eval.provenance._CPU", file)
    assert provenance_of(DATASET, System("s"), encoder.identity, "").cpu == "Chip: X 1"
    file.write_text("processor\t: 0\n", encoding="utf-8")
    assert provenance_of(DATASET, System("s"), encoder.identity, "").cpu == ""
