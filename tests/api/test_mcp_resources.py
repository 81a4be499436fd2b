"""Cases as resources: their texts, their list, and addresses that lead nowhere."""

from __future__ import annotations

import pytest
from mcp import types
from mcp.client.client import Client
from starlette.testclient import TestClient

from rag.assistant import Assistant
from rag.types import Case
from tests.api.mcp_peer import Peer, tool_server
from tests.api.retrievers import NoRetriever

TAX = "c33adef876c"


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

    assert Peer(tool_server(many), "auto").talk(pages) == [100, 100, 50]


@pytest.mark.parametrize(
    "cursor", ["", "x", "-1", "５", "251", "9" * 5000, "0" * 9 + "251", "0" * 9 + "9" * 5000]
)
def test_a_cursor_that_was_never_given_is_refused(cases: tuple[Case, ...], cursor: str) -> None:
    many = Assistant(cases[:1] * 250, NoRetriever(), "v000001")

    error = Peer(tool_server(many), "auto").error(
        lambda client: client.list_resources(cursor=cursor)
    )

    assert (error.code, error.message) == (-32602, "cursor 无效；请不带 cursor 从头列起")
