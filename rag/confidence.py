"""How sure it is that a passage answers: an absolute scale, from the noise floor up.

A cosine says nothing by itself: for one encoder unrelated texts score .66, for another .84. So
every index measures, when it is built, what questions about something else reach in it. That floor
is the zero of the dense score, and the confidence is a logistic function above it.

The function and the two thresholds are data, not code: ``calibration.json`` beside this module, or
a file of the same name in the index directory, which whoever keeps the index learns from questions
of their own. Neither asks for a new build.
"""

from __future__ import annotations

import json
import math
from collections.abc import Iterable, Iterator
from dataclasses import asdict, dataclass
from importlib.resources import files
from pathlib import Path
from typing import Any, Literal

from rag.errors import CasebookError

CALIBRATION = "calibration.json"
"""Name of a calibration file, in this package and in an index directory."""

_NUMBERS = ("intercept", "dense", "lexical", "none", "low")
_KEYS = {*_NUMBERS, "provenance"}
_REPAIR = "请改正，或删除该文件以使用自带的校准"

UNRELATED = (
    "你好，在吗？",
    "今天天气怎么样？",
    "红烧肉怎么做才好吃？",
    "世界上最高的山是哪座？",
    "猫为什么怕水？",
    "这首歌是谁唱的？",
    "地球到月亮有多远？",
    "唐朝是哪一年建立的？",
    "怎么学好英语口语？",
    "感冒了应该吃什么药？",
    "孙悟空的师父是谁？",
    "一元二次方程怎么解？",
    "手机屏幕碎了怎么办？",
    "足球比赛一场踢多久？",
    "光合作用需要什么条件？",
    "给我讲个笑话吧",
    "推荐几部好看的电影",
    "长颈鹿一天睡几个小时？",
    "钢琴有多少个键？",
    "北极熊吃企鹅吗？",
    "这个周末去哪里玩？",
    "怎么给盆栽浇水？",
    "《红楼梦》的作者是谁？",
    "牛顿第二定律是什么？",
    "减肥期间能吃米饭吗？",
    "飞机为什么能飞起来？",
    "巴黎有什么好玩的地方？",
    "怎样才能睡得更好？",
    "恐龙是怎么灭绝的？",
    "西红柿炒鸡蛋先放什么？",
    "二战是什么时候结束的？",
    "你叫什么名字？",
    "圆周率前五位是多少？",
    "狗狗不吃饭怎么回事？",
    "吉他弦断了怎么换？",
    "为什么天空是蓝色的？",
    "最近有什么新游戏？",
    "骑自行车的技巧有哪些？",
    "咖啡和茶哪个更提神？",
    "蝴蝶是怎么长大的？",
)
"""Questions that no collection of policy cases answers; from greetings to school knowledge."""


class CalibrationError(CasebookError):
    """A calibration file cannot be used; the message names it and says what is wrong."""


@dataclass(frozen=True, slots=True)
class Calibration:
    """How scores become a confidence, and below which one the answer is a refusal.

    confidence = 1 / (1 + exp(-(intercept + dense * dense score + lexical * lexical score)))

    Attributes:
        intercept: Log-odds of a passage at the noise floor that shares no term.
        dense: Weight of the dense score; not negative.
        lexical: Weight of the lexical score; not negative.
        none: Below: the collection does not deal with this.
        low: Below: it deals with something near, but no passage is likely to answer.
        provenance: What it was learnt from and how well it did, for people.

    Raises:
        ValueError: If a number is not finite, a weight is negative, the thresholds are not
            0 <= none <= low <= 1, or the provenance is blank.
    """

    intercept: float
    dense: float
    lexical: float
    none: float
    low: float
    provenance: str

    def __post_init__(self) -> None:
        """Refuse what cannot be meant."""
        numbers = (self.intercept, self.dense, self.lexical, self.none, self.low)
        if not all(map(math.isfinite, numbers)):
            message = f"a calibration needs finite numbers, not {numbers}"
            raise ValueError(message)
        if min(self.dense, self.lexical) < 0:
            message = "weights must not be negative: confidence rises with both scores"
            raise ValueError(message)
        if not 0 <= self.none <= self.low <= 1:
            message = f"need 0 <= none <= low <= 1, got none={self.none}, low={self.low}"
            raise ValueError(message)
        if not self.provenance.strip():
            message = "a calibration must say where it comes from"
            raise ValueError(message)

    def confidence(self, dense: float, lexical: float) -> float:
        """Estimate the probability that a passage is about what was asked.

        Args:
            dense: The passage's dense score, 0 at the noise floor.
            lexical: Its lexical score.

        Returns:
            A value in (0, 1], never falling in either.

        >>> DEFAULT.confidence(0.0, 0.0) < DEFAULT.none < DEFAULT.low < DEFAULT.confidence(0.4, 0.2)
        True
        """
        odds = self.intercept + self.dense * dense + self.lexical * lexical
        # exp overflows above 709; what is that unlikely may be 1e-304 as well.
        return 1 / (1 + math.exp(min(-odds, 700.0)))

    def reason(self, confidence: float) -> Literal["not_in_collection", "low_confidence"] | None:
        """Say why a first passage of this confidence is no answer; None if it may be one.

        >>> [DEFAULT.reason(confidence) for confidence in (0.0, DEFAULT.none, DEFAULT.low)]
        ['not_in_collection', 'low_confidence', None]
        """
        if confidence < self.none:
            return "not_in_collection"
        return "low_confidence" if confidence < self.low else None

    @classmethod
    def from_json(cls, data: bytes, where: str) -> Calibration:
        """Read a calibration file.

        Args:
            data: Its bytes: one JSON object with the attributes as keys, and no others.
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
            **{name: float(record[name]) for name in _NUMBERS}, provenance=record["provenance"]
        )

    def to_json(self) -> bytes:
        """Write it as `from_json` reads it: UTF-8, indented, ending in a line feed."""
        return (json.dumps(asdict(self), ensure_ascii=False, indent=2) + "\n").encode()


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


def floor_of(cosines: Iterable[float]) -> float:
    """Take the noise floor of an index.

    Args:
        cosines: For each of `UNRELATED`, its cosine to the nearest sentence of the index.

    Returns:
        Their mean; 0 where it would be negative.

    Raises:
        ValueError: If there is none.
    """
    values = list(cosines)
    if not values:
        message = "a noise floor needs the cosine of at least one unrelated question"
        raise ValueError(message)
    return max(0.0, math.fsum(values) / len(values))


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
    if set(record) != _KEYS:
        missing = "、".join(sorted(_KEYS - set(record))) or "无"
        unknown = "、".join(sorted(set(record) - _KEYS)) or "无"
        yield f"应有且只有这些键：{'、'.join(sorted(_KEYS))}；缺少：{missing}；多出：{unknown}"
    for name in _NUMBERS:
        if not _is_finite(record[name]):
            yield f"{name} 应为有限的数，实为 {_shown(record[name])}"
    for name in ("dense", "lexical"):
        if record[name] < 0:
            yield f"{name} 应不小于 0，实为 {record[name]}"
    if not 0 <= record["none"] <= record["low"] <= 1:
        yield f"应有 0 ≤ none ≤ low ≤ 1，实为 none={record['none']}，low={record['low']}"
    if not isinstance(record["provenance"], str) or not record["provenance"].strip():
        yield f"provenance 应写明这份校准从何而来，实为 {_shown(record['provenance'])}"


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
