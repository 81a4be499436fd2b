"""The command line: what it prints, and its exit codes."""

from __future__ import annotations

import json
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread

import pytest
from typer.testing import CliRunner

import casebook

pytestmark = pytest.mark.model


def run(*arguments: object) -> tuple[int, str, str]:
    result = CliRunner().invoke(casebook.app, [str(argument) for argument in arguments])
    if result.exception and not isinstance(result.exception, SystemExit):
        raise result.exception
    return result.exit_code, result.stdout, result.stderr


def test_build_then_search_finds_the_case_with_its_place(tmp_path, collection, models) -> None:
    index = tmp_path / "index"
    code, out, _ = run("build", collection, "--index", index, "--models", models)
    assert code == 0
    assert "1 个文件，2 个案例，3 个段落，5 个句子；编码器 multilingual-e5-small" in out

    code, out, _ = run("search", "退税几天到账", "-k", 1, "--index", index, "--models", models)
    assert code == 0
    assert "1. 静安区《退税快办》（某市2023年优化营商环境优秀案例，排名1）" in out
    assert "主要做法" in out
    assert "出处：案例 2023/某市.txt [35:61]" in out


def test_a_case_of_another_district_is_marked_behind_its_label(
    tmp_path, collection, models
) -> None:
    index = tmp_path / "index"
    run("build", collection, "--index", index, "--models", models)

    def heads(question: str) -> list[str]:
        _, out, _ = run("search", question, "--index", index, "--models", models)
        return sorted(line.partition(". ")[2] for line in out.splitlines() if "《" in line)

    tax = "静安区《退税快办》（某市2023年优化营商环境优秀案例，排名1）"
    help_ = "嘉定区《帮办代办》（某市2023年优化营商环境优秀案例，排名2）"
    assert heads("退税几天到账") == [help_, tax, tax]
    assert heads("嘉定退税几天到账") == [help_, f"{tax}（其他区）", f"{tax}（其他区）"]


def test_search_by_case_prints_passages_below_their_case_under_their_ranks(
    tmp_path, collection, models
) -> None:
    index = tmp_path / "index"
    run("build", collection, "--index", index, "--models", models)
    arguments = ["search", "嘉定退税几天到账", "--index", index, "--models", models]
    _, flat, _ = run(*arguments)
    _, grouped, _ = run(*arguments, "--by-case")
    _, as_json, _ = run(*arguments, "--by-case", "--json")

    answer = json.loads(as_json)
    assert answer["named_districts"] == ["嘉定区"]
    assert {p["citation"]["title"]: p["other_district"] for p in answer["passages"]} == {
        "退税快办": True,
        "帮办代办": False,
    }
    assert sorted(rank for case in answer["cases"] for rank in case["ranks"]) == [1, 2, 3]
    heads = [
        line for line in grouped.splitlines() if "《" in line or line.partition(".")[0].isdecimal()
    ]
    expected = []
    for case in answer["cases"]:
        other = "（其他区）" if case["title"] == "退税快办" else ""
        expected.append(case["label"] + other)
        for rank in case["ranks"]:
            section = " › ".join(answer["passages"][rank - 1]["citation"]["section"])
            expected.append(f"{rank}. {section}".rstrip())
    assert heads == expected
    places = [line for line in flat.splitlines() if "出处：" in line]
    assert sorted(line for line in grouped.splitlines() if "出处：" in line) == sorted(places)
    assert len(places) == 3


def test_search_as_json_has_no_cases_unless_asked_for(real_index, models) -> None:
    arguments = ["search", "退税", "--json", "--index", real_index, "--models", models]
    assert "cases" not in json.loads(run(*arguments)[1])


def test_search_as_json_gives_offsets_that_cut_the_passage(real_index, models, corpus) -> None:
    code, out, _ = run(
        "search", "静安退税几天到账", "--json", "--index", real_index, "--models", models
    )
    answer = json.loads(out)
    text = corpus.read_text(encoding="utf-8")
    assert code == 0
    assert answer["passages"][0]["citation"]["district"] == "静安区"
    assert answer["passages"][0]["citation"]["source"]["file"] == f"data/{corpus.name}"
    for passage in answer["passages"]:
        source = passage["citation"]["source"]
        assert text[source["start"] : source["end"]] == passage["text"]


def test_search_within_a_district_stays_in_it(real_index, models) -> None:
    arguments = ["--district", "虹口", "--json", "--index", real_index, "--models", models]
    _, out, _ = run("search", "退税", *arguments)
    districts = {passage["citation"]["district"] for passage in json.loads(out)["passages"]}
    assert districts == {"虹口区"}


