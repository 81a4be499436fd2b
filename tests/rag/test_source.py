"""Bytes -> text, or a message that says what is wrong and where."""

from __future__ import annotations

import io
import os
import zipfile
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rag.errors import SourceError
from rag.source import decode, read

TEXT = "静安区优化营商环境，智能退税次日到账。\r\n企业不用跑腿。"
CORPUS = Path(__file__).parents[2] / "data" / "shanghai-2022-business-environment-cases.txt"


def refusal(data: bytes) -> str:
    with pytest.raises(SourceError) as caught:
        decode("甲.txt", data)
    return str(caught.value)


@pytest.mark.parametrize(
    ("data", "encoding"),
    [
        (TEXT.encode(), "utf-8"),
        (TEXT.encode("utf-8-sig"), "utf-8"),
        (TEXT.encode("gb18030"), "gb18030"),
        (b"\xff\xfe" + TEXT.encode("utf-16-le"), "utf-16"),
        (b"\xfe\xff" + TEXT.encode("utf-16-be"), "utf-16"),
    ],
)
def test_every_encoding_of_an_office_gives_the_same_text_with_its_line_ends(
    data: bytes, encoding: str
) -> None:
    source = decode("甲.txt", data)
    assert source.text == TEXT
    assert source.encoding == encoding


def test_a_source_carries_the_digest_of_the_bytes_on_disk() -> None:
    digest = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"
    assert decode("abc.txt", b"abc").sha256 == digest


def test_an_empty_file_is_named() -> None:
    assert refusal(b"") == "甲.txt：文件是空的；请检查是否导出成功，或从列表中去掉它"


@pytest.mark.parametrize("text", [" \r\n\t", "。，……（）", "\ufeff\n", "-----\n=====\n"])
def test_a_file_without_a_single_word_is_refused(text: str) -> None:
    message = "甲.txt：文件里没有文字（只有空白或标点）；请检查内容，或去掉它"
    assert refusal(text.encode()) == message


def test_an_office_file_renamed_to_txt_is_recognised() -> None:
    office = io.BytesIO()
    with zipfile.ZipFile(office, "w") as archive:
        archive.writestr("word/document.xml", "<w:t>优化营商环境</w:t>")
    message = "甲.txt：这是 Word/Excel/ZIP 文件，不是文本；请另存为 UTF-8 文本（.txt）"
    assert refusal(office.getvalue()) == message


def test_a_binary_file_is_refused_with_the_line_of_its_first_control_character() -> None:
    assert refusal(b"abc\ndef\x00\x01") == (
        "甲.txt：第 2 行：含有控制字符 U+0000，像是二进制文件；请另存为 UTF-8 文本"
    )


def test_a_broken_byte_in_utf_8_is_named_by_byte_and_line() -> None:
    data = "第一行\n".encode() + b"ab\xff" + "好".encode()
    assert refusal(data) == (
        "甲.txt：第 13 字节（第 2 行）：既不是 UTF-8，也不像 GB18030 中文；请用 UTF-8 重新保存"
    )


def test_utf_8_cut_off_in_the_middle_of_a_character_is_refused() -> None:
    message = refusal(TEXT.encode()[:-4])
    assert "第 75 字节（第 2 行）" in message
    assert "既不是 UTF-8" in message


@pytest.mark.parametrize(
    ("text", "encoding"),
    [
        ("優化營商環境，企業辦事更加便利。", "big5"),
        ("Évaluation du climat des affaires : qualité", "latin-1"),
        ("静安区优化营商环境", "utf-16-le"),
        ("ビジネス環境を改善する", "shift_jis"),
    ],
)
def test_other_encodings_are_refused_rather_than_garbled(text: str, encoding: str) -> None:
    assert refusal(text.encode(encoding)).startswith("甲.txt：第 ")


def test_a_byte_order_mark_that_lies_is_refused() -> None:
    assert refusal(b"\xef\xbb\xbfab\xff") == (
        "甲.txt：第 6 字节（第 1 行）：开头标明是 utf-8，但这里不是；请用 UTF-8 重新保存"
    )


