"""Questions that nobody is asked twice, and builds split into stages."""

from __future__ import annotations

import pytest

from eval.bench import prepare
from eval.bench.prepare import Stopwatch, distinct_questions


def test_questions_that_differ_in_signs_and_case_only_are_one() -> None:
    asked = ["App 怎么用？", "app怎么用", "退税要几天", "退税 要几天！", "退税要几天"]
    assert sorted(distinct_questions(asked)) == ["App 怎么用？", "退税要几天"]


def test_questions_come_in_the_same_mixed_order_every_time() -> None:
    asked = [f"第{number}题" for number in range(50)]
    assert distinct_questions(asked) == distinct_questions(asked)
    assert distinct_questions(asked) != asked
    assert sorted(distinct_questions(asked)) == sorted(asked)


def test_a_stage_lasts_from_the_end_of_the_one_before_to_its_last_report(monkeypatch) -> None:
    clock = iter([0.0, 1.0, 3.0, 10.0, 10.5])
    monkeypatch.setattr(prepare.time, "perf_counter", lambda: next(clock))
    watch = Stopwatch(next(clock))
    watch("cut", 1, 2)
    watch("cut", 2, 2)
    watch("encode", 300, 300)
    watch.rest("publish")
    assert watch.seconds == pytest.approx({"cut": 3.0, "encode": 7.0, "publish": 0.5})
    assert watch.counts == {"cut": 2, "encode": 300, "publish": 1}
