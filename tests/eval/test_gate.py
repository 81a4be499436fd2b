"""The gate: an equal run passes, a worse one does not, and what cannot be compared is neither."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import replace
from itertools import count
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from typer.testing import CliRunner

import casebook
import index.assemble
from eval.archive import save
from eval.beir import read_beir, write_beir
from eval.dataset import Dataset
from eval.gate import Baseline, Finding, GateError, check, read_baseline
from eval.load import load as load_dataset
from eval.questions import Question, QuestionsError, squeeze
from eval.result import Result
from eval.rows import measures_of
from eval.run import run
from eval.systems import chosen, read_systems
from eval.trec import JudgmentsError
from eval.workbench import Workbench
from rag.chunk import passages_of
from rag.types import Case, Passage, Source

Make = Callable[..., Result]
DEV = Path(__file__).parents[2] / "eval" / "dev_questions.jsonl"


def gate(*arguments: object) -> tuple[int, str, str]:
    words = ["eval", "gate", *(str(argument) for argument in arguments)]
    done = CliRunner().invoke(casebook.app, words)
    if done.exception and not isinstance(done.exception, SystemExit):
        raise done.exception
    return done.exit_code, done.stdout, done.stderr


def asked_otherwise(result: Result) -> Result:
    return replace(result, provenance=replace(result.provenance, questions_sha256="ff"))


def without(result: Result, measure: str) -> Result:
    values = {name: by for name, by in result.values.items() if name != measure}
    return replace(result, values=values)


@pytest.fixture
def good(make_result: Make) -> Result:
    return make_result("one", [1, 1, 1])


@pytest.fixture
def bad(make_result: Make) -> Result:
    return make_result("one", [1, 2, 1])


@pytest.fixture
def stored(tmp_path: Path, good: Result, bad: Result) -> Path:
    """Two runs and the baseline of the good one."""
    save(good, tmp_path / "good")
    save(bad, tmp_path / "bad")
    (tmp_path / "baseline.json").write_bytes(Baseline.of(good).to_json())
    return tmp_path


def test_the_same_run_passes_every_measure(good: Result) -> None:
    findings = check(good, Baseline.of(good))
    assert [finding.measure for finding in findings] == sorted(good.values)
    assert all(finding.ok for finding in findings)
    assert findings[0].text.endswith("0 题变好、0 题变差）")


def test_the_allowed_drop_is_allowed_and_the_next_one_is_not(good: Result, bad: Result) -> None:
    """One question of three, found second instead of first: hit@1 falls by a third."""
    watched = Baseline.of(good, ("hit@1",))
    (exact,) = check(bad, watched, max_drop=1 / 3)
    (above,) = check(bad, watched, max_drop=0.333)
    assert (exact.ok, above.ok) == (True, False)
    assert above.text.startswith("1.000 → 0.667（-0.333，95% 区间 -1.000 至 +0.000，p=1.000，")
    assert above.text.endswith("0 题变好、1 题变差）")


def test_a_better_run_passes(good: Result, bad: Result) -> None:
    assert all(finding.ok for finding in check(good, Baseline.of(bad)))


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(
    drops=st.lists(st.sampled_from([0.0, 0.25, 0.5, 1.0]), min_size=1, max_size=6),
    allowed=st.sampled_from([0.0, 0.1, 0.25, 0.5, 1.0]),
)
def test_a_measure_passes_just_when_its_mean_falls_by_no_more_than_allowed(
    good: Result, drops: list[float], allowed: float
) -> None:
    before = {f"Q{place}": 1.0 for place in range(len(drops))}
    after = {f"Q{place}": 1.0 - drop for place, drop in enumerate(drops)}
    baseline = Baseline.of(replace(good, values={"m": before}))
    (finding,) = check(replace(good, values={"m": after}), baseline, max_drop=allowed)
    assert finding.ok == (sum(drops) <= allowed * len(drops) + 1e-9)


def test_a_question_that_has_lost_its_value_fails_the_measure(good: Result) -> None:
    values = {"R@1": {"Q1": 1.0}, "hit@1": good.values["hit@1"]}
    findings = check(replace(good, values=values), Baseline.of(good, ("R@1", "hit@1")), max_drop=1)
    assert findings[0] == Finding(
        ok=False, measure="R@1", text="基线有、这次没有的题：Q2、Q3（共 2 个）"
    )
    assert findings[1].ok


def test_a_question_that_has_gained_a_value_does_not_count(good: Result) -> None:
    fewer = replace(good, values={"R@1": {"Q1": 1.0}})
    (finding,) = check(good, Baseline.of(fewer))
    assert finding.ok
    assert "1.000 → 1.000" in finding.text


def test_other_sources_are_told_beside_the_numbers(good: Result) -> None:
    provenance = replace(good.provenance, corpus_sha256="other")
    findings = check(replace(good, provenance=provenance), Baseline.of(good, ("hit@1",)))
    assert findings[0].text.endswith("；原文与基线不同")


def test_minima_need_no_baseline_and_come_before_it(good: Result, bad: Result) -> None:
    assert check(bad, None, minima={"hit@1": 0.7, "evidence@5": 1.0}) == (
        Finding(ok=True, measure="evidence@5", text="1.000，n=3，下限 1.000"),
        Finding(ok=False, measure="hit@1", text="0.667，n=3，下限 0.700"),
    )
    findings = check(bad, Baseline.of(good, ("RR@10",)), minima={"hit@1": 0.5})
    assert [finding.measure for finding in findings] == ["hit@1", "RR@10"]


def test_what_cannot_be_compared_is_an_error_and_never_a_pass(good: Result) -> None:
    with pytest.raises(GateError, match="one@小集 与基线 one@小集 的题目不同，不能相比"):
        check(asked_otherwise(good), Baseline.of(good), max_drop=1)
    with pytest.raises(GateError, match=r"没有指标 RR@10，无从核对；有：nDCG@10"):
        check(without(good, "RR@10"), Baseline.of(good), max_drop=1)
    with pytest.raises(GateError, match="没有指标 MAP"):
        check(good, None, minima={"MAP": 0.1})
    with pytest.raises(GateError, match="没有指标 MAP"):
        Baseline.of(good, ("hit@1", "MAP"))
    with pytest.raises(GateError, match="没有可核对的"):
        check(good, None)
    with pytest.raises(GateError, match="没有可核对的"):
        check(good, Baseline.of(replace(good, values={})))


@pytest.mark.parametrize("drop", [-0.01, float("nan")])
def test_a_drop_below_zero_is_a_mistake(good: Result, drop: float) -> None:
    with pytest.raises(ValueError, match="may drop by 0 or more"):
        check(good, Baseline.of(good), max_drop=drop)


def test_a_baseline_is_read_as_it_was_written_a_line_a_measure(stored: Path, good: Result) -> None:
    assert read_baseline(stored / "baseline.json") == Baseline.of(good)
    assert read_baseline(stored / "good") == Baseline.of(good)
    lines = (stored / "baseline.json").read_text(encoding="utf-8").splitlines()
    assert sum('": {"Q1"' in line for line in lines) == len(good.values)


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ('"format": 1', '"format": 2', "基线的格式不是 1"),
        ('"format": 1,', "", "不是基线文件（'format'）"),
        ('"commit"', '"comit"', "不是基线文件"),
        ('"hit@1": {"Q1": 1.0', '"hit@1": {"Q1": NaN', "hit@1 Q1 是 nan，应为有限的数"),
        ('"hit@1": {"Q1": 1.0', '"hit@1": {"Q1": "1"', "hit@1 Q1 是 '1'，应为有限的数"),
        ('"hit@1": {"Q1": 1.0, "Q2": 1.0, "Q3": 1.0}', '"hit@1": {}', "hit@1 没有值"),
        ('"hit@1": {"Q1": 1.0, "Q2": 1.0, "Q3": 1.0}', '"hit@1": [1]', "不是基线文件"),
        ("{", "", "不是基线文件"),
    ],
)
def test_a_damaged_baseline_is_refused(stored: Path, old: str, new: str, message: str) -> None:
    file = stored / "baseline.json"
    text = file.read_text(encoding="utf-8")
    assert old in text
    file.write_text(text.replace(old, new, 1), encoding="utf-8")
    with pytest.raises(GateError, match=re.escape(message)) as caught:
        read_baseline(file)
    assert str(file) in str(caught.value)
    assert gate(stored / "good", "--baseline", file)[0] == 2


@pytest.mark.parametrize("data", [b"[]", b"3", b"null", b"\xff"])
def test_a_file_that_is_something_else_is_no_baseline(tmp_path: Path, data: bytes) -> None:
    (tmp_path / "b").write_bytes(data)
    with pytest.raises(GateError, match="不是基线文件"):
        read_baseline(tmp_path / "b")


def test_the_command_exits_with_0_1_or_2(stored: Path, good: Result) -> None:
    baseline = stored / "baseline.json"
    code, out, _ = gate(stored / "good", "--baseline", baseline)
    assert (code, "退步" in out, "通过" in out) == (0, False, True)
    code, out, _ = gate(stored / "bad", "--baseline", stored / "good")
    assert (code, "退步" in out) == (1, True)
    assert gate(stored / "bad", "--baseline", baseline, "--max-drop", 51)[0] == 0
    assert gate(stored / "bad", "--baseline", baseline, "--max-drop", 33)[0] == 1
    assert gate(stored / "bad", "--min", "hit@1=.6")[0] == 0
    assert gate(stored / "bad", "--min", "hit@1=.6", "--min", "hit@5=1")[0] == 0
    assert gate(stored / "bad", "--min", "hit@1=.7")[0] == 1
    assert gate(stored / "bad", "--min", "hit@1=70")[0] == 2

    save(asked_otherwise(good), stored / "other")
    save(without(good, "RR@10"), stored / "fewer")
    (stored / "bad" / "run.txt").write_text("", encoding="utf-8")
    for arguments, message in (
        ([stored / "other", "--baseline", baseline], "题目不同，不能相比"),
        ([stored / "fewer", "--baseline", baseline], "没有指标 RR@10"),
        ([stored / "good", "--baseline", stored / "none.json"], "没有基线"),
        ([stored / "good"], "请给出 --baseline 或 --min"),
        ([stored / "bad", "--baseline", baseline], "已损坏"),
        ([stored / "good", "--baseline", stored / "bad"], "已损坏"),
        ([stored / "none", "--baseline", baseline], "没有评测结果"),
        ([stored / "good", "--min", "MAP=.5"], "没有指标 MAP"),
        ([stored / "good", "--write", stored / "no" / "b.json"], "请检查路径"),
    ):
        code, out, err = gate(*arguments)
        assert (code, out) == (2, "")
        assert err.startswith("错误：")
        assert message in err


@pytest.mark.parametrize(
    "options",
    [
        ["--max-drop", "-1"],
        ["--min", "hit@1"],
        ["--min", ".9"],
        ["--min", "=.9"],
        ["--min", "hit@1=x"],
        ["--min", "hit@1=.5", "--min", "hit@1=.9"],
        ["--write", "b.json", "--baseline", "b.json"],
        ["--write", "b.json", "--min", "hit@1=.9"],
    ],
)
def test_options_that_cannot_be_meant_exit_with_2(stored: Path, options: list[str]) -> None:
    assert gate(stored / "bad", *options)[:2] == (2, "")
    assert not Path("b.json").exists()


def test_what_the_command_writes_it_accepts(stored: Path, good: Result) -> None:
    code, out, _ = gate(stored / "good", "--write", stored / "new.json")
    assert (code, out) == (0, f"已把 one@小集 写成基线 {stored / 'new.json'}\n")
    assert read_baseline(stored / "new.json") == Baseline.of(good, measures_of(good))
    assert gate(stored / "good", "--baseline", stored / "new.json")[0] == 0


def hybrid(corpus: Path, models: Path, cache: Path) -> Result:
    """The product as it is, on the development questions."""
    (system,) = (s for s in chosen(read_systems(), ["hybrid"]) if s.name == "hybrid")
    with Workbench(load_dataset(DEV, [corpus]), models, cache, lambda *_: None) as bench:
        return run(bench, bench.build(system))


@pytest.fixture(scope="module")
def baseline_run(corpus: Path, models: Path, real_index: Path) -> Result:
    return hybrid(corpus, models, real_index / "vectors.sqlite")


@pytest.mark.model
def test_a_second_run_of_the_product_passes_without_any_drop(
    baseline_run: Result, corpus: Path, models: Path, real_index: Path
) -> None:
    again = hybrid(corpus, models, real_index / "vectors.sqlite")
    assert again.values == baseline_run.values
    assert [o.ranking for o in again.outcomes] == [o.ranking for o in baseline_run.outcomes]
    assert all(finding.ok for finding in check(again, Baseline.of(baseline_run)))


@pytest.mark.model
def test_a_build_that_loses_a_tenth_of_the_passages_fails_the_gate(
    baseline_run: Result,
    corpus: Path,
    models: Path,
    real_index: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    number = count()
    lost: list[Passage] = []
    kept: list[Passage] = []  # without those of repeated cases, which are never retrieved

    def leaky(case: Case, *arguments: Any) -> list[Passage]:
        left: list[Passage] = []
        for passage in passages_of(case, *arguments):
            (lost if next(number) % 10 == 4 else left).append(passage)
        if case.duplicate_of is None:
            kept.extend(left)
        return left

    monkeypatch.setattr(index.assemble, "passages_of", leaky)
    result = hybrid(corpus, models, real_index / "vectors.sqlite")
    assert len(lost) == round(next(number) / 10)

    save(baseline_run, tmp_path / "before")
    save(result, tmp_path / "after")
    gate(tmp_path / "before", "--write", tmp_path / "baseline.json")
    code, out, _ = gate(
        tmp_path / "after", "--baseline", tmp_path / "baseline.json", "--max-drop", "1.0"
    )
    assert code == 1
    fallen = {
        f.measure for f in check(result, Baseline.of(baseline_run), max_drop=0.01) if not f.ok
    }
    assert {"evidence@1", "evidence@5", "hit@5", "nDCG@10", "RR@10"} <= fallen
    assert "基线有、这次没有的题" in out

    texts = [squeeze(passage.text) for passage in kept]
    gone = {
        quote
        for question in result.questions
        for quote in question.quotes
        if not any(squeeze(quote) in text for text in texts)
    }
    unanswerable = {
        question.question_id
        for question in result.questions
        if question.quotes
        and (all if question.mode == "any" else any)(quote in gone for quote in question.quotes)
    }
    assert len(unanswerable) == 13  # of 152 with quotes
    missed = {o.question_id: o.miss.kind for o in result.outcomes if o.miss}
    not_indexed = {question_id for question_id, kind in missed.items() if kind == "not_indexed"}
    assert not_indexed == unanswerable
    assert "cut" not in missed.values()  # no quote stands in two passages as they are cut now
    assert all(result.values["hit@10"][question_id] == 0 for question_id in unanswerable)


def test_text_that_is_gone_from_the_sources_is_refused_and_never_dropped(
    corpus: Path, tmp_path: Path
) -> None:
    text = corpus.read_text(encoding="utf-8")
    shorter = tmp_path / corpus.name
    shorter.write_text(text[: int(len(text) * 0.9)], encoding="utf-8")
    with pytest.raises(QuestionsError, match=r"问题 D\d+ 的引文“.+”不在原文中"):
        load_dataset(DEV, [shorter])


def test_a_beir_folder_that_lost_a_tenth_of_its_documents_is_refused_naming_the_line(
    tmp_path: Path,
) -> None:
    sources = tuple(Source(f"d{n}", "", "utf-8", f"第{n}篇") for n in range(20))
    questions = tuple(Question(f"Q{n}", "", f"{n}？", (), "any") for n in range(20))
    judgments = {f"Q{n}": {f"d{n}": 1} for n in range(20)}
    write_beir(tmp_path / "set", Dataset("set", questions, sources, judgments, ""))
    assert len(read_beir(tmp_path / "set").sources) == 20

    corpus = tmp_path / "set" / "corpus.jsonl"
    lines = corpus.read_text(encoding="utf-8").splitlines(keepends=True)
    corpus.write_text("".join(lines[:7] + lines[8:15] + lines[16:]), encoding="utf-8")
    with pytest.raises(JudgmentsError, match=r"test\.tsv：第 9 行：文档 d7 不在 corpus\.jsonl 中"):
        load_dataset(tmp_path / "set")
