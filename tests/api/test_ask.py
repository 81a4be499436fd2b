"""``POST /api/v1/ask``, whole and as events."""

from __future__ import annotations

import json
from collections.abc import Callable, Generator, Sequence
from pathlib import Path
from typing import Any

import pytest
from starlette.testclient import TestClient

from api.app import create_app
from api.ask import run_ask
from api.ask_schemas import AskRequest
from index.store import open_index
from rag.answer import Answer, AnswerSentence, Checking
from rag.ask import Asker
from rag.assistant import Assistant
from rag.conversation import Turn
from rag.errors import EncoderUnavailableError

Ask = Callable[..., Any]


@pytest.fixture(scope="module")
def ask(client: TestClient) -> Ask:
    """Ask, expecting an answer; keyword arguments are fields of the request."""

    def ask(query: str, **fields: object) -> Any:
        response = client.post("/api/v1/ask", json={"query": query, **fields})
        assert response.status_code == 200, response.text
        return response.json()

    return ask


def events_of(client: TestClient, query: str, **fields: object) -> list[tuple[str, Any]]:
    """Ask for events, and read them as the standard says."""
    headers = {"Accept": "text/event-stream"}
    body = {"query": query, **fields}
    response = client.post("/api/v1/ask", json=body, headers=headers)
    assert response.status_code == 200, response.text
    assert response.headers["content-type"].startswith("text/event-stream")
    assert response.headers["cache-control"] == "no-store"
    return [read(block) for block in response.text.split("\n\n") if block]


def read(block: str) -> tuple[str, Any]:
    name, _, data = block.partition("\n")
    return name.removeprefix("event: "), json.loads(data.removeprefix("data: "))


def test_an_answer_has_exactly_the_fields_of_the_contract(ask: Ask, search: Ask) -> None:
    answer = ask("智能退税", top_k=1)
    (passage,) = search("智能退税", top_k=1)["passages"]

    assert answer.pop("took_ms") >= 0
    assert answer == {
        "query": "智能退税",
        "index_version": "v000007",
        "mode": "extractive",
        "abstained": False,
        "confidence": 1.0,
        "reason": None,
        "named_districts": [],
        "answer": {
            "text": "静安区𠮷祥大厦推行智能退税，三天到账。[1]",
            "sentences": [
                {
                    "text": "静安区𠮷祥大厦推行智能退税，三天到账。",
                    "citations": [1],
                    "source": {"start": 42, "end": 61},
                    "lead": "",
                }
            ],
        },
        "citations": [{**passage, "number": 1}],
        "nearest": [],
        "checking": None,
    }


def test_a_refusal_says_why_and_lists_the_nearest_which_nothing_cites(ask: Ask) -> None:
    answer = ask("qwerty", top_k=2)
    assert answer["abstained"] is True
    assert answer["reason"] == "not_in_collection"
    assert answer["answer"]["sentences"] == []
    assert answer["answer"]["text"].startswith("案例集里没有与这个问题有关的内容。最接近的是：")
    assert [passage["number"] for passage in answer["citations"]] == [1, 2]
    (case,) = answer["nearest"]
    assert {passage["citation"]["case_id"] for passage in answer["citations"]} == {case["case_id"]}
    assert case["ranks"] == [1, 2]


def test_a_filter_that_leaves_nothing_is_refused_in_its_own_words(ask: Ask) -> None:
    answer = ask("智能退税", filters={"district": ["嘉定"]})
    assert answer["reason"] == "not_in_district"
    assert answer["answer"]["text"] == "案例集里没有嘉定与这个问题有关的内容。"
    assert answer["citations"] == []


@pytest.mark.parametrize(
    ("query", "filters", "words"),
    [
        ("智能退税", {"year": [1999]}, "所选范围里没有与这个问题有关的内容。"),
        (
            "静安智能退税",
            {"district": ["浦东"]},
            "所选范围里没有与这个问题有关的内容。最接近的是：浦东新区",
        ),
    ],
)
def test_a_refusal_under_a_filter_does_not_speak_for_the_whole_collection(
    ask: Ask, query: str, filters: dict[str, object], words: str
) -> None:
    assert ask(query, filters=filters)["answer"]["text"].startswith(words)


