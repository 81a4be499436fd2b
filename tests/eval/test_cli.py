"""``casebook eval``: what it prints, what it stores, and its exit codes."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
from typer.testing import CliRunner

import casebook
import eval.workbench
from eval.archive import load, save
from eval.parts import calibration_split
from eval.result import Result
from index.build import build
from index.recipe import Recipe
from rag.chunk import Cut
from rag.confidence import CALIBRATION, DEFAULT, read_calibration

Make = Callable[..., Result]
RECORDS = [
    ("Q1", "fact", "静安退税几天到账？", "三日到账"),
    ("Q2", "fact", "帮办了多少次？", "帮办六千次"),
    ("Q3", "howto", "企业还要跑窗口吗？", "企业不再跑窗口"),
    ("Q4", "unanswerable", "红烧肉怎么做？", ""),
]
HEAVY = {
    "faiss",
    "onnxruntime",
    "bm25s",
    "ir_measures",
    "scipy",
    "jinja2",
    "opencc",
    "pypinyin",
}


def cli(*arguments: object) -> tuple[int, str, str]:
    words = ["eval", *(str(argument) for argument in arguments)]
    done = CliRunner().invoke(casebook.app, words)
    if done.exception and not isinstance(done.exception, SystemExit):
        raise done.exception
    return done.exit_code, done.stdout, done.stderr


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, encoder) -> Path:
    """Where the commands run: results and vectors go below it."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(eval.workbench, "load_encoder", lambda _name, _models: encoder)
    return tmp_path


@pytest.fixture
def dataset(folder: Path) -> Path:
    file = folder / "小集.jsonl"
    lines = [
        {
            "id": name,
            "type": kind,
            "question": text,
            "evidence": [{"quote": quote}] if quote else [],
            "mode": "any",
            "answer": "",
        }
        for name, kind, text, quote in RECORDS
    ]
    file.write_text("".join(json.dumps(line) + "\n" for line in lines), encoding="utf-8")
    return file


@pytest.fixture
def runs(dataset: Path, collection: Path) -> Path:
    """Two systems, run and stored."""
    assert cli("run", dataset, "--sources", collection, "--system", "hybrid")[0] == 0
    return Path("var/eval/runs/小集")


def test_a_run_prints_a_table_and_stores_every_system(dataset: Path, collection: Path) -> None:
    code, out, err = cli("run", dataset, "--sources", collection, "--system", "hybrid")
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
    dataset: Path, collection: Path
) -> None:
    arguments = ["--sources", collection, "--system", "hybrid", "--out", "elsewhere", "--json"]
    code, out, _ = cli("run", dataset, *arguments)
    printed = json.loads(out)
    assert code == 0
    _, again, _ = cli("report", "elsewhere", "--form", "json")
    assert json.loads(again) == printed
    assert sorted(path.name for path in Path("elsewhere/小集").iterdir()) == ["bm25", "hybrid"]


def test_two_runs_of_the_same_store_the_same_values(runs: Path, dataset, collection) -> None:
    before = (runs / "hybrid" / "values.json").read_bytes()
    cli("run", dataset, "--sources", collection, "--system", "hybrid")
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
    dataset: Path, collection: Path, arguments: list[str], message: str
) -> None:
    code, out, err = cli("run", dataset, "--sources", collection, *arguments)
    assert (code, out) == (1, "")
    assert "错误：" in err
    assert message in err
    assert not Path("var/eval/runs").exists()


def test_a_quote_that_is_not_in_the_sources_stops_the_run(dataset: Path, folder: Path) -> None:
    (folder / "别处.txt").write_text("某市2023年优秀案例\n\n排名1\n甲\n乙丙。", encoding="utf-8")
    code, _, err = cli("run", dataset, "--sources", "别处.txt")
    assert code == 1
    assert "问题 Q1 的引文“三日到账”不在原文中" in err


