"""Cases and passages survive the disk unchanged."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from index.records import (
    cases_from_lines,
    cases_to_lines,
    passages_from_lines,
    passages_to_lines,
)
from rag.cases import read_cases
from rag.chunk import DEFAULT_CUT, passages_of
from rag.source import decode

texts = st.text(
    alphabet=st.sampled_from(
        list('排名1２一二、（）.静安区虹口退税。；\u2028\x85\r\n \u00a0"\\案例【】#')
    )
).filter(lambda text: any(character.isalnum() for character in text))


@given(texts)
def test_what_was_written_is_what_is_read(text: str) -> None:
    source = decode("a.txt", text.encode())
    cases = read_cases([source])
    passages = tuple(p for case in cases for p in passages_of(case, len, DEFAULT_CUT))

    read_back = cases_from_lines(cases_to_lines(cases), {source.name: source})

    assert read_back == cases
    assert passages_from_lines(passages_to_lines(passages), read_back) == passages
