"""`/dify/retrieval`, asked as Dify asks, over a real socket."""

from __future__ import annotations

import json
import logging
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import httpx
import pytest
from starlette.testclient import TestClient

from api.access import AccessKey
from api.admission import Turnstile
from api.app import create_app
from api.dify import dify_app
from api.protocols import NO_OPTIONS, Protocols
from rag.ask import Asker
from rag.assistant import Assistant
from rag.errors import EncoderUnavailableError, IndexDamagedError
from rag.filters import NO_FILTERS, Filters
from rag.retrieve import Retrieval
from rag.types import Case

ABSENT = object()


@dataclass(frozen=True)
class Dify:
    """What Dify does with an external knowledge base: checks its address, then retrieves."""

    endpoint: str
    api_key: str = "s3cret"
    knowledge_id: str = "all"

    def check_endpoint_and_api_key(self) -> None:
        response = httpx.post(
            f"{self.endpoint}/retrieval", headers={"Authorization": f"Bearer {self.api_key}"}
        )
        if response.status_code in {502, 404, 403}:
            raise ValueError(response.status_code)

    def ask(
        self,
        query: object,
        *,
        top_k: object = 2,
        score_threshold: object = 0.0,
        metadata_condition: object = None,
    ) -> httpx.Response:
        parameters = {
            "retrieval_setting": {"top_k": top_k, "score_threshold": score_threshold},
            "query": query,
            "knowledge_id": self.knowledge_id,
            "metadata_condition": metadata_condition,
        }
        if metadata_condition is ABSENT:
            del parameters["metadata_condition"]
        headers = {"Content-Type": "application/json"}
        if self.api_key:
            headers["Authorization"] = f"Bearer {self.api_key}"
        return httpx.post(
            f"{self.endpoint}/retrieval",
            content=json.dumps(parameters),
            headers=headers,
            follow_redirects=True,
        )

    def retrieve(self, query: str, **more: object) -> list[dict[str, Any]]:
        """The records, as documents of the workflow; whatever is not a 200 is swallowed."""
        response = self.ask(query, **more)
        records = response.json().get("records", []) if response.status_code == 200 else []
        for record in records:
            assert 0 <= record["score"] <= 1
            assert isinstance(record["content"], str)
            metadata = record["metadata"]  # null would end the workflow here
            metadata["score"], metadata["title"] = record["score"], record["title"]
        return records


@pytest.fixture(scope="module")
def address(assistant: Assistant, serve: Callable[..., str]) -> str:
    return serve(
        create_app(
            Asker(assistant), passages=6, encoder="-", protocols=Protocols(AccessKey("s3cret"))
        )
    )


@pytest.fixture(scope="module")
def dify(address: str) -> Dify:
    return Dify(f"{address}/dify")


def refused(response: httpx.Response) -> tuple[int, int]:
    assert response.headers["content-type"] == "application/json"
    body = response.json()
    assert body.keys() == {"error_code", "error_msg"}
    assert isinstance(body["error_code"], int)
    assert body["error_msg"]
    return response.status_code, body["error_code"]


def test_a_record_says_where_it_stands(dify: Dify) -> None:
    (record,) = dify.ask("智能退税三天到账", top_k=1).json()["records"]

    assert record["content"] == "静安区𠮷祥大厦推行智能退税，三天到账。"
    assert record["score"] == 1.0
    assert record["title"] == (
        "静安区《智能退税一键到账》（上海市2022年度各区优化营商环境优秀案例，排名1）"
    )
    sha256 = record["metadata"].pop("sha256")
    assert len(sha256) == 64
    assert record["metadata"] == {
        "document_id": "c33adef876c",
        "passage_id": "c33adef876c:42-61",
        "index_version": "v000007",
        "label": record["title"],
        "case_id": "c33adef876c",
        "title": "智能退税一键到账",
        "district": "静安区",
        "districts": ["静安区"],
        "collection": "上海市2022年度各区优化营商环境优秀案例",
        "case_rank": 1,
        "year": 2022,
        "section": ["基本情况"],
        "file": "cases.txt",
        "start": 42,
        "end": 61,
        "url": "/cases/c33adef876c?v=8873297aee.22.4cd8061c#p=42-61",
        "other_district": False,
        "abstained": False,
    }


