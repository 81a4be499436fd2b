"""`POST /api/v1/search`: the fields of an answer, and what is there only when asked for."""

from __future__ import annotations

import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from starlette.testclient import TestClient

from api.admission import Turnstile, Turnstiles
from api.app import create_app
from api.citation_schemas import CitationOut
from index.store import open_index
from rag.ask import Asker
from rag.chunk import passages_of
from rag.cite import cite
from rag.models import DEFAULT_MODEL
from rag.types import Case, Source

Search = Callable[..., Any]


def test_an_answer_has_exactly_the_fields_of_the_contract(
    search: Search, citation: dict[str, Any]
) -> None:
    answer = search("智能退税", top_k=1)

    assert answer.pop("took_ms") >= 0
    assert answer == {
        "query": "智能退税",
        "index_version": "v000007",
        "abstained": False,
        "confidence": 1.0,
        "reason": None,
        "named_districts": [],
        "passages": [
            {
                "rank": 1,
                "passage_id": "c33adef876c:42-61",
                "text": "静安区𠮷祥大厦推行智能退税，三天到账。",
                "score": 1.0,
                "highlights": [[9, 13]],
                "other_district": False,
                "citation": citation,
            }
        ],
    }


def test_there_is_one_json_of_a_citation(cases: tuple[Case, ...]) -> None:
    for case in cases:
        for passage in passages_of(case, len):
            citation = cite(case, passage)
            assert CitationOut.from_citation(citation).model_dump(mode="json") == citation.to_json()


def test_an_explanation_comes_only_when_asked_for(search: Search) -> None:
    first = search("智能退税", explain=True)["passages"][0]

    assert first["explain"] == {
        "dense": 1.0,
        "lexical": 1.0,
        "expansion": 0.0,
        "late": 0.5,
        "matched_terms": ["智能退税"],
    }
    assert "explain" not in search("智能退税", explain=False)["passages"][0]


def test_cases_come_only_when_asked_for_each_with_the_ranks_of_its_passages(
    search: Search,
) -> None:
    answer = search("营业执照怎么办", top_k=4, by_case=True)

    assert answer["cases"] == [
        {
            "case_id": "c2f29831262",
            "title": "快办营业执照",
            "district": "浦东新区",
            "districts": ["浦东新区"],
            "label": "浦东新区《快办营业执照》（上海市2022年度各区优化营商环境优秀案例，排名2）",
            "url": "/cases/c2f29831262",
            "ranks": [1],
        },
        {
            "case_id": "c33adef876c",
            "title": "智能退税一键到账",
            "district": "静安区",
            "districts": ["静安区"],
            "label": "静安区《智能退税一键到账》（上海市2022年度各区优化营商环境优秀案例，排名1）",
            "url": "/cases/c33adef876c",
            "ranks": [2, 3],
        },
        {
            "case_id": "c9ae695db15",
            "title": "律师下楼",
            "district": None,
            "districts": [],
            "label": "未写明区《律师下楼》（上海市2022年度各区优化营商环境良好实践，排名1）",
            "url": "/cases/c9ae695db15",
            "ranks": [4],
        },
    ]
    assert "cases" not in search("营业执照怎么办", by_case=False)
    assert search("税", by_case=True, filters={"district": ["虹口区"]})["cases"] == []


def test_a_case_of_another_district_than_the_one_named_is_marked(search: Search) -> None:
    def marked(question: str) -> tuple[list[str], dict[str | None, bool]]:
        answer = search(question)
        passages = answer["passages"]
        return answer["named_districts"], {
            p["citation"]["district"]: p["other_district"] for p in passages
        }

    assert marked("智能退税") == ([], {"静安区": False, "浦东新区": False, None: False})
    assert marked("浦东智能退税") == (
        ["浦东新区"],
        {"静安区": True, "浦东新区": False, None: False},
    )
    assert marked("静安和浦东的退税") == (
        ["静安区", "浦东新区"],
        {"静安区": False, "浦东新区": False, None: False},
    )


def test_the_districts_of_a_question_are_named_where_nothing_is_found(search: Search) -> None:
    answer = search("静安退税", filters={"district": ["虹口区"]})

    assert (answer["named_districts"], answer["passages"]) == (["静安区"], [])


def test_the_document_describes_what_is_added_for_districts_and_cases(client: TestClient) -> None:
    schemas = client.get("/openapi.json").json()["components"]["schemas"]

    assert schemas["SearchRequest"]["properties"]["by_case"]["default"] is False
    assert "named_districts" in schemas["SearchResponse"]["required"]
    assert "other_district" in schemas["PassageOut"]["required"]
    assert "cases" not in schemas["SearchResponse"]["required"]
    for field in schemas["CitedCaseOut"]["properties"].values():
        assert "\u4e00" <= field["description"][0] <= "\u9fff"


def test_the_document_describes_every_score_of_an_explanation(client: TestClient) -> None:
    explanation = client.get("/openapi.json").json()["components"]["schemas"]["Explanation"]

    assert explanation["required"] == ["dense", "lexical", "expansion", "late", "matched_terms"]
    assert explanation["properties"]["late"] == {
        "type": "number",
        "title": "Late",
        "description": "与问题逐词比对的相似度；只比对最靠前的 20 段，其余段落或不逐词比对时为 0",
    }


