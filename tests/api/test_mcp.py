"""The protocol as a client sees it: the SDK's own, of both generations, over HTTP and in memory."""

from __future__ import annotations

import json
import threading
from collections.abc import Awaitable, Callable
from typing import Any, NamedTuple, TypeVar

import anyio
import jsonschema
import pytest
from fastapi import FastAPI
from mcp import types
from mcp.client.client import Client
from mcp.server.lowlevel.server import Server
from mcp.shared.exceptions import MCPError
from starlette.testclient import TestClient

from api.admission import Turnstile
from api.case_schemas import Facets
from api.mcp_server import mcp_server
from api.mcp_tools import MAX_NAMED, tools_of
from rag.ask import Asker
from rag.assistant import Assistant, Findings
from rag.errors import EncoderUnavailableError
from rag.filters import NO_FILTERS, Filters
from rag.types import Case
from rag.verification import Verifier

TAX = "c33adef876c"
NAMES = ["ask", "search_cases", "get_case", "list_districts", "verify_quote"]

T = TypeVar("T")


class Peer(NamedTuple):
    """A server and the generation of client that speaks to it."""

    server: Server[Any] | str
    mode: str

    def talk(self, scenario: Callable[[Client], Awaitable[T]]) -> T:
        async def conversation() -> T:
            async with Client(self.server, mode=self.mode) as client:
                return await scenario(client)

        return anyio.run(conversation)

    def call(self, name: str, /, **arguments: object) -> types.CallToolResult:
        return self.talk(lambda client: client.call_tool(name, arguments))

    def error(self, scenario: Callable[[Client], Awaitable[object]]) -> types.ErrorData:
        async def refused(client: Client) -> types.ErrorData:
            with pytest.raises(MCPError) as raised:  # inside: the client would wrap it in groups
                await scenario(client)
            return raised.value.error

        return self.talk(refused)

    def refusal(self, name: str, /, **arguments: object) -> str:
        result = self.call(name, **arguments)
        assert result.is_error
        assert result.structured_content is None
        (block,) = result.content
        assert isinstance(block, types.TextContent)
        return block.text


def served(assistant: Assistant, turnstile: Turnstile | None = None) -> Server[Any]:
    facets = Facets.from_cases(assistant.cases)
    return mcp_server(
        assistant,
        tools_of(Asker(assistant), facets, Verifier(assistant.cases)),
        turnstile or Turnstile(),
    )


@pytest.fixture(scope="module")
def url(app: FastAPI, serve: Callable[[FastAPI], str]) -> str:
    return f"{serve(app)}/mcp"


@pytest.fixture(scope="module")
def in_memory(assistant: Assistant) -> Server[Any]:
    return served(assistant)


@pytest.fixture(params=["http", "memory"])
def transport(
    request: pytest.FixtureRequest, url: str, in_memory: Server[Any]
) -> Server[Any] | str:
    return url if request.param == "http" else in_memory


@pytest.fixture(params=["legacy", "auto"])
def peer(request: pytest.FixtureRequest, transport: Server[Any] | str) -> Peer:
    return Peer(transport, request.param)


@pytest.fixture
def tools(peer: Peer) -> dict[str, types.Tool]:
    listed = peer.talk(lambda client: client.list_tools()).tools
    return {tool.name: tool for tool in listed}


def test_each_generation_of_clients_is_answered_in_its_own_revision(
    transport: Server[Any] | str,
) -> None:
    async def introduced(client: Client) -> tuple[str, str, str]:
        assert client.server_info is not None
        assert client.instructions is not None
        assert client.server_capabilities.tools is not None
        assert client.server_capabilities.resources is not None
        assert client.server_capabilities.prompts is None
        return client.protocol_version, client.server_info.name, client.instructions[:13]

    assert [Peer(transport, mode).talk(introduced) for mode in ("legacy", "auto")] == [
        ("2025-11-25", "casebook", "政府优化营商环境案例集的检"),
        ("2026-07-28", "casebook", "政府优化营商环境案例集的检"),
    ]