def test_verify_recomputes_every_value_and_exits_with_1_where_one_is_off(runs: Path) -> None:
    code, out, err = cli("verify")
    assert (code, err) == (0, "")
    assert [line.partition("：")[0] for line in out.splitlines()] == ["bm25@小集", "hybrid@小集"]
    assert all(line.endswith("个值，相符") for line in out.splitlines())

    result = load(runs / "hybrid")
    values = {**result.values, "RR@10": {**result.values["RR@10"], "Q1": 0.999998}}
    save(replace(result, values=values), runs / "hybrid")
    code, out, err = cli("verify", runs)
    assert code == 1
    assert out.splitlines()[1].endswith("1 处不符")
    assert err == "  RR@10 Q1：存的是 0.999998，重算是 1.0\n"


def test_verify_of_a_damaged_run_exits_with_1_and_names_the_file(runs: Path) -> None:
    file = runs / "bm25" / "run.txt"
    file.write_bytes(file.read_bytes() + b"Q1 Q0 x 9 0.1 bm25\n")
    code, _, err = cli("verify", runs)
    assert code == 1
    assert err == (
        f"错误：评测结果已损坏：{file} 与清单中的摘要不符；请重新运行：casebook eval run\n"
    )


@pytest.fixture
def pair(folder: Path, make_result: Make) -> tuple[Path, Path]:
    save(make_result("one", [1, 2, None]), folder / "one")
    save(make_result("two", [2, 1, None], above="one"), folder / "two")
    return folder / "one", folder / "two"


def test_compare_prints_each_question_that_flipped(pair: tuple[Path, Path]) -> None:
    code, out, _ = cli("compare", *pair, "--top-k", 1)
    assert code == 0
    assert "one@小集 → two@小集" in out
    assert "无法区分" in out
    assert "只作描述" in out
    assert "结论只看 evidence@1：只此一个比较，p 无需校正。" in out
    assert "前 1 名：1 题新找到，1 题丢失" in out
    lines = out.splitlines()
    place = lines.index("丢失 Q1（fact）几天到账？")
    assert lines[place + 1 : place + 4] == [
        "  名次 1 → 2",
        "  证据：三日到账",
        "  第 1 名 静安区《退税》",
    ]
    assert "新找到 Q2（fact）谁帮办？<script>alert(1)</script>" in lines
    assert "Q3" not in out


def test_compare_within_five_finds_no_flip_and_json_says_the_same(
    pair: tuple[Path, Path],
) -> None:
    _, out, _ = cli("compare", *pair)
    assert "前 5 名：0 题新找到，0 题丢失" in out
    code, out, _ = cli("compare", *pair, "--top-k", 1, "--json")
    found = json.loads(out)
    assert code == 0
    assert [one["measure"] for one in found[:4]] == ["evidence@1", "evidence@5", "RR@10", "nDCG@10"]
    assert [one["verdict"] for one in found[:4]] == ["indistinct", None, None, None]
    assert [(one["gained"], one["before"]) for one in found[4:]] == [(False, [1]), (True, [2])]


def test_results_of_other_texts_are_compared_with_a_warning(
    pair: tuple[Path, Path], make_result: Make
) -> None:
    other = make_result("two", [1, 1, 1], above="one")
    changed = replace(other.provenance, corpus_sha256="f" * 64, commit="fff")
    save(replace(other, provenance=changed), pair[1])
    code, out, err = cli("compare", *pair)
    assert (code, err.startswith("注意：这些结果的原文不同（2 份）")) == (0, True)
    assert "提交 abc1234+ – fff（2 个不同的）" in out
    for form in ("html", "md", "json"):
        code, _, err = cli("report", *pair, "--form", form, "--out", "page")
        assert (code, err.startswith("小集：注意：这些结果的原文不同（2 份）")) == (0, True)


def test_compare_refuses_other_questions_and_other_depths(
    pair: tuple[Path, Path], make_result: Make
) -> None:
    other = make_result("two", [1, 1, 1])
    save(replace(other, provenance=replace(other.provenance, questions_sha256="f")), pair[1])
    code, out, err = cli("compare", *pair)
    assert (code, out) == (1, "")
    assert "one@小集 与 two@小集 的题目不同，不能逐题比较" in err
    assert cli("compare", *pair, "--top-k", 3)[0] == 2


