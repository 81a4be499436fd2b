"""A run made elsewhere: judged as ours are, kept as it is stored."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from hashlib import sha256
from pathlib import Path

import pytest

from eval.archive import discrepancies, load, save
from eval.dataset import Dataset
from eval.imported import imported
from eval.measures import recomputed
from eval.questions import Question
from eval.report import report_html, report_json
from eval.result import Excerpt, Ranked
from eval.systems import SystemsError
from eval.trec import JudgmentsError, read_run
from rag.types import Source

QUESTIONS = (
    Question("Q1", "fact", "退税几天到账？", (), "any"),
    Question("Q2", "fact", "帮办了几次？", (), "any"),
    Question("Q3", "none", "红烧肉？", (), "any"),
)
TEXTS = {"d1": "退税三日到账。", "d2": "帮办六千次。", "d3": "公园。"}
SOURCES = tuple(
    Source(name, sha256(text.encode()).hexdigest(), "utf-8", text) for name, text in TEXTS.items()
)
DATASET = Dataset("小集", QUESTIONS, SOURCES, {"Q1": {"d1": 1, "d3": 0}, "Q2": {"d2": 2}}, "ab")
QUOTED = replace(
    DATASET, judgments={}, questions=(replace(QUESTIONS[0], quotes=("三日到账",)), *QUESTIONS[1:])
)


def run_of(**scores: Mapping[str, float]) -> dict[str, tuple[Ranked, ...]]:
    return {
        question_id: tuple(Ranked(unit, score) for unit, score in ranking.items())
        for question_id, ranking in scores.items()
    }


RUN = run_of(Q1={"d3": 0.5, "d1": 0.5}, Q2={"d2": 7.0}, Q3={"d1": 1.0})


def test_a_run_is_judged_by_the_dataset_and_has_no_latency_and_no_cost() -> None:
    result = imported(DATASET, RUN, "别家", command="casebook eval import")
    assert result.name == "别家@小集"
    assert result.values["RR@10"] == {"Q1": 0.5, "Q2": 1.0}
    assert result.values["Judged@10"] == {"Q1": 1.0, "Q2": 1.0}
    assert "evidence@1" not in result.values
    assert (result.cost, result.latencies_ms, result.notes) == (None, [], ())
    assert {(o.confidence, o.stages, o.case_found) for o in result.outcomes} == {(None,) * 3}
    assert result.groups["overlap"] == {"Q1": ".4-.6", "Q2": ".2-.4"}
    assert result.excerpts[0] == Excerpt("d1", "d1", "退税三日到账。")


def test_an_import_is_the_same_after_saving_and_can_be_verified_and_reported(
    tmp_path: Path,
) -> None:
    result = imported(DATASET, RUN, "别家")
    save(result, tmp_path / "别家")
    stored = load(tmp_path / "别家")
    assert stored == result
    assert discrepancies(stored) == []
    assert recomputed(stored) == result.values
    assert report_json([stored]) == report_json([result])
    assert "别家" in report_html([stored])


def test_ties_are_stored_in_the_order_that_the_values_were_computed_in(tmp_path: Path) -> None:
    """As another tool writes them: equal in single precision, rising in double, ids in the way."""
    file = tmp_path / "run.txt"
    file.write_text(
        "Q1 Q0 d1 1 0.5000000000001 x\nQ1 Q0 d3 2 0.5 x\nQ1 Q0 d2 3 0.5 x\nQ2 Q0 d2 1 1 x\n"
    )
    result = imported(DATASET, read_run(file), "别家")
    assert result.outcomes[0].units == ["d3", "d2", "d1"]
    assert result.values["RR@10"] == {"Q1": 1 / 3, "Q2": 1.0}
    save(result, tmp_path / "别家")
    assert load(tmp_path / "别家") == result


def test_questions_that_the_run_lacks_count_0_and_are_noted() -> None:
    noted = replace(DATASET, notes=("q9 没有文字，未计入",))
    result = imported(noted, run_of(Q1={"d1": 1.0}, Q2={}), "别家")
    assert result.values["nDCG@10"] == {"Q1": 1.0, "Q2": 0.0}
    assert result.notes == (
        "q9 没有文字，未计入",
        "小集：别家 没有排出 1 个问题（Q2），各项指标都按 0 计",
    )


def test_questions_that_the_judgments_lack_are_left_out_and_noted() -> None:
    judged = {"Q2": {"p7": 1}, "Q1": {"p8": 0}}
    result = imported(QUOTED, run_of(Q1={"p8": 1.0}, Q2={"p7": 1.0}), "别家", qrels=judged)
    assert result.values["R@1"] == {"Q2": 1.0}
    assert result.document_judged
    assert result.notes == ("小集：给出的判断里，1 个问题（Q1）没有相关（等级大于 0）的，未计入",)


@pytest.mark.parametrize("name", ["", "a b", "a/b", "..", "-x"])
def test_a_name_that_no_system_could_have_is_refused(name: str) -> None:
    with pytest.raises(SystemsError, match=r"--name：系统名 .* 不能用：它也是结果文件夹的名称"):
        imported(DATASET, RUN, name)


@pytest.mark.parametrize(
    ("dataset", "run", "message"),
    [
        (QUOTED, RUN, "小集 以引文判断，排名的是别处的段落；请用 --qrels 给出"),
        (
            DATASET,
            RUN | run_of(Q8={}, Q7={}),
            "别家 回答了 小集 里没有的 2 个问题（Q7、Q8）；请核对",
        ),
        (DATASET, run_of(Q1={"x": 1.0}), "别家 排出的文档没有一个在判断里"),
    ],
)
def test_a_run_of_something_else_is_refused(
    dataset: Dataset, run: Mapping[str, tuple[Ranked, ...]], message: str
) -> None:
    with pytest.raises(JudgmentsError, match=message):
        imported(dataset, run, "别家")


def test_judgments_of_unknown_questions_and_rising_scores_are_programming_errors() -> None:
    with pytest.raises(ValueError, match=r"questions that were not asked: \['Q9'\]"):
        imported(DATASET, RUN, "别家", qrels={"Q1": {"d1": 1}, "Q9": {"d1": 1}})
    with pytest.raises(ValueError, match="not best first"):
        imported(DATASET, run_of(Q1={"d1": 1.0, "d2": 2.0}), "别家")