def test_a_question_that_is_not_answered_exits_with_4(real_index, models) -> None:
    code, out, _ = run("search", "红烧肉怎么做", "--index", real_index, "--models", models)
    assert code == 4
    assert out.startswith("案例集里没有找到答案")


@pytest.mark.parametrize("command", ["search", "ask"])
@pytest.mark.parametrize(
    ("question", "fault"), [("  ", "问题是空的"), ("\udcff退税", "问题不是合法的 UTF-8 文字")]
)
def test_a_question_that_is_none_is_a_usage_error(
    real_index, models, command: str, question: str, fault: str
) -> None:
    code, _, err = run(command, question, "--index", real_index, "--models", models)
    assert code == 2
    assert fault in err


def test_without_an_index_the_command_to_run_is_told(tmp_path, models) -> None:
    code, _, err = run("search", "退税", "--index", tmp_path / "none", "--models", models)
    assert code == 1
    assert err.startswith("错误：")
    assert "casebook build" in err


def test_a_skipped_file_is_told_and_exits_with_3(tmp_path, collection, models) -> None:
    (collection / "坏.txt").write_bytes(b"\0\0\0")
    code, out, err = run("build", collection, "--index", tmp_path / "i", "--models", models)
    assert code == 3
    assert "1 个文件" in out
    assert "已跳过 案例 2023/坏.txt：第 1 行：含有控制字符 U+0000" in err


def test_nothing_to_build_from_exits_with_1(tmp_path, models) -> None:
    code, _, err = run("build", tmp_path / "无", "--index", tmp_path / "i", "--models", models)
    assert code == 1
    assert "没有这个文件或文件夹" in err


def test_check_prints_a_table_and_exits_with_0(real_index, models) -> None:
    code, out, _ = run("check", "--index", real_index, "--models", models)
    assert code == 0
    assert "摘要全部相符" in out


def test_check_as_json_exits_with_1_where_something_is_wrong(tmp_path: Path, models) -> None:
    code, out, _ = run("check", "--json", "--index", tmp_path / "none", "--models", models)
    assert code == 1
    assert json.loads(out)[0]["ok"] is False


def test_a_path_that_cannot_be_an_index_is_told_in_words(collection, models) -> None:
    file = collection / "某市.txt"
    code, _, err = run("search", "退税", "--index", file, "--models", models)
    assert (code, "里没有索引" in err) == (1, True)
    code, _, err = run("build", collection, "--index", file, "--models", models)
    assert code == 1
    assert "错误：" in err
    assert "请检查路径、权限和磁盘空间" in err


def test_the_passage_size_can_be_set(tmp_path: Path, collection, models) -> None:
    arguments = ["--max-tokens", 16, "--json", "--index", tmp_path / "i", "--models", models]
    _, out, _ = run("build", collection, *arguments)
    assert json.loads(out)["passages"] > 3


class Embeddings(BaseHTTPRequestHandler):
    """An OpenAI-compatible endpoint whose vectors count a few characters."""

    def do_POST(self) -> None:
        body = json.loads(self.rfile.read(int(self.headers["content-length"])))
        texts = body["input"] if isinstance(body["input"], list) else [body["input"]]
        vectors = [[text.count(c) + 0.01 for c in "退税帮办问原"] for text in texts]
        data = [{"index": i, "embedding": vector} for i, vector in enumerate(vectors)]
        answer = json.dumps({"object": "list", "data": data, "model": body["model"]}).encode()
        self.send_response(200)
        self.send_header("content-type", "application/json")
        self.send_header("content-length", str(len(answer)))
        self.end_headers()
        self.wfile.write(answer)

    def log_message(self, *_: object) -> None:
        """Say nothing."""


def test_an_index_of_a_remote_encoder_is_built_and_reopened_with_its_prompts(
    tmp_path: Path, collection
) -> None:
    with ThreadingHTTPServer(("127.0.0.1", 0), Embeddings) as server:
        Thread(target=server.serve_forever, daemon=True).start()
        name = f"openai:counting@http://127.0.0.1:{server.server_port}/v1"
        places = ["--index", tmp_path / "index", "--models", tmp_path]
        prompts = ["--query-prompt", "问：", "--passage-prompt", "原文："]
        code, out, _ = run("build", collection, "--model", name, *prompts, *places)
        assert code == 0
        assert f"编码器 {name}" in out

        code, out, _ = run("search", "帮办站现场服务", "--json", *places)
        assert json.loads(out)["passages"][0]["citation"]["title"] == "帮办代办"
        server.shutdown()

    code, _, err = run("search", "帮办站现场服务", *places)
    assert code == 1
    assert "/v1/embeddings" in err