def test_compare_of_runs_that_lack_the_measure_is_told_in_words(
    pair: tuple[Path, Path], make_result: Make
) -> None:
    result = make_result("two", [1, 1, 1])
    values = {name: by for name, by in result.values.items() if name != "hit@5"}
    save(replace(result, values=values), pair[1])
    code, out, err = cli("compare", *pair)
    assert (code, out) == (1, "")
    assert "two@小集 没有指标 hit@5，不能逐题比较" in err


def test_report_is_a_page_by_default_and_a_table_on_request(runs: Path, folder: Path) -> None:
    code, out, _ = cli("report", "--out", "out/页.html")
    assert (code, out) == (0, "已写出 out/页.html\n")
    page = (folder / "out" / "页.html").read_text(encoding="utf-8")
    assert page.lower().startswith("<!doctype html>")
    assert all(f">{name}<" in page for name in ("bm25", "hybrid"))
    assert cli("report", runs)[1] == "已写出 var/eval/report.html\n"

    code, table, _ = cli("report", runs, "--form", "md")
    assert code == 0
    rows = [line for line in table.splitlines() if line.startswith("|")]
    assert [row.split("|")[1].split()[0] for row in rows[2:4]] == ["bm25", "hybrid"]
    cli("report", runs, "--form", "md", "--out", "t.md")
    assert (folder / "t.md").read_text(encoding="utf-8").strip() == table.strip()


def test_a_report_does_not_mix_what_cannot_stand_in_one_table(
    pair: tuple[Path, Path], make_result: Make
) -> None:
    code, out, err = cli("report", pair[0], pair[0], "--form", "md")
    assert (code, out) == (1, "")
    assert "有不止一次 one@小集 的结果；请只给出其中一次" in err

    other = make_result("two", [1, 1, 1])
    save(replace(other, provenance=replace(other.provenance, questions_sha256="f")), pair[1])
    code, out, err = cli("report", *pair, "--form", "md")
    assert (code, out) == (1, "")
    assert "one@小集 与 two@小集 的题目不同，不能放在一张表里" in err


def test_a_report_of_nothing_says_what_to_run(folder: Path) -> None:
    code, _, err = cli("report")
    assert code == 1
    assert "没有评测结果；请运行：casebook eval run" in err
    assert not (folder / "var" / "eval" / "report.html").exists()


def test_gate_passes_fails_or_cannot_tell(pair: tuple[Path, Path], make_result: Make) -> None:
    one, two = pair
    save(make_result("two", [2, 2, None]), two)
    assert cli("gate", one, "--baseline", one)[0] == 0
    code, out, _ = cli("gate", two, "--baseline", one)
    assert code == 1
    assert "case@1" in out
    assert re.search(r"hit@1 +│ 退步 │ 0.333 → 0.000", out)
    assert re.search(r"hit@5 +│ 通过 │ 0.667 → 0.667", out)
    (one / "values.json").unlink()
    assert cli("gate", two, "--baseline", one)[0] == 2


def test_abstain_with_too_few_unanswerable_questions_says_so_and_writes_nothing(
    runs: Path, folder: Path
) -> None:
    code, out, _ = cli("abstain", runs / "hybrid")
    assert code == 0
    assert "每半至少要 10 个才能学出阈值；请增加无答案的问题。" in out
    (shown,) = json.loads(cli("abstain", runs / "hybrid", "--json")[1])
    assert (shown["threshold"], shown["counts"]) == (None, None)
    assert shown["ran"]["coverage"]["n"] == 4

    code, out, err = cli("abstain", runs / "hybrid", "--write", folder)
    assert (code, out) == (1, "")
    assert "hybrid@小集 学不出阈值，没有写出" in err
    assert not (folder / CALIBRATION).exists()


