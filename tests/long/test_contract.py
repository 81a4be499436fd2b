"""Requests made from the OpenAPI document, to the real index. CASEBOOK_EXAMPLES says how many of each."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from api.app import create_app
from api.feedback_store import FeedbackStore
from index.store import open_index
from rag.ask import Asker
from tests.long.records import record

pytestmark = [pytest.mark.long, pytest.mark.model]


def test_every_operation_of_the_real_service_answers_as_documented(
    index: Path,
    models: Path,
    tmp_path: Path,
    hold_to_its_document: Callable[[Any, int], Counter[str]],
) -> None:
    examples = int(os.environ.get("CASEBOOK_EXAMPLES", "100"))
    feedback = FeedbackStore(tmp_path)
    feedback.open()
    opened = open_index(index, models)
    app = create_app(Asker(opened.assistant), passages=1, encoder="real", feedback=feedback)

    sent = hold_to_its_document(app, examples)

    what = "requests made from the OpenAPI document: errors of the server, answers that it does not describe"
    record("contract", sent.total(), 0, what, {"operations": len(sent), "examples": examples})
