"""``casebook model``: what it prints, and its exit codes."""

import json
import subprocess
import sys
from pathlib import Path

import pytest
from typer.testing import CliRunner

from rag.cli import app
from rag.preparation.prepare import Preparation


def run(*arguments: str) -> tuple[int, str, str]:
    result = CliRunner().invoke(app, list(arguments))
    return result.exit_code, result.stdout, result.stderr


def test_the_list_names_known_models_their_licences_and_what_is_missing(tmp_path: Path) -> None:
    code, out, _ = run("list", "--models", str(tmp_path))
    assert code == 0
    research = "仅供研究使用（作者声明）"
    assert out.splitlines()[1].split() == ["m3e-small", "否", "—", "—", "—", research]
    assert out.splitlines()[2].split() == ["multilingual-e5-small", "否", "—", "—", "—", "MIT"]


def test_the_list_as_json_has_prepared_models_too(tiny_prepared: Preparation) -> None:
    code, out, _ = run("list", "--models", str(tiny_prepared.folder.parent), "--json")
    assert code == 0
    rows = {row["name"]: row for row in json.loads(out)}
    assert list(rows) == ["m3e-small", "multilingual-e5-small", "tiny"]
    assert rows["tiny"]["prepared"] is True
    assert rows["tiny"]["dimension"] == 32
    assert rows["tiny"]["licence"] == "见模型主页"
    lowest = tiny_prepared.record.question_graph.parity.min_cosine
    assert rows["tiny"]["questions"] == f"8 位，余弦 {lowest:.4f}"
    assert rows["m3e-small"]["prepared"] is False


def test_the_list_says_where_questions_are_encoded_in_fp32(tiny_in_fp32: Preparation) -> None:
    code, out, _ = run("list", "--models", str(tiny_in_fp32.folder.parent), "--json")
    rows = {row["name"]: row for row in json.loads(out)}
    lowest = tiny_in_fp32.record.question_graph.parity.min_cosine
    assert code == 0
    assert rows["tiny"]["questions"] == f"fp32（8 位图余弦 {lowest:.4f}，过低）"


def test_preparing_an_intact_model_says_so(tiny_model: Path, tiny_prepared: Preparation) -> None:
    models = str(tiny_prepared.folder.parent)
    code, out, _ = run("prepare", str(tiny_model), "--models", models)
    assert code == 0
    assert out.startswith("tiny 早已准备好，文件完好（重新生成请加 --force）")
    code, out, _ = run("prepare", str(tiny_model), "--models", models, "--json")
    assert code == 0
    assert json.loads(out)["built"] is False
    assert json.loads(out)["identity"]["name"] == "tiny"


def test_prepare_builds_and_reports_the_proof(tiny_model: Path, tmp_path: Path) -> None:
    code, out, _ = run("prepare", str(tiny_model), "--models", str(tmp_path), "--query-prompt", "")
    assert code == 0
    assert "tiny 已准备好" in out
    assert "与原模型在 96 句上的最低余弦 0.9999" in out
    assert "；问题：8 位，余弦 0.99" in out
    assert (tmp_path / "tiny" / "encoder.json").is_file()


def test_an_error_is_one_line_on_standard_error_with_status_1(tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    code, out, err = run("prepare", str(tmp_path / "empty"), "--models", str(tmp_path / "models"))
    assert (code, out) == (1, "")
    assert err == (
        f"错误：{tmp_path / 'empty'} 不是 sentence-transformers 模型："
        "里面没有 .safetensors 文件；请检查路径\n"
    )


def test_an_unknown_option_is_a_usage_error() -> None:
    assert run("prepare", "--fast")[0] == 2


@pytest.mark.parametrize("module", ["rag.cli", "rag.models"])
def test_the_command_line_imports_nothing_heavy(module: str) -> None:
    script = (
        f"import sys, {module}\n"
        "heavy = {'torch', 'transformers', 'onnx', 'onnxruntime', 'tokenizers'}\n"
        "print(sorted(heavy & sys.modules.keys()))"
    )
    done = subprocess.run(
        [sys.executable, "-c", script], check=True, capture_output=True, text=True
    )
    assert done.stdout.strip() == "[]"
