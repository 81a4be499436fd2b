"""A handful of cases that a reader can hold in mind, and a retriever to compute by hand."""

from __future__ import annotations

import hashlib
import re
import socket
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest
from fastapi import FastAPI
from mcp.server.lowlevel.server import Server
from openai import OpenAI
from starlette.testclient import TestClient
from starlette.types import ASGIApp

from api.admission import Turnstile, Turnstiles
from api.app import create_app
from api.gate import Gate
from api.key_file import LiveKeys
from api.keys import configured_key
from api.protocols import Protocols
from rag.ask import Asker
from rag.assistant import Assistant
from rag.cases import read_cases
from rag.chunk import passages_of
from rag.named_districts import district_names
from rag.types import Case, Source
from tests.api.dify_client import KEY, Dify
from tests.api.lengths import Lengths
from tests.api.mcp_peer import Peer, tool_server
from tests.api.retrievers import Failing, SharedCharacters
from tests.servers import serving_app

ROOT = Path(__file__).parents[2]

ROOM = Turnstiles(*[Turnstile(32)] * 3)
"""However few processors the tests have."""

TEXT = """上海市2022年度各区优化营商环境优秀案例
排名1
智能退税一键到账
一、基本情况
静安区𠮷祥大厦推行智能退税，三天到账。
二、主要做法
1、企业不用跑腿。税务人员上门<b>帮办</b>&“代办”。
排名2
快办营业执照
浦东新区开办企业一天办结，营业执照当场领取。
上海市2022年度各区优化营商环境良好实践
排名1
律师下楼
律师下楼为商户解答合同问题，咨询不收费。
排名1
智能退税一键到账
一、基本情况
静安区𠮷祥大厦推行智能退税，三天到账。
二、主要做法
1、企业不用跑腿。税务人员上门<b>帮办</b>&“代办”。
"""


@pytest.fixture(scope="session")
def source() -> Source:
    digest = hashlib.sha256(TEXT.encode()).hexdigest()
    return Source("cases.txt", digest, "utf-8", TEXT)


@pytest.fixture
def citation(source: Source) -> dict[str, Any]:
    """How the passage about tax refunds is cited, in JSON."""
    return {
        "label": "静安区《智能退税一键到账》（上海市2022年度各区优化营商环境优秀案例，排名1）",
        "case_id": "c33adef876c",
        "title": "智能退税一键到账",
        "district": "静安区",
        "districts": ["静安区"],
        "collection": "上海市2022年度各区优化营商环境优秀案例",
        "case_rank": 1,
        "year": 2022,
        "section": ["基本情况"],
        "source": {"file": "cases.txt", "sha256": source.sha256, "start": 42, "end": 61},
        "url": "/cases/c33adef876c?v=8873297aee.22.4cd8061c#p=42-61",
    }


@pytest.fixture(scope="session")
def cases(source: Source) -> tuple[Case, ...]:
    return read_cases([source])


@pytest.fixture(scope="session")
def retriever(cases: tuple[Case, ...]) -> SharedCharacters:
    passages = [passage for case in cases for passage in passages_of(case, len)]
    names = district_names(district.name for case in cases for district in case.districts)
    return SharedCharacters(cases, tuple(passages), names)


@pytest.fixture(scope="session")
def assistant(cases: tuple[Case, ...], retriever: SharedCharacters) -> Assistant:
    return Assistant(cases, retriever, "v000007")


@pytest.fixture(scope="session")
def app(assistant: Assistant, retriever: SharedCharacters) -> FastAPI:
    return create_app(
        Asker(assistant),
        passages=len(retriever.passages),
        encoder="shared-characters",
        turnstiles=ROOM,
    )


@pytest.fixture(scope="session")
def client(app: FastAPI) -> Iterator[TestClient]:
    # An error that reaches the server must come back as a problem, not out of the client.
    with TestClient(app, raise_server_exceptions=False) as client:
        yield client


@pytest.fixture
def failing_client(cases: tuple[Case, ...]) -> Callable[[Exception], TestClient]:
    """A client of a service whose every search fails in one way."""

    def make(error: Exception) -> TestClient:
        app = create_app(Asker(Assistant(cases, Failing(error), "v1")), passages=0, encoder="none")
        return TestClient(app, raise_server_exceptions=False)

    return make


