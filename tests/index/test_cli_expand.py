"""``casebook expand`` on the command line, with a real HTTP server as the language model."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest
from typer.testing import CliRunner

import casebook

pytestmark = pytest.mark.model

ROOT = Path(__file__).parents[2]


def run(*arguments: object) -> tuple[int, str, str]:
    result = CliRunner().invoke(casebook.app, [str(argument) for argument in arguments])
    if result.exception and not isinstance(result.exception, SystemExit):
        raise result.exception
    return result.exit_code, result.stdout, result.stderr


@pytest.fixture(autouse=True)
def no_model_is_configured(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("CASEBOOK_LLM", "CASEBOOK_LLM_KEY"):
        monkeypatch.delenv(name, raising=False)


@pytest.fixture
def arguments(chat_service, tmp_path: Path, collection: Path, models: Path) -> list[object]:
    llm = f"openai:qwen@{chat_service.url}"
    return [collection, "--models", models, "--cache", tmp_path / "answers.jsonl", "--llm", llm]


@pytest.fixture
def expand(arguments: list[object]) -> Callable[..., tuple[int, str, str]]:
    return lambda *more: run("expand", *arguments, *more)


@pytest.fixture
def draft(collection: Path) -> Path:
    return collection / "某市.questions.draft.jsonl"


def test_from_a_passage_to_being_found_by_a_question_that_only_a_model_thought_of(
    expand, chat_service, collection: Path, draft: Path, models: Path, tmp_path: Path
) -> None:
    index = tmp_path / "index"
    usual = chat_service.say

    def say(asked: str) -> str:
        if "两千户" not in asked:
            return usual(asked)
        everyday = [
            "老板们尝到甜头了吗",
            "红烧肉",
            "多收的还不还",
            "要排队吗",
            "找哪个单位",
            "快不快",
        ]
        return json.dumps(everyday, ensure_ascii=False)

    def search() -> tuple[int, list[str]]:
        question = ["老板们尝到甜头了吗", "--json", "--index", index, "--models", models]
        code, out, _ = run("search", *question)
        return code, [passage["text"] for passage in json.loads(out)["passages"]]

    build = ["build", collection, "--index", index, "--models", models]
    chat_service.say = say
    assert run(*build)[0] == 0
    code, before = search()
    assert code == 4
    assert ["两千户" in text for text in before] == [False, False, True]

    code, out, _ = expand()
    assert code == 0
    assert "3 个段落：0 个早有问法；写好 3 个，共 18 个问法" in out
    assert f"草稿：{draft}" in out
    code, out, _ = run(*build)
    assert "没有变化，沿用" in out  # a draft changes nothing

    lines = draft.read_text(encoding="utf-8")
    assert lines.count("红烧肉") == 1
    draft.write_text(lines.replace('"红烧肉", ', ""), encoding="utf-8")  # an editor's review

    code, out, _ = expand("--accept")
    companion = collection / "某市.questions.jsonl"
    assert code == 0
    assert out == f"已采用 3 段、17 个新问法：{companion}\n重新运行 casebook build 后生效。\n"
    assert not draft.exists()

    assert run(*build)[0] == 0
    code, after = search()
    assert code == 0
    assert ["两千户" in text for text in after] == [True, False, False]
    assert "甜头" not in "".join(after)  # a key, never evidence

    code, out, _ = expand()
    assert "3 个段落：3 个早有问法；写好 0 个" in out
    assert len(chat_service.asked) == 3


def test_the_summary_as_json(expand, draft: Path) -> None:
    code, out, _ = expand("--json", "--limit", 2)
    assert code == 0
    assert json.loads(out) == {
        "passages": 3,
        "missing": 3,
        "written": 2,
        "cached": 0,
        "questions": 12,
        "left": 1,
        "failures": [],
        "drafts": [str(draft)],
        "ended": "done",
        "skipped": [],
    }
    code, out, _ = expand("--json", "--accept")
    companion = str(draft.with_name("某市.questions.jsonl"))
    assert json.loads(out) == {
        "accepted": [{"file": companion, "passages": 2, "questions": 12}],
        "skipped": [],
    }


def test_a_dry_run_asks_nothing_and_shows_a_prompt(
    expand, chat_service, collection: Path, models: Path, draft: Path, tmp_path: Path
) -> None:
    code, out, _ = run("expand", collection, "--dry-run", "--models", models)
    assert code == 0
    assert out.startswith("3 个段落，3 个要写问法；须问模型 3 次")
    assert "[user]\n所属区：静安区\n案例：退税快办\n小标题：主要做法\n段落：\n<<<\n" in out
    assert (draft.exists(), (tmp_path / "answers.jsonl").exists()) == (False, False)
    expand("--limit", 1)
    draft.unlink()
    code, out, _ = expand("--dry-run", "--json")
    answer = json.loads(out)
    assert (answer["missing"], answer["requests"]) == (3, 2)
    assert [turn["role"] for turn in answer["prompt"]] == ["system", "user"]
    assert len(chat_service.asked) == 1


def test_without_a_model_both_ways_out_are_told(collection: Path, models: Path) -> None:
    code, _, err = run("expand", collection, "--models", models)
    assert code == 1
    assert "--llm openai:模型名@http://主机/v1 或环境变量 CASEBOOK_LLM" in err
    assert "CASEBOOK_LLM_KEY" in err
    assert '{"start": 0, "end": 120, "questions": ["……", "……"]}' in err


def test_model_and_key_come_from_the_environment(
    chat_service, arguments, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CASEBOOK_LLM", str(arguments[-1]))
    monkeypatch.setenv("CASEBOOK_LLM_KEY", "secret")
    code, out, err = run("expand", *arguments[:-2])
    assert code == 0
    assert chat_service.keys == ["Bearer secret"] * 3
    assert "secret" not in out + err


def test_a_passage_without_questions_is_listed_and_exits_with_3(expand, chat_service) -> None:
    chat_service.answers = [400]
    code, out, err = expand("--jobs", 1)
    assert code == 3
    assert "没有写成 1 个，还没有问 0 个" in out
    assert "没有写成 案例 2023/某市.txt [35:61]：" in err
    assert "返回 HTTP 400" in err


def test_a_skipped_file_is_told_and_exits_with_3(expand, collection: Path) -> None:
    (collection / "坏.txt").write_bytes(b"\0\0\0")
    code, out, err = expand()
    assert code == 3
    assert "写好 3 个" in out
    assert "已跳过 案例 2023/坏.txt：第 1 行：含有控制字符 U+0000" in err


def test_nothing_to_read_exits_with_1(tmp_path: Path) -> None:
    code, _, err = run("expand", tmp_path / "无", "--dry-run")
    assert code == 1
    assert "没有可以读的案例文件：\n  " in err
    assert "没有这个文件或文件夹" in err


def test_nothing_to_accept_exits_with_1(expand) -> None:
    code, _, err = expand("--accept")
    assert code == 1
    assert "没有草稿" in err


def test_a_service_that_keeps_failing_exits_with_1(expand, chat_service) -> None:
    chat_service.answers = [401] * 99
    code, out, err = expand("--max-tokens", 16, "--jobs", 1)
    assert code == 1
    assert err.endswith("错误：接连 5 段没有写成，不再问下去；原因见上\n")
    assert "写好 0 个" in out


@pytest.mark.parametrize("other", ["--dry-run", "--realign"])
def test_only_one_thing_is_done_at_once(expand, other: str) -> None:
    assert expand("--accept", other)[0] == 2


def test_after_an_edit_of_the_source_its_questions_are_moved(
    expand, collection: Path, models: Path, tmp_path: Path
) -> None:
    expand()
    expand("--accept")
    build = ["build", collection, "--index", tmp_path / "index", "--models", models]
    file = collection / "某市.txt"
    edited = file.read_text(encoding="utf-8").replace("排名1", "（修订稿）\n排名1", 1)
    file.write_text(edited, encoding="utf-8")
    code, _, err = run(*build)
    assert code == 3
    assert "第 1 行：quote 是 '静安区税务局推出智能退税'" in err
    assert "请把 start、end 各加 6，或运行 casebook expand 路径 --realign 把各行一并改正" in err
    companion = collection / "某市.questions.jsonl"
    assert expand("--realign") == (0, f"{companion}：移动了 3 行\n", "")
    assert run(*build)[0] == 0
    assert expand("--realign") == (0, "每一行都与原文相符，没有要移动的。\n", "")

    file.write_text(edited.replace("嘉定区设立", "嘉定区建立"), encoding="utf-8")
    code, out, err = expand("--realign")
    assert (code, out) == (3, f"{companion}：移动了 0 行\n")
    assert err == f"{companion}：第 3 行的 quote 在原文里找不到，或不止一处；请改正或删去\n"
    code, out, _ = expand("--realign", "--json")
    assert json.loads(out)["realigned"] == [{"file": str(companion), "moved": 0, "lost": [3]}]


@pytest.fixture
def interruptible(arguments: list[object]) -> Iterator[Callable[[], subprocess.Popen[str]]]:
    """Start the command as a process of its own, asking about one passage at a time."""
    if os.name == "nt":
        pytest.skip("signals are POSIX")
    command = [sys.executable, "-m", "casebook", "expand", *map(str, arguments), "--jobs", "1"]
    with ExitStack() as processes:

        def start() -> subprocess.Popen[str]:
            pipe = subprocess.PIPE
            return processes.enter_context(
                subprocess.Popen(command, cwd=ROOT, stdout=pipe, stderr=pipe, encoding="utf-8")
            )

        yield start


def interrupt(process: subprocess.Popen[str]) -> None:
    """Press Ctrl-C, and wait until it was heeded."""
    process.send_signal(signal.SIGINT)
    assert process.stderr is not None
    assert process.stderr.readline().startswith("正在等已发出的请求返回")


def test_an_interrupt_keeps_what_was_asked_and_exits_with_130(
    interruptible, chat_service, draft: Path
) -> None:
    usual = chat_service.say
    asked, interrupted = threading.Event(), threading.Event()

    def say(text: str) -> str:
        asked.set()
        interrupted.wait(60)
        return usual(text)

    chat_service.say = say
    process = interruptible()
    assert asked.wait(60)
    interrupt(process)
    interrupted.set()
    out, err = process.communicate(timeout=60)
    assert process.returncode == 130
    assert "写好 1 个" in out
    assert "还没有问 2 个" in out
    assert "已中断；再次运行就接着写" in err
    assert len(draft.read_text(encoding="utf-8").splitlines()) == 1
    assert len(chat_service.asked) == 1


def test_a_second_interrupt_waits_for_nothing_and_loses_no_answer(
    interruptible, expand, chat_service, draft: Path, tmp_path: Path
) -> None:
    usual = chat_service.say
    asked, over = threading.Event(), threading.Event()

    def say(text: str) -> str:
        if len(chat_service.asked) > 1:
            asked.set()
            over.wait(60)
        return usual(text)

    chat_service.say = say
    process = interruptible()
    assert asked.wait(60)
    while not (tmp_path / "answers.jsonl").read_bytes().endswith(b"\n"):
        time.sleep(0.01)  # the first answer is kept while the second is being written
    interrupt(process)
    process.send_signal(signal.SIGINT)
    process.communicate(timeout=30)  # the answer is still being written
    over.set()
    assert process.returncode == 130
    assert expand()[0] == 0
    assert len(draft.read_text(encoding="utf-8").splitlines()) == 3
    assert len(chat_service.asked) == 4  # the second was asked again
