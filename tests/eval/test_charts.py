"""Data -> SVG: well-formed, escaped, and drawn where the numbers say."""

from __future__ import annotations

from xml.etree import ElementTree as ET

import pytest
from hypothesis import given
from hypothesis import strategies as st

from eval.charts import (
    Bar,
    Dot,
    Mark,
    Part,
    Strip,
    balance,
    bars,
    curve,
    forest,
    histogram,
    scatter,
    whisker,
)
from eval.phrase import Phrase
from eval.svg import Scale, room, scale_of

TITLE = Phrase("标题", "title")
shares = st.floats(0, 1)


def parsed(drawing: str) -> ET.Element:
    return ET.fromstring(drawing)  # noqa: S314 -- what is parsed is what was just drawn


def every_chart(label: str, value: float) -> list[str]:
    return [
        forest(TITLE, [Strip(label, value, value, value)], Scale(0, 1)),
        whisker(Strip(label, value, value, value), Scale(0, 1)),
        scatter(TITLE, [Dot(label, value, value, value, value)], TITLE, TITLE),
        bars(TITLE, [Bar(label, (Part(value, "warm"),), (Part(1, "accent"),), label)]),
        balance(1, 2, 3),
        curve(TITLE, [(value, value)], (TITLE, TITLE), limit=Mark(0.05, label), chosen=(1, value)),
        histogram(TITLE, [value], [value], Scale(0, 1), [Mark(value, label)]),
    ]


@given(label=st.text(), value=shares)
def test_whatever_the_labels_every_chart_is_well_formed_and_named(label: str, value: float) -> None:
    for drawing in every_chart(label, value):
        root = parsed(drawing)
        assert root.tag == "svg"
        assert root.get("role") == "img"
        assert root.findtext("title") == root.get("aria-label")
        numbers = [
            float(value)
            for element in root.iter()
            for name, value in element.attrib.items()
            if name in {"x", "y", "cx", "cy", "x1", "x2", "y1", "y2", "width", "height"}
        ]
        assert all(-1e4 < number < 1e4 for number in numbers)


def test_a_hostile_label_stays_a_label() -> None:
    for drawing in every_chart('"><script>alert(1)</script>', 0.5):
        assert "<script" not in drawing


def test_colours_are_the_page_s_with_the_text_s_own_behind_them() -> None:
    for drawing in every_chart("甲", 0.5):
        assert "#" not in drawing
        assert 'currentColor)"' in drawing


def test_a_forest_puts_means_and_intervals_on_their_axis() -> None:
    drawing = parsed(forest(Phrase("t", "t"), [Strip("ab", 0.5, 0.25, 1)], Scale(0, 1)))
    left = room(["ab"])
    span = 290 - left - 44
    circle = drawing.find("circle")
    lines = [line for line in drawing.iter("line") if "accent" in line.get("stroke", "")]
    assert circle is not None
    assert float(circle.get("cx", "")) == pytest.approx(left + span / 2, abs=0.05)
    assert [(float(line.get("x1", "")), float(line.get("x2", ""))) for line in lines] == [
        (pytest.approx(left + span / 4, abs=0.05), pytest.approx(left + span, abs=0.05))
    ]
    assert [text.text for text in drawing.iter("text")][-2:] == ["ab", ".500"]


def test_the_frontier_joins_the_systems_that_no_other_beats() -> None:
    dots = [
        Dot("fast", 1, 0.5, 0.5, 0.5),
        Dot("beaten", 2, 0.4, 0.4, 0.4),
        Dot("good", 3, 0.9, 0.9, 0.9),
    ]
    drawing = parsed(scatter(TITLE, dots, TITLE, TITLE))
    line = drawing.find("polyline")
    circles = {
        f"{float(circle.get('cx', '')):.1f},{float(circle.get('cy', '')):.1f}"
        for circle in drawing.iter("circle")
    }
    assert line is not None
    joined = line.get("points", "").split()
    assert len(joined) == 2
    assert set(joined) < circles


def test_bars_share_one_axis_and_keep_their_proportions() -> None:
    rows = [
        Bar("a", (Part(1, "warm"),), (Part(3, "accent"),), ""),
        Bar("b", (), (Part(1, "accent"), Part(1, "cool")), ""),
    ]
    drawing = parsed(bars(TITLE, rows))
    boxes = [(float(r.get("x", "")), float(r.get("width", ""))) for r in drawing.iter("rect")]
    (left, one), (axis, three), (first, unit), (second, _) = boxes
    assert three == pytest.approx(3 * one, abs=0.2)
    assert unit == pytest.approx(one, abs=0.2)
    assert axis == first == pytest.approx(left + one, abs=0.2)
    assert second == pytest.approx(first + unit, abs=0.2)


def test_a_balance_of_nothing_is_refused() -> None:
    with pytest.raises(ValueError, match="no question was compared"):
        balance(0, 0, 0)


def test_a_label_in_two_languages_is_written_in_both() -> None:
    drawing = forest(TITLE, [Strip(Phrase("向量", "dense"), 0, 0, 1)], Scale(0, 1))
    assert '<text class="zh' in drawing
    assert ">向量</text>" in drawing
    assert '<text class="en' in drawing
    assert ">dense</text>" in drawing


@given(low=st.floats(-100, 100), extent=st.floats(0.01, 1000))
def test_ticks_are_few_round_and_on_the_axis(low: float, extent: float) -> None:
    scale = Scale(low, low + extent)
    ticks = scale.ticks()
    assert 1 <= len(ticks) <= 9
    assert all(low - 1e-6 <= tick <= low + extent + 1e-6 for tick in ticks)
    assert ticks == sorted(ticks)


def test_an_axis_needs_extent() -> None:
    with pytest.raises(ValueError, match=r"low < high, got 1\.\.1"):
        Scale(1, 1)


@given(values=st.lists(shares))
def test_the_axis_of_some_values_holds_them_all(values: list[float]) -> None:
    scale = scale_of(values)
    assert all(scale.low < value < scale.high for value in values)


def test_what_lies_beyond_the_axis_is_drawn_at_its_end() -> None:
    assert [Scale(0, 2).at(value, 100) for value in (-1, 0, 1, 2, 3)] == [0, 0, 50, 100, 100]
