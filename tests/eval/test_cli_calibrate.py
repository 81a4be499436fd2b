"""``casebook eval calibrate``: what it prints and writes, and its exit codes."""

from __future__ import annotations

import json
from collections.abc import Callable
from functools import partial
from pathlib import Path

import pytest

from eval.load import list_datasets, load_questions
from rag.confidence import Calibration

ROOT = Path(__file__).parents[2]
CASES = "甲市2022年优秀案例\n\n" + "\n".join(
    f"排名{n}\n事项{n}办理\n\n静安区第{n}项服务办了{n}00件，{n}天办结。\n" for n in range(1, 26)
)


@pytest.fixture
def cli(invoke: Callable[..., tuple[int, str, str]]) -> Callable[..., tuple[int, str, str]]:
    return partial(invoke, "eval", "calibrate")


def line(name: str, kind: str, text: str, quote: str = "") -> str:
    evidence = [{"quote": quote}] if quote else []
    record = {"id": name, "type": kind, "question": text, "evidence": evidence}
    return json.dumps({**record, "mode": "any", "answer": ""}, ensure_ascii=False) + "\n"


@pytest.fixture
def folder(folder: Path) -> Path:
    (folder / "甲市.txt").write_text(CASES, encoding="utf-8")
    answered = [line(f"A{n}", "fact", f"第{n}项服务几天办结？", f"{n}天办结") for n in range(1, 26)]
    (folder / "问.jsonl").write_text("".join(answered), encoding="utf-8")
    lacking = [line(f"N{n}", "missing", f"第{n}项服务电话是多少？") for n in range(1, 26)]
    (folder / "无.jsonl").write_text("".join(lacking), encoding="utf-8")
    return folder


ASK = ("问.jsonl", "--sources", "甲市.txt", "--unanswerable", "无.jsonl", "--system", "hybrid-text")


def test_a_calibration_is_learnt_written_and_says_where_it_comes_from(cli, folder: Path) -> None:
    code, out, err = cli(*ASK, "--out", folder / "calibration.json")
    assert (code, err) == (0, "")
    assert "hybrid-text" in out
    assert "missing" in out
    assert "校准已写进" in out
    learnt = Calibration.from_json((folder / "calibration.json").read_bytes(), "x")
    assert learnt.weights.unsaid < -1
    assert "次提问，交叉检验 AUROC" in learnt.provenance
    assert str(folder) not in learnt.provenance


def test_the_same_is_told_as_json(cli, folder: Path) -> None:
    code, out, _ = cli(*ASK, "--json")
    assert code == 0
    (record,) = json.loads(out)
    assert record["low"] >= record["none"]
    assert {group["name"] for group in record["groups"]} == {"有答案", "missing", "chitchat"}
    assert not (folder / "calibration.json").exists()


def test_a_question_with_evidence_is_not_unanswerable(cli) -> None:
    code, _, err = cli(*ASK, "--unanswerable", "问.jsonl")
    assert code == 1
    assert "问.jsonl：应是没有答案的问题，但25 个问题（A1、" in err


def test_more_denials_than_refusals_are_bad_input(cli) -> None:
    code, _, err = cli(*ASK, "--denials", "0.5")
    assert code == 2
    assert "--denials" in err


def test_an_unknown_system_is_named(cli) -> None:
    code, _, err = cli(*ASK[:-1], "快的")
    assert code == 1
    assert "没有名为 快的 的系统" in err


def test_the_files_that_ship_hold_questions_without_evidence() -> None:
    for name, count in (("unanswerable", 128), ("chitchat", 64)):
        questions = load_questions(ROOT / "eval" / f"{name}.jsonl")
        assert len({question.text for question in questions}) == count
        assert not any(question.quotes for question in questions)
        (summary,) = (one for one in list_datasets(ROOT / "eval") if one.name == name)
        assert (summary.questions, summary.answerable, summary.fault) == (count, 0, "")


def test_what_ships_to_be_refused_is_no_development_question() -> None:
    asked = {question.text for question in load_questions(ROOT / "eval" / "dev_questions.jsonl")}
    assert not asked & {q.text for q in load_questions(ROOT / "eval" / "unanswerable.jsonl")}
