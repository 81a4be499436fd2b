"""``casebook eval answers | calibrate-answers``: what they print and write, and exit codes."""

from __future__ import annotations

import json
import tomllib
from pathlib import Path

import pytest
from typer.testing import CliRunner

import casebook
import eval.workbench

CASES = "甲市2022年优秀案例\n\n" + "\n".join(
    f"排名{n}\n事项{n}办理\n\n静安区第{n}项服务办了{n}00件，群众都说好。第{n}项服务{n}天办结，企业退税快。\n"
    for n in range(1, 26)
)


def cli(*arguments: object) -> tuple[int, str, str]:
    words = ["eval", *(str(argument) for argument in arguments)]
    done = CliRunner().invoke(casebook.app, words)
    if done.exception and not isinstance(done.exception, SystemExit):
        raise done.exception
    return done.exit_code, done.stdout, done.stderr


def line(name: str, text: str, quote: str = "", answer: str = "") -> str:
    evidence = [{"quote": quote}] if quote else []
    record = {"id": name, "type": "fact", "question": text, "evidence": evidence}
    return json.dumps({**record, "mode": "any", "answer": answer}, ensure_ascii=False) + "\n"


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, encoder) -> Path:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(eval.workbench, "load_encoder", lambda _name, _models: encoder)
    (tmp_path / "甲市.txt").write_text(CASES, encoding="utf-8")
    answered = [
        line(f"A{n}", f"静安第{n}项服务几天办结？", f"{n}天办结", f"{n}天") for n in range(1, 26)
    ]
    (tmp_path / "问.jsonl").write_text("".join(answered), encoding="utf-8")
    (tmp_path / "无.jsonl").write_text(line("N1", "红烧肉怎么做？"), encoding="utf-8")
    return tmp_path


ASK = ("answers", "问.jsonl", "--sources", "甲市.txt", "--system", "hybrid-text")


def test_answers_are_told_as_a_table_and_stored_with_every_sentence(folder: Path) -> None:
    code, out, err = cli(*ASK, "--unanswerable", "无.jsonl")
    assert (code, err) == (0, "")
    for told in ("hybrid-text@问：回答", "句子原样在出处", "作答与检索之比：p50", "误拒：", "n=26"):
        assert told in out
    record = json.loads((folder / "var/eval/answers/问/hybrid-text.json").read_text())
    figures = {figure["key"]: figure for figure in record["figures"]}
    assert figures["support"]["value"] == 1.0
    assert figures["elsewhere"]["some"] == 0
    assert figures["contained_single"]["n"] == 25
    assert figures["contained_any"]["value"] is None
    assert figures["refusal_recall"]["n"] == 1
    assert record["provenance"]["dataset"] == "问"
    assert record["latency"]["n"] == len(record["questions"]) == 26
    assert record["slices"]["type"][0]["n"] == 25
    shown = next(one for one in record["questions"] if one["sentences"])
    place = shown["places"][0]
    assert CASES[place["start"] : place["end"]] in shown["text"]


def test_the_same_is_told_as_json(folder: Path) -> None:
    code, out, _ = cli(*ASK, "--out", "elsewhere", "--json")
    assert code == 0
    (record,) = json.loads(out)
    assert record == json.loads((folder / "elsewhere/问/hybrid-text.json").read_text())


def test_a_question_with_evidence_is_not_unanswerable() -> None:
    code, _, err = cli(*ASK, "--unanswerable", "问.jsonl")
    assert code == 1
    assert "问.jsonl：应是没有答案的问题，但25 个问题（A1、" in err


def test_an_id_that_is_taken_is_refused(folder: Path) -> None:
    (folder / "无.jsonl").write_text(line("A1", "红烧肉怎么做？"), encoding="utf-8")
    code, _, err = cli(*ASK, "--unanswerable", "无.jsonl")
    assert code == 1
    assert "无.jsonl：1 个问题（A1）的 id 已在别的题里；请改用别的编号" in err


@pytest.mark.parametrize("command", ["answers", "calibrate-answers"])
def test_documents_without_quotes_cannot_be_answered_from(folder: Path, command: str) -> None:
    beir = folder / "beir"
    (beir / "qrels").mkdir(parents=True)
    (beir / "corpus.jsonl").write_text('{"_id": "d1", "title": "", "text": "三日到账"}\n')
    (beir / "queries.jsonl").write_text('{"_id": "q1", "text": "几天到账"}\n')
    (beir / "qrels" / "test.tsv").write_text("query-id\tcorpus-id\tscore\nq1\td1\t1\n")
    code, _, err = cli(command, beir)
    assert code == 1
    assert "beir：判断的是整篇文档，没有引文，无从核对回答" in err


def test_an_unknown_system_is_named() -> None:
    code, _, err = cli(*ASK[:-1], "快的")
    assert code == 1
    assert "没有名为 快的 的系统" in err


def test_a_likelihood_is_learnt_and_written(folder: Path) -> None:
    code, out, err = cli("calibrate-answers", *ASK[1:], "--out", folder / "l.toml")
    assert (code, err) == (0, "")
    assert "十折交叉检验：25 题" in out
    table = tomllib.loads((folder / "l.toml").read_text(encoding="utf-8"))
    assert table["threshold"] == 0.1
    assert set(table["weights"]) == {"shared", "said", "passage_behind", "sentence_behind"}
    assert str(folder) not in table["provenance"]


def test_a_likelihood_is_told_as_json_with_the_threshold_that_was_given() -> None:
    code, out, _ = cli("calibrate-answers", *ASK[1:], "--threshold", "0.3", "--json")
    assert code == 0
    (record,) = json.loads(out)
    assert record["likelihood"]["threshold"] == 0.3
    assert record["answered"][0]["single"]["n"] == 25


def test_a_threshold_beyond_one_is_bad_input() -> None:
    assert cli("calibrate-answers", *ASK[1:], "--threshold", "1.5")[0] == 2