def test_passages_are_ranked_from_one_and_counted_by_top_k(search: Search) -> None:
    passages = search("智能退税", top_k=2)["passages"]

    assert [(p["rank"], p["score"]) for p in passages] == [(1, 1.0), (2, 0.25)]


def test_five_passages_are_returned_unless_asked_otherwise(search: Search) -> None:
    assert len(search("智能退税")["passages"]) == 4  # all there are: the duplicate's are left out
    assert len(search("智能退税", top_k=50)["passages"]) == 4


def test_abstaining_is_an_answer_that_still_lists_the_nearest(search: Search) -> None:
    answer = search("火箭发射许可")

    assert answer["abstained"] is True
    assert answer["reason"] == "not_in_collection"
    assert len(answer["passages"]) == 4


def test_a_case_without_a_district_says_so(search: Search) -> None:
    citation = search("律师下楼", top_k=1)["passages"][0]["citation"]

    assert citation["district"] is None
    assert citation["districts"] == []
    assert citation["label"].startswith("未写明区《律师下楼》")


def test_a_district_is_known_by_its_short_name(search: Search) -> None:
    answer = search("智能退税", filters={"district": ["静安"]})

    assert {p["citation"]["district"] for p in answer["passages"]} == {"静安区"}


def test_filters_of_one_field_are_alternatives_and_fields_narrow_each_other(
    search: Search,
) -> None:
    both = {"district": ["静安", "浦东"], "collection": ["优秀案例"], "year": [2022]}

    assert len(search("智能退税", filters=both)["passages"]) == 3
    assert search("智能退税", filters={**both, "year": [2021]})["passages"] == []
    one = search("智能退税", filters={"case_id": ["c2f29831262"]})
    assert [p["passage_id"] for p in one["passages"]] == ["c2f29831262:111-133"]


def test_a_filter_that_admits_no_case_is_a_refusal_with_its_reason(search: Search) -> None:
    answer = search("智能退税", filters={"district": ["虹口区"]})

    assert (answer["abstained"], answer["reason"], answer["confidence"], answer["passages"]) == (
        True,
        "not_in_district",
        0.0,
        [],
    )


def test_white_space_around_a_question_is_dropped(search: Search) -> None:
    assert search("\u3000 智能退税\n")["query"] == "智能退税"


def test_a_question_may_have_five_hundred_characters_of_any_plane(search: Search) -> None:
    assert search("𠮷" * 500)["query"] == "𠮷" * 500


def test_json_is_utf8_and_not_escaped(client: TestClient) -> None:
    response = client.post("/api/v1/search", json={"query": "退税"})

    assert response.headers["content-type"] == "application/json"
    assert "静安区𠮷祥大厦".encode() in response.content


def test_markup_of_a_source_is_returned_as_the_characters_it_is(search: Search) -> None:
    texts = [p["text"] for p in search("帮办")["passages"]]

    assert "1、企业不用跑腿。税务人员上门<b>帮办</b>&“代办”。" in texts


@given(question=st.text(min_size=1, max_size=40), top_k=st.integers(1, 50))
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
def test_whatever_is_asked_offsets_hold_and_nothing_breaks(
    client: TestClient, source: Source, question: str, top_k: int
) -> None:
    response = client.post("/api/v1/search", json={"query": question, "top_k": top_k})

    assert response.status_code in {200, 422}
    if response.status_code == 422:
        assert not question.strip()
        return
    for passage in response.json()["passages"]:
        place = passage["citation"]["source"]
        assert source.text[place["start"] : place["end"]] == passage["text"]
        ends = [0, *(edge for pair in passage["highlights"] for edge in pair)]
        assert ends == sorted(ends)
        assert ends[-1] <= len(passage["text"])


def test_many_may_ask_at_once(client: TestClient, cases: tuple[Case, ...]) -> None:
    def first(case: Case) -> str:
        response = client.post("/api/v1/search", json={"query": case.title})
        return str(response.json()["passages"][0]["citation"]["case_id"])

    wanted = [case for case in cases if case.title == "律师下楼"] * 60
    with ThreadPoolExecutor(20) as pool:
        assert set(pool.map(first, wanted)) == {"c9ae695db15"}


@pytest.mark.model
def test_eight_who_ask_at_once_get_the_answers_of_one_after_the_other(
    real_index: Path, models: Path
) -> None:
    opened = open_index(real_index, models)
    room = Turnstiles(*[Turnstile(8)] * 3)
    app = create_app(Asker(opened.assistant), passages=1, encoder=DEFAULT_MODEL, turnstiles=room)
    titles = [case.title for case in opened.assistant.cases]

    with TestClient(app) as client:
        start = threading.Barrier(8)

        def answers() -> list[Any]:
            start.wait(60)
            return [answer(title) for title in titles]

        def answer(title: str) -> Any:
            asked = {"query": title, "top_k": 50, "explain": True}
            found = client.post("/api/v1/search", json=asked).json()
            del found["took_ms"]
            return found

        expected = [answer(title) for title in titles]
        with ThreadPoolExecutor(8) as pool:
            crowd = [pool.submit(answers) for _ in range(8)]
            assert all(one.result() == expected for one in crowd)
    assert all(len(found["passages"]) == 50 for found in expected)
