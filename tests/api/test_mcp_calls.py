"""Calling a tool: its results, what it refuses, and many calls at once."""

from __future__ import annotations

import json
import threading

import anyio
import pytest
from mcp import types
from mcp.client.client import Client
from starlette.testclient import TestClient

from api.admission import Turnstile
from rag.assistant import Assistant, Findings
from rag.errors import EncoderUnavailableError
from rag.filters import NO_FILTERS, Filters
from rag.types import Case
from tests.api.mcp_peer import Peer, tool_server
from tests.api.retrievers import NoRetriever

TAX = "c33adef876c"


@pytest.mark.parametrize(
    ("name", "arguments", "path", "body"),
    [
        ("ask", {"query": "智能退税"}, "/api/v1/ask", {"query": "智能退税"}),
        ("ask", {"query": "天气"}, "/api/v1/ask", {"query": "天气"}),
        (
            "ask",
            {"query": "快办执照", "top_k": 1, "district": "浦东"},
            "/api/v1/ask",
            {"query": "快办执照", "top_k": 1, "filters": {"district": ["浦东"]}},
        ),
        ("search_cases", {"query": "智能退税"}, "/api/v1/search", {"query": "智能退税"}),
        ("search_cases", {"query": "天气"}, "/api/v1/search", {"query": "天气"}),
        (
            "search_cases",
            {
                "query": "快办 执照",
                "top_k": 1,
                "district": "浦东",
                "collection": "优秀",
                "year": 2022,
            },
            "/api/v1/search",
            {
                "query": "快办 执照",
                "top_k": 1,
                "filters": {"district": ["浦东"], "collection": ["优秀"], "year": [2022]},
            },
        ),
        ("get_case", {"case_id": TAX}, f"/api/v1/cases/{TAX}", None),
        ("list_districts", {}, "/api/v1/facets", None),
        (
            "verify_quote",
            {"text": "据说“三天到账”，“五天到账”。"},
            "/api/v1/verify",
            {"text": "据说“三天到账”，“五天到账”。"},
        ),
        (
            "verify_quote",
            {"text": "“一天办结”", "case_id": TAX},
            "/api/v1/verify",
            {"text": "“一天办结”", "citation": {"case_id": TAX}},
        ),
    ],
)
def test_a_result_is_what_the_http_interface_says(
    peer: Peer,
    client: TestClient,
    name: str,
    arguments: dict[str, object],
    path: str,
    body: dict[str, object] | None,
) -> None:
    expected = client.request("POST" if body else "GET", path, json=body).json()

    # The client validates structured content against the schema that it listed.
    result = peer.call(name, **arguments)

    assert not result.is_error
    said = result.structured_content
    assert isinstance(result.content[0], types.TextContent)
    assert json.loads(result.content[0].text) == said
    for answer in (said, expected):
        answer.pop("took_ms", None)
    assert said == expected


def test_a_result_links_every_case_that_it_cites_once(peer: Peer) -> None:
    result = peer.call("search_cases", query="智能退税快办")
    cited = [passage["citation"] for passage in result.structured_content["passages"]]
    links = [block for block in result.content if isinstance(block, types.ResourceLink)]

    assert [link.uri for link in links] == list(
        dict.fromkeys(f"case://{citation['case_id']}" for citation in cited)
    )
    assert links[0].uri == f"case://{TAX}"
    assert links[0].description == cited[0]["label"]
    assert len(cited) > len(links) > 1
    for link in links:
        peer.talk(lambda client, uri=link.uri: client.read_resource(uri))


def test_a_quotation_of_another_case_links_the_case_it_stands_in(peer: Peer) -> None:
    result = peer.call("verify_quote", text="“一天办结”", case_id=TAX)
    (quote,) = result.structured_content["quotes"]
    links = [block.uri for block in result.content if isinstance(block, types.ResourceLink)]

    assert (quote["verdict"], quote["places"]) == ("absent", [])
    assert links == [f"case://{quote['elsewhere'][0]['citation']['case_id']}"]


def test_a_number_in_quotation_marks_is_read_as_models_mean_it(peer: Peer) -> None:
    result = peer.call("search_cases", query="退税", top_k="1")

    assert len(result.structured_content["passages"]) == 1


