"""The tools and the cases by the Model Context Protocol, over streamable HTTP and stdio.

The only module that imports ``mcp``, which takes a second and 25 MB: it is imported on first use.

Spec: https://modelcontextprotocol.io/specification/2026-07-28; clients of the revisions with a
handshake (2024-11-05 to 2025-11-25) are served too. Nothing is remembered between requests.
"""

from __future__ import annotations

import json
import logging
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote, unquote

from mcp import types
from mcp.server.context import ServerRequestContext
from mcp.server.lowlevel.server import Server
from mcp.server.stdio import stdio_server
from mcp.server.streamable_http_manager import StreamableHTTPSessionManager
from mcp.server.transport_security import RequestBodyLimitMiddleware, TransportSecuritySettings
from mcp.shared.exceptions import MCPError
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.types import ASGIApp, Receive, Scope, Send

from api import problems
from api.admission import Turnstile
from api.hosts import HostNames
from api.mcp_tool import Outcome, Tool, words_for
from api.problems import ProblemError
from rag.assistant import Assistant
from rag.cite import label_of
from rag.types import Case

_LOG = logging.getLogger("casebook.api")

_VERSION = "1.0"
"""Version of what the tools take and give."""
_PAGE = 100
"""Cases listed at a time; the bundled collection has 22."""
_CURSOR_DIGITS = 9
_SCHEME = "case://"
_TEXT = "text/plain; charset=utf-8"

_INSTRUCTIONS = (
    "政府优化营商环境案例集的检索。先用 search_cases 找段落，不够再用 get_case 读全文，引用之前用 verify_quote 核对。"
    "只依据返回的原文回答，逐条注明 citation.label 与 citation.url；abstained 为 true 时如实说案例集没有回答。"
)

_Context = ServerRequestContext[Any]


@dataclass(frozen=True, slots=True)
class _Service:
    """The requests of the protocol that are answered."""

    assistant: Assistant
    tools: Mapping[str, Tool]
    turnstile: Turnstile

    async def list_tools(
        self, _context: _Context, _params: types.PaginatedRequestParams | None
    ) -> types.ListToolsResult:
        return types.ListToolsResult(tools=[_described(tool) for tool in self.tools.values()])

    async def call_tool(
        self, _context: _Context, params: types.CallToolRequestParams
    ) -> types.CallToolResult:
        tool = self.tools.get(params.name)
        if tool is None:
            message = f"没有工具“{params.name[:80]}”；现有：{'、'.join(self.tools)}"
            raise MCPError(types.INVALID_PARAMS, message)
        try:
            outcome = await self._run(tool, params.arguments or {})
        except Exception as error:  # noqa: BLE001 - each becomes words for the model; unforeseen ones are logged
            return types.CallToolResult(content=[_text(words_for(error, tool))], is_error=True)
        structured = outcome.result.model_dump(mode="json")
        written = json.dumps(structured, ensure_ascii=False, separators=(",", ":"))
        return types.CallToolResult(
            # The JSON again as text, for clients that read no structured content.
            content=[_text(written), *self._links(outcome)],
            structured_content=structured,
        )

    async def list_resources(
        self, _context: _Context, params: types.PaginatedRequestParams | None
    ) -> types.ListResourcesResult:
        cases = self.assistant.cases
        cursor = "0" if params is None or params.cursor is None else params.cursor
        counts = cursor.isascii() and cursor.isdecimal() and len(cursor) <= _CURSOR_DIGITS
        if not (counts and int(cursor) <= len(cases)):
            raise MCPError(types.INVALID_PARAMS, "cursor 无效；请不带 cursor 从头列起")
        start = int(cursor)
        end = start + _PAGE
        return types.ListResourcesResult(
            resources=[types.Resource(**_resource(case)) for case in cases[start:end]],
            next_cursor=str(end) if end < len(cases) else None,
        )

    async def list_templates(
        self, _context: _Context, _params: types.PaginatedRequestParams | None
    ) -> types.ListResourceTemplatesResult:
        template = types.ResourceTemplate(
            uri_template=f"{_SCHEME}{{case_id}}",
            name="case",
            title="案例原文",
            description=(
                "一个案例的原文，一字不增不减：引文的位置减去案例的 source.start，即它在这段文字中的位置"
                "（按 Unicode 码位计）。编号取自 citation.case_id。"
            ),
            mime_type=_TEXT,
        )
        return types.ListResourceTemplatesResult(resource_templates=[template])

    async def read_resource(
        self, _context: _Context, params: types.ReadResourceRequestParams
    ) -> types.ReadResourceResult:
        uri = str(params.uri)
        case = self.assistant.case(unquote(uri.removeprefix(_SCHEME)))
        if case is None or not uri.startswith(_SCHEME):
            message = "没有这个资源；案例写作 case://案例编号，编号取自 citation.case_id 或资源列表"
            raise MCPError(types.INVALID_PARAMS, message, {"uri": uri})
        text = types.TextResourceContents(uri=uri, mime_type=_TEXT, text=case.text)
        return types.ReadResourceResult(contents=[text])

    async def _run(self, tool: Tool, arguments: Mapping[str, Any]) -> Outcome:
        """Compute in a thread, so that the event loop goes on serving."""
        if not tool.searches:
            return await run_in_threadpool(tool.run, arguments)
        async with self.turnstile.place():
            return await run_in_threadpool(tool.run, arguments)

    def _links(self, outcome: Outcome) -> list[types.ResourceLink]:
        cases = [self.assistant.case(case_id) for case_id in outcome.case_ids]
        return [types.ResourceLink(**_resource(case)) for case in cases if case is not None]


