"""``casebook eval run | robustness | sweep``: what they print and store, and their exit codes."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from eval.archive import load


def test_a_run_prints_a_table_and_stores_every_system(
    cli, question_file: Path, collection: Path
) -> None:
    code, out, err = cli("run", question_file, "--sources", collection, "--system", "hybrid")
    assert (code, "错误" in err) == (0, False)
    assert "小集，n=3，均值与 95% 区间" in out
    for told in (
        "evidence@1 与对照行比",
        "比 bm25：",
        "1 个为一族",
        "* 不足 10 题",
        "内存是进程峰值",
    ):
        assert told in out
    for word in ("bm25", "hybrid", "evidence@1", "evidence@5", "RR@10", "nDCG@10", "毫秒"):
        assert word in out
    assert "结果在 var/eval/runs" in out
    result = load(Path("var/eval/runs/小集/hybrid"))
    assert (result.name, result.above) == ("hybrid@小集", "bm25")
    assert [question.question_id for question in result.questions] == ["Q1", "Q2", "Q3", "Q4"]


def test_a_run_as_json_has_the_numbers_of_the_stored_results(
    cli, question_file: Path, collection: Path
) -> None:
    arguments = ["--sources", collection, "--system", "hybrid", "--out", "elsewhere", "--json"]
    code, out, _ = cli("run", question_file, *arguments)
    printed = json.loads(out)
    assert code == 0
    _, again, _ = cli("report", "elsewhere", "--form", "json")
    assert json.loads(again) == printed
    assert sorted(path.name for path in Path("elsewhere/小集").iterdir()) == ["bm25", "hybrid"]


def test_two_runs_of_the_same_store_the_same_values(
    cli, runs: Path, question_file, collection
) -> None:
    before = (runs / "hybrid" / "values.json").read_bytes()
    cli("run", question_file, "--sources", collection, "--system", "hybrid")
    assert (runs / "hybrid" / "values.json").read_bytes() == before
    code, out, _ = cli("gate", runs / "hybrid", "--baseline", runs / "hybrid")
    assert (code, "退步" in out) == (0, False)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (
            ["--system", "hybird"],
            "没有名为 hybird 的系统；可用：dense-passage、dense、bm25、hybrid",
        ),
        (["--systems", "none.toml"], "none.toml"),
        (["--split", "test"], "问题文件没有划分"),
    ],
)
def test_what_cannot_be_run_is_told_in_words(
    cli, question_file: Path, collection: Path, arguments: list[str], message: str
) -> None:
    code, out, err = cli("run", question_file, "--sources", collection, *arguments)
    assert (code, out) == (1, "")
    assert "错误：" in err
    assert message in err
    assert not Path("var/eval/runs").exists()


def test_a_quote_that_is_not_in_the_sources_stops_the_run(
    cli, question_file: Path, folder: Path
) -> None:
    (folder / "别处.txt").write_text("某市2023年优秀案例\n\n排名1\n甲\n乙丙。", encoding="utf-8")
    code, _, err = cli("run", question_file, "--sources", "别处.txt")
    assert code == 1
    assert "问题 Q1 的引文“三日到账”不在原文中" in err


def test_robustness_prints_a_row_for_each_way_of_writing(
    cli, question_file: Path, collection: Path
) -> None:
    code, out, _ = cli("robustness", question_file, "--sources", collection)
    assert code == 0
    for name in ("traditional", "fullwidth", "typo", "undistricted", "numerals"):
        assert name in out
    code, out, _ = cli("robustness", question_file, "--sources", collection, "--json")
    assert len(json.loads(out)) == 10
    code, _, err = cli("robustness", question_file, "--sources", collection, "--measure", "MAP")
    assert (code, "没有指标 MAP" in err) == (1, True)


def test_sweep_prints_the_grid_and_says_that_the_best_is_a_choice(
    cli, question_file: Path, collection: Path
) -> None:
    """Of Q1 to Q4 only Q1 is to tune on."""
    arguments = ["--sources", collection, "--grid", "dense=0:1:.5"]
    code, out, _ = cli("sweep", question_file, *arguments)
    assert code == 0
    assert "调参用 1 题" in out
    assert "最好的一行是挑出来的，会偏乐观" in out
    code, out, _ = cli("sweep", question_file, *arguments, "--json")
    trials = json.loads(out)
    assert [trial["values"] for trial in trials[:1]] == [{}]
    assert (len(trials), trials[0]["interval"]["n"]) == (4, 1)


def test_a_sweep_that_cannot_be_is_told_in_words(
    cli, question_file: Path, collection: Path
) -> None:
    code, _, err = cli("sweep", question_file, "--sources", collection, "--grid", "dense")
    assert (code, "不是网格" in err) == (1, True)
    lines = question_file.read_text(encoding="utf-8").splitlines(keepends=True)
    question_file.write_text("".join(lines[1:]), encoding="utf-8")
    code, out, err = cli("sweep", question_file, "--sources", collection, "--grid", "dense=0,1")
    assert (code, out) == (1, "")
    assert "0 题属于 tuning，没有一题有答案" in err
