"""Cases listed, narrowed, opened, and counted by facet."""

from __future__ import annotations

import hashlib

from starlette.testclient import TestClient

from rag.types import Source


def test_cases_are_listed_in_source_order_with_duplicates_linked(client: TestClient) -> None:
    listed = client.get("/api/v1/cases").json()

    assert (listed["index_version"], listed["count"], listed["distinct"]) == ("v000007", 4, 3)
    assert [(case["case_id"], case["duplicate_of"]) for case in listed["cases"]] == [
        ("c33adef876c", None),
        ("c2f29831262", None),
        ("c9ae695db15", None),
        ("c02a6bd6f72", "c33adef876c"),
    ]


def test_a_summary_has_exactly_these_fields(client: TestClient, source: Source) -> None:
    summary = client.get("/api/v1/cases").json()["cases"][1]

    assert summary == {
        "case_id": "c2f29831262",
        "title": "快办营业执照",
        "district": "浦东新区",
        "districts": ["浦东新区"],
        "collection": "上海市2022年度各区优化营商环境优秀案例",
        "case_rank": 2,
        "year": 2022,
        "duplicate_of": None,
        "label": "浦东新区《快办营业执照》（上海市2022年度各区优化营商环境优秀案例，排名2）",
        "url": "/cases/c2f29831262",
        "source": {
            "file": "cases.txt",
            "sha256": hashlib.sha256(source.text.encode()).hexdigest(),
            "start": 100,
            "end": 133,
        },
    }


def test_the_list_can_be_narrowed(client: TestClient) -> None:
    def ids(query: str) -> list[str]:
        listed = client.get(f"/api/v1/cases?{query}").json()
        assert listed["count"] == len(listed["cases"])
        return [case["case_id"] for case in listed["cases"]]

    assert ids("district=静安") == ["c33adef876c", "c02a6bd6f72"]
    assert ids("district=静安&collection=良好实践") == ["c02a6bd6f72"]
    assert ids("district=静安&district=浦东&collection=优秀") == ["c33adef876c", "c2f29831262"]
    assert ids("year=2021") == []


def test_a_case_comes_with_its_text_sections_and_evidence(
    client: TestClient, source: Source
) -> None:
    case = client.get("/api/v1/cases/c33adef876c").json()

    assert case["text"] == source.text[22:99]
    assert case["district_evidence"] == [
        {"name": "静安区", "start": 42, "end": 45, "quote": "静安区"}
    ]
    assert case["sections"] == {
        "title": "",
        "level": 0,
        "heading": [35, 35],
        "body": [35, 35],
        "children": [
            {
                "title": "基本情况",
                "level": 1,
                "heading": [35, 42],
                "body": [42, 62],
                "children": [],
            },
            {
                "title": "主要做法",
                "level": 1,
                "heading": [62, 69],
                "body": [69, 69],
                "children": [
                    {
                        "title": "企业不用跑腿",
                        "level": 2,
                        "heading": [69, 69],
                        "body": [69, 99],
                        "children": [],
                    }
                ],
            },
        ],
    }
    assert set(case) - {"text", "district_evidence", "sections"} == set(
        client.get("/api/v1/cases").json()["cases"][0]
    )


def test_facets_count_each_case_once_and_what_is_not_stated_as_null(client: TestClient) -> None:
    assert client.get("/api/v1/facets").json() == {
        "district": [
            {"value": "浦东新区", "count": 1},
            {"value": "静安区", "count": 1},
            {"value": None, "count": 1},
        ],
        "collection": [
            {"value": "上海市2022年度各区优化营商环境优秀案例", "count": 2},
            {"value": "上海市2022年度各区优化营商环境良好实践", "count": 1},
        ],
        "year": [{"value": 2022, "count": 3}],
    }
