"""An absolute scale: from what unrelated questions reach, up; and the file that sets it."""

from __future__ import annotations

import json
import math
from dataclasses import asdict, replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rag.confidence import (
    DEFAULT,
    UNRELATED,
    Calibration,
    CalibrationError,
    floor_of,
    read_calibration,
)

scores = st.floats(0, 1)
numbers = st.floats(allow_nan=False, allow_infinity=False)
weights = st.floats(0, allow_nan=False, allow_infinity=False)


@st.composite
def calibrations(draw: st.DrawFn) -> Calibration:
    none, low = sorted((draw(scores), draw(scores)))
    provenance = draw(st.text(st.characters(codec="utf-8")).filter(str.strip))
    return Calibration(draw(numbers), draw(weights), draw(weights), none, low, provenance)


def written(**changes: object) -> bytes:
    return json.dumps({**asdict(DEFAULT), **changes}, ensure_ascii=False).encode()


@given(calibrations(), scores, scores, scores, scores)
def test_confidence_lies_between_0_and_1_and_rises_in_both(
    calibration: Calibration, dense: float, lexical: float, more: float, more_lexical: float
) -> None:
    low = calibration.confidence(min(dense, more), min(lexical, more_lexical))
    high = calibration.confidence(max(dense, more), max(lexical, more_lexical))
    assert 0 < low <= high <= 1


def test_confidence_is_the_logistic_function_of_the_weighted_scores() -> None:
    calibration = Calibration(-1.0, 4.0, 2.0, 0.2, 0.4, "手算")
    assert calibration.confidence(0.25, 0.0) == 0.5
    assert calibration.confidence(0.5, 0.5) == pytest.approx(1 / (1 + math.exp(-2)))


def test_what_ships_is_what_was_fitted() -> None:
    assert asdict(replace(DEFAULT, provenance="-")) == {
        "intercept": -4.3,
        "dense": 23.9,
        "lexical": 2.65,
        "none": 0.2,
        "low": 0.4,
        "provenance": "-",
    }


def test_what_is_at_the_noise_floor_is_refused() -> None:
    assert DEFAULT.reason(DEFAULT.confidence(0, 0)) == "not_in_collection"


def test_a_confidence_at_a_threshold_is_not_below_it() -> None:
    assert DEFAULT.reason(math.nextafter(0.2, 0)) == "not_in_collection"
    assert DEFAULT.reason(0.2) == "low_confidence"
    assert DEFAULT.reason(math.nextafter(0.4, 0)) == "low_confidence"
    assert DEFAULT.reason(0.4) is None


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
        (
            b'{"low": 0.4, "dens": 1}',
            "缺少：dense、intercept、lexical、none、provenance；多出：dens",
        ),
        (written(low="0.4"), 'low 应为有限的数，实为 "0.4"'),
        (written(none=True), "none 应为有限的数，实为 true"),
        (written(intercept=math.nan), "intercept 应为有限的数，实为 NaN"),
        (written(dense=math.inf), "dense 应为有限的数，实为 Infinity"),
        (written(lexical=10**400), "lexical 应为有限的数，实为 1000"),
        (written(lexical=-2.5), "lexical 应不小于 0，实为 -2.5"),
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
    assert message.endswith("；请改正，或删除该文件以使用自带的校准")


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
        ({"dense": math.inf}, "finite numbers"),
        ({"lexical": -0.1}, "must not be negative"),
        ({"none": 0.5}, r"need 0 <= none <= low <= 1, got none=0\.5, low=0\.4"),
        ({"provenance": ""}, "must say where it comes from"),
    ],
)
def test_a_value_that_cannot_be_meant_is_refused(changes: dict[str, object], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        replace(DEFAULT, **changes)  # type: ignore[arg-type]


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


def test_the_floor_is_the_mean_and_never_negative() -> None:
    assert floor_of([0.5, 0.7]) == pytest.approx(0.6)
    assert floor_of([-0.5, 0.1]) == 0


def test_a_floor_of_nothing_is_refused() -> None:
    with pytest.raises(ValueError, match="at least one unrelated question"):
        floor_of([])


def test_the_unrelated_questions_are_distinct() -> None:
    assert len(set(UNRELATED)) == len(UNRELATED) == 40
