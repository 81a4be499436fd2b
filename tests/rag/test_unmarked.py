"""A question is encoded without the marks that it ends in."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
import pytest
from numpy.typing import NDArray

from rag.ranking import Legs, Rankers
from rag.retrieve import HybridRetriever
from rag.types import Case, Passage
from rag.unmarked import unmarked
from tests.rag.rankers import Fixed


@dataclass
class Listening:
    asked: list[str] = field(default_factory=list)

    def encode_query(self, question: str) -> NDArray[np.float32]:
        self.asked.append(question)
        return np.ones(3, dtype=np.float32)


@pytest.mark.parametrize("marks", ["", "？", "?!", "。", "……", "~～", "，、；：", " \u3000？ \n"])
def test_marks_at_the_end_are_left_out(marks: str) -> None:
    assert unmarked(f"静安退税，几天到账{marks}") == "静安退税，几天到账"


@pytest.mark.parametrize("whole", ["《条例》", "（2022）", "“一件事”", "C++", "？？", "…"])
def test_brackets_words_and_marks_alone_stay(whole: str) -> None:
    assert unmarked(whole) == whole


def test_however_it_ends_a_question_is_encoded_alike(
    cases: tuple[Case, ...], passages: tuple[Passage, ...]
) -> None:
    listening = Listening()
    rankers = Rankers(Legs(Fixed((0.5, 0.4, 0.3, 0.2)), Fixed((0.1, 0.2, 0.3, 0.4))))
    retriever = HybridRetriever(cases, passages, listening, rankers)  # type: ignore[arg-type]
    for question in ("退税要几天", "退税要几天？", "退税要几天……"):
        retriever.retrieve(question, limit=1)
    assert listening.asked == ["退税要几天"] * 3
