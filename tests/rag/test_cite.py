"""Passage -> citation."""

from __future__ import annotations

from dataclasses import asdict, fields, replace

import pytest

from rag.cases import read_cases
from rag.chunk import passages_of
from rag.cite import cite, label_of
from rag.source import decode
from rag.types import Case, Passage, Span

TEXT = "上海市2023年优秀案例\n排名2\n智能退税\n一、做法\n静安区税务局主动推送退税信息。"


@pytest.fixture
def case() -> Case:
    return read_cases([decode("案例 一.txt", TEXT.encode())])[0]


@pytest.fixture
def passage(case: Case) -> Passage:
    return passages_of(case, len)[0]


def test_a_citation_says_where_these_characters_stand(case: Case, passage: Passage) -> None:
    citation = cite(case, passage)
    assert citation.label == "静安区《智能退税》（上海市2023年优秀案例，排名2）"
    assert (citation.file, citation.start, citation.end) == ("案例 一.txt", 27, 42)
    assert TEXT[27:42] == "静安区税务局主动推送退税信息。"
    assert (citation.year, citation.case_rank, citation.section) == (2023, 2, ("做法",))
    assert citation.url == f"/cases/{case.case_id}?v=45ec6c16f0.13.191cc469#p=27-42"
    assert citation.sha256 == case.source.sha256


def test_a_case_without_a_district_says_so_in_its_label(case: Case) -> None:
    label = label_of(replace(case, districts=(), rank=None))
    assert label == "未写明区《智能退税》（上海市2023年优秀案例）"


def test_a_passage_of_another_case_is_never_cited(case: Case, passage: Passage) -> None:
    with pytest.raises(ValueError, match="is not from case"):
        cite(case, replace(passage, case_id="c0"))


def test_a_passage_that_is_not_what_stands_there_is_never_cited(
    case: Case, passage: Passage
) -> None:
    with pytest.raises(ValueError, match=r"is not the text at its place in 案例 一\.txt"):
        cite(case, replace(passage, span=Span(26, 41)))


def test_json_has_every_part_of_a_citation(case: Case, passage: Passage) -> None:
    citation = cite(case, passage)
    record = citation.to_json()
    place = record.pop("source")
    assert sorted([*record, *place]) == sorted(field.name for field in fields(citation))
    assert {**record, **place} == {
        **asdict(citation),
        "districts": list(citation.districts),
        "section": list(citation.section),
    }