def test_the_evidence_comes_before_the_prose_and_the_deltas_make_the_text(
    client: TestClient, ask: Ask
) -> None:
    whole = ask("智能退税不用跑腿", top_k=3)
    names, data = zip(*events_of(client, "智能退税不用跑腿", top_k=3), strict=True)
    deltas = [it for name, it in zip(names, data, strict=True) if name == "delta"]

    assert names == ("meta", "citations", *["delta"] * len(whole["answer"]["sentences"]), "done")
    assert data[0].items() <= whole.items()
    assert data[1]["citations"] == whole["citations"]
    assert "".join(delta["text"] for delta in deltas) == whole["answer"]["text"]
    assert [delta["sentence"] for delta in deltas] == whole["answer"]["sentences"]
    assert {**data[-1], "took_ms": 0} == {**whole, "took_ms": 0}


def test_a_refusal_as_events_says_why_in_one_delta(client: TestClient, ask: Ask) -> None:
    whole = ask("qwerty", top_k=2)
    meta, citations, delta, done = events_of(client, "qwerty", top_k=2)
    assert meta[1]["reason"] == "not_in_collection"
    assert citations[1] == {"citations": whole["citations"], "nearest": whole["nearest"]}
    assert delta == ("delta", {"text": whole["answer"]["text"], "sentence": None})
    assert {**done[1], "took_ms": 0} == {**whole, "took_ms": 0}


@pytest.mark.parametrize(
    "accept",
    [
        "application/json",
        "*/*",
        "",
        "text/html",
        "text/event-stream;q=0",
        "application/json, text/event-stream; q=0.0",
        "text/event-stream;q=0.5, application/json;q=0.9",
    ],
)
def test_events_come_only_to_those_who_accept_them(client: TestClient, accept: str) -> None:
    response = client.post("/api/v1/ask", json={"query": "智能退税"}, headers={"Accept": accept})
    assert response.headers["content-type"] == "application/json"


@pytest.mark.parametrize(
    "accept",
    [
        "text/event-stream",
        "TEXT/Event-Stream; charset=utf-8",
        "application/json, text/event-stream",
        "text/event-stream;q=0.9, application/json;q=0.5",
        "text/event-stream;q=odd",
    ],
)
def test_events_come_to_those_who_accept_them_as_well(client: TestClient, accept: str) -> None:
    response = client.post("/api/v1/ask", json={"query": "智能退税"}, headers={"Accept": accept})
    assert response.headers["content-type"] == "text/event-stream; charset=utf-8"


def test_a_language_model_that_is_not_there_is_a_problem(client: TestClient) -> None:
    response = client.post("/api/v1/ask", json={"query": "智能退税", "mode": "llm"})
    assert response.status_code == 422
    assert response.json() == {
        "type": "/problems/no-language-model",
        "title": "没有配置语言模型",
        "status": 422,
        "detail": "请把 mode 改为 extractive 或 auto，或请管理员在启动服务时用 --llm 配置语言模型。",
    }


@pytest.mark.parametrize(
    ("fields", "field"),
    [({"mode": "magic"}, "mode"), ({"top_k": 0}, "top_k"), ({"explain": True}, "explain")],
)
def test_a_bad_field_is_named(client: TestClient, fields: dict[str, object], field: str) -> None:
    response = client.post("/api/v1/ask", json={"query": "智能退税", **fields})
    assert response.status_code == 422
    assert response.json()["errors"][0]["field"] == field


class Scribe:
    """Words an answer: one sentence of its own, and then it ends as told."""

    def __init__(self, ending: Exception | None = None) -> None:
        self.ending = ending
        self.heard: list[Turn] = []

    def standalone(self, turns: Sequence[Turn], message: str, districts: Sequence[str]) -> str:
        self.heard = list(turns)
        return f"{turns[-1].question}{message}"

    def write(
        self, extracted: Answer, left: object = None
    ) -> Generator[AnswerSentence | Answer, None, None]:
        sentence = AnswerSentence("退税三天到账。", (2,), None)
        yield sentence
        if self.ending is not None:
            raise self.ending
        checking = Checking(kept=1, dropped=2)
        findings = extracted.findings
        yield Answer(findings, findings.findings, (sentence,), "", None, "llm", checking)


