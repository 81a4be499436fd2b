"""Judgments of answers: how sure a system was, and how right."""

from __future__ import annotations

from hypothesis import strategies as st

from eval.risk import Judged

RIGHT, MISSED, UNANSWERABLE = (True, True), (True, False), (False, False)


def judge(*rows: tuple[float, tuple[bool, bool]]) -> list[Judged]:
    return [Judged(f"q{i}", confidence, *kind) for i, (confidence, kind) in enumerate(rows)]


# Few distinct confidences, so that ties are the rule.
rows = st.tuples(
    st.sampled_from([0.0, 0.25, 0.5, 0.75, 1.0]), st.sampled_from([RIGHT, MISSED, UNANSWERABLE])
)
judgments = st.lists(rows, min_size=1, max_size=30).map(lambda drawn: judge(*drawn))