def test_the_place_is_the_one_that_our_own_protocol_cites(dify: Dify, address: str) -> None:
    (record,) = dify.ask("律师解答合同问题收费吗", top_k=1).json()["records"]
    answer = httpx.post(
        f"{address}/api/v1/search", json={"query": "律师解答合同问题收费吗", "top_k": 1}
    )

    citation = answer.json()["passages"][0]["citation"]
    place = citation.pop("source")
    assert {**citation, **place}.items() <= record["metadata"].items()
    assert record["metadata"]["district"] is None


# Dify's documented requests, with our names in them.
SAMPLES = [
    {
        "knowledge_id": "all",
        "query": "智能退税三天到账",
        "retrieval_setting": {"top_k": 2, "score_threshold": 0.5},
    },
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
    address: str, sample: dict[str, object]
) -> None:
    response = httpx.post(
        f"{address}/dify/retrieval", json=sample, headers={"Authorization": "Bearer s3cret"}
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


def test_dify_accepts_the_address_with_the_key_and_not_without(dify: Dify) -> None:
    dify.check_endpoint_and_api_key()
    Dify(f"{dify.endpoint}/").check_endpoint_and_api_key()
    with pytest.raises(ValueError, match="403"):
        Dify(dify.endpoint, api_key="wrong").check_endpoint_and_api_key()


def test_an_address_that_was_registered_with_a_slash_works(dify: Dify) -> None:
    assert len(Dify(f"{dify.endpoint}/").retrieve("智能退税")) == 2


@pytest.mark.parametrize(
    ("authorization", "code"),
    [(None, 1001), ("s3cret", 1001), ("Basic s3cret", 1001), ("Bearer wrong", 1002)],
)
def test_a_wrong_header_and_a_wrong_key_are_told_apart(
    address: str, authorization: str | None, code: int
) -> None:
    headers = {"Authorization": authorization} if authorization else {}
    response = httpx.post(f"{address}/dify/retrieval", json=SAMPLES[0], headers=headers)

    assert refused(response) == (403, code)


def test_without_a_configured_key_any_is_taken(
    assistant: Assistant, serve: Callable[..., str]
) -> None:
    address = serve(create_app(Asker(assistant), passages=6, encoder="-"))

    for key in ("", "anything"):
        assert len(Dify(f"{address}/dify", api_key=key).retrieve("智能退税")) == 2


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"query": ""}, "query：是空的，请填写内容。请改正后重试。"),
        ({"query": None}, "query：应为字符串。请改正后重试。"),
        ({"query": "税" * 501}, "query：最多 500 个字，现有 501 个。请改正后重试。"),
        ({"knowledge_id": None}, "knowledge_id：应为字符串。请改正后重试。"),
        (
            {"retrieval_setting": {"top_k": 0}},
            "retrieval_setting.top_k：不能小于 1。请改正后重试。",
        ),
        (
            {"retrieval_setting": {"score_threshold": "高"}},
            "retrieval_setting.score_threshold：应为数字。请改正后重试。",
        ),
        (
            {"metadata_condition": {"logical_operator": "xor"}},
            "metadata_condition.logical_operator：应为 'and' 或 'or'。请改正后重试。",
        ),
        (
            {"metadata_condition": {"conditions": [{"name": "year"}]}},
            "metadata_condition.conditions[0].comparison_operator：缺少这一项。请改正后重试。",
        ),
        (
            {
                "metadata_condition": {
                    "conditions": [{"name": "year", "comparison_operator": ">", "value": "去年"}]
                }
            },
            "metadata_condition.conditions[0]：> 之后应为数字。请改正后重试。",
        ),
        (
            {
                "metadata_condition": {
                    "conditions": [{"name": "year", "comparison_operator": "is", "value": {}}]
                }
            },
            (
                "metadata_condition.conditions[0].value：应为文字、数字，或由它们组成的列表。"
                "请改正后重试。"
            ),
        ),
        (
            {
                "metadata_condition": {
                    "conditions": [
                        {"name": "title", "comparison_operator": "in", "value": ["税"] * 201}
                    ]
                }
            },
            "metadata_condition.conditions[0].value：最多 200 项。请改正后重试。",
        ),
        (
            {
                "metadata_condition": {
                    "conditions": [
                        {"name": "title", "comparison_operator": "in", "value": "税" * 2001}
                    ]
                }
            },
            "metadata_condition.conditions[0].value：每个值最多 2000 个字。请改正后重试。",
        ),
        (
            {
                "metadata_condition": {
                    "conditions": [{"name": [], "comparison_operator": "is", "value": 1}]
                }
            },
            "metadata_condition.conditions[0].name：是空的。请改正后重试。",
        ),
    ],
)
def test_a_bad_field_is_named(address: str, fields: dict[str, object], message: str) -> None:
    response = httpx.post(
        f"{address}/dify/retrieval",
        json={**SAMPLES[0], **fields},
        headers={"Authorization": "Bearer s3cret"},
    )

    assert refused(response) == (400, 400)
    assert response.json()["error_msg"] == message


