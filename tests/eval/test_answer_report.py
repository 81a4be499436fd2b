"""Figures of answers, computed by hand from a few scores."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from eval.answer_report import (
    MEASURES,
    Figure,
    Latency,
    Misses,
    figures_of,
    latency_of,
    misses_of,
    values_of,
)
from eval.answer_run import Pace
from eval.answers import AnswerScores

RIGHT = AnswerScores(
    question_id="Q1",
    need="one",
    reason=None,
    sentences=2,
    characters=60,
    supported=2,
    citations=2,
    holding=1,
    touching=1,
    cited=1.0,
    contained=1.0,
    facts=1.0,
    elsewhere=0,
    beside=1,
)
HALF = replace(
    RIGHT,
    question_id="Q2",
    need="all",
    sentences=4,
    characters=100,
    supported=3,
    citations=4,
    holding=3,
    touching=2,
    cited=1.0,
    contained=0.5,
    facts=None,
    elsewhere=1,
    beside=None,
)
SILENT = dict.fromkeys(
    (
        *("sentences", "characters", "supported", "citations", "holding", "touching"),
        *("cited", "contained", "facts", "beside"),
    ),
    0,
)
REFUSED = replace(RIGHT, question_id="Q3", reason="low_confidence", elsewhere=None, **SILENT)
LACKING = replace(
    REFUSED, question_id="U1", need=None, cited=None, contained=None, facts=None, beside=None
)
INVENTED = replace(
    LACKING, question_id="U2", reason=None, sentences=1, characters=9, supported=1, citations=1
)
ALL = (RIGHT, HALF, REFUSED, LACKING, INVENTED)


def figures(*scores: AnswerScores) -> dict[str, Figure]:
    return {figure.key: figure for figure in figures_of(scores)}


def test_every_figure_follows_from_the_counts() -> None:
    found = figures(*ALL)
    told = {key: (one.value, one.n, one.some) for key, one in found.items()}
    assert told == {
        "support": (6 / 7, 7, 6),
        "elsewhere": (1 / 6, 6, 1),
        "beside": (1 / 2, 2, 1),
        "contained_single": (0.5, 2, None),
        "contained_any": (None, 0, None),
        "contained_all": (0.5, 1, None),
        "precision": ((1 / 2 + 3 / 4) / 2, 2, None),
        "recall": (pytest.approx(2 / 3), 3, None),
        "sentence_precision": (0.5, 2, None),
        "facts": (0.5, 2, None),
        "all_facts": (0.5, 2, None),
        "refusal_precision": (0.5, 2, 1),
        "refusal_recall": (0.5, 2, 1),
        "false_refusals": (1 / 3, 3, 1),
        "sentences": (3.0, 2, None),
        "characters": (80.0, 2, None),
    }


def test_a_share_has_wilsons_interval_and_a_mean_the_bootstraps() -> None:
    found = figures(*ALL)
    support = found["support"]
    assert support.low == pytest.approx(0.4869, abs=1e-4)
    assert support.high == pytest.approx(0.9743, abs=1e-4)
    single = found["contained_single"]
    assert (single.low, single.high) == (0.0, 1.0)


def test_nothing_wrong_in_a_few_is_not_never() -> None:
    elsewhere = figures(RIGHT)["elsewhere"]
    assert elsewhere.value == 0.0
    assert elsewhere.high is not None
    assert elsewhere.high > 0.5


def test_without_questions_there_is_no_number_at_all() -> None:
    for figure in figures_of([]):
        assert (figure.value, figure.low, figure.high, figure.n) == (None, None, None, 0)


def test_what_was_worded_anew_has_no_precision_of_sentences() -> None:
    assert values_of([replace(RIGHT, touching=None), HALF], "sentence_precision") == {"Q2": 0.5}


def test_all_facts_asks_for_every_one() -> None:
    assert values_of([RIGHT, replace(HALF, facts=0.75)], "all_facts") == {"Q1": 1.0, "Q2": 0.0}


def test_misses_are_listed_by_what_went_wrong() -> None:
    assert misses_of(ALL) == Misses(
        unsupported=("Q2",),
        elsewhere=("Q2",),
        uncontained=("Q2",),
        refused=("Q3",),
        unrefused=("U2",),
    )


def test_latency_is_a_ratio_of_the_same_percentile_of_both() -> None:
    found = latency_of([Pace(10.0, 12.0), Pace(20.0, 30.0), Pace(30.0, 36.0)])
    assert found is not None
    assert (found.n, found.search_p50, found.ask_p50) == (3, 20.0, 30.0)
    assert found.ratio_p50 == 1.5
    assert found.ratio_p95 == pytest.approx(35.4 / 29.0)
    assert latency_of([]) is None
    assert Latency(1, 2.0, 4.0, 3.0, 4.0).ratio_p95 == 1.0


SCORES = st.builds(
    AnswerScores,
    question_id=st.text(alphabet="ABCDEFGH", min_size=4, max_size=4),
    need=st.sampled_from(["one", "any", "all"]),
    reason=st.none(),
    sentences=st.just(4),
    characters=st.integers(1, 900),
    supported=st.integers(0, 4),
    citations=st.just(3),
    holding=st.integers(0, 3),
    touching=st.integers(0, 4),
    cited=st.floats(0, 1),
    contained=st.floats(0, 1),
    facts=st.none() | st.floats(0, 1),
    elsewhere=st.none() | st.integers(0, 3),
    beside=st.none() | st.integers(0, 3),
)


@given(st.lists(SCORES, max_size=6, unique_by=lambda one: one.question_id))
def test_shares_lie_between_nought_and_one_and_inside_their_intervals(
    scores: list[AnswerScores],
) -> None:
    for figure in figures_of(scores):
        if figure.value is None or figure.low is None or figure.high is None:
            assert figure.n == 0
            continue
        assert figure.low - 1e-9 <= figure.value <= figure.high + 1e-9
        if figure.key not in {"sentences", "characters"}:
            assert 0 <= figure.low <= figure.high <= 1
    for measure in MEASURES:
        assert len(values_of(scores, measure)) <= len(scores)
