"""What speaks for the first passage, and what against it."""

from __future__ import annotations

from dataclasses import astuple, fields

import pytest

from rag.signals import FALLING, SIGNALS, First, Signals, signals_of

FIRST = First("智能退税，三日到账", ("静安区",), 0.5, 0.25, known=True)


def test_signals_are_scores_and_what_the_texts_say() -> None:
    found = signals_of("嘉定退税利率是多少？", ("嘉定区",), FIRST)
    assert found == Signals(0.5, 0.25, unsaid=1.0, elsewhere=1.0, known=1.0)


@pytest.mark.parametrize(
    ("named", "districts", "elsewhere"),
    [
        ((), ("静安区",), 0.0),
        (("静安区",), ("静安区",), 0.0),
        (("静安区", "嘉定区"), ("静安区",), 0.0),
        (("嘉定区",), ("静安区", "嘉定区"), 0.0),
        (("嘉定区",), (), 0.0),
        (("嘉定区",), ("静安区",), 1.0),
    ],
)
def test_a_passage_is_elsewhere_only_if_it_is_known_to_be(
    named: tuple[str, ...], districts: tuple[str, ...], elsewhere: float
) -> None:
    first = First("到账", districts, 0.5, 0.25, known=False)
    assert signals_of("退税", named, first).elsewhere == elsewhere


def test_the_values_are_the_fields_in_their_order() -> None:
    signals = Signals(1.0, 2.0, 3.0, 4.0, 5.0)
    assert signals.values == astuple(signals)
    assert tuple(field.name for field in fields(Signals)) == SIGNALS
    assert set(SIGNALS) > FALLING


def test_the_topic_is_what_is_left_without_detail_and_place() -> None:
    assert Signals(1.0, 2.0, 3.0, 4.0, 5.0).of_topic() == Signals(1.0, 2.0, known=5.0)