@pytest.fixture(scope="session")
def search(client: TestClient) -> Callable[..., Any]:
    """Search, expecting an answer; keyword arguments are fields of the request."""

    def search(query: str, **fields: object) -> Any:
        response = client.post("/api/v1/search", json={"query": query, **fields})
        assert response.status_code == 200, response.text
        return response.json()

    return search


@pytest.fixture(scope="session")
def port(app: FastAPI) -> Iterator[int]:
    """The application, served on a real socket."""
    with serving_app(app) as port:
        yield port


@pytest.fixture
def run_example(port: int, capsys: pytest.CaptureFixture[str]) -> Callable[[str], str]:
    """Run the guide's example of a module as its readers would, and tell what it prints."""
    guide = (ROOT / "docs" / "integrations.md").read_text(encoding="utf-8")
    examples = re.findall(r"```python\n(.*?)```", guide, re.DOTALL)

    def run(module: str) -> str:
        (example,) = (it for it in examples if module in it)
        example = example.replace("127.0.0.1:8000", f"127.0.0.1:{port}")
        exec(compile(example, "integrations.md", "exec"), {})  # noqa: S102 -- what readers would run
        return capsys.readouterr().out

    return run


@pytest.fixture
def only_loopback(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Refuse every way out of this machine, and fail even where a library hides the refusal."""
    tried: list[object] = []
    connect, getaddrinfo = socket.socket.connect, socket.getaddrinfo

    def guarded_connect(self: socket.socket, address: Any) -> None:
        if self.family != socket.AF_UNIX and address[0] not in {"127.0.0.1", "::1"}:
            tried.append(address)
            raise OSError(address)
        connect(self, address)

    def guarded_getaddrinfo(host: Any, *rest: Any, **more: Any) -> Any:
        if host not in {"127.0.0.1", "localhost", "::1"}:
            tried.append(host)
            raise OSError(host)
        return getaddrinfo(host, *rest, **more)

    monkeypatch.setattr(socket.socket, "connect", guarded_connect)
    monkeypatch.setattr(socket, "getaddrinfo", guarded_getaddrinfo)
    yield
    assert tried == []


@pytest.fixture(scope="module")
def serve() -> Iterator[Callable[[ASGIApp], str]]:
    """Put applications on real ports, each at the address that comes back, until the module ends."""
    with ExitStack() as stack:
        yield lambda app: f"http://127.0.0.1:{stack.enter_context(serving_app(app))}"


@pytest.fixture(scope="session")
def behind_key() -> Callable[[ASGIApp, str], ASGIApp]:
    """Put an application behind a key, as an operator does by the environment."""
    return lambda app, secret: Gate(app, LiveKeys(configured=configured_key(secret)))


@pytest.fixture(scope="module")
def locked(
    assistant: Assistant,
    serve: Callable[[ASGIApp], str],
    behind_key: Callable[[ASGIApp, str], ASGIApp],
) -> str:
    """The address of a service with an encoder, whose protocols ask for a key."""
    app = create_app(Asker(assistant), passages=6, encoder="-", protocols=Protocols(Lengths()))
    return serve(behind_key(app, KEY))


@pytest.fixture(scope="module")
def dify(locked: str) -> Dify:
    return Dify(f"{locked}/dify")


@pytest.fixture(scope="module")
def ai(locked: str) -> Iterator[OpenAI]:
    """OpenAI's own client, with the key."""
    with OpenAI(base_url=f"{locked}/v1", api_key=KEY, max_retries=0) as client:
        yield client


@pytest.fixture(scope="session")
def in_memory(assistant: Assistant) -> Server[Any]:
    """The server of the protocol, without HTTP."""
    return tool_server(assistant)


@pytest.fixture(params=["http", "memory"])
def transport(
    request: pytest.FixtureRequest, port: int, in_memory: Server[Any]
) -> Server[Any] | str:
    return f"http://127.0.0.1:{port}/mcp" if request.param == "http" else in_memory


@pytest.fixture(params=["legacy", "auto"])
def peer(request: pytest.FixtureRequest, transport: Server[Any] | str) -> Peer:
    return Peer(transport, request.param)