def test_tools_are_listed_in_order_and_change_nothing(tools: dict[str, types.Tool]) -> None:
    assert list(tools) == NAMES
    assert [tool.title for tool in tools.values()] == [
        "回答问题",
        "检索案例段落",
        "读一个案例的全文",
        "列出可选的区",
        "核对引文",
    ]
    for tool in tools.values():
        assert tool.annotations == types.ToolAnnotations(
            read_only_hint=True, destructive_hint=False, idempotent_hint=True, open_world_hint=False
        )


def test_the_arguments_say_their_bounds_and_the_districts_there_are(
    tools: dict[str, types.Tool],
) -> None:
    schemas = {name: tool.input_schema for name, tool in tools.items()}
    arguments = schemas["search_cases"]["properties"]

    assert [schema["additionalProperties"] for schema in schemas.values()] == [False] * 5
    assert list(arguments) == ["query", "top_k", "district", "collection", "year"]
    assert schemas["search_cases"]["required"] == ["query"]
    assert (arguments["query"]["minLength"], arguments["query"]["maxLength"]) == (1, 500)
    top_k = arguments["top_k"]
    assert (top_k["minimum"], top_k["maximum"], top_k["default"]) == (1, 50, 5)
    assert arguments["district"]["anyOf"][0]["enum"] == ["浦东新区", "静安区"]
    assert schemas["get_case"]["required"] == ["case_id"]
    assert schemas["list_districts"]["properties"] == {}
    assert schemas["verify_quote"]["properties"]["text"]["maxLength"] == 5000


def test_the_results_have_the_schemas_of_the_http_interface(
    tools: dict[str, types.Tool], client: TestClient
) -> None:
    schemas = client.get("/openapi.json").json()["components"]["schemas"]
    shared = {
        "ask": "AskResponse",
        "search_cases": "SearchResponse",
        "get_case": "CaseDetail",
        "list_districts": "Facets",
        "verify_quote": "VerificationOut",
    }

    for name, schema in shared.items():
        output = tools[name].output_schema
        assert output is not None
        jsonschema.Draft202012Validator.check_schema(output)
        assert output["type"] == "object"
        assert set(output["properties"]) == set(schemas[schema]["properties"])
        assert output["required"] == schemas[schema]["required"]
    assert tools["search_cases"].output_schema is not None
    citation = tools["search_cases"].output_schema["$defs"]["CitationOut"]
    assert set(citation["properties"]) == set(schemas["CitationOut"]["properties"])


def test_every_tool_says_what_a_model_must_know(tools: dict[str, types.Tool]) -> None:
    search = tools["search_cases"].description or ""

    for words in (
        "abstained",
        "没有找到",
        "码位",
        "citation.label",
        "citation.url",
        "other_district",
    ):
        assert words in search
    for name in ("get_case", "verify_quote"):
        assert "码位" in (tools[name].description or "")


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


def test_a_case_is_read_as_it_stands_in_the_source(
    peer: Peer, cases: tuple[Case, ...], client: TestClient
) -> None:
    listed = peer.talk(lambda client: client.list_resources())
    templates = peer.talk(lambda client: client.list_resource_templates()).resource_templates

    assert [it.uri for it in listed.resources] == [f"case://{case.case_id}" for case in cases]
    assert listed.next_cursor is None
    assert [it.uri_template for it in templates] == ["case://{case_id}"]
    for resource, case in zip(listed.resources, cases, strict=True):
        read = peer.talk(lambda client, uri=resource.uri: client.read_resource(uri))
        (content,) = read.contents
        assert isinstance(content, types.TextResourceContents)
        assert content.text == client.get(f"/api/v1/cases/{case.case_id}").json()["text"]
        assert content.text == case.source.text[case.span.start : case.span.end]
        assert (content.uri, content.mime_type) == (resource.uri, "text/plain; charset=utf-8")
        assert resource.size == len(content.text.encode())
        assert (resource.name, resource.title) == (case.case_id, case.title)


