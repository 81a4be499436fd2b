from __future__ import annotations

import hashlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rag.cases import read_cases
from rag.permalink import (
    LinkedVersion,
    case_digest,
    case_permalink,
    linked_version,
    permalink,
    words_hash,
)
from rag.source import decode
from rag.types import Case, Span

TEXT = "某市2023年优秀案例\n排名1\n智能退税\n静安区推行退税𠮷，三天到账。\n排名2\n帮办\n嘉定区设帮办站。"


def case_of(text: str, row: int = 1) -> Case:
    return read_cases([decode("案例.txt", text.encode())])[row]


def version_of(case: Case) -> LinkedVersion:
    link = permalink(case, Span(case.span.end - 4, case.span.end))
    version = linked_version(link.partition("?v=")[2].partition("#")[0])
    assert version is not None
    return version


def test_a_link_says_where_and_what_the_case_was() -> None:
    case = case_of(TEXT)
    digest = hashlib.sha256(case.text.encode()).hexdigest()[:10]
    assert permalink(case, Span(50, 53)) == (
        f"/cases/{case.case_id}?v={digest}.{case.span.start}.{words_hash(TEXT[50:53])}#p=50-53"
    )


def test_a_link_to_a_whole_case_says_what_the_case_was() -> None:
    case = case_of(TEXT)
    assert case_permalink(case) == permalink(case, case.span).partition("#")[0]


def test_an_edit_elsewhere_in_the_file_moves_a_case_and_does_not_change_it() -> None:
    old = version_of(case_of(TEXT))
    new = case_of(TEXT.replace("三天到账", "大约三天就能到账"))
    assert old.is_of(new)
    assert new.span.start - old.start == 4


def test_an_edit_of_the_case_changes_it() -> None:
    old = version_of(case_of(TEXT))
    new = case_of(TEXT.replace("帮办站。", "帮办窗。"))
    assert not old.is_of(new)
    assert case_digest(new) != old.digest


@pytest.mark.parametrize(
    "value",
    [
        "",
        "3fa94c01b2",
        "3fa94c01b2.1045",
        "3FA94C01B2.1045.9f3c2a1b",
        "3fa94c01b2.-1.9f3c2a1b",
        "3fa94c01b2.٣.9f3c2a1b",
        "3fa94c01b2.1045.9f3c2a1b\n",
    ],
)
def test_what_is_no_version_is_none(value: str) -> None:
    assert linked_version(value) is None


@given(st.text(max_size=30), st.integers(1, 5))
def test_the_hash_of_each_run_is_found_by_walking_once(text: str, length: int) -> None:
    power = pow(0x01000193, length, 2**32)
    value = 0
    for end, character in enumerate(text, start=1):
        value = (value * 0x01000193 + ord(character)) % 2**32
        if end > length:
            value = (value - ord(text[end - length - 1]) * power) % 2**32
        if end >= length:
            assert f"{value:08x}" == words_hash(text[end - length : end])
