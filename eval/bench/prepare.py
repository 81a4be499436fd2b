"""What all contenders are given: model, passages and questions; and Casebook's index.

``python -m eval.bench.prepare FOLDER`` is a process of its own, so that the peak memory of a build is
that of a build.
"""

from __future__ import annotations

import json
import random
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from eval.bench.child import run
from eval.questions import read_questions
from index.build import build
from index.store import read_content
from index.versions import current_version
from rag.encoders import load_encoder
from rag.models import DEFAULT_MODEL
from rag.preparation.catalogue import KNOWN_MODELS
from rag.preparation.parity import BUILT_IN_SENTENCES
from rag.preparation.prepare import rebuild_known

ROOT = Path(__file__).parent.parent.parent
MODELS = ROOT / "var" / "models"


@dataclass(slots=True)
class Stopwatch:
    """Splits a build into stages, as its progress tells them.

    A stage lasts from the end of the one before it to its last report.

    Attributes:
        seconds: Of each stage.
        counts: How much each stage did.
    """

    _last: float = field(default_factory=time.perf_counter)
    _stage: str = ""
    seconds: dict[str, float] = field(default_factory=dict)
    counts: dict[str, int] = field(default_factory=dict)

    def __call__(self, stage: str, done: int, _total: int) -> None:
        """Take a report of progress."""
        now = time.perf_counter()
        self.seconds[stage] = self.seconds.get(stage, 0.0) + now - self._last
        self.counts[stage] = done
        self._last = now

    def rest(self, stage: str) -> None:
        """Count what is left as a last stage."""
        self(stage, 1, 1)


def distinct_questions(texts: Sequence[str]) -> list[str]:
    """Shuffle questions, always alike; of those that differ in signs and case only, the first stays.

    So that nothing that anyone keeps of one question helps with another.
    """
    known: dict[str, str] = {}
    for text in texts:
        known.setdefault("".join(filter(str.isalnum, text.casefold())), text)
    questions = list(known.values())
    random.Random(0).shuffle(questions)  # noqa: S311 -- an order, not a secret
    return questions


def prepare(folder: Path) -> dict[str, float]:
    """Write everything into a folder; returns the seconds of the stages of Casebook's build."""
    original = rebuild_known(KNOWN_MODELS[DEFAULT_MODEL], folder, BUILT_IN_SENTENCES)
    original.folder.rename(folder / "original")
    development = read_questions(ROOT / "eval" / "dev_questions.jsonl")
    asked = [question.text for question in development]
    for file in sorted((ROOT / "data").glob("*.questions.jsonl")):
        for line in file.read_text(encoding="utf-8").splitlines():
            asked += json.loads(line)["questions"]
    _write(folder / "questions.json", distinct_questions(asked))
    watch = Stopwatch()
    encoder = load_encoder(DEFAULT_MODEL, MODELS)
    watch.rest("open the encoder")
    build([ROOT / "data"], folder / "index", encoder, on_progress=watch)
    watch.rest("index and publish")
    content = read_content(current_version(folder / "index"))
    # A case that was entered twice counts once: some peers drop equal passages, Casebook does too.
    _write(folder / "passages.json", list(dict.fromkeys(p.text for p in content.passages)))
    _write(folder / "counts.json", watch.counts)
    return watch.seconds


def _write(file: Path, value: object) -> None:
    file.write_text(json.dumps(value, ensure_ascii=False), encoding="utf-8")


if __name__ == "__main__":
    run(prepare, None)