@pytest.fixture
def judged(runs: Path) -> Path:
    """The stored run with every question sixty times over: enough to learn a threshold on."""
    result = load(runs / "hybrid")
    many = [f"{number}-" for number in range(60)]
    questions = tuple(
        replace(question, question_id=prefix + question.question_id)
        for prefix in many
        for question in result.questions
    )
    outcomes = tuple(
        replace(
            outcome,
            question_id=prefix + outcome.question_id,
            confidence=0.8 if outcome.evidence else 0.2,
        )
        for prefix in many
        for outcome in result.outcomes
    )
    qrels = {prefix + name: grades for prefix in many for name, grades in result.qrels.items()}
    folder = runs.parent / "many"
    save(replace(result, questions=questions, outcomes=outcomes, qrels=qrels), folder)
    return folder


def test_abstain_writes_the_threshold_into_the_index_of_the_same_system(
    judged: Path, folder: Path, collection: Path, encoder
) -> None:
    build([collection], folder / "index", encoder)
    code, out, err = cli("abstain", judged, "--write", folder / "index")
    assert (code, err) == (0, "")
    assert f"阈值已写进 {folder / 'index' / CALIBRATION}" in out
    learnt = read_calibration(folder / "index")
    assert learnt.low == 0.5  # midway between 0.8 and 0.2
    assert learnt.weights == DEFAULT.weights
    assert learnt.provenance.startswith("hybrid@小集（")


def test_abstain_counts_what_the_run_did_and_tells_shares_with_intervals(judged: Path) -> None:
    result = load(judged)
    answered = [replace(outcome, reason=None) for outcome in result.outcomes]
    save(replace(result, outcomes=tuple(answered)), judged)
    code, out, _ = cli("abstain", judged)
    assert code == 0
    assert re.search(r"现用的，全部题 +│ — +│ 180 +│ 60 +│ 0 +│ 0 ", out)
    assert "1.000（240/240）" in out
    assert "0.250（60/240）" in out
    assert "0.199–0.308" in out
    assert "（有答案的 180 题与没有答案的 60 题）" in out


def test_abstain_writes_no_threshold_that_misses_its_target_unless_forced(
    judged: Path, folder: Path, collection: Path, encoder
) -> None:
    """On the half that it is not learnt on, some unanswerable questions are as sure as any."""
    build([collection], folder / "index", encoder)
    result = load(judged)
    _, test = calibration_split(question.question_id for question in result.questions)
    overconfident = [
        replace(outcome, confidence=0.9)
        if outcome.question_id in test and not outcome.evidence
        else outcome
        for outcome in result.outcomes
    ]
    save(replace(result, outcomes=tuple(overconfident)), judged)
    code, out, err = cli("abstain", judged, "--write", folder / "index")
    assert (code, out) == (1, "")
    assert "学到的阈值守不住目标风险 5.0%：检验一半回答" in err
    assert not (folder / "index" / CALIBRATION).exists()
    assert cli("abstain", judged, "--write", folder / "index", "--force")[0] == 0
    assert read_calibration(folder / "index").low == 0.5


def test_abstain_of_a_run_without_confidence_is_told_in_words(runs: Path) -> None:
    result = load(runs / "hybrid")
    unsure = [replace(outcome, confidence=None) for outcome in result.outcomes]
    save(replace(result, outcomes=tuple(unsure)), runs / "hybrid")
    code, out, err = cli("abstain", runs / "hybrid")
    assert (code, out) == (1, "")
    assert "hybrid@小集 没有逐题的把握" in err


def test_abstain_refuses_an_index_that_another_system_serves(
    judged: Path, folder: Path, collection: Path, encoder, make_encoder
) -> None:
    build([collection], folder / "cut", encoder, recipe=Recipe(Cut(16)))
    build([collection], folder / "encoded", make_encoder("退税"))
    build([collection], folder / "index", encoder)
    result = load(judged)
    configuration = {**result.provenance.configuration, "dense": 0.9}
    other = folder / "other"
    save(replace(result, provenance=replace(result.provenance, configuration=configuration)), other)
    for run, index, what in (
        (judged, "cut", "的建立方式不同"),
        (judged, "encoded", "的编码器不同"),
        (other, "index", "的权重或词表不同"),
        (judged, "nowhere", "里没有索引"),
    ):
        code, out, err = cli("abstain", run, "--write", folder / index)
        assert (code, out) == (1, "")
        assert what in err
        assert not (folder / index / CALIBRATION).exists()


