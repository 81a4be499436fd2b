"""A probability from signals, the thresholds, and the file that sets them."""

from __future__ import annotations

import json
import math
import re
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rag.confidence import (
    DEFAULT,
    Calibration,
    CalibrationError,
    read_calibration,
)
from rag.signals import FALLING, SIGNALS, Signals

scores = st.floats(0, 1)
numbers = st.floats(allow_nan=False, allow_infinity=False)
weights = st.floats(0, allow_nan=False, allow_infinity=False)


signals = st.builds(Signals, scores, scores, scores, scores, scores)
HAND = Calibration(-1.0, Signals(4.0, 2.0, -8.0, -6.0, -1.0), 0.2, 0.4, "手算")


@st.composite
def calibrations(draw: st.DrawFn) -> Calibration:
    none, low = sorted((draw(scores), draw(scores)))
    provenance = draw(st.text(st.characters(codec="utf-8")).filter(str.strip))
    drawn = {name: draw(weights) * (-1 if name in FALLING else 1) for name in SIGNALS}
    return Calibration(draw(numbers), Signals(**drawn), none, low, provenance)


def written(**changes: object) -> bytes:
    record = json.loads(HAND.to_json())
    for key, value in changes.items():
        (record["weights"] if key in SIGNALS else record)[key] = value
    return json.dumps(record, ensure_ascii=False).encode()


@given(calibrations(), signals, st.sampled_from(SIGNALS), scores)
def test_confidence_lies_between_0_and_1_and_moves_as_each_signal_is_meant_to(
    calibration: Calibration, given: Signals, name: str, other: float
) -> None:
    ends = sorted((getattr(given, name), other), reverse=name in FALLING)
    low, high = (calibration.confidence(replace(given, **{name: end})) for end in ends)
    assert 0 < low <= high <= 1


def test_confidence_is_the_logistic_function_of_the_weighted_signals() -> None:
    assert HAND.confidence(Signals(0.25, 0.0)) == 0.5
    assert HAND.confidence(Signals(0.5, 0.5)) == pytest.approx(1 / (1 + math.exp(-2)))
    every = Signals(0.5, 0.5, unsaid=0.5, elsewhere=1.0, known=1.0)
    assert HAND.confidence(every) == pytest.approx(1 / (1 + math.exp(9)))


def test_what_ships_was_made_by_the_command_that_it_names() -> None:
    assert DEFAULT.provenance.startswith("casebook eval calibrate --elsewhere rgb_zh")
    assert re.search(r"commit [0-9a-f]{10}）：\d+ 次提问，交叉检验 AUROC", DEFAULT.provenance)
    assert 0 < DEFAULT.none < DEFAULT.low < 0.5


def test_what_is_at_the_noise_floor_is_refused() -> None:
    assert DEFAULT.reason(Signals(0, 0)) == "not_in_collection"


def test_a_confidence_at_a_threshold_is_not_below_it() -> None:
    at = Signals(0.25, 0.0)
    assert replace(HAND, low=0.5).reason(at) is None
    above = math.nextafter(0.5, 1)
    assert replace(HAND, low=above).reason(at) == "low_confidence"
    assert replace(HAND, low=above, none=0.5).reason(at) == "low_confidence"
    assert replace(HAND, low=above, none=above).reason(at) == "not_in_collection"


def test_a_lacking_detail_never_makes_the_topic_unknown() -> None:
    near = Signals(0.5, 0.5, unsaid=1.0, elsewhere=1.0)
    assert HAND.confidence(near) < HAND.none
    assert HAND.reason(near) == "low_confidence"


@given(calibrations())
def test_a_calibration_reads_back_as_it_was_written(calibration: Calibration) -> None:
    assert Calibration.from_json(calibration.to_json(), "calibration.json") == calibration


def test_a_file_saved_with_a_byte_order_mark_is_read() -> None:
    assert Calibration.from_json(b"\xef\xbb\xbf" + DEFAULT.to_json(), "x") == DEFAULT


