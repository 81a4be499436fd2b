"""Questions in a spreadsheet, as Excel and WPS leave them."""

from __future__ import annotations

import csv
import io
import tempfile
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from eval.questions import Question, QuestionsError, read_questions
from eval.spreadsheet import read_spreadsheet, write_spreadsheet
from tests.eval.question_strategies import questions_of

DEV = Path(__file__).parents[2] / "eval" / "dev_questions.jsonl"
HEADER = "id,type,question,mode,answer,quote1,quote2\r\n"
QUESTION = Question("Q1", "fact", "几天？", ("三日到账", "企业"), "all", "三天")
ROW = "Q1,fact,几天？,all,三天,三日到账,企业\r\n"

marks = st.characters(codec="utf-8", exclude_categories=["Cc"]) | st.sampled_from("\t\r\n=+-@'\",")
questions = questions_of(st.text(marks))


def read(tmp_path: Path, data: bytes | str, name: str = "q.csv") -> tuple[Question, ...]:
    file = tmp_path / name
    file.write_bytes(data if isinstance(data, bytes) else data.encode())
    return read_spreadsheet(file)


@given(questions, st.sampled_from(["q.csv", "q.TSV"]))
def test_what_is_written_is_read_again(asked: list[Question], name: str) -> None:
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / name
        write_spreadsheet(file, asked)
        assert read_spreadsheet(file) == tuple(asked)


@given(questions)
def test_no_cell_begins_like_a_formula(asked: list[Question]) -> None:
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "q.csv"
        write_spreadsheet(file, asked)
        text = file.read_bytes().decode("utf-8-sig")
    cells = [cell for row in csv.reader(io.StringIO(text, newline="")) for cell in row]
    assert not any(cell.startswith(tuple("=+-@＝＋－＠\t\r\n")) for cell in cells)


def test_the_file_is_what_excel_opens(tmp_path: Path) -> None:
    formula = replace(QUESTION, question_id="Q2", text="=1+1", quotes=("'-5", "'五"), answer="")
    write_spreadsheet(tmp_path / "q.csv", [QUESTION, formula])
    written = f"\ufeff{HEADER}{ROW}Q2,fact,'=1+1,all,,''-5,'五\r\n"
    assert (tmp_path / "q.csv").read_bytes() == written.encode()


def test_the_development_set_survives(tmp_path: Path) -> None:
    asked = read_questions(DEV)
    write_spreadsheet(tmp_path / "q.tsv", asked)
    assert read_spreadsheet(tmp_path / "q.tsv") == asked


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "gb18030", "utf-16"])
def test_whatever_a_chinese_desktop_saves_is_read(tmp_path: Path, encoding: str) -> None:
    assert read(tmp_path, f"{HEADER}{ROW}".encode(encoding)) == (QUESTION,)


def test_columns_may_stand_in_any_order_and_empty_rows_and_cells_between(tmp_path: Path) -> None:
    text = (
        "quote2,answer,id,mode,question,quote1,type,,\r\n"
        ",,,,,,,,\r\n\r\n"
        '企业,,Q1,any,"几\n天？",,fact,,\r\n'
        "企业,三天,Q2,any,几天？,三日到账,fact\r\n"
    )
    found = read(tmp_path, text)
    assert found == (
        Question("Q1", "fact", "几\n天？", ("企业",), "any", ""),
        Question("Q2", "fact", "几天？", ("三日到账", "企业"), "any", "三天"),
    )
    assert [question.line for question in found] == [4, 5]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (f"{HEADER}{ROW}{ROW}", "第 3 行：id Q1 重复"),
        (f"{HEADER},fact,几天？,all,,三日到账", "第 2 行：id 是 ''，应为非空的字符串"),
        (f"{HEADER}Q\u30001,fact,几天？,all,,三日到账", "第 2 行：id 是 'Q.*1'，含有空白；排名和"),
        (f"{HEADER}Q1,fact,几天？,,,三日到账", "第 2 行：mode 是 ''，应为 any 或 all"),
        (f"{HEADER}Q1,fact,几天？,any,,三日,到账,多", "第 2 行：有 8 个单元格，表头只有 7 列"),
        (f'{HEADER}\r\nQ1,fact,"几"天？,any', "第 3 行：不是完整的表格行"),
        (f'{HEADER}Q1,fact,"几天？,any', "第 2 行：不是完整的表格行"),
        (f"{HEADER}Q1,fact,几天？,any", r"q\.csv：没有带引文的问题"),
        (
            "id,type,question,备注,quote1,quote3\r\n",
            "第 1 行：表头缺少 answer、mode、quote2；多出 quote3、备注；应有 id、type",
        ),
        ("id,id,type,question,,mode,answer,quote1", "第 1 行：表头多出 （空）；重复 id；应有"),
        ("id,type,question,mode,answer\r\n", "第 1 行：表头缺少 quote1；应有"),
        (" \r\n编号", "第 1 行：表头缺少"),
        (b"PK\x03\x04", r"q\.csv：这是 Word/Excel/ZIP 文件"),
        ("", r"q\.csv：文件是空的"),
    ],
)
def test_what_is_wrong_is_named_by_row(tmp_path: Path, text: bytes | str, message: str) -> None:
    with pytest.raises(QuestionsError, match=message):
        read(tmp_path, text)


def test_questions_that_could_not_be_read_again_are_not_written(tmp_path: Path) -> None:
    file = tmp_path / "q.csv"
    with pytest.raises(QuestionsError, match=r"第 2 行：含有控制字符 U\+0007"):
        write_spreadsheet(file, [replace(QUESTION, text="几\x07天？")])
    with pytest.raises(QuestionsError, match="第 2 行：type 是 ''"):
        write_spreadsheet(file, [replace(QUESTION, type="")])
    with pytest.raises(QuestionsError, match="写出的表格读回来不一样"):
        write_spreadsheet(file, [replace(QUESTION, quotes=("", "企业"))])
    assert not file.exists()


def test_another_suffix_is_a_programming_error(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="not a spreadsheet's suffix"):
        read(tmp_path, HEADER, "q.xlsx")
