"""TREC files: judgments (qrels) and rankings (runs), as every evaluation tool reads them.

A judgment is ``question 0 unit grade``, a ranking ``question Q0 unit rank score tag``; columns are
separated by white space.

trec_eval ignores the rank column. It orders by score, which it holds as a C ``float``, and orders
ties by unit id, the greater first (``comp_sim_docno`` in trec_eval 9.0, ``form_res_rels.c``). Two
scores that differ here can so be a tie there, and another ranking be measured than the one that
was written. `decreasing` therefore makes every ranking strict in single precision first.
"""

from __future__ import annotations

import re
import struct
from collections.abc import Collection, Iterable, Mapping, Sequence
from pathlib import Path

import numpy as np

from eval.dataset import Qrels
from eval.questions import Place, is_one_column, lines_of
from eval.result import Ranked
from rag.errors import CasebookError

_GRADE = re.compile(r"-?[0-9]{1,9}")
_SCORE = re.compile(r"[+-]?([0-9]+\.?[0-9]*|\.[0-9]+)([eE][+-]?[0-9]+)?")
"""What C's ``atof`` reads whole; Python's ``float`` also takes ``1_0`` and ``nan``."""


class JudgmentsError(CasebookError):
    """Judgments or rankings cannot be read or written; the message names file and line."""


def read_qrels(file: Path, asked: Collection[str] | None = None) -> Qrels:
    """Read judgments; the second column is ignored.

    Args:
        file: The file.
        asked: Ids of the questions that it may judge; None for any.

    Returns:
        Questions and units in the order of the file. Grades may be negative, as in some TREC
        collections; they are not relevant.

    Raises:
        JudgmentsError: If a line does not have four columns, a grade is not an integer, a unit is
            judged twice for one question, or a question was not asked.
    """
    qrels: dict[str, dict[str, int]] = {}
    for place, line in lines_of(file, JudgmentsError):
        question_id, _, unit_id, grade = columns_of(place, line.split(), "问题 0 段落 等级")
        if asked is not None and question_id not in asked:
            place.fail(f"问题 {question_id} 不在题集中；请核对题集与问题 id，或删去此行")
        add_judgment(qrels, place, question_id, unit_id, grade)
    return qrels


def write_qrels(file: Path, qrels: Qrels) -> None:
    """Write judgments; a question without any has no line, which means the same.

    Raises:
        JudgmentsError: If an id cannot stand in such a file.
    """
    lines = [
        f"{_id(file, question_id)} 0 {_id(file, unit_id)} {grade}\n"
        for question_id, grades in qrels.items()
        for unit_id, grade in grades.items()
    ]
    file.write_text("".join(lines), encoding="utf-8", newline="\n")


def read_run(file: Path) -> Mapping[str, tuple[Ranked, ...]]:
    """Read rankings in trec_eval's order.

    Returns:
        For each question, in the order of the file, its units, highest score first, ties by unit
        id, greatest first; scores as trec_eval holds them, the nearest in single precision. The
        rank column, the second and the tag are ignored. A TREC run cannot hold a question without results: which questions were asked
        is in the judgments.

    Raises:
        JudgmentsError: If a line does not have six columns, a score is not a finite number in
            single precision, or a unit is ranked twice for one question.
    """
    run: dict[str, dict[str, Ranked]] = {}
    for place, line in lines_of(file, JudgmentsError):
        columns = columns_of(place, line.split(), "问题 Q0 段落 名次 分数 标签")
        question_id, _, unit_id, _, score, _ = columns
        ranking = run.setdefault(question_id, {})
        if unit_id in ranking:
            place.fail(f"问题 {question_id} 已有 {unit_id}；每个结果只能出现一次")
        ranking[unit_id] = Ranked(unit_id, _score(place, score))
    return {question_id: _ordered(ranking.values()) for question_id, ranking in run.items()}


