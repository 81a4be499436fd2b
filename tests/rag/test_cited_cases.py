"""Citations by case."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from rag.cite import Citation
from rag.cited_cases import CitedCase, cited_cases


def citation(case_id: str, start: int = 0, districts: tuple[str, ...] = ("静安区",)) -> Citation:
    """Cite a passage of a case."""
    return Citation(
        label=f"静安区《{case_id}》（优秀案例）",
        case_id=case_id,
        title=f"题{case_id}",
        district=districts[0] if districts else None,
        districts=districts,
        collection="优秀案例",
        case_rank=None,
        year=None,
        section=(),
        file="甲市.txt",
        sha256="0" * 64,
        start=start,
        end=start + 1,
        url=f"/cases/{case_id}#p={start}-{start + 1}",
    )


def test_a_case_stands_where_its_first_citation_does_with_the_ranks_of_all() -> None:
    both = ("青浦区", "吴江区")
    citations = [citation("c2", 5, both), citation("c1"), citation("c2", 9, both)]
    assert cited_cases(citations) == (
        CitedCase(
            case_id="c2",
            title="题c2",
            district="青浦区",
            districts=both,
            label="静安区《c2》（优秀案例）",
            url="/cases/c2",
            ranks=(1, 3),
        ),
        CitedCase(
            case_id="c1",
            title="题c1",
            district="静安区",
            districts=("静安区",),
            label="静安区《c1》（优秀案例）",
            url="/cases/c1",
            ranks=(2,),
        ),
    )


def test_its_json_has_the_same_fields() -> None:
    (case,) = cited_cases([citation("c1", districts=())])
    assert case.to_json() == {
        "case_id": "c1",
        "title": "题c1",
        "district": None,
        "districts": [],
        "label": "静安区《c1》（优秀案例）",
        "url": "/cases/c1",
        "ranks": [1],
    }


@given(st.lists(st.sampled_from(["c1", "c2", "c3", "c4"])))
def test_every_rank_stands_in_exactly_one_case_and_leads_back_to_it(ids: list[str]) -> None:
    cases = cited_cases([citation(case_id) for case_id in ids])
    assert sorted(rank for case in cases for rank in case.ranks) == list(range(1, len(ids) + 1))
    assert all(ids[rank - 1] == case.case_id for case in cases for rank in case.ranks)
    assert [case.ranks[0] for case in cases] == sorted(case.ranks[0] for case in cases)
    assert all(list(case.ranks) == sorted(case.ranks) for case in cases)
    assert len({case.case_id for case in cases}) == len(cases)
