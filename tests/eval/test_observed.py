"""Questions as a retriever saw them."""

from __future__ import annotations

from dataclasses import dataclass

from eval.dataset import Dataset
from eval.observed import ANSWERABLE, Asked, Kind, Others, ask_all, some_of
from eval.parts import calibration_split
from eval.questions import Question
from rag.filters import NO_FILTERS, Filters
from rag.retrieve import Retrieval
from rag.signals import Signals


@dataclass(frozen=True, slots=True)
class Lengths:
    """Finds something for every question but the empty-handed one."""

    def retrieve(self, question: str, *, limit: int, filters: Filters = NO_FILTERS) -> Retrieval:
        assert limit == 1
        signals = None if question == "？" else Signals(float(len(question)), 0.0)
        return Retrieval((), 0.0, None, signals)


def question(name: str, text: str, *quotes: str, kind: str = "fact") -> Question:
    return Question(name, kind, text, quotes, "any")


def test_questions_are_asked_by_kind_and_counted_by_group() -> None:
    own = (question("A", "退税", "到账"), question("B", "养猫", kind="unanswerable"))
    dataset = Dataset("小集", own, (), {}, "")
    others = Others(
        (question("C", "退税电话", kind="missing-detail"),),
        {"闲聊": (question("D", "你好啊"), question("E", "？"))},
    )
    steps: list[tuple[int, int]] = []
    found = ask_all("甲", Lengths(), dataset, others, lambda *step: steps.append(step))
    assert found == (
        Asked("A", "甲", ANSWERABLE, Kind.ANSWERABLE, Signals(2.0, 0.0)),
        Asked("B", "甲", "unanswerable", Kind.UNANSWERABLE, Signals(2.0, 0.0)),
        Asked("C", "甲", "missing-detail", Kind.UNANSWERABLE, Signals(4.0, 0.0)),
        Asked("D", "甲", "闲聊", Kind.ELSEWHERE, Signals(3.0, 0.0)),
    )
    assert steps == [(number, 5) for number in range(1, 6)]


def test_some_questions_are_the_same_ones_every_time_and_on_both_sides_of_a_split() -> None:
    many = [question(f"Q{number}", "？") for number in range(400)]
    some = some_of(many, 100)
    assert len(some) == 100
    assert set(some_of(many[:300], 100)) & set(some) != set()
    assert [q.question_id for q in some] == sorted(
        (q.question_id for q in some), key=lambda i: int(i[1:])
    )
    learn, test = calibration_split(q.question_id for q in some)
    assert 30 < len(learn) < 70
    assert len(test) == 100 - len(learn)
    assert some_of(many[:5]) == tuple(many[:5])