def worded(assistant: Assistant, scribe: Scribe) -> TestClient:
    app = create_app(Asker(assistant, scribe), passages=1, encoder="none")
    return TestClient(app, raise_server_exceptions=False)


def test_a_worded_answer_lists_only_what_it_cites_and_how_it_was_checked(
    assistant: Assistant,
) -> None:
    client = worded(assistant, Scribe())
    answer = client.post("/api/v1/ask", json={"query": "智能退税", "top_k": 3}).json()
    assert answer["mode"] == "llm"
    assert answer["answer"]["text"] == "退税三天到账。[2]"
    assert answer["answer"]["sentences"][0]["source"] is None
    assert [passage["number"] for passage in answer["citations"]] == [2]
    assert answer["checking"] == {"kept": 1, "replaced": 0, "dropped": 2, "trouble": None}


def test_all_that_may_be_cited_is_known_before_a_worded_answer(assistant: Assistant) -> None:
    names, data = zip(*events_of(worded(assistant, Scribe()), "智能退税", top_k=3), strict=True)
    assert names == ("meta", "citations", "delta", "done")
    assert [passage["number"] for passage in data[1]["citations"]] == [1, 2, 3]
    assert [passage["number"] for passage in data[3]["citations"]] == [2]


def test_a_follow_up_question_is_searched_for_in_whole_words(assistant: Assistant) -> None:
    client = worded(assistant, Scribe())
    history = [{"question": "智能退税", "answer": "三天到账。[1]"}]
    asked = {"query": "几天到账", "history": history}
    assert client.post("/api/v1/ask", json=asked).json()["query"] == "智能退税几天到账"
    plain = {**asked, "mode": "extractive"}
    assert client.post("/api/v1/ask", json=plain).json()["query"] == "几天到账"


@pytest.mark.parametrize("mode", ["auto", "extractive"])
def test_an_answer_of_any_length_may_be_sent_back_and_is_told_in_part(
    assistant: Assistant, mode: str
) -> None:
    scribe = Scribe()
    history = [{"question": "智能退税", "answer": "字" * 4000 + "尾" * 9000}]
    asked = {"query": "几天到账", "history": history, "mode": mode}
    assert worded(assistant, scribe).post("/api/v1/ask", json=asked).status_code == 200
    assert [turn.answer for turn in scribe.heard] == ["字" * 4000] * (mode == "auto")


def test_extractive_answers_ask_no_writer(assistant: Assistant) -> None:
    client = worded(assistant, Scribe())
    answer = client.post("/api/v1/ask", json={"query": "智能退税", "mode": "extractive"}).json()
    assert answer["mode"] == "extractive"
    assert answer["checking"] is None


def test_a_refusal_is_never_worded(assistant: Assistant) -> None:
    client = worded(assistant, Scribe())
    assert client.post("/api/v1/ask", json={"query": "qwerty"}).json()["mode"] == "extractive"


@pytest.mark.parametrize(
    ("ending", "kind"),
    [
        (EncoderUnavailableError("no"), "/problems/encoder-unavailable"),
        (RuntimeError("no"), "/problems/internal"),
    ],
)
def test_what_fails_on_the_way_ends_the_events_with_a_problem(
    assistant: Assistant, ending: Exception, kind: str
) -> None:
    client = worded(assistant, Scribe(ending))
    headers = {"Accept": "text/event-stream"}
    with client.stream("POST", "/api/v1/ask", json={"query": "智能退税"}, headers=headers) as it:
        blocks = "".join(it.iter_text()).split("\n\n")
    name, data = read([block for block in blocks if block][-1])
    assert name == "error"
    assert data["type"] == kind


@pytest.mark.model
def test_terminal_and_service_say_the_same(real_index: Path, models: Path) -> None:
    asker = Asker(open_index(real_index, models).assistant)
    for query in ("静安退税几天到账", "哪些区的电子材料可以扫码查验真假", "今天天气怎么样"):
        answer = run_ask(asker, AskRequest(query=query)).model_dump(mode="json")
        del answer["took_ms"]
        assert asker.ask(query).to_json() == answer
