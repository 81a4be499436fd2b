"""TREC files, compared with trec_eval itself."""

from __future__ import annotations

import math
import tempfile
from pathlib import Path

import numpy as np
import pytest
import pytrec_eval
from hypothesis import given
from hypothesis import strategies as st

from eval.result import Ranked
from eval.trec import JudgmentsError, decreasing, read_qrels, read_run, write_qrels, write_run

LARGEST = float(np.finfo(np.float32).max)

ids = st.text(
    st.characters(codec="utf-8", exclude_categories=["Cc", "Zs", "Zl", "Zp"]).filter(
        lambda mark: mark != "\ufeff"
    ),
    min_size=1,
)
near = st.sampled_from([0.5, 0.5 + 1e-12, 0.5 - 1e-9, 0.25, 0.0, -0.0, -1e-45, 1e-300])
scores = near | st.floats(-1e38, 1e38)
rankings = st.lists(
    st.builds(Ranked, ids, scores), min_size=1, max_size=8, unique_by=lambda ranked: ranked.unit_id
).map(lambda several: tuple(sorted(several, key=lambda ranked: -ranked.score)))
grades = st.dictionaries(ids, st.integers(-2, 4), min_size=1, max_size=5)


def order_of_trec_eval(ranking: tuple[Ranked, ...]) -> list[str]:
    """Ask trec_eval at which rank each unit stands, by making it the only relevant one."""
    judged = {f"q{place}": {ranked.unit_id: 1} for place, ranked in enumerate(ranking)}
    scored = {ranked.unit_id: ranked.score for ranked in ranking}
    evaluator = pytrec_eval.RelevanceEvaluator(judged, {"recip_rank"})
    values = evaluator.evaluate(dict.fromkeys(judged, scored))
    ranks = {
        ranked.unit_id: 1 / values[f"q{place}"]["recip_rank"]
        for place, ranked in enumerate(ranking)
    }
    return sorted(ranks, key=lambda unit_id: ranks[unit_id])


def written(tmp_path: Path, text: str) -> Path:
    file = tmp_path / "file.txt"
    file.write_text(text, encoding="utf-8", newline="\n")
    return file


def test_scores_that_tie_in_single_precision_are_lowered_by_the_least_step() -> None:
    given_ = (Ranked("b", 0.5 + 1e-12), Ranked("a", 0.5), Ranked("c", 0.5), Ranked("d", 0.25))
    step = 2.0**-25  # between single-precision numbers from 1/4 to 1/2
    assert decreasing(given_) == (
        Ranked("b", 0.5),
        Ranked("a", 0.5 - step),
        Ranked("c", 0.5 - 2 * step),
        Ranked("d", 0.25),
    )


def test_zeroes_of_either_sign_are_a_tie() -> None:
    first, second = decreasing((Ranked("a", -0.0), Ranked("b", 0.0)))
    assert (first.score, second.score) == (0.0, -(2.0**-149))


@given(rankings)
def test_decreasing_scores_decrease_in_single_precision_and_stay_near(
    ranking: tuple[Ranked, ...],
) -> None:
    strict = decreasing(ranking)
    held = np.array([ranked.score for ranked in strict], dtype=np.float32)
    assert np.all(np.diff(held.astype(np.float64)) < 0)
    assert held.tolist() == [ranked.score for ranked in strict]
    assert decreasing(strict) == strict
    for before, after in zip(ranking, strict, strict=True):
        assert before.unit_id == after.unit_id
        assert math.isclose(before.score, after.score, rel_tol=1e-6, abs_tol=1e-40)


@given(rankings)
def test_trec_eval_ranks_what_is_decreasing_as_it_was_given(ranking: tuple[Ranked, ...]) -> None:
    assert order_of_trec_eval(decreasing(ranking)) == [ranked.unit_id for ranked in ranking]


@given(rankings)
def test_a_run_of_others_is_read_in_trec_evals_order(ranking: tuple[Ranked, ...]) -> None:
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "run.txt"
        lines = [f"q Q0 {ranked.unit_id} 1 {ranked.score!r} x\n" for ranked in ranking]
        file.write_text("".join(lines), encoding="utf-8", newline="\n")
        found = read_run(file)["q"]
    assert [ranked.unit_id for ranked in found] == order_of_trec_eval(ranking)
    held = {ranked.unit_id: float(np.float32(ranked.score)) for ranked in ranking}
    assert {ranked.unit_id: ranked.score for ranked in found} == held
    assert [ranked.unit_id for ranked in decreasing(found)] == [r.unit_id for r in found]


@pytest.mark.parametrize(
    ("ranking", "message"),
    [
        ((Ranked("a", 0.1), Ranked("b", 0.2)), r"b: a score of 0\.2 after 0\.1: not best first"),
        ((Ranked("a", float("nan")),), "not best first"),
        ((Ranked("a", float("inf")),), "a: score inf is not finite in single precision"),
        ((Ranked("a", -1e39),), "not finite in single precision"),
        ((Ranked("a", -LARGEST), Ranked("b", -LARGEST)), "b: score .* not finite"),
        ((Ranked("a", 2), Ranked("a", 1)), "holds each unit once"),
    ],
)
def test_a_ranking_that_cannot_be_made_decreasing_is_an_error(
    ranking: tuple[Ranked, ...], message: str
) -> None:
    with pytest.raises(ValueError, match=message):
        decreasing(ranking)


