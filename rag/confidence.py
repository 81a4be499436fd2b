"""How sure it is that a passage answers: a probability, and from which one on it is shown as one.

The confidence is a logistic function of what speaks for the passage and against it
(`rag.signals`). The function and the two thresholds are data, not code: ``calibration.json`` beside
this module, or a file of the same name in the index directory, which whoever keeps the index learns
from questions of their own (``casebook eval calibrate``). Neither asks for a new build.
"""

from __future__ import annotations

import json
import math
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from importlib.resources import files
from pathlib import Path
from typing import Any, Literal

from rag.errors import CasebookError
from rag.signals import FALLING, SIGNALS, Signals

CALIBRATION = "calibration.json"
"""Name of a calibration file, in this package and in an index directory."""

VERSION = 2
"""Of the file's keys; 1 had the weights of two scores among them."""
_NUMBERS = ("intercept", "none", "low")
_KEYS = {"version", *_NUMBERS, "weights", "provenance"}
_REPAIR = "请改正，用 casebook eval calibrate 重新拟合，或删除该文件以使用自带的校准"


class CalibrationError(CasebookError):
    """A calibration file cannot be used; the message names it and says what is wrong."""


@dataclass(frozen=True, slots=True)
class Calibration:
    """How signals become a confidence, and below which one the answer is a refusal.

    confidence = 1 / (1 + exp(-(intercept + sum of weight * signal)))

    Attributes:
        intercept: Log-odds of a passage at the noise floor that shares no term.
        weights: A weight for each signal: not positive for those of `FALLING`, not negative for the
            others, so that confidence moves with each signal the way it is meant to.
        none: Below, by topic alone: the collection does not deal with this.
        low: Below: it deals with something near, but no passage is likely to answer.
        provenance: What it was learnt from and how well it did, for people.

    Raises:
        ValueError: If a number is not finite, a weight has the wrong sign, the thresholds are not
            0 <= none <= low <= 1, or the provenance is blank.
    """

    intercept: float
    weights: Signals
    none: float
    low: float
    provenance: str

    def __post_init__(self) -> None:
        """Refuse what cannot be meant."""
        numbers = (self.intercept, *self.weights.values, self.none, self.low)
        if not all(map(math.isfinite, numbers)):
            message = f"a calibration needs finite numbers, not {numbers}"
            raise ValueError(message)
        for name, weight in zip(SIGNALS, self.weights.values, strict=True):
            if (weight > 0) if name in FALLING else (weight < 0):
                message = f"the weight of {name} has the wrong sign: {weight}"
                raise ValueError(message)
        if not 0 <= self.none <= self.low <= 1:
            message = f"need 0 <= none <= low <= 1, got none={self.none}, low={self.low}"
            raise ValueError(message)
        if not self.provenance.strip():
            message = "a calibration must say where it comes from"
            raise ValueError(message)

    def confidence(self, signals: Signals) -> float:
        """Estimate the probability that a passage answers what was asked.

        Returns:
            A value in (0, 1], never falling in a score, never rising in a signal of `FALLING`.

        >>> linear = Calibration(-2.0, Signals(10.0, 0.0, unsaid=-4.0), 0.2, 0.4, "by hand")
        >>> linear.confidence(Signals(0.2, 0.5)), round(linear.confidence(Signals(0.5, 0.5)), 3)
        (0.5, 0.953)
        """
        odds = self.intercept + signals.dot(self.weights)
        # exp overflows above 709; what is that unlikely may be 1e-304 as well.
        return 1 / (1 + math.exp(min(-odds, 700.0)))

    def reason(self, signals: Signals) -> Literal["not_in_collection", "low_confidence"] | None:
        """Say why a first passage of these signals is no answer; None if it may be one.

        That the collection does not deal with something is said by topic alone: a passage about the
        very thing asked for that lacks the detail is of low confidence, however low.

        >>> linear = Calibration(-2.0, Signals(10.0, 0.0, unsaid=-4.0), 0.2, 0.4, "by hand")
        >>> near = Signals(0.5, 0.3, unsaid=1.0)
        >>> linear.reason(near), linear.reason(near.of_topic()), linear.reason(Signals(0, 0))
        ('low_confidence', None, 'not_in_collection')
        """
        if self.confidence(signals) >= self.low:
            return None
        by_topic = self.confidence(signals.of_topic())
        return "not_in_collection" if by_topic < self.none else "low_confidence"

    @classmethod
    def from_json(cls, data: bytes, where: str) -> Calibration:
        """Read a calibration file.

        Args:
            data: Its bytes: one JSON object with ``version`` and the attributes as keys, the weights
                an object in turn; no key may be missing, and no others are allowed.
            where: What to call it in messages.

        Raises:
            CalibrationError: If it is anything else; names the file, what was found and expected.
        """
        try:
            record = json.loads(data, object_pairs_hook=_without_repeats)
        except (ValueError, RecursionError) as error:
            message = f"{where}：不是可用的 JSON（{error}）；{_REPAIR}"
            raise CalibrationError(message) from error
        if fault := next(_faults(record), None):
            message = f"{where}：{fault}；{_REPAIR}"
            raise CalibrationError(message)
        return cls(
            **{name: float(record[name]) for name in _NUMBERS},
            weights=Signals(**{name: float(record["weights"][name]) for name in SIGNALS}),
            provenance=record["provenance"],
        )

    def to_json(self) -> bytes:
        """Write it as `from_json` reads it: UTF-8, indented, ending in a line feed."""
        record = {"version": VERSION, **asdict(self)}
        return (json.dumps(record, ensure_ascii=False, indent=2) + "\n").encode()


