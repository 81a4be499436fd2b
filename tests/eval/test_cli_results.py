"""``casebook eval verify | compare | report | gate``: what they print, and their exit codes."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from eval.archive import load, save
from eval.result import Result

Make = Callable[..., Result]


def test_verify_recomputes_every_value_and_exits_with_1_where_one_is_off(cli, runs: Path) -> None:
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


def test_verify_of_a_damaged_run_exits_with_1_and_names_the_file(cli, runs: Path) -> None:
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


def test_compare_prints_each_question_that_flipped(cli, pair: tuple[Path, Path]) -> None:
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
    cli,
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
    cli, pair: tuple[Path, Path], make_result: Make
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
    cli, pair: tuple[Path, Path], make_result: Make
) -> None:
    other = make_result("two", [1, 1, 1])
    save(replace(other, provenance=replace(other.provenance, questions_sha256="f")), pair[1])
    code, out, err = cli("compare", *pair)
    assert (code, out) == (1, "")
    assert "one@小集 与 two@小集 的题目不同，不能逐题比较" in err
    assert cli("compare", *pair, "--top-k", 3)[0] == 2


def test_compare_of_runs_that_lack_the_measure_is_told_in_words(
    cli, pair: tuple[Path, Path], make_result: Make
) -> None:
    result = make_result("two", [1, 1, 1])
    values = {name: by for name, by in result.values.items() if name != "hit@5"}
    save(replace(result, values=values), pair[1])
    code, out, err = cli("compare", *pair)
    assert (code, out) == (1, "")
    assert "two@小集 没有指标 hit@5，不能逐题比较" in err


def test_report_is_a_page_by_default_and_a_table_on_request(cli, runs: Path, folder: Path) -> None:
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
    cli, pair: tuple[Path, Path], make_result: Make
) -> None:
    code, out, err = cli("report", pair[0], pair[0], "--form", "md")
    assert (code, out) == (1, "")
    assert "有不止一次 one@小集 的结果；请只给出其中一次" in err

    other = make_result("two", [1, 1, 1])
    save(replace(other, provenance=replace(other.provenance, questions_sha256="f")), pair[1])
    code, out, err = cli("report", *pair, "--form", "md")
    assert (code, out) == (1, "")
    assert "one@小集 与 two@小集 的题目不同，不能放在一张表里" in err


def test_a_report_of_nothing_says_what_to_run(cli, folder: Path) -> None:
    code, _, err = cli("report")
    assert code == 1
    assert "没有评测结果；请运行：casebook eval run" in err
    assert not (folder / "var" / "eval" / "report.html").exists()


def test_gate_passes_fails_or_cannot_tell(cli, pair: tuple[Path, Path], make_result: Make) -> None:
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
