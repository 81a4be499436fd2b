"""A server of the protocol and the client that speaks to it: the SDK's own, of either generation."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any, NamedTuple, TypeVar

import anyio
import pytest
from mcp import types
from mcp.client.client import Client
from mcp.server.lowlevel.server import Server
from mcp.shared.exceptions import MCPError

from api.admission import Turnstile
from api.case_schemas import Facets
from api.mcp_server import mcp_server
from api.mcp_tools import tools_of
from rag.ask import Asker
from rag.assistant import Assistant
from rag.verification import Verifier

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


def tool_server(assistant: Assistant, turnstile: Turnstile | None = None) -> Server[Any]:
    facets = Facets.from_cases(assistant.cases)
    return mcp_server(
        assistant,
        tools_of(Asker(assistant), facets, Verifier(assistant.cases)),
        turnstile or Turnstile(),
    )