def read_calibration(folder: Path) -> Calibration:
    """Read the calibration of an index directory.

    Args:
        folder: The index directory; ``calibration.json`` in it is optional.

    Returns:
        What that file says, or `DEFAULT` where there is none.

    Raises:
        CalibrationError: If there is one that cannot be read or used.
    """
    file = folder / CALIBRATION
    try:
        data = file.read_bytes()
    except FileNotFoundError:
        return DEFAULT
    except OSError as error:
        message = f"{file}：读不了（{error.strerror}）；应为校准文件；{_REPAIR}"
        raise CalibrationError(message) from error
    return Calibration.from_json(data, str(file))


def _without_repeats(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    record = dict(pairs)
    if len(record) < len(pairs):
        repeated = next(key for i, (key, _) in enumerate(pairs) if key in dict(pairs[:i]))
        message = f"键 {repeated} 重复"
        raise ValueError(message)
    return record


def _faults(record: Any) -> Iterator[str]:
    """Say what keeps parsed JSON from being a calibration; only the first is sure to make sense."""
    if not isinstance(record, dict):
        yield f"应为 JSON 对象，实为 {_shown(record)}"
    # An older file has other keys: that it is old says more than which ones.
    if (found := record.get("version", 1)) != VERSION or isinstance(found, bool):
        yield f"version 应为 {VERSION}，实为 {_shown(found)}"
    yield from _key_faults(record, _KEYS, "应有且只有这些键")
    weights = record["weights"]
    if not isinstance(weights, dict):
        yield f"weights 应为 JSON 对象，实为 {_shown(weights)}"
    yield from _key_faults(weights, set(SIGNALS), "weights 应有且只有这些键")
    for name, number in [*((name, record[name]) for name in _NUMBERS), *weights.items()]:
        if not _is_finite(number):
            yield f"{name} 应为有限的数，实为 {_shown(number)}"
    for name, weight in weights.items():
        if (weight > 0) if name in FALLING else (weight < 0):
            yield f"{name} 应不{'大' if name in FALLING else '小'}于 0，实为 {weight}"
    if not 0 <= record["none"] <= record["low"] <= 1:
        yield f"应有 0 ≤ none ≤ low ≤ 1，实为 none={record['none']}，low={record['low']}"
    if not isinstance(record["provenance"], str) or not record["provenance"].strip():
        yield f"provenance 应写明这份校准从何而来，实为 {_shown(record['provenance'])}"


def _key_faults(record: dict[str, Any], expected: set[str], what: str) -> Iterator[str]:
    if set(record) != expected:
        missing = "、".join(sorted(expected - set(record))) or "无"
        unknown = "、".join(sorted(set(record) - expected)) or "无"
        yield f"{what}：{'、'.join(sorted(expected))}；缺少：{missing}；多出：{unknown}"


def _shown(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False)[:40]


def _is_finite(value: Any) -> bool:
    if isinstance(value, bool) or not isinstance(value, int | float):
        return False
    try:
        return math.isfinite(value)
    except OverflowError:  # an integer beyond what a float holds
        return False


DEFAULT = Calibration.from_json(
    files("rag").joinpath(CALIBRATION).read_bytes(), f"rag/{CALIBRATION}"
)
"""What Casebook ships with; see its ``provenance``."""