@pytest.mark.parametrize(
    ("data", "fault"),
    [
        (b"{", "不是可用的 JSON（"),
        (b"\xff\xff\xff", "不是可用的 JSON（"),
        (b'{"low": 0.4, "low": 0.5}', "不是可用的 JSON（键 low 重复）"),
        (b"[" * 100_000, "不是可用的 JSON（"),
        (b"[0.4]", "应为 JSON 对象，实为 [0.4]"),
        (b'{"low": 0.4, "dense": 1}', "version 应为 2，实为 1"),
        (written(version=3), "version 应为 2，实为 3"),
        (written(version="2"), 'version 应为 2，实为 "2"'),
        (
            b'{"version": 2, "low": 0.4, "lo": 1}',
            "缺少：intercept、none、provenance、weights；多出：lo",
        ),
        (written(weights=[1]), "weights 应为 JSON 对象，实为 [1]"),
        (
            written(weights={"dense": 1, "dens": 1}),
            "缺少：elsewhere、known、lexical、unsaid；多出：dens",
        ),
        (written(low="0.4"), 'low 应为有限的数，实为 "0.4"'),
        (written(none=True), "none 应为有限的数，实为 true"),
        (written(intercept=math.nan), "intercept 应为有限的数，实为 NaN"),
        (written(dense=math.inf), "dense 应为有限的数，实为 Infinity"),
        (written(lexical=10**400), "lexical 应为有限的数，实为 1000"),
        (written(lexical=-2.5), "lexical 应不小于 0，实为 -2.5"),
        (written(unsaid=0.5), "unsaid 应不大于 0，实为 0.5"),
        (written(none=0.5), "应有 0 ≤ none ≤ low ≤ 1，实为 none=0.5，low=0.4"),
        (written(low=1.5), "应有 0 ≤ none ≤ low ≤ 1，实为 none=0.2，low=1.5"),
        (written(provenance=" "), 'provenance 应写明这份校准从何而来，实为 " "'),
        (written(provenance=None), "provenance 应写明这份校准从何而来，实为 null"),
    ],
)
def test_a_bad_file_is_named_with_its_fault_and_the_repair(data: bytes, fault: str) -> None:
    with pytest.raises(CalibrationError) as caught:
        Calibration.from_json(data, "某库/calibration.json")
    message = str(caught.value)
    assert message.startswith("某库/calibration.json：")
    assert fault in message
    assert message.endswith(
        "；请改正，用 casebook eval calibrate 重新拟合，或删除该文件以使用自带的校准"
    )


@given(
    st.binary()
    | st.recursive(st.none() | st.booleans() | numbers | st.text(), st.lists).map(
        lambda value: json.dumps(value).encode()
    )
)
def test_whatever_stands_in_a_file_nothing_but_a_calibration_error_is_raised(data: bytes) -> None:
    with pytest.raises(CalibrationError):
        Calibration.from_json(data, "x")


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"intercept": math.inf}, "finite numbers"),
        ({"weights": Signals(math.nan, 0)}, "finite numbers"),
        ({"weights": Signals(1, -0.1)}, r"the weight of lexical has the wrong sign: -0\.1"),
        ({"weights": Signals(1, 0, known=0.1)}, r"the weight of known has the wrong sign: 0\.1"),
        ({"none": 0.5}, r"need 0 <= none <= low <= 1, got none=0\.5, low=0\.4"),
        ({"provenance": ""}, "must say where it comes from"),
    ],
)
def test_a_value_that_cannot_be_meant_is_refused(changes: dict[str, object], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        replace(HAND, **changes)  # type: ignore[arg-type]


def test_an_index_without_a_file_of_its_own_uses_what_ships(tmp_path: Path) -> None:
    assert read_calibration(tmp_path) is DEFAULT


def test_an_index_with_a_file_of_its_own_uses_that(tmp_path: Path) -> None:
    own = replace(DEFAULT, low=0.55, provenance="本单位的 200 个问题")
    (tmp_path / "calibration.json").write_bytes(own.to_json())
    assert read_calibration(tmp_path) == own


def test_a_file_that_cannot_be_read_is_never_passed_over(tmp_path: Path) -> None:
    (tmp_path / "calibration.json").mkdir()
    with pytest.raises(CalibrationError, match=r"calibration\.json：读不了（Is a directory）"):
        read_calibration(tmp_path)
