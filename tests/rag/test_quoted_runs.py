from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rag.quoted_runs import quoted_runs, sentence_runs


@pytest.mark.parametrize(
    ("text", "parts"),
    [
        ("他说“三天到账”，又说「不用跑」", [("三天到账",), ("不用跑",)]),
        ('原文是"三天到账"。', [("三天到账",)]),
        ("“推出‘快办’服务”", [("推出‘快办’服务",)]),
        ("“推出“快办”服务”", [("推出“快办”服务",)]),
        ("‘三天到账’", [("三天到账",)]),
        ("“三天……到账”", [("三天", "到账")]),
        ("“三天...到账[3]”", [("三天", "到账")]),
        ("“三天到账[1, 2]【3】”", [("三天到账",)]),
        ("“沪府〔2021〕18号[2021]”", [("沪府〔2021〕18号[2021]",)]),
        ("“没有写完\n下一行“三天”", [("没有写完",), ("三天",)]),
        ("见《办法》“”“，”", []),
        ("it’s", []),
    ],
)
def test_what_stands_in_quotation_marks_is_a_run(text: str, parts: list[tuple[str, ...]]) -> None:
    assert [run.parts for run in quoted_runs(text)] == parts


def test_without_marks_each_sentence_is_a_run() -> None:
    text = "企业不用再跑腿了。退税三天就能到账[1]！"
    assert [run.parts for run in sentence_runs(text)] == [
        ("企业不用再跑腿了。",),
        ("退税三天就能到账！",),
    ]


def test_a_title_alone_loses_its_marks_and_inside_a_sentence_keeps_them() -> None:
    assert [run.text for run in sentence_runs("《智能退税》。")] == ["智能退税"]
    assert [run.text for run in sentence_runs("见《智能退税》一篇案例")] == [
        "见《智能退税》一篇案例"
    ]


@given(st.text('退税𠮷“”‘’"…[1]\n。 '))
def test_runs_are_cut_out_of_the_text_in_order(text: str) -> None:
    for runs in (quoted_runs(text), sentence_runs(text)):
        ends = [edge for run in runs for edge in (run.span.start, run.span.end)]
        assert ends == sorted(ends)
        for run in runs:
            assert run.span.of(text) == run.text
            assert all(any(map(str.isalnum, part)) for part in run.parts)
            assert run.parts