@pytest.mark.parametrize(
    ("name", "arguments", "words"),
    [
        (
            "search_cases",
            {"query": " "},
            "字段不符合要求：query：是空的，请填写内容。请改正后再调用。",
        ),
        (
            "search_cases",
            {"top_k": 51, "district": None, "size": 3},
            (
                "字段不符合要求：query：缺少这一项；top_k：不能大于 50；"
                "size：没有这个字段，请检查拼写。请改正后再调用。"
            ),
        ),
        (
            "search_cases",
            {"query": "退税", "district": "朝阳区"},
            "字段不符合要求：district：没有“朝阳区”的案例。可选：浦东新区、静安区；或不填 district。",
        ),
        (
            "get_case",
            {"case_id": "c0"},
            "没有这个案例：没有编号为“c0”的案例；编号取自 search_cases 结果的 citation.case_id，请勿自拟。",
        ),
        (
            "verify_quote",
            {"text": "“三天到账”", "case_id": "c0"},
            "没有这个案例：没有编号为 c0 的案例；请核对编号，或不指定案例再核对一次。",
        ),
        (
            "verify_quote",
            {"text": "……"},
            "字段不符合要求：text：没有可以核对的文字；请写上要核对的引文。",
        ),
        (
            "list_districts",
            {"name": "静安"},
            "字段不符合要求：name：没有这个字段，请检查拼写。请改正后再调用。",
        ),
    ],
)
def test_what_does_not_fit_is_told_to_the_model(
    peer: Peer, name: str, arguments: dict[str, object], words: str
) -> None:
    assert peer.refusal(name, **arguments) == words


def test_a_tool_that_does_not_exist_is_an_error_of_the_protocol(peer: Peer) -> None:
    error = peer.error(lambda client: client.call_tool("delete_case", {"case_id": TAX}))

    assert (error.code, error.message) == (
        -32602,
        "没有工具“delete_case”；现有：ask、search_cases、get_case、list_districts、verify_quote",
    )


class FailingAssistant(Assistant):
    """Fails as it is told to."""

    def __init__(self, cases: tuple[Case, ...], error: Exception) -> None:
        super().__init__(cases, NoRetriever(), "v000001")
        self._error = error

    def search(self, question: str, *, limit: int = 5, filters: Filters = NO_FILTERS) -> Findings:
        raise self._error


@pytest.mark.parametrize(
    ("error", "words"),
    [
        (
            EncoderUnavailableError("http://10.0.0.7:9997 没有回答"),
            "向量模型暂不可用：请稍后重试；若持续出现，请联系管理员。",
        ),
        (
            RuntimeError("at 0x7f"),
            "服务内部出错：请稍后重试；若持续出现，请联系管理员查看服务日志。",
        ),
    ],
)
def test_what_fails_inside_is_logged_and_not_told(
    cases: tuple[Case, ...], caplog: pytest.LogCaptureFixture, error: Exception, words: str
) -> None:
    peer = Peer(tool_server(FailingAssistant(cases, error)), "auto")

    assert peer.refusal("search_cases", query="退税") == words
    (record,) = [it for it in caplog.records if it.name == "casebook.api"]
    assert record.getMessage() == "tool search_cases failed"
    assert record.exc_info is not None
    assert record.exc_info[1] is error


class Gate(Assistant):
    """Holds every search until told to go on."""

    def __init__(self, assistant: Assistant) -> None:
        super().__init__(assistant.cases, NoRetriever(), assistant.index_version)
        self.entered = threading.Semaphore(0)
        self.open = threading.Event()
        self._inside = assistant

    def search(self, question: str, *, limit: int = 5, filters: Filters = NO_FILTERS) -> Findings:
        self.entered.release()
        assert self.open.wait(60)
        return self._inside.search(question, limit=limit, filters=filters)


def test_searches_over_the_limit_are_turned_away_and_look_ups_are_not(assistant: Assistant) -> None:
    gate = Gate(assistant)

    async def crowd(client: Client) -> list[types.CallToolResult]:
        results: list[types.CallToolResult] = []

        async def search() -> None:
            results.append(await client.call_tool("search_cases", {"query": "退税"}))

        async with anyio.create_task_group() as group:
            group.start_soon(search)
            assert await anyio.to_thread.run_sync(lambda: gate.entered.acquire(timeout=60))
            results.append(await client.call_tool("search_cases", {"query": "退税"}))
            results.append(await client.call_tool("get_case", {"case_id": TAX}))
            gate.open.set()
        results.append(await client.call_tool("search_cases", {"query": "退税"}))
        return results

    turned_away, looked_up, held, afterwards = Peer(tool_server(gate, Turnstile(1)), "auto").talk(
        crowd
    )

    assert isinstance(turned_away.content[0], types.TextContent)
    assert turned_away.content[0].text == "服务繁忙：同时检索的人较多，请稍候几秒重试。"
    assert [it.is_error for it in (turned_away, looked_up, held, afterwards)] == [
        True,
        False,
        False,
        False,
    ]


def test_many_calls_at_once_each_get_their_own_answer(peer: Peer) -> None:
    questions = [f"第{n}个问题，智能退税" for n in range(16)]

    async def crowd(client: Client) -> dict[str, str]:
        answers: dict[str, str] = {}

        async def ask(question: str) -> None:
            result = await client.call_tool("search_cases", {"query": question, "top_k": 1})
            answers[question] = result.structured_content["query"]

        async with anyio.create_task_group() as group:
            for question in questions:
                group.start_soon(ask, question)
        return answers

    assert peer.talk(crowd) == {question: question for question in questions}
