"""``casebook verify``: what it prints, its exit codes, and that it loads no encoder."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

import casebook
from index.build import build
from index.store import open_cases, open_index


@pytest.fixture
def index(tmp_path: Path, collection: Path, encoder) -> Path:
    build([collection], tmp_path / "index", encoder)
    return tmp_path / "index"


def run(*arguments: object, typed: str | None = None) -> tuple[int, str, str]:
    result = CliRunner(env={"COLUMNS": "200"}).invoke(
        casebook.app, ["verify", *map(str, arguments)], input=typed
    )
    if result.exception and not isinstance(result.exception, SystemExit):
        raise result.exception
    return result.exit_code, result.stdout, result.stderr


def test_words_that_stand_in_the_cases_are_exact(index: Path) -> None:
    code, out, _ = run("税务局“推出智能退稅，三日到账”", "--index", index)
    assert code == 0
    assert "一致" in out
    assert "静安区《退税快办》（某市2023年优化营商环境优秀案例，排名1）" in out
    assert "案例 2023/某市.txt [41:52]" in out
    assert "写法不同：繁简" in out


def test_another_number_is_told_and_ends_with_four(index: Path) -> None:
    code, out, _ = run("-", "--index", index, typed="“推出智能退税，五日到账”")
    assert code == 4
    assert "有出入" in out
    assert "“五”应为“三”（相似度 0.909）" in out
    assert "注意：数字不同" in out


def test_right_words_of_the_wrong_case_are_told(index: Path) -> None:
    help_ = next(case for case in open_cases(index) if case.title == "帮办代办")
    code, out, _ = run("“推出智能退税”", "--case", help_.case_id, "--index", index)
    assert code == 4
    assert "所注的出处没有，另见：" in out
    assert "静安区《退税快办》" in out


def test_all_sentences_are_verified_if_asked_for(index: Path) -> None:
    text = "群众“少跑腿”，每天帮办六千多次。"
    assert run(text, "--index", index)[0] == 0
    assert run(text, "--sentences", "--index", index)[0] == 4


def test_json_is_that_of_the_interface(index: Path) -> None:
    code, out, _ = run("“推出智能退税”", "--json", "--index", index)
    answer = json.loads(out)
    assert code == 0
    assert (answer["verdict"], answer["scope"]) == ("exact", "quotes")
    place = answer["quotes"][0]["places"][0]
    assert place["spans"] == [[41, 47]]
    assert place["citation"]["source"]["file"] == "案例 2023/某市.txt"


def test_what_is_wrong_is_one_sentence(index: Path, tmp_path: Path) -> None:
    code, _, err = run("“退税”", "--case", "c0", "--index", index)
    assert (code, err.startswith("错误：没有编号为 c0 的案例")) == (1, True)
    code, _, err = run("“退税”", "--index", tmp_path / "none")
    assert (code, "里没有索引" in err) == (1, True)
    code, _, err = run("……", "--index", index)
    assert (code, err) == (1, "错误：没有可以核对的文字；请写上要核对的引文\n")


def test_a_damaged_source_is_never_verified_against(index: Path) -> None:
    (file,) = index.glob("versions/*/sources/*")
    file.write_bytes(file.read_bytes().replace("三日".encode(), "五日".encode()))
    code, _, err = run("“五日到账”", "--index", index)
    assert code == 1
    assert "索引已损坏" in err


@pytest.mark.model
def test_the_cases_are_those_of_the_whole_index(real_index: Path, models: Path) -> None:
    assert open_cases(real_index) == open_index(real_index, models).assistant.cases