@pytest.mark.parametrize(
    ("method", "path", "content", "media_type", "status"),
    [
        ("POST", "/retrieval", b'{"query": ', "application/json", 400),
        ("POST", "/retrieval", "税".encode("gbk"), "application/json", 400),
        ("POST", "/retrieval", b"[]", "application/json", 400),
        ("POST", "/retrieval", b"", None, 415),
        ("POST", "/retrieval", b"{}", "text/plain", 415),
        ("POST", "/retrieval", b" " * 65_537, "application/json", 413),
        ("GET", "/retrieval", b"", None, 405),
        ("POST", "/nothing", b"", None, 404),
    ],
)
def test_every_refusal_has_difys_shape(
    address: str, method: str, path: str, content: bytes, media_type: str | None, status: int
) -> None:
    headers = {"Authorization": "Bearer s3cret"}
    headers |= {"Content-Type": media_type} if media_type else {}
    response = httpx.request(method, f"{address}/dify{path}", content=content, headers=headers)

    assert refused(response) == (status, status)


class Failing:
    """A retriever whose every search fails in one way."""

    def __init__(self, error: Exception) -> None:
        self.error = error

    def retrieve(self, question: str, *, limit: int, filters: Filters = NO_FILTERS) -> Retrieval:
        raise self.error


@pytest.mark.parametrize(
    ("error", "status", "retry_after"),
    [
        (EncoderUnavailableError("/srv/secret"), 503, "5"),
        (IndexDamagedError("/srv/secret"), 503, "60"),
        (KeyError("/srv/secret"), 500, None),
    ],
)
def test_a_failure_inside_tells_nothing_of_this_machine(
    cases: tuple[Case, ...], error: Exception, status: int, retry_after: str | None
) -> None:
    assistant = Assistant(cases, Failing(error), "v1")
    app = dify_app(assistant, Turnstile(), NO_OPTIONS)
    response = TestClient(app, raise_server_exceptions=False).post("/retrieval", json=SAMPLES[0])

    assert refused(response) == (status, status)
    assert response.headers.get("retry-after") == retry_after
    assert "secret" not in response.text


def test_one_search_too_many_is_turned_away(assistant: Assistant) -> None:
    client = TestClient(dify_app(assistant, Turnstile(0), NO_OPTIONS))
    response = client.post("/retrieval", json=SAMPLES[0])

    assert refused(response) == (503, 503)
    assert response.headers["retry-after"] == "2"


def test_what_dify_swallows_is_in_the_log_without_the_question(
    assistant: Assistant, caplog: pytest.LogCaptureFixture
) -> None:
    client = TestClient(dify_app(assistant, Turnstile(), Protocols(AccessKey("s3cret"))))
    bearer = {"Authorization": "Bearer s3cret"}
    with caplog.at_level(logging.WARNING, "casebook.dify"):
        client.post("/retrieval", json=SAMPLES[0])
        client.post("/retrieval", json={**SAMPLES[0], "knowledge_id": "x\ny"}, headers=bearer)

    assert caplog.messages == [
        ("retrieval refused with 403 (1001): 请求没有带密钥；请加上 Authorization: Bearer 密钥。"),
        (
            "retrieval refused with 404 (2001): 没有知识库 'x\\ny'；"
            "外部知识库 ID 应为 all、district:区、collection:案例集或 year:年份，并且其中有案例。"
        ),
    ]
