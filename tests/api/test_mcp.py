"""What a client is told before it asks: by the SDK's own of both generations, over HTTP and in memory."""

from __future__ import annotations

from typing import Any

import jsonschema
import pytest
from mcp import types
from mcp.client.client import Client
from mcp.server.lowlevel.server import Server
from starlette.testclient import TestClient

from api.admission import Turnstile
from api.case_schemas import Facets
from api.mcp_server import mcp_server
from api.mcp_tools import MAX_NAMED, tools_of
from rag.ask import Asker
from rag.assistant import Assistant
from rag.types import Case
from rag.verification import Verifier
from tests.api.mcp_peer import Peer
from tests.api.retrievers import NoRetriever

NAMES = ["ask", "search_cases", "get_case", "list_districts", "verify_quote"]


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