def test_list_shows_sets_and_what_is_wrong_with_the_others(dataset: Path) -> None:
    (dataset.parent / "坏.jsonl").write_text("{\n", encoding="utf-8")
    code, out, _ = cli("list", dataset.parent)
    assert code == 0
    assert re.search(r"小集 +│ jsonl │ 4 +│ 3 +│ —", out)
    assert re.search(r"坏 +│ jsonl │ — +│ — +│ —", out)
    assert "第 1 行：不是 JSON" in out.replace("\n", "")
    assert cli("list", dataset.parent / "无")[0] == 1


def test_list_as_json_says_the_same(dataset: Path) -> None:
    (dataset.parent / "坏.jsonl").write_text("{\n", encoding="utf-8")
    code, out, _ = cli("list", dataset.parent, "--json")
    assert code == 0
    bad, good = json.loads(out)
    assert (bad["name"], bad["questions"]) == ("坏", None)
    assert "第 1 行：不是 JSON" in bad["fault"]
    assert (good["name"], good["questions"], good["answerable"]) == ("小集", 4, 3)


def test_robustness_prints_a_row_for_each_way_of_writing(dataset: Path, collection: Path) -> None:
    code, out, _ = cli("robustness", dataset, "--sources", collection)
    assert code == 0
    for name in ("traditional", "fullwidth", "typo", "undistricted", "numerals"):
        assert name in out
    code, out, _ = cli("robustness", dataset, "--sources", collection, "--json")
    assert len(json.loads(out)) == 10
    code, _, err = cli("robustness", dataset, "--sources", collection, "--measure", "MAP")
    assert (code, "没有指标 MAP" in err) == (1, True)


def test_sweep_prints_the_grid_and_says_that_the_best_is_a_choice(
    dataset: Path, collection: Path
) -> None:
    """Of Q1 to Q4 only Q1 is to tune on."""
    arguments = ["--sources", collection, "--grid", "dense=0:1:.5"]
    code, out, _ = cli("sweep", dataset, *arguments)
    assert code == 0
    assert "调参用 1 题" in out
    assert "最好的一行是挑出来的，会偏乐观" in out
    code, out, _ = cli("sweep", dataset, *arguments, "--json")
    trials = json.loads(out)
    assert [trial["values"] for trial in trials[:1]] == [{}]
    assert (len(trials), trials[0]["interval"]["n"]) == (4, 1)


def test_a_sweep_that_cannot_be_is_told_in_words(dataset: Path, collection: Path) -> None:
    code, _, err = cli("sweep", dataset, "--sources", collection, "--grid", "dense")
    assert (code, "不是网格" in err) == (1, True)
    lines = dataset.read_text(encoding="utf-8").splitlines(keepends=True)
    dataset.write_text("".join(lines[1:]), encoding="utf-8")
    code, out, err = cli("sweep", dataset, "--sources", collection, "--grid", "dense=0,1")
    assert (code, out) == (1, "")
    assert "0 题属于 tuning，没有一题有答案" in err


def imported_by(*command: str) -> set[str]:
    """Top-level packages that a fresh process imports to print a help text."""
    arguments = ["-X", "importtime", "-m", "casebook", *command, "--help"]
    root = Path(casebook.__file__).parent
    done = subprocess.run(
        [sys.executable, *arguments], cwd=root, capture_output=True, text=True, check=True
    )
    assert "Usage" in done.stdout
    return {
        line.rpartition("|")[2].strip().partition(".")[0]
        for line in done.stderr.splitlines()
        if line.startswith("import time:")
    }


@pytest.mark.parametrize("command", [[], ["run"], ["gate"]])
def test_help_imports_nothing_that_takes_a_second(command: list[str]) -> None:
    imported = imported_by("eval", *command)
    assert {"typer", "rich"} <= imported
    assert imported & HEAVY == set()


def test_help_does_not_import_numpy_either() -> None:
    assert "numpy" not in imported_by("eval")