def mcp_server(assistant: Assistant, tools: Sequence[Tool], turnstile: Turnstile) -> Server[Any]:
    """Put tools and cases behind the protocol, whatever the transport.

    Args:
        assistant: Whose cases are the resources.
        tools: What can be called, in the order in which they are listed.
        turnstile: How many searches are let in at once.
    """
    service = _Service(assistant, {tool.name: tool for tool in tools}, turnstile)
    return Server(
        "casebook",
        title="营商环境案例问答",
        version=_VERSION,
        instructions=_INSTRUCTIONS,
        on_list_tools=service.list_tools,
        on_call_tool=service.call_tool,
        on_list_resources=service.list_resources,
        on_list_resource_templates=service.list_templates,
        on_read_resource=service.read_resource,
    )


def http_application(server: Server[Any], hosts: HostNames) -> ASGIApp:
    """Serve streamable HTTP: each POST by itself, answered in JSON.

    A page on the web can make a browser send requests here under a name of its own (DNS rebinding), so the
    ``Host`` must be a name of ours, and so must the ``Origin`` where there is one.

    Args:
        server: What answers.
        hosts: Names that this machine is reached by.

    Raises:
        ProblemError: `HOST_NOT_ALLOWED`, out of the application, before anything was answered.
    """
    # Its own check knows whole names alone; ours comes before it.
    settings = TransportSecuritySettings(enable_dns_rebinding_protection=False)

    async def exchange(scope: Scope, receive: Receive, send: Send) -> None:
        # A manager for each request: without sessions there is nothing to keep, and so nothing that
        # would have to be started and stopped with the process.
        manager = StreamableHTTPSessionManager(
            server, json_response=True, stateless=True, security_settings=settings
        )
        async with manager.run():
            await manager.handle_request(scope, receive, send)

    # The body is read before the exchange begins: what its limit raises would otherwise come out
    # of a task group, as a group of exceptions that no handler knows. `BodyLimit`
    # has the say in how much.
    buffered = RequestBodyLimitMiddleware(exchange, sys.maxsize)

    async def application(scope: Scope, receive: Receive, send: Send) -> None:
        sent = Request(scope).headers
        origin = sent.get("origin")
        ours = origin is None or hosts.allow_origin(origin)
        if not (ours and hosts.allow(sent.get("host", ""))):
            raise ProblemError(
                problems.HOST_NOT_ALLOWED,
                "请用 http://127.0.0.1 或 http://localhost 连接；要用别的域名或地址，"
                "请管理员以 casebook serve --allow-host 域名 启动。",
            )
        await buffered(scope, receive, send)

    return application


async def serve_stdio(server: Server[Any]) -> None:
    """Serve one client over stdin and stdout until it closes stdin, or dies."""
    try:
        async with stdio_server() as (reader, writer):
            await server.run(reader, writer, server.create_initialization_options())
    except* BrokenPipeError:
        _LOG.warning("the client went away before it was answered")


def _described(tool: Tool) -> types.Tool:
    return types.Tool(
        name=tool.name,
        title=tool.title,
        description=tool.description,
        input_schema=dict(tool.arguments),
        output_schema=dict(tool.result),
        annotations=types.ToolAnnotations(
            read_only_hint=True,
            destructive_hint=False,
            idempotent_hint=True,
            open_world_hint=False,
        ),
    )


def _resource(case: Case) -> dict[str, Any]:
    """What a resource and a link to it have in common."""
    return {
        "uri": f"{_SCHEME}{quote(case.case_id, safe='')}",
        "name": case.case_id,
        "title": case.title,
        "description": label_of(case),
        "mime_type": _TEXT,
        "size": len(case.text.encode()),
    }


def _text(text: str) -> types.TextContent:
    return types.TextContent(text=text)
