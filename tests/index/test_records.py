"""Cases and passages survive the disk unchanged."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st

from index.records import (
    cases_from_lines,
    cases_to_lines,
    passages_from_files,
    passages_to_files,
)
from rag.cases import read_cases
from rag.chunk import DEFAULT_CUT, passages_of
from rag.passages import Passages
from rag.source import decode

texts = st.text(
    alphabet=st.sampled_from(
        list('排名1２一二、（）.静安区虹口退税。；\u2028\x85\r\n \u00a0"\\案例【】#')
    )
).filter(lambda text: any(character.isalnum() for character in text))


@settings(deadline=None)
@given(texts)
def test_what_was_written_is_what_is_read(text: str) -> None:
    source = decode("a.txt", text.encode())
    cases = read_cases([source])
    passages = Passages.of(
        cases, [p for case in cases for p in passages_of(case, len, DEFAULT_CUT)]
    )

    read_back = cases_from_lines(cases_to_lines(cases), {source.name: source})

    assert read_back == cases
    assert passages_from_files(passages_to_files(passages), read_back) == passages