def test_a_huge_file_is_refused_without_reading_it_all(tmp_path: Path) -> None:
    folder = tmp_path / "案例"
    folder.mkdir()
    with (folder / "巨.txt").open("wb") as stream:
        stream.truncate(64 * 2**20 + 1)
    assert str(read([folder / "巨.txt"]).failures[0]) == (
        "案例/巨.txt：文件超过 67,108,864 字节的上限；请拆分后再建索引"
    )


def test_one_bad_file_does_not_hide_the_others(tmp_path: Path) -> None:
    folder = tmp_path / "案例 2023"
    (folder / "内 层").mkdir(parents=True)
    (folder / "乙 “一网通办”'s.txt").write_text("办得快。", encoding="utf-8")
    (folder / "内 层" / "丙.MD").write_text("办得好。", encoding="utf-8")
    (folder / "坏.txt").write_bytes(b"\x00")
    (folder / ".隐藏.txt").write_text("看不见。", encoding="utf-8")
    (folder / "表.xlsx").write_bytes(b"PK\x03\x04")
    reading = read([folder, tmp_path / "没有.txt"])
    assert [source.name for source in reading.sources] == [
        "案例 2023/乙 “一网通办”'s.txt",
        "案例 2023/内 层/丙.MD",
    ]
    assert [str(failure).split("：")[0] for failure in reading.failures] == [
        "案例 2023/坏.txt",
        str(tmp_path / "没有.txt"),
    ]


def test_a_file_reached_twice_is_read_once(tmp_path: Path) -> None:
    folder = tmp_path / "案例"
    folder.mkdir()
    (folder / "甲.txt").write_text("办得快。", encoding="utf-8")
    reading = read([folder, folder, folder / "甲.txt"])
    assert len(reading.sources) == 1
    assert reading.failures == ()


def test_a_file_is_named_with_its_folder_however_it_is_reached(tmp_path: Path) -> None:
    folder = tmp_path / "案例 2023"
    folder.mkdir()
    (folder / "甲.txt").write_text("办得快。", encoding="utf-8")
    for path in (folder, folder / "甲.txt"):
        assert [source.name for source in read([path]).sources] == ["案例 2023/甲.txt"]


def test_two_files_of_one_name_cannot_be_told_apart_in_a_citation(tmp_path: Path) -> None:
    files = [tmp_path / name / "案例" / "甲.txt" for name in ("一", "二")]
    for file in files:
        file.parent.mkdir(parents=True)
        file.write_text("办得快。", encoding="utf-8")
    reading = read(files)
    assert [source.name for source in reading.sources] == ["案例/甲.txt"]
    assert reading.failures[0].why == (
        f"与 {files[0]} 同名，引用时无法区分；请给其中一个文件或它的文件夹改名"
    )


def test_a_file_name_that_cannot_be_cited_is_reported(tmp_path: Path) -> None:
    folder = tmp_path / "案例"
    folder.mkdir()
    Path(os.fsdecode(os.fsencode(folder) + b"/\xff.txt")).write_text("办得快。", encoding="utf-8")
    reading = read([folder])
    assert reading.sources == ()
    assert str(reading.failures[0]) == (
        "案例/\\udcff.txt：文件名含有乱码或控制字符，无法引用；请改名"
    )


def test_a_folder_without_texts_says_so(tmp_path: Path) -> None:
    assert read([tmp_path]).failures[0].why == "文件夹里没有 .txt 或 .md 文件"


def test_the_bundled_corpus_is_the_file_that_the_design_describes() -> None:
    source = read([CORPUS.parent]).sources[0]
    assert source.name == "data/shanghai-2022-business-environment-cases.txt"
    assert source.sha256.startswith("7f8acddd")
    assert (source.encoding, len(source.text)) == ("utf-8", 36_413)


@given(st.binary(max_size=200))
@settings(deadline=None)
def test_any_bytes_are_read_or_refused(data: bytes) -> None:
    try:
        source = decode("甲.txt", data)
    except SourceError as error:
        assert str(error).startswith("甲.txt：")  # noqa: PT017 - either outcome is right
    else:
        assert source.text.encode("utf-8")
