"""`/dify/retrieval`, asked as Dify asks, over a real socket: records, scopes and conditions."""

from __future__ import annotations

from typing import Any

import httpx
import pytest
from starlette.testclient import TestClient

from tests.api.dify_client import ABSENT, SAMPLE, Dify, refused


def test_a_record_says_where_it_stands(dify: Dify, citation: dict[str, Any]) -> None:
    (record,) = dify.ask("智能退税三天到账", top_k=1).json()["records"]

    assert record["content"] == "静安区𠮷祥大厦推行智能退税，三天到账。"
    assert record["score"] == 1.0
    place = citation.pop("source")
    assert record["title"] == citation["label"]
    assert record["metadata"] == {
        "document_id": "c33adef876c",
        "passage_id": "c33adef876c:42-61",
        "index_version": "v000007",
        **citation,
        **place,
        "other_district": False,
        "abstained": False,
    }


def test_the_place_is_the_one_that_our_own_protocol_cites(dify: Dify, client: TestClient) -> None:
    (record,) = dify.ask("律师解答合同问题收费吗", top_k=1).json()["records"]
    answer = client.post("/api/v1/search", json={"query": "律师解答合同问题收费吗", "top_k": 1})

    citation = answer.json()["passages"][0]["citation"]
    place = citation.pop("source")
    assert {**citation, **place}.items() <= record["metadata"].items()
    assert record["metadata"]["district"] is None


# Dify's documented requests, with our names in them.
SAMPLES = [
    SAMPLE,
    {
        "knowledge_id": "all",
        "query": "智能退税三天到账",
        "retrieval_setting": {"top_k": 2, "score_threshold": 0.5},
        "metadata_condition": {
            "logical_operator": "and",
            "conditions": [
                {"name": "district", "comparison_operator": "is", "value": "静安区"},
                {"name": ["title"], "comparison_operator": "contains", "value": "退税"},
                {"name": "year", "comparison_operator": "≥", "value": 2022},
                {"name": "case_rank", "comparison_operator": "not empty"},
            ],
        },
    },
    {
        "knowledge_id": "all",
        "query": "智能退税三天到账",
        "retrieval_setting": {"top_k": None, "score_threshold": None},
        "metadata_condition": None,
    },
    {"knowledge_id": "all", "query": "智能退税三天到账", "retrieval_setting": None},
    {
        "knowledge_id": "all",
        "query": "智能退税三天到账",
        "retrieval_setting": {},
        "metadata_condition": {"logical_operator": None, "conditions": None},
        "inputs": {"a field": "of a later version"},
    },
]


@pytest.mark.parametrize("sample", SAMPLES)
def test_every_form_of_request_that_callers_send_is_answered(
    locked: str, sample: dict[str, object]
) -> None:
    response = httpx.post(
        f"{locked}/dify/retrieval", json=sample, headers={"Authorization": "Bearer s3cret"}
    )

    assert response.status_code == 200, response.text
    assert response.json()["records"][0]["metadata"]["passage_id"] == "c33adef876c:42-61"


@pytest.mark.parametrize("condition", [None, ABSENT])
def test_no_condition_may_be_null_or_absent(dify: Dify, condition: object) -> None:
    assert len(dify.retrieve("智能退税", metadata_condition=condition)) == 2


def test_a_condition_is_settled_before_ranking_so_that_a_full_list_comes_back(dify: Dify) -> None:
    asked = "智能退税三天到账"
    assert dify.retrieve(asked, top_k=1)[0]["metadata"]["district"] == "静安区"
    condition = {
        "logical_operator": "or",
        "conditions": [
            {"name": "district", "comparison_operator": "is", "value": "浦东"},
            {"name": "district", "comparison_operator": "empty", "value": None},
        ],
    }
    everything = Dify(dify.endpoint, knowledge_id="all+nearest")
    found = everything.retrieve(asked, top_k=2, metadata_condition=condition)

    assert {record["metadata"]["district"] for record in found} == {"浦东新区", None}


def test_without_an_allowed_case_there_are_no_records_and_no_error(dify: Dify) -> None:
    condition = {
        "logical_operator": "and",
        "conditions": [{"name": "district", "comparison_operator": "is", "value": "黄浦区"}],
    }
    response = dify.ask("智能退税", metadata_condition=condition)

    assert (response.status_code, response.json()) == (200, {"records": []})


def test_where_nothing_answers_there_are_no_records_unless_the_nearest_are_asked_for(
    dify: Dify,
) -> None:
    question = "zxwvutsr智能"
    assert dify.ask(question).json() == {"records": []}
    nearest = Dify(dify.endpoint, knowledge_id="all+nearest").retrieve(question)
    assert [record["metadata"]["abstained"] for record in nearest] == [True, True]


@pytest.mark.parametrize(("threshold", "count"), [(None, 4), (0, 4), (-1, 4), (0.6, 1), (1.01, 0)])
def test_the_threshold_is_one_of_the_score(dify: Dify, threshold: float | None, count: int) -> None:
    everything = Dify(dify.endpoint, knowledge_id="all+nearest")
    found = everything.retrieve("智能退税三天到账", top_k=50, score_threshold=threshold)

    assert len(found) == count
    assert all(record["score"] >= (threshold or 0) for record in found)


@pytest.mark.parametrize(("top_k", "count"), [(1, 1), (3, 3), (None, 4), (1000, 4)])
def test_as_many_records_come_as_are_asked_for_or_there_are(
    dify: Dify, top_k: int | None, count: int
) -> None:
    assert len(dify.retrieve("智能退税", top_k=top_k)) == count


@pytest.mark.parametrize(
    ("knowledge_id", "districts"),
    [
        ("all", {"静安区", "浦东新区", None}),
        (" all ", {"静安区", "浦东新区", None}),
        ("district:静安区", {"静安区"}),
        ("district：静安", {"静安区"}),
        ("collection:良好实践", {None}),
        ("year: 2022", {"静安区", "浦东新区", None}),
    ],
)
def test_the_knowledge_id_says_which_cases(
    dify: Dify, knowledge_id: str, districts: set[str | None]
) -> None:
    scoped = Dify(dify.endpoint, knowledge_id=f"{knowledge_id}+nearest")

    found = scoped.retrieve("一天办结不收费退税", top_k=50)
    assert {record["metadata"]["district"] for record in found} == districts


@pytest.mark.parametrize(
    "knowledge_id",
    [
        "",
        "ALL",
        "district:黄浦区",
        "district:",
        "collection:没有",
        "year:1999",
        "year:今年",
        "year:" + "9" * 5000,
        "x:y",
    ],
)
def test_an_unknown_knowledge_base_is_2001(dify: Dify, knowledge_id: str) -> None:
    assert refused(Dify(dify.endpoint, knowledge_id=knowledge_id).ask("税")) == (404, 2001)


def test_the_scope_and_the_conditions_hold_together(dify: Dify) -> None:
    condition = {"conditions": [{"name": "case_rank", "comparison_operator": "=", "value": 1}]}
    scoped = Dify(dify.endpoint, knowledge_id="collection:优秀案例+nearest")

    found = scoped.retrieve("税", top_k=50, metadata_condition=condition)
    assert {record["metadata"]["case_id"] for record in found} == {"c33adef876c"}
