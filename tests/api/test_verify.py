from __future__ import annotations

import threading
from typing import Any

import pytest
from starlette.testclient import TestClient

from api.admission import Turnstile, Turnstiles
from api.app import create_app
from rag.ask import Asker
from rag.assistant import Assistant
from rag.types import Case, Source


def verify(client: TestClient, **fields: object) -> Any:
    response = client.post("/api/v1/verify", json=fields)
    assert response.status_code == 200, response.text
    return response.json()


def problem(client: TestClient, status: int, **fields: object) -> Any:
    response = client.post("/api/v1/verify", json=fields)
    assert response.status_code == status, response.text
    assert response.headers["content-type"] == "application/problem+json"
    return response.json()


def test_an_answer_has_exactly_the_fields_of_the_contract(
    client: TestClient, source: Source
) -> None:
    answer = verify(client, text="静安“推行智能退税,五天到账”")
    citation = answer["quotes"][0]["places"][0].pop("citation")

    assert answer == {
        "verdict": "fuzzy",
        "scope": "quotes",
        "quotes": [
            {
                "text": "推行智能退税,五天到账",
                "start": 3,
                "end": 14,
                "verdict": "fuzzy",
                "folded": False,
                "numbers_differ": True,
                "found": 1,
                "places": [
                    {
                        "text": "推行智能退税，三天到账",
                        "spans": [[49, 60]],
                        "similarity": 0.909,
                        "folds": [],
                        "differences": [{"quoted": "五", "found": "三"}],
                        "numbers_differ": True,
                    }
                ],
                "elsewhere": [],
            }
        ],
    }
    assert source.text[49:60] == "推行智能退税，三天到账"
    assert citation["case_id"] == "c33adef876c"
    assert citation["section"] == ["基本情况"]
    assert citation["source"]["start"] == 49


def test_the_wrong_case_is_told_from_the_wrong_words(client: TestClient) -> None:
    answer = verify(client, text="“营业执照当场领取”", citation={"case_id": "c33adef876c"})
    (quote,) = answer["quotes"]
    assert quote["verdict"] == "absent"
    assert [place["citation"]["case_id"] for place in quote["elsewhere"]] == ["c2f29831262"]
    right = verify(client, text="“营业执照当场领取”", citation={"case_id": "c2f29831262"})
    assert right["verdict"] == "exact"


def test_a_passage_of_a_search_verifies_against_its_own_citation(client: TestClient) -> None:
    found = client.post("/api/v1/search", json={"query": "智能退税"}).json()["passages"]
    for passage in found:
        place = passage["citation"]["source"]
        answer = verify(
            client,
            text=passage["text"],
            citation={
                "case_id": passage["citation"]["case_id"],
                **{key: place[key] for key in ("start", "end", "sha256")},
            },
            scope="sentences",
        )
        assert answer["verdict"] == "exact"


def test_offsets_count_in_the_text_as_it_was_sent(client: TestClient) -> None:
    text = "\n 𠮷 “律师下楼” \n"
    (quote,) = verify(client, text=text)["quotes"]
    assert text[quote["start"] : quote["end"]] == "律师下楼"


@pytest.mark.parametrize(
    ("fields", "status", "kind", "detail"),
    [
        ({"text": "税", "citation": {"case_id": "c0"}}, 404, "case-not-found", "没有编号为 c0"),
        (
            {"text": "税", "citation": {"case_id": "c33adef876c", "sha256": "0" * 64}},
            409,
            "stale-citation",
            "所引的文件已不是现在的 cases.txt",
        ),
        (
            {"text": "税", "citation": {"case_id": "c33adef876c", "start": 0, "end": 9}},
            409,
            "stale-citation",
            "所引的位置 0-9 不在案例",
        ),
        (
            {"text": "税", "citation": {"case_id": "c33adef876c", "start": 5}},
            422,
            "invalid-field",
            "citation：start 与 end 须同时给出",
        ),
        (
            {"text": "税", "citation": {"case_id": "c33adef876c", "start": 5, "end": 5}},
            422,
            "invalid-field",
            "citation：start 须小于 end",
        ),
        (
            {"text": "税", "citation": {"case_id": "c33adef876c", "sha256": "abc"}},
            422,
            "invalid-field",
            "citation.sha256：格式不对",
        ),
        ({"text": "税", "scope": "all"}, 422, "invalid-field", "scope：应为 'auto', 'quotes' 或"),
        ({"text": " \n"}, 422, "invalid-field", "text：是空的"),
        ({"text": "“……”，"}, 422, "invalid-field", "text：没有可以核对的文字"),
        ({"text": "税" * 5001}, 422, "invalid-field", "text：最多 5000 个字，现有 5001 个"),
        ({}, 422, "invalid-field", "text：缺少这一项"),
        ({"text": "税" * 30000}, 413, "body-too-large", "请求体最多 64 KiB"),
    ],
)
def test_what_cannot_be_verified_is_a_problem_in_words(
    client: TestClient, fields: dict[str, object], status: int, kind: str, detail: str
) -> None:
    found = problem(client, status, **fields)
    assert found["type"] == f"/problems/{kind}"
    assert detail in found["detail"]


def test_the_longest_text_fits_into_a_body_however_it_is_escaped(client: TestClient) -> None:
    assert verify(client, text="𠮷" * 5000)["verdict"] == "absent"  # 12 bytes a character


def test_verifying_takes_a_place_like_searching(cases: tuple[Case, ...], retriever: Any) -> None:
    app = create_app(
        Asker(Assistant(cases, retriever, "v1")),
        passages=1,
        encoder="none",
        turnstiles=Turnstiles(*[Turnstile(0)] * 3),
    )
    with TestClient(app) as client:
        assert problem(client, 503, text="“税”")["type"] == "/problems/overloaded"


def test_many_may_verify_at_once(client: TestClient) -> None:
    expected = verify(client, text="“智能退税，五天到账”")
    answers: list[Any] = []
    threads = [
        threading.Thread(target=lambda: answers.append(verify(client, text="“智能退税，五天到账”")))
        for _ in range(16)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert answers == [expected] * 16


def test_every_field_is_described_in_chinese(client: TestClient) -> None:
    document = client.get("/openapi.json").json()
    operation = document["paths"]["/api/v1/verify"]["post"]
    assert set(operation["responses"]) == {
        *("200", "401", "403", "404", "409", "413", "415", "421", "422", "429", "500", "503")
    }
    schemas = document["components"]["schemas"]
    for name in ("VerifyRequest", "CitationIn", "VerificationOut", "VerifiedQuoteOut"):
        for field in schemas[name]["properties"].values():
            words = field.get("description") or "".join(
                part.get("description", "") for part in field.get("anyOf", [])
            )
            assert any("\u4e00" <= character <= "\u9fff" for character in words), (name, field)