@given(st.dictionaries(ids, rankings, max_size=3), ids)
def test_a_run_that_is_written_is_read_again(run: dict[str, tuple[Ranked, ...]], tag: str) -> None:
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "run.txt"
        write_run(file, run, tag)
        found = read_run(file)
    assert found == {question_id: decreasing(ranking) for question_id, ranking in run.items()}
    assert list(found) == list(run)


@given(st.dictionaries(ids, grades, max_size=3))
def test_judgments_that_are_written_are_read_again(qrels: dict[str, dict[str, int]]) -> None:
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "qrels.txt"
        write_qrels(file, qrels)
        found = read_qrels(file)
    assert found == qrels
    assert [list(found[question_id]) for question_id in found] == list(map(list, qrels.values()))


def test_files_are_written_as_other_tools_expect(tmp_path: Path) -> None:
    file = tmp_path / "file.txt"
    write_qrels(file, {"Q1": {"c1:0-9": 1, "c2:0-9": 0}, "Q2": {}})
    assert file.read_text() == "Q1 0 c1:0-9 1\nQ1 0 c2:0-9 0\n"
    write_run(file, {"Q1": (Ranked("c2:0-9", 0.5), Ranked("c1:0-9", 0.25)), "Q2": ()}, "hybrid")
    assert file.read_text() == "Q1 Q0 c2:0-9 1 0.5 hybrid\nQ1 Q0 c1:0-9 2 0.25 hybrid\n"


def test_tabs_and_the_rank_column_of_other_tools_do_no_harm(tmp_path: Path) -> None:
    found = read_run(written(tmp_path, "1\tQ0\ta\t1\t-2\tx\r\n\r\n1 0 b 1 1E-1 y\r\n"))
    assert found == {"1": (Ranked("b", float(np.float32(0.1))), Ranked("a", -2.0))}


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("1 Q0 a 1 0.5", "第 1 行：有 5 列，应为 6 列：问题 Q0 段落 名次 分数 标签$"),
        ("1 Q0 a 1 0.5 x\n1 Q0 a 2 0.4 x", "第 2 行：问题 1 已有 a；每个结果只能出现一次$"),
        ("1 Q0 a 1 nan x", "第 1 行：分数是 'nan'，应为单精度范围内的有限小数"),
        ("1 Q0 a 1 -inf x", "第 1 行：分数是 '-inf'"),
        ("1 Q0 a 1 1e39 x", "第 1 行：分数是 '1e39'"),
        ("1 Q0 a 1 1_0 x", "第 1 行：分数是 '1_0'"),
        ("1 Q0 a 1 ５ x", "第 1 行：分数是 '５'"),
    ],
)
def test_a_bad_line_of_a_run_is_named(tmp_path: Path, text: str, message: str) -> None:
    with pytest.raises(JudgmentsError, match=message):
        read_run(written(tmp_path, text))


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("1 0 a 1 x", r"file\.txt：第 1 行：有 5 列，应为 4 列：问题 0 段落 等级$"),
        ("1 0 a 1\n\n1 0 a 1", "第 3 行：问题 1 对 a 的判断重复；请只留一行$"),
        ("1 0 a 1.0", "第 1 行：等级是 '1.0'，应为整数，如 0 或 1$"),
        ("1 0 a １", "第 1 行：等级是 '１'，应为整数"),
    ],
)
def test_a_bad_line_of_judgments_is_named(tmp_path: Path, text: str, message: str) -> None:
    with pytest.raises(JudgmentsError, match=message):
        read_qrels(written(tmp_path, text))


def test_a_judgment_of_a_question_that_was_not_asked_is_named(tmp_path: Path) -> None:
    file = written(tmp_path, "1 0 a 1\n2 0 a 1\n")
    assert read_qrels(file, {"1", "2", "3"}) == {"1": {"a": 1}, "2": {"a": 1}}
    with pytest.raises(JudgmentsError, match=r"file\.txt：第 2 行：问题 2 不在题集中；请核对"):
        read_qrels(file, {"1"})


@pytest.mark.parametrize("bad", ["a b", "", "甲\u3000乙", "a\n", "a\0", "\ufeffa"])
def test_an_id_that_other_tools_would_read_as_several_columns_is_not_written(
    tmp_path: Path, bad: str
) -> None:
    file = tmp_path / "file.txt"
    for write in (
        lambda: write_qrels(file, {bad: {"a": 1}}),
        lambda: write_qrels(file, {"1": {bad: 1}}),
        lambda: write_run(file, {bad: (Ranked("a", 1),)}, "x"),
        lambda: write_run(file, {"1": (Ranked(bad, 1),)}, "x"),
        lambda: write_run(file, {"1": (Ranked("a", 1),)}, bad),
    ):
        with pytest.raises(JudgmentsError, match="为空或含有空白，不能写入 TREC 文件"):
            write()
    assert not file.exists()
