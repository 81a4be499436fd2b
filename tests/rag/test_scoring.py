"""Scores, their shares, and what is refused, over rankers whose scores are written down."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest

from rag.confidence import DEFAULT, Calibration
from rag.filters import Filters
from rag.ranking import Expansions, Legs, Rankers, Rows, Scores
from rag.retrieve import HybridRetriever, Retrieval
from rag.signals import Signals
from rag.tuning import DEFAULT_WEIGHTS, Tuning, Weights
from rag.types import Case, Passage
from tests.rag.rankers import Fixed

TAX, HELP, LAW = "2022 退税快办", "2022 帮办代办", "2023 律师服务"
Parts = dict[str, tuple[float, float, float, float]]


def legs(dense: tuple[float, ...], lexical: tuple[float, ...]) -> Legs:
    return Legs(Fixed(dense), Fixed(lexical))


@pytest.fixture
def ranked(
    cases: tuple[Case, ...], passages: tuple[Passage, ...]
) -> Callable[..., tuple[Retrieval, Parts]]:
    """Retrieve from the four passages; give score and parts by year and title."""
    assert len(passages) == 4
    named = {case.case_id: f"{case.year} {case.title}" for case in cases}

    def retrieve(
        encoder: object, rankers: Rankers, weights: Weights = DEFAULT_WEIGHTS, **filters: object
    ) -> tuple[Retrieval, Parts]:
        retriever = HybridRetriever(cases, passages, encoder, rankers, Tuning(weights))
        found = retriever.retrieve("退税", limit=10, filters=Filters(**filters))  # type: ignore[arg-type]
        return found, {
            named[h.passage.case_id]: (h.score, h.dense, h.lexical, h.expansion) for h in found.hits
        }

    return retrieve


def test_expansions_have_their_share_where_a_passage_has_any(ranked, encoder) -> None:
    present = np.array([True, False, False, False])
    rankers = Rankers(
        legs((0.5, 0.4, 0, 0), (0.2, 0.6, 0, 0)),
        Expansions(legs((1.0, 0, 0, 0), (0.8, 0, 0, 0)), present),
    )
    _, parts = ranked(encoder, rankers, replace(DEFAULT_WEIGHTS, dense=0.5, expansions=0.25))
    dense, lexical = 0.75 * 0.5 + 0.25 * 1.0, 0.75 * 0.2 + 0.25 * 0.8
    assert parts[TAX] == pytest.approx((0.5 * dense + 0.5 * lexical, 0.5, 0.2, 1.0))
    assert parts[HELP] == pytest.approx((0.5, 0.4, 0.6, 0.0))


def test_a_passage_that_only_its_expansions_find_is_found(ranked, encoder) -> None:
    nothing = (0.0, 0.0, 0.0, 0.0)
    present = np.array([False, False, False, True])
    share = DEFAULT_WEIGHTS.expansions * 0.5
    for known, signals in (
        (legs((0, 0, 0, 0.5), nothing), Signals(0, 0, known=1)),
        (legs((0, 0, 0, 0.5), (0, 0, 0, 0.5)), Signals(share, share, known=1)),
        (legs(nothing, (0, 0, 0, 0.5)), Signals(0, share, known=1)),
    ):
        found, parts = ranked(encoder, Rankers(legs(nothing, nothing), Expansions(known, present)))
        assert list(parts) == [LAW]
        assert found.signals is not None
        assert found.signals.values == pytest.approx(signals.values)
        assert found.confidence == pytest.approx(DEFAULT.confidence(signals), abs=1e-5)


def test_expansions_of_a_case_that_is_filtered_out_bring_nothing(ranked, encoder) -> None:
    nothing = (0.0, 0.0, 0.0, 0.0)
    known = Expansions(legs((0.9, 0, 0, 0.5), nothing), np.array([True, False, False, True]))
    _, parts = ranked(encoder, Rankers(legs(nothing, nothing), known), years=(2023,))
    assert list(parts) == [LAW]


def test_without_a_share_expansions_change_no_score(ranked, encoder) -> None:
    text = legs((0.5, 0.4, 0, 0.1), (0.2, 0.6, 0, 0))
    known = Expansions(legs((1, 1, 1, 1), (1, 1, 1, 1)), np.ones(4, dtype=bool))
    weights = replace(DEFAULT_WEIGHTS, expansions=0.0)
    _, without = ranked(encoder, Rankers(text), weights)
    _, with_ = ranked(encoder, Rankers(text, known), weights)
    assert {name: part[0] for name, part in with_.items()} == pytest.approx(
        {name: part[0] for name, part in without.items()}
    )
    assert {part[3] for part in without.values()} == {0.0}


def test_expansions_alone_rank_where_theirs_is_the_whole_share(ranked, encoder) -> None:
    text = legs((0.9, 0.1, 0, 0.1), (0.9, 0.1, 0, 0.1))
    known = Expansions(legs((0.2, 0.8, 0, 0.5), (0.2, 0.8, 0, 0.5)), np.ones(4, dtype=bool))
    _, parts = ranked(encoder, Rankers(text, known), replace(DEFAULT_WEIGHTS, expansions=1.0))
    assert [(name, part[0]) for name, part in parts.items()] == [
        (HELP, pytest.approx(0.8)),
        (LAW, pytest.approx(0.5)),
        (TAX, pytest.approx(0.2)),
    ]


def test_confidence_is_that_of_the_first_passages_text_and_expansions_together(
    ranked, encoder
) -> None:
    text = legs((0.3, 0, 0, 0), (0.1, 0, 0, 0))
    known = Expansions(legs((1, 0, 0, 0), (1, 0, 0, 0)), np.array([True, False, False, False]))
    for rankers, signals in (
        (Rankers(text), Signals(0.3, 0.1)),
        (Rankers(text, known), Signals(0.3 + 0.25 * 0.7, 0.1 + 0.25 * 0.9, known=1)),
    ):
        found, _ = ranked(encoder, rankers, replace(DEFAULT_WEIGHTS, expansions=0.25))
        assert found.confidence == pytest.approx(DEFAULT.confidence(signals), abs=1e-5)
        assert found.reason == DEFAULT.reason(signals)


def test_vectors_of_what_shares_no_term_say_nothing_unless_vectors_are_all_there_is(
    ranked,
    encoder,
) -> None:
    rankers = Rankers(legs((0.9, 0, 0, 0), (0.0, 0, 0, 0)))
    both, _ = ranked(encoder, rankers)
    alone, _ = ranked(encoder, rankers, replace(DEFAULT_WEIGHTS, dense=1.0))
    assert both.signals == Signals(0.0, 0.0)
    assert both.reason == "not_in_collection"
    assert alone.signals is not None
    assert alone.signals.values == pytest.approx((0.9, 0, 0, 0, 0))
    assert alone.reason is None


SURE = Calibration(-4.0, Signals(20.0, 0.0, elsewhere=-20.0), 0.2, 0.4, "手算")


@pytest.mark.parametrize(
    ("question", "districts", "reason"),
    [
        ("退税几天到账", (), None),
        ("静安退税几天到账", (), None),
        ("嘉定退税几天到账", (), "not_in_district"),
        ("松江退税几天到账", (), "not_in_district"),
        ("退税几天到账", ("嘉定区",), "not_in_district"),
        ("嘉定退税几天到账", ("嘉定区",), "not_in_district"),
        ("退税几天到账", ("静安区",), None),
        ("退税几天到账", ("松江区",), "not_in_district"),
    ],
)
def test_what_another_district_would_answer_is_not_in_this_one(
    cases, passages, encoder, question: str, districts: tuple[str, ...], reason: str | None
) -> None:
    rankers = Rankers(legs((0.5, 0.1, 0, 0.1), (0.5, 0.1, 0, 0.1)))
    retriever = HybridRetriever(cases, passages, encoder, rankers, Tuning(calibration=SURE))
    found = retriever.retrieve(question, limit=5, filters=Filters(districts=districts))
    assert found.reason == reason
    assert bool(found.hits) == (districts != ("松江区",))


def test_what_no_district_answers_is_not_for_want_of_a_district(cases, passages, encoder) -> None:
    rankers = Rankers(legs((0.1, 0.05, 0, 0), (0.1, 0.1, 0, 0)))
    retriever = HybridRetriever(cases, passages, encoder, rankers, Tuning(calibration=SURE))
    for districts in ((), ("嘉定区",)):
        filters = Filters(districts=districts)
        found = retriever.retrieve("嘉定怎么养猫", limit=5, filters=filters)
        assert found.reason == "not_in_collection"


class Late:
    """Gives every passage a fixed score, and remembers which it was asked for."""

    def __init__(self, values: tuple[float, ...]) -> None:
        self.values = np.array(values, dtype=np.float32)
        self.asked: list[int] = []

    def scores(self, tokens: Scores, rows: Rows) -> Scores:
        assert len(tokens) == len("退税")
        self.asked.extend(rows.tolist())
        return np.asarray(self.values[rows])


def test_late_interaction_has_its_share(ranked, token_encoder) -> None:
    text = legs((0.5, 0.4, 0, 0.1), (0.2, 0.6, 0, 0))
    found, parts = ranked(
        token_encoder,
        Rankers(text, late=Late((1.0, 0.1, 0, 0))),
        replace(DEFAULT_WEIGHTS, dense=0.5, late=0.4),
    )
    assert [(name, part[0]) for name, part in parts.items()] == [
        (TAX, pytest.approx(0.6 * 0.35 + 0.4 * 1.0)),
        (HELP, pytest.approx(0.6 * 0.5 + 0.4 * 0.1)),
        (LAW, pytest.approx(0.6 * 0.05)),
    ]
    assert [hit.late for hit in found.hits] == pytest.approx([1.0, 0.1, 0.0])


def test_late_interaction_reads_only_the_first_and_the_rest_stay_behind(
    ranked, token_encoder, monkeypatch
) -> None:
    monkeypatch.setattr("rag.scoring.RESCORED", 2)
    late = Late((0.0, 0.0, 0.0, 1.0))
    text = legs((0.5, 0.4, 0, 0.3), (0.5, 0.4, 0, 0.3))
    found, parts = ranked(
        token_encoder, Rankers(text, late=late), replace(DEFAULT_WEIGHTS, dense=0.5, late=0.5)
    )
    assert list(parts) == [TAX, HELP, LAW]
    assert sorted(late.asked) == [0, 1]
    assert [hit.late for hit in found.hits] == [0.0, 0.0, 0.0]


def test_an_encoder_without_tokens_cannot_be_asked_for_late_interaction(ranked, encoder) -> None:
    text = legs((0.5, 0.4, 0, 0.1), (0.2, 0.6, 0, 0))
    with pytest.raises(ValueError, match="late interaction needs the tokens of a question"):
        ranked(encoder, Rankers(text, late=Late((0.0,) * 4)))


def test_without_a_share_no_tokens_are_asked_for(ranked, encoder) -> None:
    late = Late((1.0, 1.0, 1.0, 1.0))
    rankers = Rankers(legs((0.5, 0.4, 0, 0.1), (0.2, 0.6, 0, 0)), late=late)
    found, _ = ranked(encoder, rankers, replace(DEFAULT_WEIGHTS, late=0.0))
    assert [hit.late for hit in found.hits] == [0.0, 0.0, 0.0]
    assert late.asked == []


def test_what_no_ranker_finds_is_not_in_the_collection(ranked, encoder) -> None:
    nothing = (0.0, 0.0, 0.0, 0.0)
    found, _ = ranked(encoder, Rankers(legs(nothing, nothing)))
    assert found == Retrieval((), 0.0, "not_in_collection")


def test_the_districts_are_told_where_no_ranker_finds_anything(cases, passages, encoder) -> None:
    nothing = (0.0, 0.0, 0.0, 0.0)
    retriever = HybridRetriever(cases, passages, encoder, Rankers(legs(nothing, nothing)))
    found = retriever.retrieve("嘉定退税", limit=5)
    assert found == Retrieval((), 0.0, "not_in_collection", named=("嘉定区",))
