"""The OpenAPI document is true: whatever is sent, no error of the server and nothing undocumented."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

from api.app import create_app
from api.feedback_store import FeedbackStore
from rag.ask import Asker
from rag.assistant import Assistant


def test_every_operation_answers_as_documented(
    assistant: Assistant,
    tmp_path: Path,
    hold_to_its_document: Callable[[Any, int], Counter[str]],
) -> None:
    feedback = FeedbackStore(tmp_path)
    feedback.open()
    app = create_app(Asker(assistant), passages=1, encoder="none", feedback=feedback)

    sent = hold_to_its_document(app, 2)

    assert len(sent) == 10
