"""A real language model, the weaker the better: nothing that it makes up is shown.

Not part of ``make test``: it needs a model that is being served. See ``make test-long``.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from eval.support import clauses_stand
from index.store import open_index
from rag.answer import Answer
from rag.ask import Asker
from rag.assistant import Assistant
from rag.chat import ChatClient, Deadline, config_of
from rag.generate import GenerationConfig
from rag.writer import ModelWriter

pytestmark = [pytest.mark.long, pytest.mark.model]

ROOT = Path(__file__).parents[2]
ASKED = 10
PATIENT = GenerationConfig(deadline=Deadline(60.0, 60.0))


@pytest.fixture(scope="session")  # looked for before the index is built
def chat(language_model: str) -> Iterator[ChatClient]:
    client = ChatClient(config_of(language_model))
    yield client
    client.close()


@pytest.fixture(scope="module")
def assistant(real_index: Path, models: Path) -> Assistant:
    return open_index(real_index, models).assistant


def questions() -> list[str]:
    lines = (ROOT / "eval" / "dev_questions.jsonl").read_text(encoding="utf-8").splitlines()
    asked = [json.loads(line)["question"] for line in lines]
    return asked[:: len(asked) // ASKED][:ASKED]


@pytest.mark.parametrize("question", questions())
def test_every_sentence_shown_stands_in_what_it_cites(
    chat: ChatClient, assistant: Assistant, question: str
) -> None:
    _, *shown, answer = Asker(assistant, ModelWriter(chat, PATIENT)).parts(question)
    assert isinstance(answer, Answer)
    assert tuple(shown) == answer.sentences
    assert answer.abstained or answer.sentences
    for sentence in answer.sentences:
        cited = [answer.evidence[number - 1] for number in sentence.citations]
        assert clauses_stand(sentence, cited), sentence
        named = set(answer.findings.named)
        for finding in cited:
            districts = set(finding.citation.districts)
            assert not named or not districts or named & districts
