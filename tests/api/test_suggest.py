"""``GET /api/v1/suggest``: exact answers, refusals, and the bundled collection's own questions."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from starlette.testclient import TestClient

from api.app import create_app
from index.build import build
from index.store import current_version, open_version
from rag.ask import Asker
from rag.assistant import Assistant
from rag.retrieve import Retriever
from rag.suggestions import KnownQuestion
from rag.types import Case

SUGGEST = "/api/v1/suggest"
QUESTIONS = (
    KnownQuestion("静安退税要几天", "c33adef876c"),
    KnownQuestion("开公司一天能办好吗", "c2f29831262"),
    KnownQuestion("怎么退税", "c33adef876c"),
)


@pytest.fixture(scope="module")
def knowing(cases: tuple[Case, ...], retriever: Retriever) -> Iterator[TestClient]:
    """A service whose index knows some questions."""
    assistant = Assistant(cases, retriever, "v000007", QUESTIONS)
    with TestClient(create_app(Asker(assistant), passages=6, encoder="none")) as client:
        yield client


def suggested(client: TestClient, **typed: object) -> Any:
    response = client.get(SUGGEST, params=typed)
    assert response.status_code == 200, response.text
    return response.json()


def test_a_suggestion_has_exactly_these_fields(knowing: TestClient) -> None:
    assert suggested(knowing, q=" 退稅 ") == {
        "query": " 退稅 ",
        "suggestions": [
            {"text": "怎么退税", "kind": "question", "case_id": None, "highlights": [[2, 4]]},
            {"text": "静安退税要几天", "kind": "question", "case_id": None, "highlights": [[2, 4]]},
            {
                "text": "智能退税一键到账",
                "kind": "case",
                "case_id": "c33adef876c",
                "highlights": [[2, 4]],
            },
        ],
    }


def test_duplicates_of_a_case_are_offered_once_and_lead_to_the_original(client: TestClient) -> None:
    found = suggested(client, q="智能")["suggestions"]

    assert [(one["text"], one["case_id"]) for one in found] == [("智能退税一键到账", "c33adef876c")]


def test_nothing_typed_gets_the_same_examples_each_time(knowing: TestClient) -> None:
    first, second = suggested(knowing), suggested(knowing, q="  ")

    assert first["suggestions"] == second["suggestions"]
    assert [(one["text"], one["kind"]) for one in first["suggestions"]] == [
        ("静安退税要几天", "question"),
        ("开公司一天能办好吗", "question"),
        ("律师下楼", "case"),
    ]
    assert suggested(knowing, limit=1)["suggestions"] == first["suggestions"][:1]


def test_an_index_without_questions_offers_titles(client: TestClient) -> None:
    found = suggested(client)["suggestions"]

    assert [one["kind"] for one in found] == ["case", "case", "case"]


@pytest.mark.parametrize(
    ("typed", "field", "message"),
    [
        ({"q": "税" * 501}, "q", "最多 500 个字"),
        ({"limit": 0}, "limit", "不能小于 1"),
        ({"limit": 21}, "limit", "不能大于 20"),
        ({"limit": "两"}, "limit", "应为整数"),
        ({"query": "退税"}, "query", "没有这个字段，请检查拼写"),
    ],
)
def test_what_cannot_be_is_refused_by_field(
    client: TestClient, typed: dict[str, object], field: str, message: str
) -> None:
    response = client.get(SUGGEST, params=typed)

    assert response.status_code == 422
    assert response.json()["errors"] == [{"field": field, "message": message}]


def test_bytes_that_are_no_text_find_nothing(client: TestClient) -> None:
    response = client.get(f"{SUGGEST}?q=%ff%fe")

    assert response.json() == {"query": "\ufffd\ufffd", "suggestions": []}


def test_an_index_knows_the_questions_that_it_was_built_with(
    collection: Path, tmp_path: Path, encoder: Any
) -> None:
    text = (collection / "某市.txt").read_text(encoding="utf-8")
    start = text.index("静安区税务局")
    line = {"start": start, "end": start + 20, "questions": ["退税要跑几趟", "帮办收钱吗"]}
    (collection / "某市.questions.jsonl").write_text(json.dumps(line), encoding="utf-8")
    index = tmp_path / "index"
    build([collection], index, encoder)

    assistant = open_version(current_version(index), encoder)

    case_id = assistant.cases[0].case_id
    assert assistant.questions == (
        KnownQuestion("退税要跑几趟", case_id),
        KnownQuestion("帮办收钱吗", case_id),
    )