def write_run(file: Path, rankings: Mapping[str, Sequence[Ranked]], tag: str) -> None:
    """Write rankings, made `decreasing`, ranks from 1.

    A TREC run cannot hold a question without results: an empty ranking has no line, and a reader
    learns from the judgments that the question was asked.

    Args:
        file: Where to.
        rankings: Question id -> ranking, best first.
        tag: The system's name, the last column.

    Raises:
        JudgmentsError: If an id or the tag cannot stand in such a file.
        ValueError: If a ranking cannot be made decreasing.
    """
    lines = [
        f"{_id(file, question_id)} Q0 {_id(file, ranked.unit_id)} {rank} {ranked.score!r} "
        f"{_id(file, tag)}\n"
        for question_id, ranking in rankings.items()
        for rank, ranked in enumerate(decreasing(ranking), start=1)
    ]
    file.write_text("".join(lines), encoding="utf-8", newline="\n")


def decreasing(ranking: Sequence[Ranked]) -> tuple[Ranked, ...]:
    """Make a ranking's scores strictly decrease in single precision; its order stays.

    A score becomes the nearest single-precision number, or, where that is not below the score
    before it, the next number below that one. What is decreasing already stays as it is.

    Args:
        ranking: Best first, each unit once; scores may tie but never rise.

    Raises:
        ValueError: If a score rises, is not finite in single precision, or a unit repeats.

    >>> decreasing([Ranked("b", 0.5), Ranked("a", 0.5), Ranked("c", 0.25)])[1:]
    (Ranked(unit_id='a', score=0.4999999701976776), Ranked(unit_id='c', score=0.25))
    """
    strict: list[Ranked] = []
    given = above = float("inf")
    for ranked in ranking:
        if not ranked.score <= given:
            message = f"{ranked.unit_id}: a score of {ranked.score} after {given}: not best first"
            raise ValueError(message)
        given, score = ranked.score, _single(ranked.score)
        if np.isfinite(score) and score >= above:
            score = _below(above)
        if not np.isfinite(score):
            message = f"{ranked.unit_id}: score {ranked.score} is not finite in single precision"
            raise ValueError(message)
        strict.append(Ranked(ranked.unit_id, score))
        above = score
    if len({ranked.unit_id for ranked in strict}) < len(strict):
        message = "a ranking holds each unit once"
        raise ValueError(message)
    return tuple(strict)


def columns_of(place: Place, columns: Sequence[str], names: str) -> Sequence[str]:
    """Check that a line has as many columns as there are names.

    Raises:
        CasebookError: Of the place's class, if it has more or fewer.
    """
    expected = len(names.split())
    if len(columns) != expected:
        place.fail(f"有 {len(columns)} 列，应为 {expected} 列：{names}")
    return columns


def add_judgment(
    qrels: dict[str, dict[str, int]], place: Place, question_id: str, unit_id: str, grade: str
) -> None:
    """Add the judgment that a line makes.

    Raises:
        CasebookError: Of the place's class, if the grade is not an integer or the unit is judged
            already.
    """
    if not _GRADE.fullmatch(grade):
        place.fail(f"等级是 {grade!r}，应为整数，如 0 或 1")
    grades = qrels.setdefault(question_id, {})
    if unit_id in grades:
        place.fail(f"问题 {question_id} 对 {unit_id} 的判断重复；请只留一行")
    grades[unit_id] = int(grade)


def _ordered(ranking: Iterable[Ranked]) -> tuple[Ranked, ...]:
    # Code points order strings as strcmp orders their UTF-8.
    return tuple(sorted(ranking, key=lambda ranked: (ranked.score, ranked.unit_id), reverse=True))


def _score(place: Place, text: str) -> float:
    score = _single(float(text)) if _SCORE.fullmatch(text) else float("nan")
    if not np.isfinite(score):
        place.fail(f"分数是 {text!r}，应为单精度范围内的有限小数，如 0.73")
    return score


def _single(score: float) -> float:
    """Round to single precision; infinite beyond its range."""
    try:
        (single,) = struct.unpack("<f", struct.pack("<f", score))
    except OverflowError:
        return float("inf") if score > 0 else float("-inf")
    return float(single)


def _below(score: float) -> float:
    """Give the next smaller single-precision number; minus infinity below the smallest."""
    with np.errstate(over="ignore"):
        return float(np.nextafter(np.float32(score), np.float32("-inf")))


def _id(file: Path, text: str) -> str:
    """Check that other tools will read this as one column."""
    if not is_one_column(text):
        message = f"{file}：{text!r} 为空或含有空白，不能写入 TREC 文件；请改用不含空白的编号或名称"
        raise JudgmentsError(message)
    return text