def test_the_places_of_a_citation_count_in_the_resource(peer: Peer) -> None:
    found = peer.call("search_cases", query="𠮷祥大厦").structured_content["passages"][0]
    place, case_id = found["citation"]["source"], found["citation"]["case_id"]
    case = peer.call("get_case", case_id=case_id).structured_content
    read = peer.talk(lambda client: client.read_resource(f"case://{case_id}"))

    shift = case["source"]["start"]
    assert isinstance(read.contents[0], types.TextResourceContents)
    assert read.contents[0].text[place["start"] - shift : place["end"] - shift] == found["text"]
    assert "𠮷" in found["text"]


@pytest.mark.parametrize("uri", ["case://c0", "case://", TAX, f"file://{TAX}", f"case://{TAX}/0"])
def test_a_resource_that_does_not_exist_is_named_in_the_error(peer: Peer, uri: str) -> None:
    error = peer.error(lambda client: client.read_resource(uri))

    assert (error.code, error.data) == (-32602, {"uri": uri})
    assert error.message == (
        "没有这个资源；案例写作 case://案例编号，编号取自 citation.case_id 或资源列表"
    )


def test_many_cases_are_listed_a_page_at_a_time(cases: tuple[Case, ...]) -> None:
    # The same case over and over: 250 resources, and no page may lose or repeat one.
    many = Assistant(cases[:1] * 250, NoRetriever(), "v000001")

    async def pages(client: Client) -> list[int]:
        sizes, cursor = [], None
        while True:
            page = await client.list_resources(cursor=cursor)
            sizes.append(len(page.resources))
            cursor = page.next_cursor
            if cursor is None:
                return sizes

    assert Peer(served(many), "auto").talk(pages) == [100, 100, 50]


@pytest.mark.parametrize(
    "cursor", ["", "x", "-1", "５", "251", "9" * 5000, "0" * 9 + "251", "0" * 9 + "9" * 5000]
)
def test_a_cursor_that_was_never_given_is_refused(cases: tuple[Case, ...], cursor: str) -> None:
    many = Assistant(cases[:1] * 250, NoRetriever(), "v000001")

    error = Peer(served(many), "auto").error(lambda client: client.list_resources(cursor=cursor))

    assert (error.code, error.message) == (-32602, "cursor 无效；请不带 cursor 从头列起")


def test_more_districts_than_one_reads_are_not_enumerated(cases: tuple[Case, ...]) -> None:
    facets = Facets.model_validate(
        {
            "district": [{"value": f"第{n}区", "count": 1} for n in range(MAX_NAMED + 1)],
            "collection": [],
            "year": [],
        }
    )
    assistant = Assistant(cases, NoRetriever(), "v000001")
    peer = Peer(
        mcp_server(
            assistant, tools_of(Asker(assistant), facets, Verifier(assistant.cases)), Turnstile()
        ),
        "auto",
    )
    search = peer.talk(lambda client: client.list_tools()).tools[0]

    assert "enum" not in search.input_schema["properties"]["district"]["anyOf"][0]
    assert peer.refusal("search_cases", query="退税", district="朝阳区") == (
        "字段不符合要求：district：没有“朝阳区”的案例。可选的区请调用 list_districts 查看；或不填 district。"
    )


class NoRetriever:
    """Searching is not what is tested."""

    def retrieve(self, question: str, *, limit: int, filters: Filters = NO_FILTERS) -> Any:
        raise AssertionError(question)


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
    peer = Peer(served(FailingAssistant(cases, error)), "auto")

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

    turned_away, looked_up, held, afterwards = Peer(served(gate, Turnstile(1)), "auto").talk(crowd)

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
