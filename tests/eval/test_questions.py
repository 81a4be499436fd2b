"""Question files: what a line must be, and that nothing is lost on the way back."""

from __future__ import annotations

import json
import tempfile
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from eval.questions import (
    Question,
    QuestionsError,
    digest_of,
    listed,
    read_questions,
    write_questions,
)
from tests.eval.question_strategies import questions_of

DEV = Path(__file__).parents[2] / "eval" / "dev_questions.jsonl"

QUESTION = Question("Q1", "fact", "几天？", ("三日到账",), "any", "三天")

questions = questions_of(st.text())


def line(**changes: object) -> str:
    record = {
        "id": "Q1",
        "type": "fact",
        "question": "几天？",
        "evidence": [{"quote": "三日到账"}],
        "mode": "any",
        "answer": "三天",
    }
    return json.dumps(record | changes, ensure_ascii=False)


def read(tmp_path: Path, data: bytes | str) -> tuple[Question, ...]:
    file = tmp_path / "q.jsonl"
    file.write_bytes(data if isinstance(data, bytes) else data.encode())
    return read_questions(file)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("{", "第 1 行：不是 JSON"),
        ("[" * 100_000, "第 1 行：不是 JSON"),
        (f"{line()}\n[]", "第 2 行：应有且只有这些键：answer、evidence、id、mode、question、type$"),
        (f"{line()}\n\n{line()}", "第 3 行：id Q1 重复；每个问题的 id 须唯一$"),
        (line(id=7), "第 1 行：id 是 7，应为非空的字符串$"),
        (line(id=" "), "第 1 行：id 是 ' '，应为非空的字符串$"),
        (line(type=None), "第 1 行：type 是 None，应为非空的字符串$"),
        (line(question=["几天？"]), r"第 1 行：question 是 \['几天？'\]，应为非空的字符串$"),
        (line(answer=3), "第 1 行：answer 是 3，应为字符串，可以为空$"),
        (line(mode=[]), r"第 1 行：mode 是 \[\]，应为 any 或 all$"),
        (line(evidence="三日"), "第 1 行：evidence 应为列表"),
        (line(evidence=[{"quote": " "}]), "第 1 行：evidence 应为列表"),
        (line().replace("几天", "\\ud83d"), r"第 1 行：含有不成对的代理项（\\ud800 至 \\udfff）"),
        (line(evidence=[]), "q.jsonl：没有带引文的问题"),
        ("", "q.jsonl：没有带引文的问题"),
    ],
)
def test_a_bad_line_is_named_and_told_what_it_should_be(
    tmp_path: Path, text: str, message: str
) -> None:
    with pytest.raises(QuestionsError, match=message):
        read(tmp_path, text)


def test_a_line_that_is_not_utf8_is_named(tmp_path: Path) -> None:
    data = line().encode() + b"\n" + line(id="Q2").encode("gb18030")
    with pytest.raises(QuestionsError, match=r"q\.jsonl：第 2 行：第 \d+ 字节起不是 UTF-8；请"):
        read(tmp_path, data)


def test_byte_order_mark_windows_line_ends_and_blank_lines_do_no_harm(tmp_path: Path) -> None:
    found = read(tmp_path, f"\ufeff{line()}\r\n \r\n{line(id='Q2')}\r\n")
    assert found == (QUESTION, replace(QUESTION, question_id="Q2"))
    assert [question.line for question in found] == [1, 3]


def test_a_line_separator_inside_a_string_does_not_end_the_line(tmp_path: Path) -> None:
    assert read(tmp_path, line(question="几\u2028天\x85？"))[0].text == "几\u2028天\x85？"


def test_an_escaped_pair_of_surrogates_is_one_character(tmp_path: Path) -> None:
    assert read(tmp_path, line().replace("几天", "\\ud83d\\ude00"))[0].text == "😀？"


@pytest.mark.parametrize("name", ["Q 1", "Q\u30001", "Q1\n", "\ufeffQ1"])
def test_an_id_that_a_trec_file_cannot_hold_is_refused_when_it_is_read(
    tmp_path: Path, name: str
) -> None:
    with pytest.raises(QuestionsError, match=r"q\.jsonl：第 2 行：id 是 .+，含有空白；排名和判断"):
        read(tmp_path, f"{line()}\n{line(id=name)}")


def test_a_message_names_the_first_ten_questions() -> None:
    ids = [f"Q{number}" for number in range(1, 12)]
    assert listed(ids[:1]) == "1 个问题（Q1）"
    assert listed(ids) == f"11 个问题（{'、'.join(ids[:10])}……）"


def test_the_development_set_is_written_as_it_was(tmp_path: Path) -> None:
    write_questions(tmp_path / "out.jsonl", read_questions(DEV))
    assert (tmp_path / "out.jsonl").read_bytes() == DEV.read_bytes()


@given(questions)
def test_what_is_written_is_read_again(asked: list[Question]) -> None:
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "q.jsonl"
        write_questions(file, asked)
        found = read_questions(file)
    assert found == tuple(asked)
    assert [question.line for question in found] == list(range(1, len(asked) + 1))


def test_questions_that_could_not_be_read_again_are_not_written(tmp_path: Path) -> None:
    file = tmp_path / "q.jsonl"
    with pytest.raises(QuestionsError, match="第 2 行：type 是 ''，应为非空的字符串"):
        write_questions(file, [QUESTION, replace(QUESTION, question_id="Q2", type="")])
    with pytest.raises(QuestionsError, match="没有带引文的问题"):
        write_questions(file, [replace(QUESTION, quotes=())])
    assert not file.exists()


def test_the_digest_covers_all_that_is_said_and_not_where_it_stands() -> None:
    changed = [
        [],
        [replace(QUESTION, question_id="Q2")],
        [replace(QUESTION, type="date")],
        [replace(QUESTION, text="几日？")],
        [replace(QUESTION, quotes=("三日", "到账"))],
        [replace(QUESTION, mode="all")],
        [replace(QUESTION, answer="")],
        [QUESTION, QUESTION],
    ]
    assert len({digest_of(asked) for asked in [[QUESTION], *changed]}) == 1 + len(changed)
    assert digest_of([replace(QUESTION, line=5)]) == digest_of([QUESTION])


def test_the_digest_is_that_of_the_canonical_json() -> None:
    """Computed with sha256sum over the bytes ``[]``."""
    assert digest_of([]) == "4f53cda18c2baa0c0354bb5f9a3ecbe5ed12ab4d8e11ba873c2f11161202b945"
