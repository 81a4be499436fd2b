"""``casebook lexicon check``: what it prints, and its exit codes."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from functools import partial
from pathlib import Path

import pytest

from eval.questions import Question, write_questions


@pytest.fixture
def cli(invoke: Callable[..., tuple[int, str, str]]) -> Callable[..., tuple[int, str, str]]:
    return partial(invoke, "lexicon", "check")


@pytest.fixture
def dataset(folder: Path) -> Path:
    """Eight questions that share one character with a passage, but not with their answer."""
    file = folder / "小集.jsonl"
    questions = [
        Question(
            f"Q{number}", "fact", f"账上{'，账上' * number}谁搭把手？", ("帮办员现场服务",), "any"
        )
        for number in range(1, 9)
    ]
    write_questions(file, questions)
    return file


def written(file: Path, text: str) -> Path:
    file.parent.mkdir(exist_ok=True)
    file.write_text(text, encoding="utf-8")
    return file


def test_every_faulty_line_is_told_and_nothing_is_asked(cli, folder: Path) -> None:
    file = written(folder / "词.tsv", "退税\n开店\t开办企业\n店\t门店\n")
    code, out, err = cli(file, "没有的题集.jsonl")
    assert (code, out) == (1, "")
    assert [line.partition("：应为")[0] for line in err.splitlines()] == [
        f"错误：{file}：第 1 行",
        f"错误：{file}：第 3 行",
    ]


def test_a_file_that_is_not_there_is_told(cli, folder: Path) -> None:
    code, _, err = cli(folder / "没有.tsv")
    assert (code, "没有.tsv：读不了" in err) == (1, True)


def test_keys_effects_and_moved_questions_are_printed(
    cli, folder: Path, dataset: Path, collection: Path
) -> None:
    file = written(folder / "词.tsv", "搭把手\t帮办员现场服务\n帮办\t帮办服务\n")
    code, out, err = cli(file, dataset, "--sources", collection)
    assert (code, err) == (0, "")
    assert "2 个说法，没有错行；对照：没有在用的词表" in out
    assert "8 题中出现了 1 个说法" in out
    assert "hybrid-text@小集：换上词表前后" in out
    assert re.search(r"Q8 +│ \S+ → 1 +│ 搭把手", out)
    assert "8 题的首个答案换了名次" in out
    assert "hybrid@小集" not in out  # no expansions: the same as hybrid-text


def test_losing_the_lexicon_in_use_is_measurably_worse(
    cli, folder: Path, dataset: Path, collection: Path
) -> None:
    used = written(folder / "index" / "lexicon.tsv", "搭把手\t帮办员现场服务\n")
    empty = written(folder / "空.tsv", "")
    arguments = (dataset, "--sources", collection, "--index", folder / "index", "--json")
    code, out, _ = cli(empty, *arguments)
    (record,) = json.loads(out)
    assert code == 3
    assert (record["file"], record["used"], record["questions"]) == (str(empty), str(used), 8)
    assert record["keys"] == []
    (effect,) = record["effects"]
    assert effect["worse"]
    assert effect["comparisons"][0]["losses"] == 8
    assert {move["after"] for move in effect["moves"]} != {1}
    assert used.read_text(encoding="utf-8") == "搭把手\t帮办员现场服务\n"
    assert cli(used, *arguments)[0] == 0


def test_a_system_can_be_chosen_and_an_unknown_one_is_told(
    cli, folder: Path, dataset: Path, collection: Path
) -> None:
    file = written(folder / "词.tsv", "搭把手\t帮办员现场服务\n")
    arguments = (file, dataset, "--sources", collection, "--json", "--system")
    code, out, _ = cli(*arguments, "bm25")
    assert (code, [e["system"] for e in json.loads(out)[0]["effects"]]) == (0, ["bm25"])
    code, _, err = cli(*arguments, "bm52")
    assert (code, "没有名为 bm52 的系统" in err) == (1, True)
