"""A handful of cases that a reader can hold in mind, and a retriever to compute by hand."""

from __future__ import annotations

import hashlib
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from typing import Any

import pytest
import uvicorn
from fastapi import FastAPI
from starlette.testclient import TestClient
from starlette.types import ASGIApp

from api.app import create_app
from rag.ask import Asker
from rag.assistant import Assistant
from rag.cases import read_cases
from rag.chunk import passages_of
from rag.filters import NO_FILTERS, Filters
from rag.named_districts import DistrictNames, district_names
from rag.retrieve import Retrieval
from rag.types import Case, Hit, Passage, Source

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


@dataclass(frozen=True, slots=True)
class SharedCharacters:
    """Scores a passage by the share of the question's distinct characters that it holds."""

    cases: tuple[Case, ...]
    passages: tuple[Passage, ...]
    names: DistrictNames

    def retrieve(self, question: str, *, limit: int, filters: Filters = NO_FILTERS) -> Retrieval:
        allowed = {
            case.case_id for case in self.cases if case.duplicate_of is None and filters.allow(case)
        }
        hits = [
            Hit(passage, score, score, score, 0.0, 0.5, (score,) * len(passage.sentences))
            for passage in self.passages
            if passage.case_id in allowed
            for score in [len(set(question) & set(passage.text)) / len(set(question))]
        ]
        hits.sort(key=lambda hit: (-hit.score, hit.passage.span))
        named = self.names.read(question).districts
        if not hits:
            return Retrieval((), 0.0, "not_in_district", named=named)
        confidence = hits[0].score
        reason = None if confidence >= 0.5 else "not_in_collection"
        return Retrieval(tuple(hits[:limit]), confidence, reason, named=named)


@pytest.fixture(scope="session")
def source() -> Source:
    digest = hashlib.sha256(TEXT.encode()).hexdigest()
    return Source("cases.txt", digest, "utf-8", TEXT)


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
        Asker(assistant), passages=len(retriever.passages), encoder="shared-characters"
    )


@pytest.fixture(scope="session")
def client(app: FastAPI) -> Iterator[TestClient]:
    # An error that reaches the server must come back as a problem, not out of the client.
    with TestClient(app, raise_server_exceptions=False) as client:
        yield client


class Failing:
    """A retriever whose every search fails in one way."""

    def __init__(self, error: Exception) -> None:
        self.error = error

    def retrieve(
        self,
        question: str,
        *,
        limit: int,
        filters: Filters = NO_FILTERS,
    ) -> Retrieval:
        raise self.error


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
    with served(app) as port:
        yield port


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
        yield lambda app: f"http://127.0.0.1:{stack.enter_context(served(app))}"


@contextmanager
def served(app: ASGIApp) -> Iterator[int]:
    """Serve an application on a port of its own."""
    listener = socket.create_server(("127.0.0.1", 0))
    server = uvicorn.Server(uvicorn.Config(app, log_level="warning", lifespan="off", ws="none"))
    thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]})
    thread.start()
    try:
        yield listener.getsockname()[1]
    finally:
        server.should_exit = True
        thread.join(30)
        listener.close()
